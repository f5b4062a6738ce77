"""What came, written in the order of the list, and how far that is in the journal."""

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from actors.files.landing import LandingError
from actors.files.packets import SmallFile
from actors.files.selection import Runs
from actors.files.tree import file_hash
from actors.files.writing import FinishFile, GiveUp, Job, MakeFolders, Outcome, Writer, WriteSmall
from actors.store.journal import Row
from relay import limits
from tests.actors.files.support import contents, folder, row, tree_hash, write
from tests.actors.files.written import BLOCK, DATA, LARGE, MANY, TIME, Writing, finish, missed, pieces, small

# --- what is whole --------------------------------------------------------------------------------------------------


def test_small_files_and_folders_are_there_at_once(writing: Writing, place: Path) -> None:
    writing.listed(folder(1, "top"), row(2, "top/a", 5, modified=TIME), row(3, "top/empty"), folder(4, "top/b"))
    outcome = writing.do(
        MakeFolders(1, 1),
        small((row(2, "top/a", 5, modified=TIME), b"hello"), (row(3, "top/empty"), b"")),
        MakeFolders(4, 4),
    )
    assert outcome == Outcome(size=5, files=2)
    assert contents(place) == {"top": None, "top/a": b"hello", "top/empty": b"", "top/b": None}
    assert (place / "top/a").stat().st_mtime_ns == TIME
    assert writing.place_noted == (5, 0)


@pytest.mark.parametrize("length", [65_536, 300_000, limits.FILE_CHUNK_BYTES])
def test_a_large_file_is_hidden_until_it_is_whole(writing: Writing, place: Path, length: int) -> None:
    sizes = [writing.do(job).size for job in pieces(LARGE, DATA, length)]
    assert sum(sizes) == len(DATA)
    assert contents(place) == {".large.c0ffee.visavis-part": DATA}
    assert writing.do(finish(LARGE, DATA)) == Outcome(files=1)
    assert contents(place) == {"top": None, "top/large": DATA}
    assert (place / "top/large").stat().st_mtime_ns == TIME
    assert os.access(place / "top/large", os.X_OK)
    assert writing.place_noted == (4, 0)


@pytest.mark.parametrize("size", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1])
def test_a_stream_is_whole_when_its_size_and_hash_agree(writing: Writing, place: Path, size: int) -> None:
    stream = row(1, "stdin", None)
    outcome = writing.do(*pieces(stream, DATA[:size]), finish(stream, DATA[:size]))
    assert outcome == Outcome(size=size, files=1)
    assert contents(place) == {"stdin": DATA[:size]}


def test_top_folders_have_the_names_they_got(start: Callable[..., Writing], place: Path) -> None:
    writing = start(top="top (1)")
    writing.listed(folder(1, "top"))
    writing.do(MakeFolders(1, 1), small((row(2, "top/top", 1), b"x"), (row(3, "other", 1), b"y")))
    assert contents(place) == {"top (1)": None, "top (1)/top": b"x", "other": b"y"}
    assert writing.writer.first == ("top (1)", "top")


def test_a_file_whose_name_is_taken_is_told_of(writing: Writing, place: Path) -> None:
    write(place / "a", "old")
    one = row(1, "a", 3)
    outcome = writing.do(small((one, b"new")))
    assert outcome == Outcome(size=3, files=1, renamed=[(one, "a (1)")])
    assert contents(place) == {"a": b"old", "a (1)": b"new"}
    assert writing.writer.first == ("a (1)",)


def test_folders_get_their_times_when_all_is_in_them(writing: Writing, place: Path) -> None:
    folders = [folder(1, "top", TIME), folder(2, "top/in", TIME + 1)]
    writing.listed(*folders)
    writing.do(MakeFolders(1, 2), small((row(3, "top/in/a", 1), b"x")))
    writing.writer.set_folder_times(reversed(folders))
    assert [os.stat(place / one.path).st_mtime_ns for one in folders] == [TIME, TIME + 1]


