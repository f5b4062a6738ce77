"""What may happen to the disk that received files land on."""

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from actors.files.landing import Landing, LandingError, Output
from relay import limits
from tests.actors.files.support import contents, unprivileged, write

HIDDEN = ".a.txt.c0ffee.visavis-part"


def open_files() -> int:
    return len(os.listdir("/dev/fd"))


# --- the destination ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["missing", "file", "dangling", "file/below"])
def test_a_destination_that_is_no_folder_is_said(tmp_path: Path, name: str) -> None:
    write(tmp_path / "file")
    (tmp_path / "dangling").symlink_to("nowhere")
    before = open_files()
    with pytest.raises(LandingError) as caught:
        Landing(tmp_path / name, "c0ffee")
    assert (caught.value.cause, caught.value.detail) == ("folder-missing", str(tmp_path / name))
    assert open_files() == before


@pytest.mark.parametrize("mode", [0o500, 0o400, 0o600, 0o300, 0o000])
def test_a_destination_that_may_not_be_written_is_said(ground: Path, mode: int) -> None:
    with unprivileged():
        (ground / "place").mkdir()
        (ground / "place").chmod(mode)
        with pytest.raises(LandingError) as caught:
            Landing(ground / "place", "c0ffee")
    assert (caught.value.cause, caught.value.detail) == ("folder-unwritable", str(ground / "place"))


def test_a_destination_that_may_no_longer_be_written_is_said(ground: Path) -> None:
    with unprivileged():
        (ground / "place" / "inner").mkdir(parents=True)
        landing = Landing(ground / "place", "c0ffee")
        landing.begin("a", program=False)
        landing.write(b"kept")
        (ground / "place").chmod(0o500)
        (ground / "place" / "inner").chmod(0o500)
        for use in (
            lambda: landing.finish(("inner", "a"), 0),
            lambda: landing.make_top("top"),
            lambda: landing.make_folder(("inner", "new")),
            lambda: landing.begin("b", program=False),
        ):
            with pytest.raises(LandingError) as caught:
                use()
            assert caught.value.cause == "folder-unwritable"
        landing.close()
    assert contents(ground / "place") == {".a.c0ffee.visavis-part": b"kept", "inner": None}


def test_a_destination_that_vanishes_is_said(landing: Landing, place: Path) -> None:
    landing.begin("a", program=False)
    landing.write(b"lost")
    subprocess.run(["rm", "-r", place], check=True)
    for use in (
        lambda: landing.finish(("a",), 0),
        lambda: landing.make_top("top"),
        lambda: landing.make_folder(("b",)),
        lambda: landing.begin("a", program=False),
    ):
        with pytest.raises(LandingError) as caught:
            use()
        assert caught.value.cause == "folder-missing"
    assert landing.abandon() == ""
    assert not place.exists()


def test_room_is_asked_for_first(landing: Landing) -> None:
    landing.need(0)
    landing.need(1)
    with pytest.raises(LandingError) as caught:
        landing.need(2**62)
    assert caught.value.cause == "no-space"
    needed, free = map(int, caught.value.detail.split())
    assert needed == 2**62
    assert 0 < free < needed


