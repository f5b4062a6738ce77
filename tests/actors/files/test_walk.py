"""What is offered of the paths that someone names, and what is left out of it."""

import errno
import os
import socket
import stat
import sys
import time
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest

from actors.files.walk import SORTED_ENTRIES, LeftOut, WalkError, name_sources, stamp, walk
from actors.store.journal import Journal, Row
from relay import limits
from tests.actors.files.support import unprivileged, write


def walked(*paths: Path) -> list[Row | LeftOut]:
    return list(walk(name_sources([str(path) for path in paths])))


def listed(*paths: Path) -> list[str]:
    """The paths on the list, folders with a slash."""
    return [found.path + "/" * (found.kind == "folder") for found in walked(*paths) if isinstance(found, Row)]


def left_out(*paths: Path) -> list[LeftOut]:
    return [found for found in walked(*paths) if isinstance(found, LeftOut)]


# --- the list -------------------------------------------------------------------------------------------------------


def test_a_file_is_a_list_of_one(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", "hello")
    os.utime(path, ns=(1, 1_600_000_000_123_456_789))
    assert walked(path) == [Row(1, "a.txt", "file", 5, path.stat().st_mtime_ns, path.stat().st_ino)]


def test_a_folder_stands_before_what_is_in_it(tmp_path: Path) -> None:
    for name in ("b/2", "b/10", "b/1/x/y", "a", "c/z", "B"):
        write(tmp_path / "top" / name)
    assert listed(tmp_path / "top") == [
        "top/", "top/B", "top/a",
        "top/b/", "top/b/1/", "top/b/1/x/", "top/b/1/x/y", "top/b/10", "top/b/2",
        "top/c/", "top/c/z",
    ]  # fmt: skip


def test_entries_are_numbered_through_from_1(tmp_path: Path) -> None:
    for name in ("a/x", "a/y", "b/x"):
        write(tmp_path / name)
    os.symlink("x", tmp_path / "a" / "link")  # what is left out takes no number
    rows = [found for found in walked(tmp_path / "b", tmp_path / "a") if isinstance(found, Row)]
    assert [(found.number, found.path) for found in rows] == [(1, "b"), (2, "b/x"), (3, "a"), (4, "a/x"), (5, "a/y")]


def test_empty_files_and_folders_are_on_it(tmp_path: Path) -> None:
    (tmp_path / "top" / "empty").mkdir(parents=True)
    write(tmp_path / "top" / "nothing")
    assert listed(tmp_path / "top") == ["top/", "top/empty/", "top/nothing"]
    assert {found.size for found in walked(tmp_path / "top") if isinstance(found, Row)} == {0}


def test_an_empty_folder_can_be_offered(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert listed(tmp_path / "empty") == ["empty/"]


def test_dot_files_are_on_it(tmp_path: Path) -> None:
    for name in (".git/config", ".hidden", "..."):
        write(tmp_path / "top" / name)
    assert listed(tmp_path / "top") == ["top/", "top/...", "top/.git/", "top/.git/config", "top/.hidden"]


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_names_are_offered_as_they_are_on_the_disk(tmp_path: Path, form: str) -> None:
    folder, name = (unicodedata.normalize(form, text) for text in ("강의", "영상 1.mp4"))
    write(tmp_path / folder / name)
    assert listed(tmp_path / folder) == [f"{folder}/", f"{folder}/{name}"]


def test_spiteful_names_are_offered_as_they_are(tmp_path: Path) -> None:
    names = ["\x1b[2J", "-rf", "a\nb", "a\\b", "~", "\u202etxt.exe"]
    for name in names:
        write(tmp_path / "top" / name)
    assert listed(tmp_path / "top") == ["top/", *(f"top/{name}" for name in sorted(names))]


@pytest.mark.parametrize("modified", [10**19, -(10**10)])
def test_times_far_off_are_as_near_as_a_list_holds_them(tmp_path: Path, journal: Journal, modified: int) -> None:
    path = write(tmp_path / "top" / "a")
    for each in (path, path.parent):
        os.utime(each, ns=(modified, modified))
    found = [entry for entry in walked(tmp_path / "top") if isinstance(entry, Row)]
    assert [entry.modified for entry in found] == [min(path.stat().st_mtime_ns, 2**63 - 1)] * 2
    journal.add(journal.begin(1, mine=True), found)


def test_a_number_of_a_file_that_the_journal_does_not_hold_is_made_one(journal: Journal) -> None:
    found = os.stat_result((0, 2**64 - 5, *[0] * 8), {"st_mtime_ns": 0})  # of some network disks
    _, inode = stamp(found)
    journal.add(journal.begin(1, mine=True), [Row(1, "a", "file", 0, 0, inode)])


@pytest.mark.parametrize(("mode", "kind"), [(0o644, "file"), (0o755, "program"), (0o700, "program"), (0o655, "file")])
def test_what_its_owner_may_run_is_a_program(tmp_path: Path, mode: int, kind: str) -> None:
    path = write(tmp_path / "a")
    path.chmod(mode)
    (found,) = walked(path)
    assert isinstance(found, Row)
    assert found.kind == kind


def test_a_folder_of_very_many_is_read_as_the_disk_has_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(6):
        write(tmp_path / "top" / str(number))
    expected = ["top/", *(f"top/{number}" for number in range(6))]
    for held in (6, 5, 1):
        monkeypatch.setattr("actors.files.walk.SORTED_ENTRIES", held)
        assert sorted(listed(tmp_path / "top")) == expected
    assert SORTED_ENTRIES > 6


def test_the_list_is_read_as_it_is_asked_for(tmp_path: Path) -> None:
    write(tmp_path / "top" / "a")
    found = walk(name_sources([str(tmp_path / "top")]))
    next(found)
    write(tmp_path / "top" / "b")
    assert [entry.path for entry in found] == ["top/a", "top/b"]


# --- what is left out -----------------------------------------------------------------------------------------------


def make_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(path))


@pytest.mark.parametrize(
    ("make", "cause"),
    [
        (lambda path: os.symlink("file", path), "skipped-link"),
        (lambda path: os.symlink("/", path), "skipped-link"),
        (lambda path: os.symlink("nowhere", path), "skipped-link"),
        (lambda path: os.symlink(".", path), "skipped-link"),
        (os.mkfifo, "skipped-pipe"),
        (make_socket, "skipped-socket"),
    ],
    ids=["link to a file", "link to a folder", "link to nothing", "loop", "pipe", "socket"],
)
def test_what_is_no_file_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[[Path], None], cause: str
) -> None:
    write(tmp_path / "top" / "file")
    monkeypatch.chdir(tmp_path / "top")  # the path of a socket is short
    make(Path("other"))
    assert listed(tmp_path / "top") == ["top/", "top/file"]
    assert left_out(tmp_path / "top") == [LeftOut("top/other", cause)]