def folders_of(rows: list[Row]) -> set[str]:
    return {one.path for one in rows if one.kind == "folder"}


@pytest.mark.parametrize(("first", "last"), [(1, 3000), (1, 1), (999, 1003), (1000, 2001), (2999, 3000), (2, 2)])
def test_of_many_folders_those_are_made_whose_turn_it_is(writing: Writing, place: Path, first: int, last: int) -> None:
    writing.listed(*MANY)
    assert writing.do(MakeFolders(first, last)) == Outcome()
    assert set(contents(place)) - {"top"} == folders_of(MANY[first - 1 : last]) - {"top"}
    assert writing.place_noted == (last + 1, 0)


def test_only_folders_that_were_taken_are_made(writing: Writing, place: Path) -> None:
    writing.listed(*MANY)
    runs = Runs([(1, 3), (1001, 1005), (2999, 3000)])
    Writer(writing.journal, writing.record, writing.landing, {}, "", runs).do([MakeFolders(1, 3000)])
    assert set(contents(place)) == {"top", *(f"top/{number}" for number in (3, 1001, 1003, 1005, 2999))}


# --- what is not ----------------------------------------------------------------------------------------------------


def test_a_small_file_whose_hash_differs_is_not_kept_and_the_others_are(writing: Writing, place: Path) -> None:
    bad = row(2, "bad", 5)
    (good,) = small((row(1, "a", 1), b"x")).files
    (other,) = small((row(3, "c", 1), b"y")).files
    altered = WriteSmall([good, (bad, SmallFile(2, file_hash(b"other"), memoryview(b"hello"))), other])
    outcome = writing.do(altered)
    assert (outcome.size, outcome.files, missed(outcome)) == (2, 2, [("bad", "hash")])
    assert contents(place) == {"a": b"x", "c": b"y"}


@pytest.mark.parametrize(
    "end",
    [
        finish(LARGE, DATA[:-1] + b"?"),
        FinishFile(LARGE, len(DATA) - 1, tree_hash(DATA)),
        FinishFile(LARGE, len(DATA), bytes(32)),
        FinishFile(LARGE, len(DATA), tree_hash(DATA[:BLOCK])),
    ],
    ids=["a byte differs", "the size differs", "nought", "of a part"],
)
def test_a_large_file_whose_hash_differs_stays_hidden(writing: Writing, place: Path, end: FinishFile) -> None:
    outcome = writing.do(*pieces(LARGE, DATA), end, small((row(4, "next", 1), b"x")))
    assert missed(outcome) == [("top/large", "hash")]
    assert (outcome.files, outcome.kept) == (1, writing.partial("large"))
    assert contents(place) == {".large.c0ffee.visavis-part": DATA, "next": b"x"}


def test_a_stream_that_lost_its_end_is_not_whole(writing: Writing, place: Path) -> None:
    stream = row(1, "stdin", None)
    outcome = writing.do(*pieces(stream, DATA[:100]), finish(stream, DATA[:101]))
    assert missed(outcome) == [("stdin", "hash")]
    assert contents(place) == {".stdin.c0ffee.visavis-part": DATA[:100]}


def test_what_came_of_a_file_that_is_given_up_is_kept(writing: Writing, place: Path) -> None:
    outcome = writing.do(*pieces(LARGE, DATA[:BLOCK]), GiveUp(LARGE, "changed"), small((row(4, "next", 1), b"x")))
    assert (missed(outcome), outcome.kept) == ([("top/large", "changed")], writing.partial("large"))
    assert contents(place) == {".large.c0ffee.visavis-part": DATA[:BLOCK], "next": b"x"}
    assert writing.place_noted == (5, 0)


def test_of_a_file_that_did_not_begin_nothing_is_kept(writing: Writing, place: Path) -> None:
    outcome = writing.do(GiveUp(LARGE, "gone"))
    assert (missed(outcome), outcome.kept) == ([("top/large", "gone")], "")
    assert contents(place) == {}


