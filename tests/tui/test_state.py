"""What the screen knows after each event."""

import pytest

from actors import messages as m
from actors.messages import (
    CodeBurned,
    CodeMade,
    CommandRefused,
    Ended,
    Failed,
    LinkChanged,
    MediaSkipped,
    PeerNamed,
    PeerTyped,
    PhaseChanged,
    RoundTripMeasured,
    SessionOpened,
    Snapshot,
)
from tui.link import Detached, EngineGone
from tui.state import CallState


def after(*events, now=0.0):
    state = CallState()
    for event in events:
        state.apply(event, now)
    return state


IN_CALL = Snapshot(phase="call", link="joined", since=5.0, peer="Mina", relay="r:1", verification=("a",) * 6)


def test_a_snapshot_is_everything():
    state = after(Snapshot(engine="3", name="me", phase="waiting", code="1-a-b-c", relay="r:1", lines_dropped=7))
    assert (state.engine, state.name, state.phase, state.code, state.relay) == ("3", "me", "waiting", "1-a-b-c", "r:1")
    assert (state.lines_dropped, state.attached, state.in_call) == (7, True, False)


def test_a_code_waits_until_a_session_opens():
    made = [PhaseChanged(phase="dialling", relay="r:1"), CodeMade(code="1-a-b-c"), PhaseChanged(phase="waiting")]
    assert after(*made).code == "1-a-b-c"
    assert after(*made, PhaseChanged(phase="pairing"), PhaseChanged(phase="waiting")).code == "1-a-b-c"
    assert after(*made, PhaseChanged(phase="pairing"), PhaseChanged(phase="call")).code == ""


def test_a_burned_code_is_gone_until_a_new_one():
    burned = after(CodeMade(code="1-a-b-c"), CodeBurned(cause="words"), PhaseChanged(phase="idle"))
    assert (burned.code, burned.burned, burned.phase) == ("", "words", "idle")
    assert after(CodeBurned(cause="words"), PhaseChanged(phase="dialling")).burned == ""


def test_what_came_to_nothing_is_kept_until_one_tries_again():
    failed = [Failed(cause="code-word", detail="otter"), PhaseChanged(phase="idle")]
    assert after(*failed).problem == ("code-word", "otter")
    assert after(*failed, PhaseChanged(phase="dialling")).problem is None


def test_a_command_that_does_not_fit_leaves_the_start_usable():
    refused = after(PhaseChanged(phase="dialling"), CommandRefused(cause="phase"))
    assert (refused.phase, refused.problem) == ("idle", ("command-phase", ""))
    assert after(IN_CALL, CommandRefused(cause="malformed")).phase == "call"


def test_a_link_that_is_lost_takes_typing_and_round_trip_with_it():
    here = [IN_CALL, PeerTyped(typing=True), RoundTripMeasured(ms=4.0)]
    assert (after(*here).peer_typing, after(*here).round_trip_ms) == (True, 4.0)
    lost = after(*here, LinkChanged(link="out", since=9.0, cause="cut"))
    assert (lost.peer_typing, lost.round_trip_ms, lost.link, lost.since, lost.cause) == (False, None, "out", 9.0, "cut")


def test_a_peer_that_never_came_is_not_gone():
    assert not after(PhaseChanged(phase="call"), LinkChanged(link="alone", since=1.0)).met
    assert after(LinkChanged(link="joined", since=1.0), LinkChanged(link="alone", since=2.0)).met


def test_a_round_trip_has_its_time():
    assert after(IN_CALL, RoundTripMeasured(ms=4.0), now=77.0).round_trip_at == 77.0


def test_names_words_and_counts():
    words = ("x",) * 6
    state = after(IN_CALL, PeerNamed(name="Eve"), SessionOpened(verification=words), MediaSkipped(counts={"VID0": 2}))
    assert (state.peer, state.verification, state.skipped) == ("Eve", words, {"VID0": 2})


@pytest.mark.parametrize("end", [Ended(cause="peer-hung"), EngineGone("engine-gone")])
def test_an_end_is_an_end(end):
    state = after(IN_CALL, end)
    assert (state.phase, state.link, state.cause) == ("ended", "none", end.cause)


def test_while_it_is_let_go_the_screen_says_so():
    assert not after(IN_CALL, Detached()).attached
    assert after(IN_CALL, Detached(), IN_CALL).attached
    assert not after(IN_CALL, EngineGone("engine-gone")).attached


@pytest.mark.parametrize(("phase", "plain"), [("plain", True), ("call", False), ("idle", False)])
def test_plain_is_what_is_not_sealed(phase, plain):
    assert after(Snapshot(phase=phase)).plain == plain


def test_an_ended_call_is_as_plain_as_it_was():
    assert after(Snapshot(phase="plain"), Ended(cause="cut")).plain
    assert not after(IN_CALL, Ended(cause="cut")).plain


def test_sound_is_over_with_the_call() -> None:
    state = CallState(phase="call")
    speaks = m.Meter(level=-20, speaks=True)
    state.apply(m.SoundChanged(sound=m.Sound(microphone=m.DeviceUse(state="on"))), 0)
    state.apply(m.PeerSoundChanged(sound=m.PeerSound(state="on")), 0)
    state.apply(m.SoundMeasured(own=speaks, peer=speaks, age_ms=50.0), 0)
    assert (state.sound_age_ms, state.peer_meter) == (50.0, speaks)
    state.apply(m.Ended(cause="hung"), 1)
    assert (state.sound, state.peer_sound, state.sound_age_ms) == (m.Sound(), m.PeerSound(), None)
    assert state.own_meter == state.peer_meter == m.Meter()
