"""Where received files land: whole or hidden, never over anything, never outside."""

import errno
import os
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from actors.files.landing import EntryError, Landing
from actors.files.names import numbered
from relay import limits
from tests.actors.files.support import contents, write

TIME = 1_600_000_000_123_456_789
HIDDEN = ".a.txt.c0ffee.visavis-part"


def land(landing: Landing, path: str, data: bytes = b"new", *, program: bool = False) -> str:
    parts = tuple(path.split("/"))
    landing.begin(parts[-1], program=program)
    landing.write(data)
    return "/".join(landing.finish(parts, TIME))


def open_files() -> int:
    return len(os.listdir("/dev/fd"))


# --- a file ---------------------------------------------------------------------------------------------------------


def test_a_file_lands_whole_under_its_name(landing: Landing, place: Path) -> None:
    assert land(landing, "가/b.txt", b"hello") == "가/b.txt"
    assert contents(place) == {"가": None, "가/b.txt": b"hello"}


def test_until_then_it_is_hidden(landing: Landing, place: Path) -> None:
    landing.begin("a.txt", program=False)
    assert landing.partial == HIDDEN
    for data in (b"he", memoryview(b"l"), b"", bytearray(b"lo")):
        landing.write(data)
    assert contents(place) == {HIDDEN: b"hello"}
    assert landing.finish(("x", "a.txt"), 0) == ("x", "a.txt")
    assert landing.partial == ""
    assert contents(place) == {"x": None, "x/a.txt": b"hello"}


def test_an_empty_file_lands_too(landing: Landing, place: Path) -> None:
    landing.begin("a", program=False)
    landing.finish(("a",), 0)
    assert contents(place) == {"a": b""}


@pytest.mark.parametrize("modified", [TIME, 0, -1_000_000_000])
def test_it_keeps_its_time(landing: Landing, place: Path, modified: int) -> None:
    landing.begin("a", program=False)
    landing.finish(("a",), modified)
    assert (place / "a").stat().st_mtime_ns == modified


@pytest.mark.parametrize("modified", [2**63 - 1, -(2**63)])
def test_a_time_that_no_disk_has_stops_nothing(landing: Landing, place: Path, modified: int) -> None:
    landing.begin("a", program=False)
    landing.finish(("a",), modified)
    landing.make_folder(("folder",))
    landing.set_time(("folder",), modified)
    assert set(contents(place)) == {"a", "folder"}


def test_only_a_program_may_be_run_and_as_the_umask_says(landing: Landing, place: Path) -> None:
    old = os.umask(0o027)
    try:
        land(landing, "program", program=True)
        land(landing, "file")
        landing.make_folder(("folder",))
    finally:
        os.umask(old)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in place.iterdir()}
    assert modes == {"program": 0o750, "file": 0o640, "folder": 0o750}


# --- never over anything --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make",
    [
        lambda path: write(path, "old"),
        Path.mkdir,
        lambda path: path.symlink_to("nowhere"),
        lambda path: path.symlink_to("."),
        os.mkfifo,
    ],
    ids=["file", "folder", "dangling link", "link", "pipe"],
)
@pytest.mark.parametrize("links", [True, False], ids=["link(2)", "no link(2)"])
def test_a_file_never_lands_on_what_is_there(
    landing: Landing, place: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[[Path], object], links: bool
) -> None:
    if not links:
        without_links(monkeypatch)
    make(place / "a.txt")
    before = os.lstat(place / "a.txt")
    assert land(landing, "a.txt", b"1") == "a (1).txt"
    assert land(landing, "a.txt", b"2") == "a (2).txt"
    assert os.lstat(place / "a.txt") == before
    assert (place / "a (1).txt").read_bytes() == b"1"
    assert (place / "a (2).txt").read_bytes() == b"2"
    assert sorted(os.listdir(place)) == ["a (1).txt", "a (2).txt", "a.txt"]


