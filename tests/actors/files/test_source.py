"""What is read of an offer, and in which packets."""

import os
import random
import socket
from pathlib import Path

import pytest

from actors.files.packets import FileEnd, Piece, Skipped, SmallFiles
from actors.files.selection import Runs
from actors.files.source import ROWS, Source
from actors.files.tree import file_hash
from actors.store.journal import Journal
from relay import limits
from tests.actors.files.read import BLOCK, MIB, NUMBER, SMALL, Reading, bytes_of, numbers, skipped, touched
from tests.actors.files.support import decoded, list_into, tree_hash, write


@pytest.fixture
def top(tmp_path: Path) -> Path:
    (tmp_path / "top").mkdir()
    return tmp_path / "top"


# --- small files ----------------------------------------------------------------------------------------------------


def test_small_files_travel_together(journal: Journal, top: Path) -> None:
    for name in ("a", "b", "c/d"):
        write(top / name, name * 3)
    write(top / "empty")
    reading = Reading(journal, top)
    (packet,) = reading.next() or ()
    assert isinstance(packet, SmallFiles)
    assert packet.transfer == NUMBER
    data = {reading.rows[small.entry - 1].path: bytes(small.data) for small in packet.files}
    assert data == {"top/a": b"aaa", "top/b": b"bbb", "top/c/d": b"c/dc/dc/d", "top/empty": b""}
    assert all(small.hash == file_hash(small.data) for small in packet.files)
    assert reading.next() is None


def test_a_list_of_folders_alone_is_nothing_to_read(journal: Journal, top: Path) -> None:
    (top / "a" / "b").mkdir(parents=True)
    assert Reading(journal, top).next() is None


def test_a_batch_does_not_outgrow_a_packet(journal: Journal, top: Path) -> None:
    for number in range(30):
        write(top / f"{number:02}", bytes([number]) * SMALL)
    reading = Reading(journal, top)
    assert numbers(reading.rest()) == list(range(2, 32))
    assert max(len(payload) for parcel in reading.parcels for _, payload in parcel.packets) <= limits.FILE_CHUNK_BYTES


def test_a_batch_has_no_more_files_than_rows_are_read_at_a_time(journal: Journal, top: Path) -> None:
    for number in range(ROWS + 1):
        write(top / str(number))
    reading = Reading(journal, top)
    assert [len(numbers(reading.next() or ())) for _ in range(3)] == [ROWS, 1, 0]


def test_a_parcel_says_how_many_bytes_of_files_are_in_it(journal: Journal, top: Path) -> None:
    write(top / "a", "12345")
    write(top / "b", "123")
    write(top / "c", bytes(5 * MIB))
    reading = Reading(journal, top)
    reading.rest()
    assert [parcel.size for parcel in reading.parcels] == [8, 4 * MIB, 1 * MIB]


def test_a_parcel_counts_the_bytes_before_and_after_one_that_is_skipped(journal: Journal, top: Path) -> None:
    for name, size in (("a", 5), ("b", 5), ("c", 2 * BLOCK)):
        write(top / name, bytes(size))
    reading = Reading(journal, top)
    (top / "b").unlink()
    packets = reading.next() or []
    assert [type(packet) for packet in packets[:3]] == [SmallFiles, Skipped, Piece]
    assert reading.parcels[0].size == 5 + BLOCK


# --- large files ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [SMALL, SMALL + 1, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK, 2 * BLOCK + 3 * SMALL])
def test_a_file_comes_as_it_is(journal: Journal, top: Path, size: int) -> None:
    data = random.Random(size).randbytes(size)
    write(top / "a", data)
    packets = Reading(journal, top).rest()
    if size <= SMALL:
        (packet,) = packets
        assert isinstance(packet, SmallFiles)
        assert packet.files[0].data == data
        return
    assert bytes_of(packets, 2) == data
    assert packets[-1] == FileEnd(NUMBER, 2, size, tree_hash(data))
    at = 0
    for piece in packets[:-1]:
        assert isinstance(piece, Piece)
        assert divmod(at, BLOCK) == (piece.block, piece.offset)
        assert 0 < len(piece.data) <= limits.FILE_CHUNK_BYTES
        at += len(piece.data)


