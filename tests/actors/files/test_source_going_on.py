"""Reading goes on where the receiver is, whatever has become of the file meanwhile."""

import os
import random
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from actors.files.packets import FileEnd, FilePacket, Piece, SmallFiles
from actors.files.tree import blocks_of
from actors.store.journal import Journal
from relay import limits
from tests.actors.files.read import BLOCK, MIB, SMALL, Reading, bytes_of, numbers, skipped, touched
from tests.actors.files.support import write


@pytest.fixture
def top(tmp_path: Path) -> Path:
    (tmp_path / "top").mkdir()
    return tmp_path / "top"


# --- going on -------------------------------------------------------------------------------------------------------


def places(reading: Reading) -> Iterator[tuple[int, int, int]]:
    """The places at which a receiver may stand: all block ends, some offsets, the end of all."""
    for row in reading.rows:
        yield row.number, 0, 0
        size = row.size or 0
        for block in range(blocks_of(size) if size > SMALL else 0):
            in_block = min(BLOCK, size - block * BLOCK)
            yield from ((row.number, block, offset) for offset in {1, 70_001, 2 * MIB} if offset < in_block)
            yield row.number, block + 1, 0  # after the last block only the end is missing
            if in_block < BLOCK:
                yield row.number, block, in_block
    yield limits.OFFER_ENTRIES + 1, 0, 0


def rest_of(packets: Sequence[FilePacket], place: tuple[int, int, int]) -> list[tuple[object, ...]]:
    """What of all this comes from this place on: small files one by one, large ones as all their bytes."""
    found: list[tuple[object, ...]] = []
    data: dict[int, bytearray] = {}
    for packet in packets:
        match packet:
            case SmallFiles():
                found += ((small.entry, bytes(small.data), small.hash) for small in packet.files)
            case Piece(entry=entry, block=block, offset=offset):
                before = max(0, (place[1] - block) * BLOCK + place[2] - offset) if entry == place[0] else 0
                data.setdefault(entry, bytearray()).extend(packet.data[before:])
            case FileEnd(entry=entry):
                found.append((entry, bytes(data.get(entry, b"")), packet.hash, packet.size))
            case _:
                pytest.fail(f"{packet}")
    return [item for item in found if item[0] >= place[0]]  # type: ignore[operator]


@pytest.mark.parametrize("known", [True, False], ids=["hashes in the journal", "read again"])
def test_it_goes_on_at_every_place_with_the_same_bytes(journal: Journal, top: Path, known: bool) -> None:
    chance = random.Random(1)
    for name, size in [("a", 5), ("b", BLOCK + 3 * MIB), ("c/d", 0), ("c/e", BLOCK), ("f", SMALL), ("g", SMALL + 1)]:
        write(top / name, chance.randbytes(size))
    reading = Reading(journal, top)
    everything = reading.rest()
    for place in places(reading):
        if not known:
            reading = Reading(journal, top)
        reading.source.seek(place)
        packets = reading.rest()
        assert rest_of(packets, (0, 0, 0)) == rest_of(everything, place), place
        assert all((packet.block, packet.offset) >= place[1:] for packet in packets[:1] if isinstance(packet, Piece))


@pytest.mark.parametrize(
    "place",
    [(3, 3, 0), (3, 2**32 - 1, 5), (3, 1, BLOCK - 1), (1, 1, 0), (1, 2**32 - 1, 0), (2, 1, 1), (9, 5, 5), (0, 7, 0)],
)
def test_a_place_that_there_is_none_of_does_no_harm(journal: Journal, top: Path, place: tuple[int, int, int]) -> None:
    write(top / "a", "x")
    write(top / "b", bytes(BLOCK + 1))
    reading = Reading(journal, top)
    reading.source.seek(place)
    assert len(reading.rest()) < 10  # the receiver that lied sees to what it gets


@pytest.mark.parametrize("place", [(2, 0, 9), (2, 1, 0), (2, 1, 9), (2, 2, 5), (2, 3, 0)])
def test_a_file_that_changed_meanwhile_is_skipped_and_the_next_comes_whole(
    journal: Journal, top: Path, place: tuple[int, int, int]
) -> None:
    path = write(top / "a", bytes(3 * BLOCK))
    data = random.Random(1).randbytes(SMALL + 1)
    write(top / "b", data)
    reading = Reading(journal, top)
    reading.next()
    touched(path)
    reading.source.seek(place)
    packets = reading.rest()
    assert skipped(packets) == [(2, "changed")]
    assert numbers(packets) == [2, 3]
    assert bytes_of(packets, 3) == data


def test_nothing_stays_open(journal: Journal, top: Path) -> None:
    write(top / "a", bytes(3 * BLOCK))
    before = len(os.listdir("/dev/fd"))
    reading = Reading(journal, top)
    reading.next()
    reading.source.seek((2, 1, 0))
    reading.source.close()
    reading.source.close()
    assert len(os.listdir("/dev/fd")) == before
