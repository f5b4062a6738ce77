"""What is taken of an offer, and where it goes."""

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from actors.files.landing import Landing, Output
from actors.files.rows import PAGE, rows_of
from actors.files.selection import Runs
from actors.files.taking import Taken, TakingError, download_folder, take
from actors.store.database import StoreError
from actors.store.journal import Journal, Row, Totals
from relay import limits
from tests.actors.files.support import contents, folder, row, write

TREE = [
    folder(1, "top"),
    row(2, "top/a.txt", 10),
    folder(3, "top/b"),
    row(4, "top/b/c.txt", 100),
    row(5, "top/b/d", 1000),
    row(6, "z.txt", 10_000),
]


def listed(journal: Journal, *rows: Row) -> int:
    record = journal.begin(7, mine=False)
    journal.add(record, rows)
    return record


def taken(journal: Journal, rows: list[Row], folder: Path | str, *only: str) -> Taken:
    found = take(journal, listed(journal, *rows), str(folder), only)
    found.landing.close()
    return found


def refusal(journal: Journal, rows: list[Row], folder: Path | str, *only: str) -> tuple[str, str]:
    with pytest.raises(TakingError) as caught:
        take(journal, listed(journal, *rows), str(folder), only)
    return caught.value.cause, caught.value.detail


# --- all of it ------------------------------------------------------------------------------------------------------


def test_all_is_taken_into_the_folder(journal: Journal, place: Path) -> None:
    found = taken(journal, TREE, place)
    assert (found.runs, found.totals) == (None, Totals(4, 2, 11_110))
    assert (found.folder, found.path, found.tops) == (str(place), str(place / "top"), {"top": "top"})
    assert contents(place) == {"top": None}  # the rest is made as it comes


def test_a_file_is_not_made_before_it_comes(journal: Journal, place: Path) -> None:
    found = taken(journal, [row(1, "a.txt", 5)], place)
    assert (found.path, found.tops) == (str(place / "a.txt"), {})
    assert contents(place) == {}


def test_a_top_folder_gets_a_name_that_is_free(journal: Journal, place: Path) -> None:
    write(place / "top" / "mine", "old")
    write(place / "top (1)")
    rows = [*TREE, folder(7, "other"), row(8, "implied/x")]
    found = taken(journal, rows, place)
    assert found.tops == {"top": "top (2)", "other": "other", "implied": "implied"}
    assert found.path == str(place / "top (2)")
    assert contents(place)["top/mine"] == b"old"


def test_the_folder_is_opened_once_and_stays(journal: Journal, place: Path, tmp_path: Path) -> None:
    found = take(journal, listed(journal, row(1, "a", 1)), str(place), ())
    assert isinstance(found.landing, Landing)
    place.rename(tmp_path / "moved")
    found.landing.begin("a", program=False)
    found.landing.write(b"x")
    found.landing.finish(("a",), 0)
    found.landing.close()
    assert contents(tmp_path / "moved") == {"a": b"x"}


def test_every_transfer_has_hidden_names_of_its_own(journal: Journal, place: Path) -> None:
    partials = set()
    for _ in range(5):
        found = take(journal, listed(journal, row(1, "a", 1)), str(place), ())
        found.landing.begin("a", program=False)
        partials.add(found.landing.partial)
        assert found.landing.partial == f".a.{found.token}.visavis-part"
        found.landing.close()
    assert len(partials) == 5
    assert all(re.fullmatch(r"\.a\.[0-9a-f]{8}\.visavis-part", partial) for partial in partials)


# --- a part ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("only", "runs", "totals"),
    [
        (["z.txt"], [(6, 6)], Totals(1, 0, 10_000)),
        (["*.txt"], [(2, 2), (4, 4), (6, 6)], Totals(3, 0, 10_110)),
        (["top/b"], [(3, 5)], Totals(2, 1, 1100)),
        (["top/a.txt", "top/b/c.txt"], [(2, 2), (4, 4)], Totals(2, 0, 110)),
        (["top", "z.txt"], [(1, 6)], Totals(4, 2, 11_110)),
    ],
)
def test_a_part_is_taken_by_names_and_patterns(
    journal: Journal, place: Path, only: list[str], runs: list[tuple[int, int]], totals: Totals
) -> None:
    found = taken(journal, TREE, place, *only)
    assert found.runs is not None
    assert list(found.runs.runs) == runs
    assert found.totals == totals


