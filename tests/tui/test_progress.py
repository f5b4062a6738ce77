"""What is told of a transfer without a screen: the line drawn anew, plain lines, lines of JSON."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from actors.messages import OVER, Transfer
from tui.progress import FIELDS, PlainProgress, facts, json_line, live_line, milestones


def moving(**fields):
    usual = {"name": "lecture.mp4", "files": 1, "size": 1000, "moved": 620, "rate": 4.1e7, "seconds_left": 12.0}
    return Transfer(**{"id": 1, "mine": True, "state": "moving", **usual, **fields})


# --- one line that is drawn anew -------------------------------------------------------------------------------------


def test_name_bar_share_rate_and_time_left():
    line = live_line(moving(), 60, "Mina")
    assert line.split() == ["lecture.mp4", "━━━━━━━━━━━━━╸────────", "62", "%", "41", "MB/s", "12", "s"]
    assert cell_len(line) <= 60


@pytest.mark.parametrize("width", [1, 5, 12, 20, 33, 40, 60, 79, 200])
@pytest.mark.parametrize(
    "name", ["lecture.mp4", "강의 영상과 아주 긴 이름을 가진 파일.mp4", "a" * 300, "\x1b[2J", "👨‍👩‍👧.png"]
)
def test_it_fits_and_moves_no_cursor(name, width):
    line = live_line(moving(name=name), width, "Mina")
    assert cell_len(line) <= width
    assert line.isprintable()


def test_what_does_not_fit_is_left_out_the_name_last():
    assert "━" in live_line(moving(), 60, "Mina")
    narrow = [live_line(moving(), width, "Mina") for width in (40, 35, 25, 12)]
    assert all("━" not in line for line in narrow)
    assert ["s" in line.split()[-1:] for line in narrow] == [True, False, False, False]
    assert all(line.startswith("lect") for line in narrow)


def test_numbers_that_change_do_not_move_their_neighbours():
    early = live_line(moving(moved=10, rate=9.4e3, seconds_left=9.0), 70, "Mina")
    late = live_line(moving(moved=999, rate=123e6, seconds_left=None), 70, "Mina")
    assert cell_len(early) == cell_len(late)
    assert early.index("%") == late.index("%")
    assert early.index("B/s") == late.index("B/s")


def test_of_many_files_it_says_how_many_are_there():
    assert "notes   7/318" in live_line(moving(name="notes", files=318, moved_files=7), 79, "Mina")


def test_a_stream_has_neither_share_nor_bar():
    line = live_line(moving(size=None, seconds_left=None), 79, "Mina")
    assert "%" not in line
    assert "━" not in line
    assert "620 B" in line


def test_a_stall_says_why_in_place_of_the_rate():
    line = live_line(moving(stall="peer-disk"), 79, "Mina")
    assert "Mina" in line
    assert "MB/s" not in line


# --- plain lines -----------------------------------------------------------------------------------------------------


def plain_lines(*steps):
    """What is written of (seconds, moved, stall), from second 0."""
    progress = PlainProgress(0.0)
    return [progress.line(moving(moved=moved, stall=stall), at, "Mina") for at, moved, stall in steps]


def test_a_line_for_every_ten_percent():
    lines = plain_lines(*((step / 10, step * 50, "") for step in range(21)))
    assert [line != "" for line in lines] == [step > 0 and step % 2 == 0 for step in range(21)]
    assert "lecture.mp4: 10 %, 100 B of 1.0 kB, 41 MB/s, 12 s left" in lines


def test_a_line_every_ten_seconds():
    lines = plain_lines((1, 10, ""), (9.9, 15, ""), (10, 16, ""), (19, 17, ""), (20, 18, ""))
    assert [line != "" for line in lines] == [False, False, True, False, True]


def test_a_stall_is_said_once_and_so_is_its_end():
    lines = plain_lines((1, 10, ""), (2, 10, "link"), (30, 10, "link"), (31, 10, "relay"), (32, 11, ""))
    assert [line != "" for line in lines] == [False, True, False, True, True]
    assert "stands still" in lines[1]
    assert "goes on" in lines[4]


def test_a_stream_has_no_percent():
    assert PlainProgress(0.0).line(moving(size=None), 10.0, "Mina") == "lecture.mp4: 620 B, 41 MB/s"


# --- lines of JSON ---------------------------------------------------------------------------------------------------


@given(st.text())
def test_any_name_is_one_line_of_ascii_and_comes_back(name):
    line = json_line("note", path=name)
    assert line.isascii()
    assert line.isprintable()
    assert json.loads(line) == {"event": "note", "path": name}


@pytest.mark.parametrize("event", FIELDS)
def test_every_event_of_a_transfer_has_its_number_and_its_fields(event):
    record = json.loads(json_line(event, **facts(event, moving(names=("a", "b")))))
    assert list(record) == ["event", "transfer", *FIELDS[event]]
    assert record["transfer"] == 1


@pytest.mark.parametrize(
    ("was", "now", "happened"),
    [
        (None, "listing", []),
        ("listing", "offered", ["offered"]),
        (None, "offered", ["offered"]),
        ("offered", "waiting", ["accepted"]),
        ("offered", "moving", ["accepted"]),
        ("waiting", "moving", []),
        ("moving", "done", ["done"]),
        (None, "done", ["offered", "accepted", "done"]),
        ("listing", "failed", ["failed"]),
        ("offered", "refused", ["refused"]),
        ("moving", "cancelled", ["cancelled"]),
        ("done", "done", []),
    ],
)
def test_what_happened_between_two_states(was, now, happened):
    assert milestones(moving(state=was) if was else None, moving(state=now)) == happened


def test_every_end_is_an_event():
    assert set(FIELDS) >= OVER