def test_a_device_is_named() -> None:
    assert left_out(Path("/dev/null")) == [LeftOut("null", "skipped-device")]


@pytest.mark.device
@pytest.mark.parametrize("kind", [stat.S_IFCHR, stat.S_IFBLK])
def test_a_device_in_a_folder_is_named(tmp_path: Path, mount: Callable[..., Path], kind: int) -> None:
    top = mount("size=1m")
    os.mknod(top / "device", kind | 0o600, os.makedev(1, 3))
    assert left_out(top) == [LeftOut(f"{top.name}/device", "skipped-device")]


def test_a_file_that_is_too_large_for_the_numbers_of_its_blocks_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert limits.FILE_BYTES // limits.BLOCK_BYTES < 2**32
    monkeypatch.setattr(limits, "FILE_BYTES", 5)
    write(tmp_path / "top" / "a", "12345")
    write(tmp_path / "top" / "b", "123456")
    assert listed(tmp_path / "top") == ["top/", "top/a"]
    assert left_out(tmp_path / "top") == [LeftOut("top/b", "skipped-large")]
    assert walked(tmp_path / "top" / "b") == [LeftOut("b", "skipped-large")]


@pytest.mark.device
@pytest.mark.parametrize(("past", "taken"), [(0, True), (1, False)])
def test_the_largest_file_is_taken(mount: Callable[..., Path], past: int, taken: bool) -> None:
    large = mount("size=1m") / "large"
    large.touch()
    os.truncate(large, limits.FILE_BYTES + past)
    assert (listed(large) == ["large"]) == taken
    assert (left_out(large) == [LeftOut("large", "skipped-large")]) != taken