def test_of_a_part_only_its_own_folders_are_made(journal: Journal, place: Path) -> None:
    assert taken(journal, TREE, place, "z.txt").path == str(place / "z.txt")
    assert contents(place) == {}
    assert taken(journal, TREE, place, "d").path == str(place / "top")
    assert contents(place) == {"top": None}


def test_a_part_that_is_nothing_is_refused(journal: Journal, place: Path) -> None:
    assert refusal(journal, TREE, place, "nothing", "*.pdf") == ("part-empty", "")
    assert contents(place) == {}


def test_a_part_that_is_too_scattered_is_refused(
    journal: Journal, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "PART_RANGES", 3)
    assert taken(journal, TREE, place, "*.txt").totals.files == 3
    monkeypatch.setattr(limits, "PART_RANGES", 2)
    assert refusal(journal, TREE, place, "*.txt") == ("part-scattered", "")


# --- where it can't go ----------------------------------------------------------------------------------------------


def test_a_folder_that_is_not_there_is_said(journal: Journal, place: Path) -> None:
    assert refusal(journal, TREE, place / "no") == ("folder-missing", str(place / "no"))
    write(place / "file")
    assert refusal(journal, TREE, place / "file") == ("folder-missing", str(place / "file"))


def test_a_disk_without_room_is_said_before_anything_is_made(journal: Journal, place: Path) -> None:
    cause, detail = refusal(journal, [*TREE, row(7, "huge", 2**61)], place)
    assert cause == "no-space"
    assert detail.split()[0] == str(2**61 + 11_110)
    assert contents(place) == {}
    assert taken(journal, [*TREE, row(7, "huge", 2**61)], place, "top").totals.size == 1110  # a part may fit


@pytest.mark.device
def test_room_is_asked_for_to_the_byte(journal: Journal, mount: Callable[..., Path]) -> None:
    disk = mount("size=1m")
    assert taken(journal, [row(1, "a", limits.MIB)], disk).totals.size == limits.MIB
    past = limits.MIB + 1
    assert refusal(journal, [row(1, "a", past)], disk) == ("no-space", f"{past} {limits.MIB}")