def without_links(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on FAT."""

    def refuse(*arguments: object, **options: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)


def test_where_there_is_no_link_a_file_lands_all_the_same(
    landing: Landing, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_links(monkeypatch)
    assert land(landing, "x/a.txt", program=True) == "x/a.txt"
    assert contents(place) == {"x": None, "x/a.txt": b"new"}
    assert (place / "x/a.txt").stat().st_mtime_ns == TIME
    assert (place / "x/a.txt").stat().st_mode & stat.S_IXUSR


def test_a_link_that_someone_puts_in_the_place_of_the_partial_is_moved_and_not_followed(
    landing: Landing, place: Path, tmp_path: Path
) -> None:
    secret = write(tmp_path / "secret", "mine")
    landing.begin("a.txt", program=False)
    landing.write(b"new")
    (place / HIDDEN).unlink()
    (place / HIDDEN).symlink_to(secret)
    landing.finish(("a.txt",), TIME)
    assert secret.read_bytes() == b"mine"
    assert secret.stat().st_nlink == 1
    assert secret.stat().st_mtime_ns != TIME


def test_a_partial_of_an_earlier_try_stays(landing: Landing, place: Path) -> None:
    write(place / HIDDEN, "earlier")
    (place / numbered(HIDDEN, 1)).symlink_to("nowhere")
    landing.begin("a.txt", program=False)
    assert landing.partial == numbered(HIDDEN, 2)
    landing.write(b"new")
    landing.finish(("a.txt",), 0)
    assert (place / HIDDEN).read_bytes() == b"earlier"
    assert (place / "a.txt").read_bytes() == b"new"


def test_a_top_folder_is_always_a_new_one(landing: Landing, place: Path) -> None:
    (place / "notes").mkdir()
    write(place / "notes (1)")
    (place / "notes (2)").symlink_to("nowhere")
    assert landing.make_top("notes") == "notes (3)"
    assert landing.make_top("notes") == "notes (4)"
    assert landing.make_top("v1.2") == "v1.2"
    assert landing.make_top("v1.2") == numbered("v1.2", 1)


def test_after_a_thousand_names_it_is_given_up(landing: Landing, place: Path) -> None:
    for number in range(limits.NAME_TRIES):
        name = numbered("a.txt", number) if number else "a.txt"
        (place / name).touch()
    with pytest.raises(EntryError) as caught:
        landing.make_top("a.txt")
    assert (caught.value.cause, caught.value.detail) == ("no-name", "a.txt")
    with pytest.raises(EntryError) as caught:
        land(landing, "a.txt", b"kept")
    assert caught.value.cause == "no-name"
    assert landing.abandon() == str(place / HIDDEN)
    assert (place / HIDDEN).read_bytes() == b"kept"
    (place / numbered("a.txt", limits.NAME_TRIES - 1)).unlink()
    assert land(landing, "a.txt") == numbered("a.txt", limits.NAME_TRIES - 1)


# --- never outside --------------------------------------------------------------------------------------------------


def test_a_link_where_a_folder_should_be_is_not_followed(landing: Landing, place: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    (outside / "inner").mkdir(parents=True)
    os.utime(outside, ns=(1, 1))
    (place / "top").symlink_to(outside)
    (place / "real").mkdir()
    (place / "real" / "dir").symlink_to("../../outside/inner")
    for path in ("top", "top/inner", "top/new", "real/dir", "real/dir/new"):
        with pytest.raises(EntryError) as caught:
            landing.make_folder(tuple(path.split("/")))
        assert caught.value.cause == "not-folder"
        with pytest.raises(EntryError) as caught:
            land(landing, f"{path}/file")
        assert caught.value.cause == "not-folder"
        landing.abandon()
        landing.set_time(tuple(path.split("/")), TIME)
    assert contents(outside) == {"inner": None}
    assert os.stat(outside).st_mtime_ns == 1


def test_a_link_put_there_in_between_is_not_followed(landing: Landing, place: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    land(landing, "a/b/1")
    land(landing, "c/1")  # leaves a
    (place / "a" / "b").rename(tmp_path / "b")
    (place / "a" / "b").symlink_to(tmp_path / "outside")
    with pytest.raises(EntryError):
        land(landing, "a/b/2")
    assert contents(tmp_path / "outside") == {}


@pytest.mark.parametrize("make", [lambda path: write(path, "old"), os.mkfifo], ids=["file", "pipe"])
def test_a_file_where_a_folder_should_be_is_said(landing: Landing, place: Path, make: Callable[[Path], object]) -> None:
    make(place / "a")
    for use in (lambda: landing.make_folder(("a",)), lambda: land(landing, "a/b/c")):
        with pytest.raises(EntryError) as caught:
            use()
        assert (caught.value.cause, caught.value.detail) == ("not-folder", "a")
    assert land(landing, "b") == "b"  # the others go on
    assert not (place / "a").is_dir()


def test_a_destination_may_be_a_link_itself(tmp_path: Path, place: Path) -> None:
    (tmp_path / "link").symlink_to(place)
    landing = Landing(tmp_path / "link", "c0ffee")
    land(landing, "a")
    landing.close()
    assert contents(place) == {"a": b"new"}


# --- names that this disk does not take -----------------------------------------------------------------------------


def no_name(landing: Landing, use: Callable[[], object], name: str) -> None:
    with pytest.raises(EntryError) as caught:
        use()
    assert (caught.value.cause, caught.value.detail) == ("no-name", name)
    landing.abandon()


def test_a_name_that_is_too_long_here_is_said_and_the_others_go_on(landing: Landing, place: Path) -> None:
    long = "x" * 256
    no_name(landing, lambda: land(landing, long), long)
    no_name(landing, lambda: land(landing, f"{long}/a"), long)
    no_name(landing, lambda: landing.make_folder(("a", long)), long)
    no_name(landing, lambda: landing.make_top(long), long)
    assert land(landing, "a/b") == "a/b"


@pytest.mark.parametrize("number", [errno.EINVAL, errno.EILSEQ])
@pytest.mark.parametrize("links", [True, False], ids=["link(2)", "no link(2)"])
def test_a_name_that_this_disk_has_no_letters_for_is_said_and_the_others_go_on(
    landing: Landing, place: Path, monkeypatch: pytest.MonkeyPatch, number: int, links: bool
) -> None:
    """As on FAT, which has no colon, and on disks of another encoding."""

    def unless_colon(really: Callable[..., object], at: int) -> Callable[..., object]:
        def do(*arguments: str, **options: object) -> object:
            if ":" in arguments[at]:
                raise OSError(number, os.strerror(number))
            return really(*arguments, **options)

        return do

    if not links:
        without_links(monkeypatch)
    for name, at in (("open", 0), ("mkdir", 0), ("link", 1)):
        monkeypatch.setattr(os, name, unless_colon(getattr(os, name), at))
    no_name(landing, lambda: land(landing, "a:b"), "a:b")
    no_name(landing, lambda: land(landing, "c:d/file"), "c:d")
    no_name(landing, lambda: landing.make_folder(("c:d",)), "c:d")
    no_name(landing, lambda: landing.make_top("c:d"), "c:d")
    assert land(landing, "a/b") == "a/b"


# --- folders --------------------------------------------------------------------------------------------------------


def test_folders_are_made_on_the_way_and_taken_as_they_are(landing: Landing, place: Path) -> None:
    write(place / "a" / "old", "old")
    landing.make_folder(("a", "b"))
    landing.make_folder(("a", "b"))
    landing.make_folder(("a",))
    land(landing, "a/b/c/new")
    land(landing, "d/new")
    assert [name for name, data in contents(place).items() if data is None] == ["a", "a/b", "a/b/c", "d"]
    assert (place / "a" / "old").read_bytes() == b"old"


def test_folders_have_their_times_once_all_is_in_them(landing: Landing, place: Path) -> None:
    land(landing, "a/b/c")
    for parts in (("a", "b"), ("a",)):
        landing.set_time(parts, TIME)
    assert {os.stat(place / path).st_mtime_ns for path in ("a", "a/b", "a/b/c")} == {TIME}


def test_a_folder_that_was_moved_away_is_not_made_again_for_its_time(landing: Landing, place: Path) -> None:
    landing.make_folder(("a", "b"))
    landing.make_folder(("c",))
    (place / "a").rename(place / "mine")
    os.utime(place / "mine" / "b", ns=(1, 1))
    landing.set_time(("a", "b"), TIME)
    landing.set_time(("a",), TIME)
    landing.set_time(("never", "made"), TIME)
    assert set(contents(place)) == {"mine", "mine/b", "c"}
    assert (place / "mine" / "b").stat().st_mtime_ns == 1


def test_where_no_time_can_be_given_everything_lands_all_the_same(
    landing: Landing, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: object, **options: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "utime", refuse)
    assert land(landing, "a/b") == "a/b"
    landing.set_time(("a",), TIME)
    assert contents(place) == {"a": None, "a/b": b"new"}


def test_a_top_folder_is_taken_back_only_while_it_is_empty(landing: Landing, place: Path) -> None:
    for name in ("empty", "used"):
        landing.make_top(name)
    write(place / "used" / "a", "kept")
    write(place / "file", "kept")
    (place / "link").symlink_to("used")
    for name in ("empty", "used", "file", "link", "missing"):
        landing.unmake_top(name)
    assert sorted(os.listdir(place)) == ["file", "link", "used"]
    assert (place / "used" / "a").read_bytes() == b"kept"


def test_the_deepest_folder_is_made(landing: Landing, place: Path) -> None:
    before = open_files()
    land(landing, "/".join(["d" * 255] * limits.PATH_DEPTH + ["file"]))  # longer than PATH_MAX
    assert open_files() <= before + limits.PATH_DEPTH
    land(landing, "file")
    assert open_files() == before
    subprocess.run(["rm", "-r", place / ("d" * 255)], check=True)  # shutil needs its whole path


# --- what is kept ---------------------------------------------------------------------------------------------------


def test_what_came_in_part_is_kept(landing: Landing, place: Path) -> None:
    landing.begin("a.txt", program=False)
    landing.write(b"half")
    assert landing.abandon() == str(place / HIDDEN)
    assert landing.abandon() == ""
    assert contents(place) == {HIDDEN: b"half"}


@pytest.mark.parametrize("end", [Landing.abandon, Landing.close, lambda one: one.begin("b", program=False)])
def test_a_part_that_is_empty_is_not(landing: Landing, place: Path, end: Callable[[Landing], object]) -> None:
    landing.begin("a.txt", program=False)
    end(landing)
    assert HIDDEN not in contents(place)


def test_beginning_the_next_keeps_the_part_before(landing: Landing, place: Path) -> None:
    landing.begin("a.txt", program=False)
    landing.write(b"half")
    assert land(landing, "b") == "b"
    assert contents(place) == {HIDDEN: b"half", "b": b"new"}


def test_closing_keeps_the_part_and_leaves_nothing_open(place: Path) -> None:
    before = open_files()
    landing = Landing(place, "c0ffee")
    land(landing, "a/b")
    landing.begin("a.txt", program=False)
    landing.write(b"half")
    landing.close()
    landing.close()
    assert open_files() == before
    assert (place / HIDDEN).read_bytes() == b"half"


def test_what_can_be_synced_is_the_file_under_way(landing: Landing, place: Path) -> None:
    landing.begin("a", program=False)
    descriptor = landing.syncing()
    try:
        assert os.fstat(descriptor).st_ino == (place / landing.partial).stat().st_ino
    finally:
        os.close(descriptor)