@pytest.mark.parametrize("piece", [64 * limits.KIB, 100_000, limits.FILE_CHUNK_BYTES])
def test_it_comes_in_pieces_as_great_as_asked_for(journal: Journal, top: Path, piece: int) -> None:
    data = random.Random(1).randbytes(BLOCK + MIB)
    write(top / "a", data)
    reading = Reading(journal, top)
    packets = [
        packet for parcel in iter(lambda: reading.source.next(piece), None) for packet in decoded(parcel.packets)
    ]
    assert bytes_of(packets, 2) == data
    assert packets[-1] == FileEnd(NUMBER, 2, len(data), tree_hash(data))
    assert max(len(packet.data) for packet in packets if isinstance(packet, Piece)) == piece


def test_no_more_than_a_block_is_read_at_a_time(journal: Journal, top: Path) -> None:
    write(top / "a", bytes(2 * BLOCK + 1))
    reading = Reading(journal, top)
    reading.rest()
    assert [parcel.size for parcel in reading.parcels] == [BLOCK, BLOCK, 1]


def test_the_journal_knows_the_blocks_that_were_read(journal: Journal, top: Path) -> None:
    write(top / "a", bytes(2 * BLOCK + 1))
    reading = Reading(journal, top)
    for blocks in range(4):
        assert len(journal.hashes(reading.record, 2, 99)) == blocks
        reading.next()


# --- the order ------------------------------------------------------------------------------------------------------


def test_all_come_in_the_order_of_the_list(journal: Journal, top: Path) -> None:
    for name in ("1", "2", "4/1", "5", "7"):
        write(top / name, name)
    for name in ("3", "4/2", "6"):
        write(top / name, bytes(SMALL + 1))
    reading = Reading(journal, top)
    assert numbers(reading.rest()) == [row.number for row in reading.rows if row.kind == "file"]


def test_the_order_is_kept_round_what_is_skipped(journal: Journal, top: Path) -> None:
    for name in "abcdefg":
        write(top / name, bytes(SMALL + 1) if name in "cf" else name)
    reading = Reading(journal, top)
    for name in "bcg":
        (top / name).unlink()
    write(top / "f", "another")
    packets = reading.rest()
    assert numbers(packets) == list(range(2, 9))
    assert skipped(packets) == [(3, "gone"), (4, "gone"), (7, "changed"), (8, "gone")]
    assert reading.noted == [("top/b", "gone"), ("top/c", "gone"), ("top/f", "changed"), ("top/g", "gone")]


def test_many_that_are_gone_do_not_make_one_great_parcel(journal: Journal, top: Path) -> None:
    for number in range(ROWS + 1):
        write(top / str(number))
    reading = Reading(journal, top)
    for path in list(top.iterdir()):
        path.unlink()
    assert [len(skipped(reading.next() or ())) for _ in range(3)] == [ROWS, 1, 0]


def test_only_what_was_taken_is_read(journal: Journal, top: Path) -> None:
    for name in ("a", "b", "c", "d", "e"):
        write(top / name, name)
    assert numbers(Reading(journal, top, Runs([(3, 4), (6, 6)])).rest()) == [3, 4, 6]


def test_it_is_read_where_it_lies_and_not_where_its_name_says(journal: Journal, tmp_path: Path) -> None:
    sources = {"same": str(write(tmp_path / "a" / "same", "1")), "same (1)": str(write(tmp_path / "b" / "same", "2"))}
    record, _ = list_into(journal, NUMBER, sources)
    parcel = Source(journal, record, NUMBER, sources, None).next()
    assert parcel is not None
    (packet,) = decoded(parcel.packets)
    assert isinstance(packet, SmallFiles)
    assert [bytes(small.data) for small in packet.files] == [b"1", b"2"]


def test_what_lies_nowhere_that_was_named_is_gone(journal: Journal, tmp_path: Path) -> None:
    sources = {name: str(write(tmp_path / name, name)) for name in ("a", "b", "c")}
    sources["b"] = str(tmp_path / "folder")
    write(tmp_path / "folder" / "d", "d")
    record, _ = list_into(journal, NUMBER, sources)
    del sources["b"]
    source = Source(journal, record, NUMBER, sources, None)
    parcels = list(iter(source.next, None))
    packets = [packet for parcel in parcels for packet in decoded(parcel.packets)]
    assert numbers(packets) == [1, 3, 4]
    assert skipped(packets) == [(3, "gone")]
    assert [noted for parcel in parcels for noted in parcel.noted] == [("b/d", "gone")]