def test_a_file_that_is_given_up_does_not_spoil_the_next(writing: Writing, place: Path) -> None:
    other = row(4, "other", len(DATA))
    writing.do(*pieces(LARGE, DATA[: BLOCK + 5])[:-1], GiveUp(LARGE, "changed"))
    assert writing.do(*pieces(other, DATA), finish(other, DATA)).files == 1
    assert contents(place)["other"] == DATA


def test_what_has_no_place_is_missed_and_the_others_go_on(writing: Writing, place: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (place / "top").symlink_to(tmp_path / "outside")
    writing.listed(folder(1, "top"))
    outcome = writing.do(
        MakeFolders(1, 1),
        small((row(2, "top/a", 1), b"x")),
        *pieces(LARGE, DATA),
        finish(LARGE, DATA),
        small((row(4, "next", 1), b"x")),
    )
    assert missed(outcome) == [("top", "not-folder"), ("top/a", "not-folder"), ("top/large", "not-folder")]
    assert outcome.files == 1
    assert (place / "next").exists()
    assert contents(tmp_path / "outside") == {}


@pytest.mark.parametrize("end", [finish(LARGE, DATA), GiveUp(LARGE, "changed")], ids=["came whole", "given up"])
def test_a_file_that_can_not_begin_is_missed_once_and_passed_over(
    writing: Writing, place: Path, monkeypatch: pytest.MonkeyPatch, end: Job
) -> None:
    monkeypatch.setattr(limits, "NAME_TRIES", 1)
    write(place / ".large.c0ffee.visavis-part", "earlier")
    outcomes = [writing.do(job) for job in [*pieces(LARGE, DATA), end]]
    assert [found for outcome in outcomes for found in missed(outcome)] == [("top/large", "no-name")]
    assert sum(outcome.size + outcome.files for outcome in outcomes) == 0
    assert contents(place) == {".large.c0ffee.visavis-part": b"earlier"}
    assert writing.do(small((row(4, "next", 1), b"x"))).files == 1


def test_a_name_that_this_disk_does_not_take_is_missed_and_the_others_go_on(writing: Writing, place: Path) -> None:
    long = "x" * 256
    large = row(4, f"top/{long}", len(DATA))
    writing.listed(folder(1, "top"), folder(2, f"top/{long}"), folder(3, "top/z"))
    outcome = writing.do(
        MakeFolders(1, 3),
        *pieces(large, DATA),
        finish(large, DATA),
        small((row(5, long, 1), b"x"), (row(6, "a", 1), b"y")),
    )
    assert missed(outcome) == [(f"top/{long}", "no-name"), (f"top/{long}", "no-name"), (long, "no-name")]
    assert outcome.files == 1
    assert {path for path in contents(place) if not path.startswith(".")} == {"top", "top/z", "a"}


def test_a_file_that_fails_when_it_is_closed_ends_it(
    writing: Writing, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writing.do(*pieces(LARGE, DATA))
    really, failed = os.close, False

    def close(descriptor: int) -> None:
        nonlocal failed
        really(descriptor)
        if not failed:
            failed = True
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "close", close)
    with pytest.raises(LandingError, match="disk-full"):
        writing.do(finish(LARGE, DATA))
    assert writing.writer.close() == writing.partial("large")
    assert contents(place) == {".large.c0ffee.visavis-part": DATA}


def test_when_the_destination_is_gone_it_is_over(writing: Writing, place: Path) -> None:
    writing.listed(folder(5, "b"))
    writing.do(*pieces(LARGE, DATA))
    shutil.rmtree(place)
    for job in (finish(LARGE, DATA), small((row(4, "a", 1), b"x")), MakeFolders(5, 5)):
        with pytest.raises(LandingError, match="folder-missing"):
            writing.do(job)
    assert writing.writer.close() == ""


def test_closing_says_what_stays(writing: Writing, place: Path) -> None:
    writing.do(pieces(LARGE, DATA)[0])
    assert writing.writer.close() == writing.partial("large")
    assert writing.writer.close() == ""
    assert contents(place) == {".large.c0ffee.visavis-part": DATA[:300_000]}
