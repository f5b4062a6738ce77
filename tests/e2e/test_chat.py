"""Two engines, one relay, all processes of their own: what is said arrives once, in order, whatever breaks."""

import random
import time
from collections.abc import Callable

import pytest

from actors.messages import (
    CodeBurned,
    CodeMade,
    Ended,
    EnterCode,
    Failed,
    Hang,
    LinkChanged,
    MakeCode,
    PeerNamed,
    PeerTyped,
    RoundTripMeasured,
    SendText,
    SessionOpened,
    SetTyping,
    TextDelivered,
    TextQueued,
    TextReceived,
    TextRefused,
    TextSent,
)
from tests.e2e.programs import Engine, Relay, with_wrong_words

SAMPLES = (
    "hello",
    "안녕하세요, 강의 영상도 보내 주세요",
    "two\nlines\n\nand more",
    "مرحبا \u202e txt.exe",
    "👩‍👩‍👧‍👦 🏳️‍🌈",
    "\x1b[31mred\x07 \x00 \x7f",
    " spaces around ",
    '{"type": "Hang"}',
    "x" * 65536,
)


def test_two_people_chat(pair: tuple[Engine, Engine]) -> None:
    maker, joiner = pair
    assert maker.wait_event(SessionOpened).verification == joiner.wait_event(SessionOpened).verification
    assert maker.wait_event(PeerNamed).name == "Jun"
    assert joiner.wait_event(PeerNamed).name == "Mina"
    for here, there in (pair, pair[::-1]):
        for number, text in enumerate(SAMPLES):
            here.tell(SendText(f"line-{number}", text))
        assert there.wait_heard(len(SAMPLES)) == list(SAMPLES)


def test_a_line_shows_its_marks_in_turn(pair: tuple[Engine, Engine]) -> None:
    maker, joiner = pair
    maker.tell(SendText("a", "did it come?"))
    marks = [
        maker.wait_event(kind, lambda event: event.id == "a").seq for kind in (TextQueued, TextSent, TextDelivered)
    ]
    assert marks == sorted(marks)
    received = joiner.wait_event(TextReceived)
    assert abs(received.at - time.time()) < 60


def test_typing_is_seen_and_its_end(pair: tuple[Engine, Engine]) -> None:
    maker, joiner = pair
    maker.tell(SetTyping(True))
    joiner.wait_event(PeerTyped, lambda event: event.typing)
    maker.tell(SetTyping(False))
    joiner.wait_event(PeerTyped, lambda event: not event.typing)


def test_a_text_that_is_too_long_is_refused(pair: tuple[Engine, Engine]) -> None:
    maker, joiner = pair
    maker.tell(SendText("long", "글" * 21845 + "xx"))  # 65,537 bytes
    assert maker.wait_event(TextRefused).cause == "too-long"
    maker.tell(SendText("whole", "글" * 21845 + "x"))
    assert len(joiner.wait_event(TextReceived).text.encode()) == 65536


def test_the_round_trip_is_measured(pair: tuple[Engine, Engine]) -> None:
    assert 0 < pair[0].wait_event(RoundTripMeasured).ms < 5000


def test_hanging_up_ends_both(pair: tuple[Engine, Engine]) -> None:
    maker, joiner = pair
    maker.say("one last line")
    assert maker.hang() == 0
    assert maker.wait_event(Ended).cause == "hung"
    assert joiner.wait_event(Ended).cause == "peer-hung"
    assert joiner.wait_exit() == 0
    assert joiner.heard == ["one last line"]


@pytest.mark.parametrize("by", ["Hang", "the end of the input"])
def test_no_hang_up_overtakes_what_was_said_before_it(pair: tuple[Engine, Engine], by: str) -> None:
    """All in one breath: the engine has the hang-up in its hands before the first line has gone out."""
    maker, joiner = pair
    texts = [f"line {number}" for number in range(100)]
    maker.say(*texts)
    if by == "Hang":
        maker.tell(Hang())
    else:
        maker.end_input()
    assert maker.wait_event(Ended).cause == "hung"
    assert joiner.wait_event(Ended).cause == "peer-hung"
    assert joiner.heard == texts
    assert len(maker.all_events(TextDelivered)) == len(texts)


# --- what breaks ---------------------------------------------------------------------------------------------------


