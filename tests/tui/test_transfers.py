"""One transfer in words, and its row."""

import pytest
from rich.cells import cell_len

from actors.messages import Transfer
from tui.transfers import (
    amount_words,
    bar,
    done_share,
    is_folder,
    label,
    left_words,
    percent,
    pick,
    row,
    size_words,
    stands_alone,
    why,
)


def transfer(number=2, **facts):
    return Transfer(**{"id": number, "mine": False, "state": "moving", "name": "a.bin", "files": 1, **facts})


def words(one, width=58, number_cells=1):
    return "".join(text for text, _style in row(one, width, number_cells))


@pytest.mark.parametrize(
    ("size", "said"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (9_949, "9.9 kB"),
        (9_951, "10 kB"),
        (999_499, "999 kB"),
        (999_500, "1.0 MB"),
        (1_200_000_000, "1.2 GB"),
        (10**18, "1.0 EB"),
        (2**63, "9.2 EB"),
        (-5, "0 B"),
    ],
)
def test_sizes_are_short_and_rounded_once(size, said):
    assert size_words(size) == said
    assert len(said) <= 6


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (None, "–"),
        (0, "1 s"),
        (11.2, "12 s"),
        (99, "99 s"),
        (100, "2 min"),
        (5_999, "100 min"),
        (7200, "2 h"),
        (1e6, "12 d"),
    ],
)
def test_time_left_is_short(seconds, said):
    assert left_words(seconds) == said


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"size": 1_200_000_000}, "1.2 GB"),
        ({"files": 318, "folders": 2, "size": 12_000_000}, "318 files, 12 MB"),
        ({"files": 1_000_000, "size": 0}, "1,000,000 files, 0 B"),
        ({"files": 1, "folders": 1, "size": 5}, "1 file, 5 B"),
        ({"files": 0, "folders": 1}, "1 folder"),
        ({"files": 0, "folders": 3}, "3 folders"),
        ({"size": None}, "size unknown"),
    ],
)
def test_an_amount_says_what_matters(facts, said):
    assert amount_words(transfer(**facts)) == said


def test_a_folder_is_told_by_its_slash():
    assert label(transfer(name="notes", names=("notes", "notes/a"), files=1, folders=1)) == "notes/"
    assert label(transfer(name="notes", names=("notes",))) == "notes"
    assert label(transfer(name="empty", names=("empty",), files=0, folders=1)) == "empty/"
    assert not is_folder(transfer(name="notes", names=("notes.txt", "notes2/a"), files=2))


def test_names_of_strangers_are_made_visible():
    assert label(transfer(name="\x1b[2Jevil\u202e.exe\n")) == "␛[2Jevil‹U+202E›.exe␊"
    assert label(transfer(name="  ")) == "(no name)"


def test_only_what_stands_alone_is_found_by_one_path():
    assert stands_alone(transfer(names=("a.bin",)))
    assert stands_alone(transfer(name="notes", names=("notes", "notes/a"), files=1, folders=1))
    assert not stands_alone(transfer(name="a", names=("a", "b"), files=2))


@pytest.mark.parametrize(
    ("facts", "share"),
    [
        ({"size": 200, "moved": 50}, 0.25),
        ({"size": 200, "moved": 500}, 1.0),
        ({"size": None, "moved": 5}, None),
        ({"size": 0, "files": 4, "moved_files": 1}, 0.25),
        ({"size": 0, "files": 0, "folders": 2}, 0.0),
        ({"size": None, "state": "done"}, 1.0),
    ],
)
def test_the_share_that_is_there(facts, share):
    assert done_share(transfer(**facts)) == share


def test_hundred_percent_is_said_of_all_of_it_alone():
    assert percent(0.9999) == " 99 %"
    assert percent(1.0) == "100 %"
    assert bar(0.9999, 10) == "━━━━━━━━━╸"
    assert bar(1.0, 10) == "━━━━━━━━━━"
    assert bar(0.0, 10) == "──────────"


class TestRow:
    def test_it_says_which_what_and_how_far(self):
        one = transfer(size=10**9, moved=620 * 10**6, rate=41e6, seconds_left=12)
        assert words(one) == "2 ▼ a.bin               ━━━━━━━─────  62 %  41 MB/s   12 s "[:58]

    @pytest.mark.parametrize("width", [20, 36, 41, 42, 47, 58, 61, 78, 120])
    @pytest.mark.parametrize(
        "facts",
        [
            {"size": 10**9, "moved": 62, "rate": 41e6},
            {"size": 10**9, "name": "강의 영상 자료 모음 " * 9, "stall": "peer-disk"},
            {"size": None, "moved": 10**9, "stall": "link"},
            {"state": "offered", "files": 318, "size": 10**9},
            {"state": "offered", "mine": True},
            {"state": "listing", "files": 12_345},
            {"state": "waiting", "place": 3},
            {"state": "waiting", "place": 1},
            {"state": "done", "missed": 3},
            {"state": "done"},
            {"state": "refused"},
            {"state": "cancelled"},
            {"state": "failed", "cause": "disk-full"},
        ],
    )
    def test_it_is_always_as_wide_as_asked(self, width, facts):
        assert cell_len(words(transfer(**facts), width, 2)) == width

    def test_figures_that_change_move_nothing(self):
        slow = words(transfer(size=10**9, moved=0, rate=0.0, seconds_left=None))
        fast = words(transfer(size=10**9, moved=10**9 - 1, rate=999e6, seconds_left=5999))
        for sign in ("%", "/s"):
            assert slow.index(sign) == fast.index(sign)
        assert len(slow.rstrip()) == len(fast.rstrip())

    def test_a_stall_takes_the_place_of_the_figures(self):
        one = transfer(size=100, moved=50, rate=1e6, stall="peer-disk")
        assert "‖ their disk" in words(one)
        assert "/s" not in words(one)
        assert words(one).index("%") == words(transfer(size=100, moved=50)).index("%")

    def test_direction_and_end_are_signs_and_not_colours(self):
        assert "▲" in words(transfer(mine=True))
        assert "▼" in words(transfer())
        assert "✓ done" in words(transfer(state="done"))
        assert "✗ failed" in words(transfer(state="failed"))


class TestPick:
    def test_all_fit(self):
        every = [transfer(n) for n in (1, 2, 3)]
        assert pick(every, 3) == (every, 0)

    def test_what_moves_and_what_waits_for_an_answer_come_first_in_their_order(self):
        every = [
            transfer(1, state="done"),
            transfer(2, state="offered"),
            transfer(3, state="waiting"),
            transfer(4, state="moving"),
            transfer(5, state="offered", mine=True),
        ]
        shown, more = pick(every, 3)
        assert [one.id for one in shown] == [2, 4]
        assert more == 3


def test_needed_and_free_space_are_read_as_sizes():
    assert "120 MB are needed, 3.0 MB are free" in why("no-space", "120000000 3000000")
    assert "(\\x)" not in why("no-space", "nonsense\x1b")
    assert "the call was ended" not in why("protocol", "x")
