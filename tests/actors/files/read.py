"""What is read of an offer: what the tests of reading share."""

import os
from collections.abc import Sequence
from pathlib import Path

from actors.files.packets import FileEnd, FilePacket, Piece, Skipped, SmallFiles
from actors.files.selection import Runs
from actors.files.source import Parcel, Source
from actors.store.journal import Journal
from relay import limits
from tests.actors.files.support import decoded, list_into

NUMBER = 7
BLOCK = limits.BLOCK_BYTES
SMALL = limits.SMALL_FILE_BYTES
MIB = limits.MIB


class Reading:
    """A list of what lies in `top` now, and what is read of it later."""

    def __init__(self, journal: Journal, top: Path, runs: Runs | None = None) -> None:
        sources = {"top": str(top)}
        self.record, self.rows = list_into(journal, NUMBER, sources)
        self.source = Source(journal, self.record, NUMBER, sources, runs)
        self.noted: list[tuple[str, str]] = []
        self.parcels: list[Parcel] = []

    def number(self, path: str) -> int:
        return next(row.number for row in self.rows if row.path == path)

    def next(self) -> list[FilePacket] | None:
        parcel = self.source.next()
        if parcel is None:
            return None
        self.parcels.append(parcel)
        self.noted += parcel.noted
        return decoded(parcel.packets)

    def rest(self) -> list[FilePacket]:
        return [packet for packets in iter(self.next, None) for packet in packets]


def numbers(packets: Sequence[FilePacket]) -> list[int]:
    """The entries in the order in which they come."""
    found: list[int] = []
    for packet in packets:
        match packet:
            case SmallFiles():
                found += (small.entry for small in packet.files)
            case FileEnd() | Skipped():
                found.append(packet.entry)
            case _:
                pass
    return found


def skipped(packets: Sequence[FilePacket]) -> list[tuple[int, str]]:
    return [(packet.entry, packet.reason) for packet in packets if isinstance(packet, Skipped)]


def bytes_of(packets: Sequence[FilePacket], entry: int) -> bytes:
    return b"".join(packet.data for packet in packets if isinstance(packet, Piece) and packet.entry == entry)


def touched(path: Path) -> None:
    os.utime(path, ns=(0, 0))
