"""Which entries of an offered list a part takes."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.files.selection import Runs, RunsError, Selection
from relay import limits

# --- names and patterns ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("a/b/c.txt", "a/b/c.txt"),
        ("a/b", "a/b"),
        ("a/b", "a/b/c.txt"),
        ("a", "a/b/c.txt"),
        ("a/", "a/b"),
        ("./a/b//", "a/b"),
        (".//a", "a"),
        ("c.txt", "a/b/c.txt"),
        ("b", "a/b/c.txt"),
        ("*.txt", "c.txt"),
        ("*.txt", "a/b/c.txt"),
        ("a/*.txt", "a/b/c.txt"),
        ("a/?/c.txt", "a/b/c.txt"),
        ("*.app", "a/b.app/c/d"),
        ("[ab].txt", "x/b.txt"),
        ("[1].txt", "[1].txt"),
        ("[!a]", "b"),
        ("강의/*", "강의/영상.mp4"),
        (unicodedata.normalize("NFD", "강의"), "강의/영상.mp4"),
        ("*", "a/b"),
        (".*", "a/.git/config"),
    ],
)
def test_a_pattern_takes(pattern: str, path: str) -> None:
    assert Selection([pattern]).takes(path)
    assert Selection(["nothing", pattern]).takes(path)


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("a/b", "a"),
        ("a/b", "a/bc"),
        ("a/b", "x/a/b"),
        ("A", "a"),
        ("*.TXT", "c.txt"),
        ("[1].txt", "2.txt"),
        ("a/?", "a/bc"),
        ("a.txt", "abtxt"),
        ("", "a"),
        ("/", "a"),
        ("./", "a"),
        ("[z-a]", "b"),
    ],
)
def test_a_pattern_leaves(pattern: str, path: str) -> None:
    assert not Selection([pattern]).takes(path)


def test_no_pattern_takes_nothing() -> None:
    assert not Selection([]).takes("a")


@pytest.mark.parametrize("pattern", ["*a" * 1000 + "b", "a*" * 1000 + "b", "*" * 4000 + "b", "*?" * 1000 + "b"])
def test_no_pattern_takes_for_ever(pattern: str) -> None:
    assert not Selection([pattern]).takes("a" * limits.PATH_BYTES)  # tried in every way, not before the sun goes out


@given(st.lists(st.text(max_size=20), max_size=5), st.text(min_size=1, max_size=20))
def test_any_text_is_a_pattern(patterns: list[str], path: str) -> None:
    Selection(patterns).takes(path)


# --- runs of numbers ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("numbers", "runs"),
    [
        ([], ()),
        ([7], ((7, 7),)),
        ([1, 2, 3], ((1, 3),)),
        ([1, 3, 4, 9], ((1, 1), (3, 4), (9, 9))),
    ],
)
def test_neighbours_become_one_run(numbers: list[int], runs: tuple[tuple[int, int], ...]) -> None:
    assert Runs.of(numbers).runs == runs


@given(st.sets(st.integers(1, 60)))
def test_runs_hold_the_numbers_they_were_made_of(numbers: set[int]) -> None:
    runs = Runs.of(sorted(numbers))
    assert {number for number in range(62) if number in runs} == numbers
    assert len(runs) == len(numbers)
    assert Runs(runs.runs).runs == runs.runs


@pytest.mark.parametrize("runs", [[(2, 1)], [(1, 2), (2, 3)], [(3, 4), (1, 2)], [(1, 9), (2, 3)], [(1, 1), (1, 1)]])
def test_runs_that_do_not_rise_are_refused(runs: list[tuple[int, int]]) -> None:
    with pytest.raises(RunsError) as caught:
        Runs(runs)
    assert caught.value.code == "order"


def test_runs_that_touch_are_taken() -> None:
    assert 3 in Runs([(1, 2), (3, 4)])


def test_there_are_no_more_runs_than_an_answer_holds() -> None:
    assert len(Runs.of(range(0, 2 * limits.PART_RANGES, 2)).runs) == limits.PART_RANGES
    with pytest.raises(RunsError) as caught:
        Runs.of(range(0, 2 * limits.PART_RANGES + 1, 2))
    assert caught.value.code == "too-many"


def test_a_path_anchored_by_a_dot_is_that_path_alone():
    selection = Selection(["./a", "./*.txt"])
    assert [path for path in ("a", "a/b", "x/a", "n.txt", "x/n.txt") if selection.takes(path)] == [
        "a",
        "a/b",
        "n.txt",
        "x/n.txt",
    ]
    assert not Selection(["./a.txt"]).takes("x/a.txt")