def test_what_can_not_be_read_is_named(ground: Path) -> None:
    with unprivileged():
        for name in ("top/closed file", "top/closed folder/x", "top/no entry/x", "top/open"):
            write(ground / name)
        (ground / "top/closed file").chmod(0o200)
        (ground / "top/closed folder").chmod(0o300)
        (ground / "top/no entry").chmod(0o600)
        assert listed(ground / "top") == ["top/", "top/open"]
        assert left_out(ground / "top") == [
            LeftOut(f"top/{name}", "skipped-unreadable", os.strerror(errno.EACCES))
            for name in ("closed file", "closed folder", "no entry")
        ]


def test_what_is_gone_before_it_was_looked_at_is_named(tmp_path: Path) -> None:
    for name in ("a", "b/x", "c"):
        write(tmp_path / "top" / name)
    found = walk(name_sources([str(tmp_path / "top")]))
    assert [next(found).path, next(found).path] == ["top", "top/a"]  # the names in "top" are read
    (tmp_path / "top" / "c").unlink()
    assert [entry.path for entry in found if isinstance(entry, Row)] == ["top/b", "top/b/x"]
    (tmp_path / "top" / "c").touch()

    found = walk(name_sources([str(tmp_path / "top")]))
    assert [next(found).path for _ in range(3)] == ["top", "top/a", "top/b"]  # "b" is not read yet
    (tmp_path / "top" / "b" / "x").unlink()
    (tmp_path / "top" / "b").rmdir()
    gone = LeftOut("top/b", "skipped-unreadable", os.strerror(errno.ENOENT))
    assert next(found) == gone
    (tmp_path / "top" / "c").unlink()
    assert list(found) == [LeftOut("top/c", "skipped-unreadable", os.strerror(errno.ENOENT))]


@pytest.mark.skipif(sys.platform == "darwin", reason="APFS takes no such name")
def test_a_name_that_is_no_text_is_left_out_unless_it_was_named_itself(tmp_path: Path) -> None:
    top = os.fsencode(tmp_path / "top")
    os.makedirs(top + b"/caf\xe9")
    for name in (b"caf\xe9/x", b"\xff\xfe", b"ok"):
        with open(top + b"/" + name, "w"):
            pass
    assert listed(tmp_path / "top") == ["top/", "top/ok"]
    assert left_out(tmp_path / "top") == [LeftOut("top/caf?", "skipped-name"), LeftOut("top/??", "skipped-name")]
    assert listed(Path(os.fsdecode(top + b"/\xff\xfe"))) == ["??"]


def test_folders_are_followed_down_to_the_limit(tmp_path: Path) -> None:
    deepest = "/".join(["d"] * (limits.PATH_DEPTH - 1))
    write(tmp_path / deepest / "file")
    write(tmp_path / deepest / "folder" / "too deep")
    paths = listed(tmp_path / "d")
    assert paths[-2:] == [f"{deepest}/file", f"{deepest}/folder/"]
    assert paths[-1].count("/") == limits.PATH_DEPTH
    assert left_out(tmp_path / "d") == [LeftOut(f"{deepest}/folder/too deep", "skipped-deep")]


def test_paths_are_taken_up_to_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "top" / "가")
    write(tmp_path / "top" / "가x")
    monkeypatch.setattr(limits, "PATH_BYTES", len("top/가".encode()))
    assert listed(tmp_path / "top") == ["top/", "top/가"]
    assert left_out(tmp_path / "top") == [LeftOut("top/가x", "skipped-deep")]