def test_a_relay_that_dies_costs_no_line(pair: tuple[Engine, Engine], relay: Relay) -> None:
    """Lines before, while it is away, and after; none lost, doubled, or out of order, in either direction."""
    sent = {engine: [f"{name} {number}" for number in range(90)] for engine, name in zip(pair, "AB", strict=True)}

    def both_say(first: int, last: int) -> None:
        for number in range(first, last):
            for engine in pair:
                engine.say(sent[engine][number])

    both_say(0, 30)
    relay.kill()  # some of the thirty are still on their way
    both_say(30, 60)
    for engine in pair:
        engine.wait_event(LinkChanged, lambda event: event.link == "out")
    relay.start()
    both_say(60, 90)
    for here, there in (pair, pair[::-1]):
        assert there.wait_heard(90) == sent[here]
        here.wait_event(TextDelivered, lambda event, last=sent[here][-1]: event.id == last)
        assert [event.id for event in here.all_events(TextDelivered)] == sent[here]


def test_a_relay_that_keeps_dying_costs_no_line(pair: tuple[Engine, Engine], relay: Relay) -> None:
    chance = random.Random(2)
    for turn in range(2):  # a third within ten seconds of pairing would mean "open elsewhere"
        before = {engine: engine.last_seq for engine in pair}
        for engine in pair:
            engine.say(*(f"{turn}.{number}" for number in range(chance.randrange(20, 60))))
        relay.kill()
        relay.start()
        for engine in pair:
            engine.wait_event(LinkChanged, lambda event: event.link == "joined", after=before[engine] + 1)
    for engine in pair:
        engine.say("the end")
    for here, there in (pair, pair[::-1]):
        there.wait_event(TextReceived, lambda event: event.text == "the end")
        assert there.heard == [event.text for event in here.all_events(TextQueued)]


def test_a_peer_that_is_killed_is_missed_since_then(pair: tuple[Engine, Engine]) -> None:
    maker, joiner = pair
    while_here, killed = maker.last_seq, time.time()
    joiner.kill()
    gone = maker.wait_event(LinkChanged, lambda event: event.link == "alone", after=while_here + 1)
    assert killed - 1 <= gone.since <= time.time() + 1
    maker.say("are you there?")
    maker.wait_event(TextQueued)
    assert maker.alive
    assert not maker.all_events(Ended)
    assert not maker.all_events(TextDelivered)


def test_wrong_words_burn_the_code(relay: Relay, start_engine: Callable[[str], Engine]) -> None:
    maker, guesser, late = start_engine("Mina"), start_engine("Guesser"), start_engine("Jun")
    maker.tell(MakeCode(relay.address))
    code = maker.wait_event(CodeMade).code
    guesser.tell(EnterCode(relay.address, with_wrong_words(code)))
    assert guesser.wait_event(Failed).cause == "code-words"
    assert maker.wait_event(CodeBurned).cause == "words"
    late.tell(EnterCode(relay.address, code))
    assert late.wait_event(Failed).cause == "code-nobody"
    # Both can start anew.
    maker.tell(MakeCode(relay.address))
    fresh = maker.wait_event(CodeMade, lambda event: event.code != code).code
    late.tell(EnterCode(relay.address, fresh))
    assert late.wait_event(SessionOpened).verification == maker.wait_event(SessionOpened).verification


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        ("4217-acid", "code-shape"),
        ("what is this", "code-shape"),
        ("4217-acid-acid-acidd", "code-word"),
        ("1000-acid-acid-acid", "code-nobody"),
    ],
)
def test_a_code_that_can_not_be_one_is_refused(
    code: str, cause: str, relay: Relay, start_engine: Callable[[str], Engine]
) -> None:
    engine = start_engine("Jun")
    engine.tell(EnterCode(relay.address, code))
    failed = engine.wait_event(Failed)
    assert failed.cause == cause
    assert (failed.detail.endswith("acid")) == (cause == "code-word")


def test_a_relay_that_forgot_a_waiting_code_means_a_new_one(
    relay: Relay, start_engine: Callable[[str], Engine]
) -> None:
    maker, joiner = start_engine("Mina"), start_engine("Jun")
    maker.tell(MakeCode(relay.address))
    first = maker.wait_event(CodeMade).code
    relay.kill()
    relay.start()
    fresh = maker.wait_event(CodeMade, lambda event: event.code != first)
    assert fresh.because == "unknown"
    joiner.tell(EnterCode(relay.address, fresh.code))
    joiner.wait_event(SessionOpened)