# --- what is no longer what was offered -----------------------------------------------------------------------------

SIZES = pytest.mark.parametrize("size", [5, SMALL + 1], ids=["small", "large"])


def longer(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"x")


def shorter(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 1)


def replaced(path: Path) -> None:
    found = path.stat()
    other = write(path.with_name("other"), bytes(found.st_size))
    os.utime(other, ns=(found.st_atime_ns, found.st_mtime_ns))
    other.replace(path)


def folder_instead(path: Path) -> None:
    path.unlink()
    path.mkdir()


def pipe_instead(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)  # whoever opens it to read waits for who writes


def link_instead(path: Path) -> None:
    path.rename(path.with_name("other"))
    path.symlink_to("other")


def socket_instead(path: Path) -> None:
    path.unlink()
    with socket.socket(socket.AF_UNIX) as one:
        os.chdir(path.parent)  # the path of a socket is short
        one.bind(path.name)


def parent_is_a_file(path: Path) -> None:
    path.unlink()
    path.parent.rmdir()
    path.parent.touch()


@SIZES
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (longer, "changed"),
        (shorter, "changed"),
        (touched, "changed"),
        (replaced, "changed"),
        (folder_instead, "changed"),
        (pipe_instead, "changed"),
        (link_instead, "unreadable"),
        (socket_instead, "unreadable"),
        (Path.unlink, "gone"),
        (parent_is_a_file, "gone"),
    ],
)
def test_a_file_that_became_another_is_skipped(
    journal: Journal, top: Path, monkeypatch: pytest.MonkeyPatch, change, reason: str, size: int
) -> None:
    monkeypatch.chdir(top)  # and back, at the end
    write(top / "in" / "a", bytes(size))
    write(top / "z", "stays")
    reading = Reading(journal, top)
    change(top / "in" / "a")
    packets = reading.rest()
    assert skipped(packets) == [(3, reason)]
    assert reading.noted == [("top/in/a", reason)]
    assert numbers(packets) == [3, 4]


@pytest.mark.parametrize("change", [longer, shorter, touched])
def test_a_file_that_changes_while_it_is_read_is_not_ended(journal: Journal, top: Path, change) -> None:
    path = write(top / "a", bytes(2 * BLOCK + 1))
    write(top / "b", "stays")
    reading = Reading(journal, top)
    assert [type(packet) for packet in reading.next() or ()] == [Piece] * (BLOCK // limits.FILE_CHUNK_BYTES)
    change(path)
    packets = reading.rest()
    assert skipped(packets) == [(2, "changed")]
    assert numbers(packets) == [2, 3]
    assert reading.noted == [("top/a", "changed")]


def test_a_file_that_goes_while_it_is_read_is_read_to_its_end(journal: Journal, top: Path) -> None:
    path = write(top / "a", bytes(BLOCK + 1))
    reading = Reading(journal, top)
    reading.next()
    path.unlink()
    assert reading.rest()[-1] == FileEnd(NUMBER, 2, BLOCK + 1, tree_hash(bytes(BLOCK + 1)))


def test_times_far_off_are_no_change(journal: Journal, top: Path) -> None:
    for path in (write(top / "a", "x"), write(top / "b", bytes(SMALL + 1)), top):
        os.utime(path, ns=(10**19, 10**19))
    reading = Reading(journal, top)
    assert skipped(reading.rest()) == []
    assert list(reading.source.changed_folders()) == []


def test_a_folder_whose_contents_changed_is_named(journal: Journal, top: Path) -> None:
    for name in ("a", "b", "c", "d"):
        write(top / name / "file", name)
    reading = Reading(journal, top)
    assert list(reading.source.changed_folders()) == []
    write(top / "b" / "new")
    (top / "c" / "file").unlink()
    longer(top / "d" / "file")  # the file says so itself
    (top / "a" / "file").unlink()
    (top / "a").rmdir()
    assert sorted(reading.source.changed_folders()) == ["top", "top/a", "top/b", "top/c"]
