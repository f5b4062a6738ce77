"""Holds what comes on the lane against the list: in order, of the right file, of the right length, or not at all.

No I/O of its own, but for the rows of the list that it takes as it needs them.
"""

from collections.abc import Iterator
from typing import Final

from actors.files.packets import FileEnd, Piece, Skipped, SmallFile, SmallFiles
from actors.files.tree import blocks_of
from actors.files.writing import FinishFile, GiveUp, Job, MakeFolders, WritePiece, WriteSmall
from actors.store.journal import Row
from relay import limits

SENDER_REASONS: Final = frozenset({"changed", "gone", "unreadable"})  # why a file may not come


class StepError(Exception):
    """The peer sent what can't come now."""


class Assembly:
    """Turns packets into jobs for the writer. `rows` are the entries that were taken, in the order of the list."""

    def __init__(self, rows: Iterator[Row]) -> None:
        self._rows = rows
        self._row: Row | None = None  # the file that comes next
        self._block = 0
        self._got = 0  # bytes of the block
        self.finished = False  # everything came

    @property
    def place(self) -> tuple[int, int, int]:
        """Entry, block, and offset in it, that come next."""
        if self._row is None:
            return limits.OFFER_ENTRIES + 1, 0, 0
        return self._row.number, self._block, self._got

    def start(self) -> list[Job]:
        """Return what is to be done before anything comes: folders."""
        jobs: list[Job] = []
        self._advance(jobs)
        return jobs

    def take(self, packet: Piece | SmallFiles | FileEnd | Skipped) -> list[Job]:
        """Return what is to be done now. Raises `StepError`. All but a `Piece` may read rows, and so block."""
        jobs: list[Job] = []
        match packet:
            case Piece():
                self._take_piece(packet, jobs)
            case SmallFiles():
                self._take_small(packet, jobs)
            case FileEnd():
                self._take_end(packet, jobs)
            case Skipped():
                row = self._expect(packet.entry)
                reason = packet.reason if packet.reason in SENDER_REASONS else "unreadable"
                jobs.append(GiveUp(row, reason))
                self._advance(jobs)
        return jobs

    def _expect(self, entry: int) -> Row:
        if self._row is None or self._row.number != entry:
            raise StepError(f"entry {entry} where {self.place[0]} should be")
        return self._row

    def _take_piece(self, piece: Piece, jobs: list[Job]) -> None:
        row = self._expect(piece.entry)
        if row.size is not None and row.size <= limits.SMALL_FILE_BYTES:
            raise StepError("a block of a small file")
        if (piece.block, piece.offset) != (self._block, self._got):
            raise StepError(f"block {piece.block} at {piece.offset}, expected {self._block} at {self._got}")
        size = limits.BLOCK_BYTES
        if row.size is not None:
            size = min(size, row.size - self._block * limits.BLOCK_BYTES)
        if not 0 < len(piece.data) <= size - self._got:
            raise StepError(f"{len(piece.data)} bytes where {size - self._got} are left")
        self._got += len(piece.data)
        ends = self._got == size
        jobs.append(WritePiece(row, piece.block, piece.offset, piece.data, ends))
        if ends:
            self._block, self._got = self._block + 1, 0

    def _take_end(self, end: FileEnd, jobs: list[Job]) -> None:
        row = self._expect(end.entry)
        if row.size is not None and (self._got or self._block != blocks_of(row.size) or end.size != row.size):
            raise StepError(f"the end of {end.size} bytes in block {self._block}")
        jobs.append(FinishFile(row, end.size, end.hash))
        self._advance(jobs)

    def _take_small(self, packet: SmallFiles, jobs: list[Job]) -> None:
        batch: list[tuple[Row, SmallFile]] = []
        for small in packet.files:
            row = self._expect(small.entry)
            if row.size is None or row.size != len(small.data):
                raise StepError(f"{len(small.data)} bytes of a file of {row.size}")
            batch.append((row, small))
            folders: list[Job] = []
            self._advance(folders)
            if folders:
                jobs += (WriteSmall(batch), *folders)
                batch = []
        if batch:
            jobs.append(WriteSmall(batch))

    def _advance(self, jobs: list[Job]) -> None:
        """Go on to the next file; folders on the way are made."""
        self._block = self._got = 0
        folders: tuple[int, int] | None = None
        for row in self._rows:
            if row.kind != "folder":
                self._row = row
                break
            folders = (folders[0] if folders else row.number, row.number)
        else:
            self._row, self.finished = None, True
        if folders is not None:
            jobs.append(MakeFolders(*folders))