def test_a_disk_that_can_not_say_how_much_is_free_is_said(landing: Landing, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(descriptor: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fstatvfs", fail)
    with pytest.raises(LandingError) as caught:
        landing.need(1)
    assert (caught.value.cause, caught.value.detail) == ("disk-error", os.strerror(errno.EIO))


# --- a disk that says when a file is closed that it was not written ---------------------------------------------------


@pytest.fixture
def fails_to_close(landing: Landing, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """As a network disk: closing the file fails, and it is closed. Gives what was closed since."""
    really, closed = os.close, []

    def close(descriptor: int) -> None:
        closed.append(descriptor)
        really(descriptor)
        if closed == [descriptor]:
            raise OSError(errno.ENOSPC, "No space left on device")

    landing.begin("a.txt", program=False)
    landing.write(b"lost")
    monkeypatch.setattr(os, "close", close)
    return closed


def test_it_is_told_once_and_nothing_is_closed_twice(landing: Landing, place: Path, fails_to_close: list[int]) -> None:
    with pytest.raises(LandingError) as caught:
        landing.finish(("a.txt",), 0)
    assert caught.value.cause == "disk-full"
    assert landing.abandon() == str(place / HIDDEN)
    landing.close()
    assert len(fails_to_close) == len(set(fails_to_close)) == 2  # the file, the destination
    assert os.listdir(place) == [HIDDEN]


@pytest.mark.parametrize("end", [Landing.abandon, Landing.close, lambda one: one.begin("b", program=False)])
def test_what_is_abandoned_may_fail_to_close(
    landing: Landing, place: Path, fails_to_close: list[int], end: Callable[[Landing], object]
) -> None:
    end(landing)
    assert (place / HIDDEN).read_bytes() == b"lost"


# --- standard output that does not block ------------------------------------------------------------------------------


def test_standard_output_that_is_full_is_waited_for() -> None:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    data = os.urandom(1_000_000)
    with os.fdopen(reading, "rb") as reader, ThreadPoolExecutor(1) as threads:
        came = threads.submit(reader.read)
        Output(writing).write(data)
        os.close(writing)
        assert came.result() == data


def test_standard_output_that_is_closed_while_it_is_waited_for_is_said() -> None:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with ThreadPoolExecutor(1) as threads, os.fdopen(writing, "wb"):
        done = threads.submit(Output(writing).write, bytes(1_000_000))
        os.read(reading, 1)  # it has begun
        os.close(reading)
        with pytest.raises(LandingError, match="output-closed"):
            done.result()


# --- a disk that is full --------------------------------------------------------------------------------------------

FULL = """
import resource, sys
from pathlib import Path
from actors.files.landing import Landing, LandingError
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
landing = Landing(Path(sys.argv[1]), "c0ffee")
landing.begin("a.txt", program=False)
landing.write(bytes(60_000))
try:
    landing.write(bytes(80_000))
except LandingError as error:
    print(error.cause)
    print(landing.abandon())
landing.close()
"""


def test_what_the_disk_took_before_it_was_full_is_kept(place: Path) -> None:
    done = subprocess.run([sys.executable, "-c", FULL, place], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["disk-full", str(place / HIDDEN)]
    assert (place / HIDDEN).stat().st_size == 100_000


@pytest.mark.device
def test_a_small_disk_gets_full(mount: Callable[..., Path]) -> None:
    disk = mount("size=1m")
    landing = Landing(disk, "c0ffee")
    landing.need(limits.MIB)
    with pytest.raises(LandingError) as caught:
        landing.need(limits.MIB + 1)
    assert (caught.value.cause, caught.value.detail) == ("no-space", f"{limits.MIB + 1} {limits.MIB}")
    landing.begin("fits", program=False)
    landing.write(bytes(600_000))
    landing.finish(("fits",), 0)
    landing.begin("a.txt", program=False)
    with pytest.raises(LandingError) as caught:
        landing.write(bytes(600_000))
    assert caught.value.cause == "disk-full"
    assert landing.abandon() == str(disk / HIDDEN)
    landing.close()
    assert sorted(os.listdir(disk)) == [HIDDEN, "fits"]


@pytest.mark.device
def test_a_disk_without_room_for_one_more_name_is_full(mount: Callable[..., Path]) -> None:
    landing = Landing(mount("size=1m,nr_inodes=2"), "c0ffee")
    landing.make_top("top")
    for use in (
        lambda: landing.make_top("other"),
        lambda: landing.make_folder(("top", "new")),
        lambda: landing.begin("a", program=False),
    ):
        with pytest.raises(LandingError) as caught:
            use()
        assert caught.value.cause == "disk-full"
    landing.close()


@pytest.mark.device
def test_a_disk_that_can_only_be_read_is_said(mount: Callable[..., Path]) -> None:
    disk = mount("size=1m")
    landing = Landing(disk, "c0ffee")
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    for use in (
        lambda: landing.begin("a", program=False),
        lambda: landing.make_top("top"),
        lambda: landing.make_folder(("a",)),
        lambda: Landing(disk, "c0ffee"),
    ):
        with pytest.raises(LandingError) as caught:
            use()
        assert caught.value.cause == "folder-unwritable"
    landing.close()