def test_a_list_has_no_more_entries_than_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in "abc":
        write(tmp_path / "top" / name)
    os.symlink("a", tmp_path / "top" / "link")
    monkeypatch.setattr(limits, "OFFER_ENTRIES", 4)
    assert len(listed(tmp_path / "top")) == 4
    monkeypatch.setattr(limits, "OFFER_ENTRIES", 3)
    with pytest.raises(WalkError) as caught:
        walked(tmp_path / "top")
    assert (caught.value.cause, caught.value.detail) == ("too-many", "3")


# --- what is named --------------------------------------------------------------------------------------------------


def names(*paths: object) -> list[str]:
    return list(name_sources([str(path) for path in paths]))


def test_a_path_is_offered_by_its_last_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "folder" / "file.txt")
    monkeypatch.chdir(tmp_path / "folder")
    assert names("file.txt") == names("./file.txt") == names(tmp_path / "folder" / "file.txt") == ["file.txt"]
    for folder in (f"{tmp_path}/folder", f"{tmp_path}/folder/", f"{tmp_path}/folder//", ".", "./", "../folder", ""):
        assert name_sources([folder or "."]) == {"folder": str(tmp_path / "folder")}, folder
    assert name_sources([".."]) == {tmp_path.name: str(tmp_path)}
    assert name_sources(["/"]) == {"files": "/"}


def test_where_it_lies_does_not_depend_on_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "a" / "file", "hello")
    monkeypatch.chdir(tmp_path)
    sources = name_sources(["a"])
    monkeypatch.chdir("/")
    assert [found.path for found in walk(sources)] == ["a", "a/file"]


def test_a_link_that_is_named_itself_is_followed(tmp_path: Path) -> None:
    write(tmp_path / "real" / "file")
    os.symlink("real", tmp_path / "folder")
    os.symlink("real/file", tmp_path / "shortcut.txt")
    assert listed(tmp_path / "folder", tmp_path / "shortcut.txt") == ["folder/", "folder/file", "shortcut.txt"]


def test_names_that_are_the_same_are_numbered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [write(tmp_path / folder / "same.txt") for folder in "abc"]
    assert names(*paths) == ["same.txt", "same (1).txt", "same (2).txt"]
    taken = write(tmp_path / "d" / "same (1).txt")
    assert names(paths[0], taken, paths[1]) == ["same.txt", "same (1).txt", "same (2).txt"]
    assert names(paths[0], paths[0]) == ["same.txt", "same (1).txt"]
    assert listed(paths[0], paths[1]) == ["same.txt", "same (1).txt"]
    monkeypatch.chdir(tmp_path / "a")
    assert names("../a", ".", "./", "../b/..") == ["a", "a (1)", "a (2)", tmp_path.name]


@pytest.mark.parametrize("given", ["nothing", "file/x", "dangling", "loop", "x" * 300, "dir/../nothing"])
def test_a_path_that_is_not_there_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.chdir(tmp_path)
    write(Path("file"))
    os.symlink("nowhere", "dangling")
    os.symlink("loop", "loop")
    with pytest.raises(WalkError) as caught:
        name_sources(["file", given])
    assert (caught.value.cause, caught.value.detail) == ("path-missing", given)


def test_standard_input_is_a_stream_of_now() -> None:
    before = time.time_ns()
    (stream,) = walk(name_sources(["-"]))
    assert isinstance(stream, Row)
    assert stream == Row(1, "stdin", "stream", None, stream.modified)
    assert before <= stream.modified <= time.time_ns()


@pytest.mark.parametrize("given", [["-", "-"], ["-", "/"], ["/", "-"]])
def test_standard_input_goes_alone(given: list[str]) -> None:
    with pytest.raises(WalkError) as caught:
        name_sources(given)
    assert caught.value.cause == "one-file"


def test_a_file_called_like_standard_input_can_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write(Path("-"))
    assert names("./-") == ["-"]
