"""The plain protocol of the original: through our relay's lobby, and through a server like the original's."""

from collections.abc import Callable, Iterator

import pytest

from actors.messages import CodeMade, Ended, EnterCode, LinkChanged, MakeCode, MediaSkipped, OpenPlain, SessionOpened
from relay.wire import format_address
from tests.actors.original import open_client, open_server
from tests.e2e.programs import Engine, Relay, Terminal, wait_until

TEXTS = ["hello", "안녕하세요", "two\nlines", "x" * 65536]


def test_two_of_ours_through_our_lobby(
    start_relay: Callable[..., Relay], start_engine: Callable[[str], Engine]
) -> None:
    relay = start_relay("--plain")
    pair = start_engine("Mina"), start_engine("Jun")
    for engine in pair:
        engine.tell(OpenPlain(relay.address))
        engine.wait_event(LinkChanged, lambda event: event.link in ("joined", "alone"))
    heard_together(pair)
    for here, there in (pair, pair[::-1]):
        here.say(*TEXTS)
        wait_until(lambda there=there: there.heard[-len(TEXTS) :] == TEXTS, lambda there=there: there.heard)


def heard_together(pair: tuple[Engine, Engine]) -> None:
    """Until the second is in the lobby (it is silent there at first), what the first says is dropped."""
    for here, there in (pair, pair[::-1]):
        tries = iter(range(10_000))

        def heard(here: Engine = here, there: Engine = there, tries: Iterator[int] = tries) -> bool:
            if not there.heard:
                here.say(f"can you hear me? {next(tries)}")
            return bool(there.heard)

        wait_until(heard)


def test_a_lobby_and_sealed_calls_share_a_relay(
    start_relay: Callable[..., Relay], start_engine: Callable[[str], Engine]
) -> None:
    relay = start_relay("--plain")
    maker, joiner = start_engine("Mina"), start_engine("Jun")
    maker.tell(MakeCode(relay.address))
    joiner.tell(EnterCode(relay.address, maker.wait_event(CodeMade).code))
    assert joiner.wait_event(SessionOpened).verification == maker.wait_event(SessionOpened).verification


def test_ours_and_an_original_client_through_the_original_server(start_engine: Callable[[str], Engine]) -> None:
    with open_server() as server, open_client(server.address) as original:
        engine = start_engine("Mina")
        engine.tell(OpenPlain(format_address(*server.address)))
        wait_until(lambda: server.seated() == 2)
        engine.say("from ours", "둘째 줄")
        wait_until(lambda: original.texts == ["from ours", "둘째 줄"], lambda: original.texts)
        original.send(b"VID0", b"\xff\xd8" + bytes(100_000))
        original.send(b"AUD0", bytes(640))
        original.say("from the original")
        assert engine.wait_heard(1) == ["from the original"]
        engine.wait_event(MediaSkipped, lambda event: event.counts == {"VID0": 1, "AUD0": 1})
        late = start_engine("Jun")
        late.tell(OpenPlain(format_address(*server.address)))
        assert late.wait_event(Ended).cause == "plain-full"
        assert late.wait_exit() == 0


@pytest.mark.device
def test_the_screen_says_that_nothing_is_encrypted(open_terminal: Callable[..., Terminal]) -> None:
    with open_server() as server, open_client(server.address) as original:
        terminal = open_terminal(60, 20, "--plain", format_address(*server.address))
        terminal.wait_for("NOT ENCRYPTED")
        wait_until(lambda: server.seated() == 2)
        terminal.say("안녕")
        wait_until(lambda: original.texts == ["안녕"], lambda: original.texts)
        original.say("hello")
        terminal.wait_for("hello")
        original.send(b"VID0", b"\xff\xd8 a frame")
        terminal.wait_for("video")
        terminal.say("/verify")
        terminal.wait_for("nothing to verify")
        terminal.say("/quit")
        assert terminal.wait_exit() == 0