@pytest.mark.device
def test_what_else_comes_to_the_same_disk_needs_its_room_too(
    journal: Journal, mount: Callable[..., Path], place: Path
) -> None:
    disk = mount("size=1m")
    (disk / "a").mkdir()
    record = listed(journal, row(1, "a", limits.MIB // 2))
    half = limits.MIB // 2 - 8192  # what the folder takes
    others = [(str(disk), half // 2), (str(disk / "a"), half // 2), (str(place), 2**60), ("-", 2**60), ("/gone", 2**60)]
    take(journal, record, str(disk), (), others).landing.close()
    with pytest.raises(TakingError) as caught:
        take(journal, record, str(disk), (), [*others, (str(disk), limits.MIB)])
    assert caught.value.cause == "no-space"
    assert caught.value.detail.split()[0] == str(limits.MIB // 2 + half + limits.MIB)


def test_what_else_comes_is_counted_where_it_goes(journal: Journal, place: Path, tmp_path: Path) -> None:
    record = listed(journal, row(1, "a", 5))
    with pytest.raises(TakingError) as caught:
        take(journal, record, str(place), (), [(str(tmp_path), 2**61), (str(place / "gone"), 2**61)])
    assert caught.value.cause == "no-space"
    assert caught.value.detail.split()[0] == str(2**61 + 5)
    take(journal, record, str(place), (), [(str(place / "gone"), 2**61), ("-", 2**61)]).landing.close()
    take(journal, record, "-", (), [(str(tmp_path), 2**61)])


def test_a_name_of_which_there_are_a_thousand_is_said(journal: Journal, place: Path) -> None:
    for number in range(limits.NAME_TRIES):
        (place / (f"top ({number})" if number else "top")).mkdir()
    before = len(os.listdir("/dev/fd"))
    assert refusal(journal, TREE, place) == ("no-name", "top")
    assert len(os.listdir("/dev/fd")) == before


def test_when_one_of_the_folders_can_not_be_made_none_stays(
    journal: Journal, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "NAME_TRIES", 1)
    write(place / "other" / "mine", "old")
    assert refusal(journal, [*TREE, row(7, "other/x")], place) == ("no-name", "other")
    assert contents(place) == {"other": None, "other/mine": b"old"}


def test_when_the_journal_fails_midway_none_stays(
    journal: Journal, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = listed(journal, folder(1, "top"), *(row(number, f"top/{number}") for number in range(2, PAGE + 2)))
    really = journal.entries

    def entries(record: int, first: int, count: int) -> list[Row]:
        if first > 1:
            assert contents(place) == {"top": None}
            raise StoreError("disk I/O error")
        return really(record, first, count)

    monkeypatch.setattr(journal, "entries", entries)
    before = len(os.listdir("/dev/fd"))
    with pytest.raises(StoreError):
        take(journal, record, str(place), ())
    assert contents(place) == {}
    assert len(os.listdir("/dev/fd")) == before


# --- given back -----------------------------------------------------------------------------------------------------


def test_what_is_given_back_leaves_nothing(journal: Journal, place: Path) -> None:
    write(place / "top" / "mine", "old")
    before = len(os.listdir("/dev/fd"))
    found = take(journal, listed(journal, *TREE, row(7, "other/x")), str(place), ())
    assert set(contents(place)) == {"top", "top/mine", "top (1)", "other"}
    found.give_back()
    assert set(contents(place)) == {"top", "top/mine"}
    assert len(os.listdir("/dev/fd")) == before


def test_what_has_come_meanwhile_stays(journal: Journal, place: Path) -> None:
    found = take(journal, listed(journal, *TREE), str(place), ())
    write(place / "top" / "a.txt", "came")
    found.landing.close()  # whoever wrote it has closed it
    found.give_back()
    assert contents(place) == {"top": None, "top/a.txt": b"came"}


def test_it_may_be_given_back_when_its_folder_is_gone(journal: Journal, place: Path) -> None:
    before = len(os.listdir("/dev/fd"))
    found = take(journal, listed(journal, *TREE), str(place), ())
    shutil.rmtree(place)
    found.give_back()
    assert not place.exists()
    assert len(os.listdir("/dev/fd")) == before


def test_standard_output_is_given_back_as_it_is(journal: Journal) -> None:
    take(journal, listed(journal, row(1, "a.txt", 5)), "-", ()).give_back()
    os.fstat(1)


# --- standard output ------------------------------------------------------------------------------------------------


def test_one_file_may_go_to_standard_output(journal: Journal) -> None:
    found = taken(journal, [row(1, "a.txt", 5)], "-")
    assert isinstance(found.landing, Output)
    assert (found.folder, found.path, found.tops) == ("-", "", {})
    assert taken(journal, TREE, "-", "z.txt").runs is not None
    assert taken(journal, [row(1, "stdin", None)], "-").totals == Totals(1, 0, None)
    assert taken(journal, [folder(1, "top"), row(2, "top/a", 5)], "-").totals == Totals(1, 1, 5)


def test_more_than_one_may_not(journal: Journal) -> None:
    assert refusal(journal, TREE, "-") == ("one-file", "")
    assert refusal(journal, TREE, "-", "*.txt") == ("one-file", "")
    assert refusal(journal, [folder(1, "top")], "-") == ("one-file", "")


# --- the download folder --------------------------------------------------------------------------------------------


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_DOWNLOAD_DIR", raising=False)
    return tmp_path / "home"


def test_without_a_folder_it_goes_to_the_downloads(journal: Journal, home: Path) -> None:
    (home / "Downloads").mkdir()
    assert download_folder() == home / "Downloads"
    assert taken(journal, [row(1, "a")], "").path == str(home / "Downloads" / "a")


def test_where_there_is_no_download_folder_it_goes_home(journal: Journal, home: Path) -> None:
    assert download_folder() == home
    (home / "Downloads").touch()
    assert taken(journal, [row(1, "a")], "").folder == str(home)


# --- the rows -------------------------------------------------------------------------------------------------------


def test_rows_are_those_of_the_runs_page_by_page(journal: Journal) -> None:
    rows = [row(number, str(number)) for number in range(1, 2 * PAGE + 2)]
    record = listed(journal, *rows)
    assert list(rows_of(journal, record, None)) == rows
    runs = Runs([(1, 1), (PAGE - 1, PAGE + 2), (2 * PAGE + 1, 3 * PAGE)])
    assert [found.number for found in rows_of(journal, record, runs)] == [
        1, PAGE - 1, PAGE, PAGE + 1, PAGE + 2, 2 * PAGE + 1
    ]  # fmt: skip
