"""What the top line says, and what it leaves out when it is narrow."""

import time

import pytest
from rich.cells import cell_len

from tui.state import CallState
from tui.widgets.status import SEPARATOR, link_words, round_trip_words, skipped_words, status_parts

WORDS = ("otter", "violin", "maple", "thunder", "pencil", "harbour")
AT = time.mktime((2026, 3, 5, 14, 2, 0, 0, 0, -1))


def call(**facts):
    usual = {
        "phase": "call",
        "link": "joined",
        "relay": "lab.example:9999",
        "peer": "Mina",
        "met": True,
        "verification": WORDS,
        "attached": True,
        "round_trip_ms": 12.0,
        "round_trip_at": 100.0,
        "since": AT,
    }
    return CallState(**usual | facts)


def line(state, width=200, now=100.0, **arguments):
    return SEPARATOR.join(words for words, _ in status_parts(state, width, now, **arguments))


def test_everything_where_there_is_room():
    assert line(call()) == f"visavis · Mina · sealed · here · lab.example:9999 · {' '.join(WORDS)} ·   12 ms"


def test_the_six_words_go_first_the_round_trip_last():
    assert line(call(), 60) == "Mina · sealed · here · lab.example:9999 ·   12 ms"
    assert line(call(), 30) == "Mina · sealed · here ·   12 ms"
    assert line(call(), 20) == "Mina · sealed · here"


@pytest.mark.parametrize("width", range(40, 200, 7))
@pytest.mark.parametrize("peer", ["Mina", "x" * 64, "가" * 64, "\x1b[31m" * 12])
def test_it_is_never_wider_than_the_screen(width, peer):
    for state in (call(peer=peer), call(peer=peer, phase="plain", verification=(), skipped={"VID0": 10**9, "AUD0": 5})):
        assert cell_len(line(state, width)) <= width


def test_not_encrypted_is_never_left_out():
    state = call(phase="plain", verification=(), peer="x" * 64, skipped={"VID0": 12345, "AUD0": 4})
    for width in (40, 60, 80, 200):
        assert "NOT ENCRYPTED" in line(state, width)
    assert "sealed" not in line(state)


def test_a_plain_call_that_ended_was_not_sealed():
    assert "NOT ENCRYPTED" in line(call(phase="ended", verification=()))
    assert "sealed" in line(call(phase="ended"))


def test_a_round_trip_says_how_old_it_is():
    assert round_trip_words(call(), 110.0) == "  12 ms"
    assert round_trip_words(call(), 120.0) == "  12 ms, 20 s ago"
    assert round_trip_words(call(link="alone"), 120.0) == ""


@pytest.mark.parametrize("ms", [0.2, 9.9, 99.0, 1234.0, 10**9])
def test_a_round_trip_has_a_field_of_its_own(ms):
    assert len(round_trip_words(call(round_trip_ms=ms), 100.0)) in (7, 8)


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"link": "joined"}, "here"),
        ({"link": "alone"}, "gone since 14:02"),
        ({"link": "alone", "met": False}, "not here yet"),
        ({"link": "out"}, "reconnecting since 14:02"),
        ({"link": "none"}, "connecting"),
        ({"attached": False}, "no answer from the engine"),
        ({"phase": "ended", "attached": False}, "ended"),
    ],
)
def test_the_link_in_words(facts, words):
    assert link_words(call(**facts))[0] == words


def test_skipped_packets_are_counted_by_what_they_are():
    assert skipped_words({"VID0": 3, "AUD0": 1200}) == "3 video, 1,200 audio packets not shown"
    assert skipped_words({}) == skipped_words({"VID0": 0}) == ""
    assert skipped_words({"XXXX": 1}) == "1 other packets not shown"
