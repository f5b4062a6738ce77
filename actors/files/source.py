"""Reads what was taken of an offer, in the order of its list, as packets for the lane. Blocks: for a thread.

A file that is not the one that was offered (its size, its time or its inode differ, before or after it was read), that
is gone, or can't be read, is skipped with a reason; the others go on.
"""

import errno
import os
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from typing import Final

from actors.files import packets
from actors.files.reading import ChangedError, OpenFile, Stream
from actors.files.rows import folders_inside_out, rows_of
from actors.files.selection import Runs
from actors.files.tree import blocks_of, file_hash
from actors.files.walk import STDIN_NAME, stamp
from actors.store.journal import Journal, Row
from relay import limits

ROWS: Final = 500  # small files in one packet
PACKED_BYTES: Final = 256 * limits.KIB  # of small files in one packet

Place = tuple[int, int, int]  # entry, block, offset in the block
Packet = tuple[bytes, bytes | bytearray]


@dataclass(slots=True)
class Parcel:
    """What is to be sent next, in one go: a block, or some small files. `noted` are entries that are skipped."""

    packets: list[Packet] = field(default_factory=list)
    noted: list[tuple[str, str]] = field(default_factory=list)  # path and cause
    size: int = 0  # bytes of files in it


class Source:
    """The files of one offer. `sources` tells where each top name lies. One thread at a time."""

    def __init__(
        self,
        journal: Journal,
        record: int,
        number: int,
        sources: dict[str, str],
        runs: Runs | None,
    ) -> None:
        self._journal = journal
        self._record = record
        self._number = number
        self._sources = sources
        self._runs = runs
        self._rows = rows_of(journal, record, runs)
        self._again: Row | None = None  # of standard input, as long as it may have more
        self._file: OpenFile | None = None
        self._stream: Stream | None = None
        self._from: Place = (0, 0, 0)  # of that block, what lies before the offset is not sent

    def close(self) -> None:
        """Close what is open."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def seek(self, place: Place) -> None:
        """Go on at this place, as far as what lies before can be read again. Raises `StoreError`."""
        self._from = place
        entry, block, _ = place
        self.close()
        first = max(entry, 1)
        if self._stream is not None:
            self._stream.seek(_byte(place) if entry == self._stream.row.number else 0)
        elif block:
            row = next(iter(self._journal.entries(self._record, entry, 1)), None)
            if row is not None and row.number == entry and row.kind != "stream":
                self._file = self._reopen(row, block)
                first = entry + (self._file is not None)  # else it is met again, and skipped then
        self._rows, self._again = rows_of(self._journal, self._record, self._runs, first), None

    def kept(self, place: Place) -> None:
        """The receiver has everything before this: of a stream that need not be kept."""
        if self._stream is not None and place[0] == self._stream.row.number:
            self._stream.forget(_byte(place))

    def open_stream(self) -> Stream:
        """Return what standard input is to be put into: its offer has it alone."""
        self._stream = Stream(Row(1, STDIN_NAME, "stream", None, 0))
        return self._stream

    @property
    def dry(self) -> bool:
        """Whether standard input has nothing to give just now."""
        return self._stream is not None and self._stream.dry

    def next(self, piece: int = limits.FILE_CHUNK_BYTES) -> Parcel | None:
        """Return what comes next, in pieces of at most so many bytes; None at the end. Raises `StoreError`."""
        parcel = Parcel()
        small: list[tuple[int, bytes, bytes]] = []
        while True:
            if self._file is not None:
                if small:
                    break
                self._read_block(self._file, piece, parcel)
                return parcel
            row = self._again or next(self._rows, None)
            self._again = None
            if row is None:
                break
            if row.kind == "folder":
                continue
            if row.kind == "stream":
                self._again = row
                if not small:
                    return self._read_stream(row)
                break
            self._begin(row, parcel, small)
            if parcel.size >= min(piece, PACKED_BYTES) or len(small) + len(parcel.noted) >= ROWS:
                break
        if small:
            parcel.packets.append((packets.WHOLE, packets.encode_whole(self._number, small)))
        return parcel if parcel.packets else None

    # --- small files ---------------------------------------------------------------------------------------------

    def _begin(self, row: Row, parcel: Parcel, small: list[tuple[int, bytes, bytes]]) -> None:
        """Read a small file whole, open a large one, or skip it."""
        assert row.size is not None
        try:
            file = OpenFile(row, self._path_of(row))
        except (OSError, ChangedError) as error:
            self._skip(row, error, parcel, small)
            return
        if row.size > limits.SMALL_FILE_BYTES:
            self._file = file
            return
        try:
            data = file.read_all()
            small.append((row.number, file_hash(data), data))
            parcel.size += len(data)
        except (OSError, ChangedError) as error:
            self._skip(row, error, parcel, small)
        finally:
            file.close()

    def _skip(
        self,
        row: Row,
        error: Exception,
        parcel: Parcel,
        small: list[tuple[int, bytes, bytes]] | None = None,
    ) -> None:
        cause = "changed" if isinstance(error, ChangedError) else "unreadable"
        if isinstance(error, FileNotFoundError | NotADirectoryError):
            cause = "gone"
        if small:  # the order of the list is kept
            parcel.packets.append((packets.WHOLE, packets.encode_whole(self._number, small)))
            small.clear()
        parcel.packets.append((packets.SKIP, packets.encode_skip(self._number, row.number, cause)))
        parcel.noted.append((row.path, cause))

    # --- large files ---------------------------------------------------------------------------------------------

    def _read_block(self, file: OpenFile, piece: int, parcel: Parcel) -> None:
        row, block, blocks = file.row, file.block, blocks_of(file.size)
        offset = self._from[2] if self._from[:2] == (row.number, block) else 0
        payloads: list[bytearray] = []
        try:
            if block < blocks:  # else the receiver lacks nothing but the end
                payloads, known = file.read_block(self._number, piece, offset)
                self._journal.note_blocks(self._record, [(row.number, block, known)])
            last = file.block == blocks
            if last:
                file.check()
        except (OSError, ChangedError) as error:
            self.close()
            self._skip(row, error, parcel)
            return
        parcel.packets.extend((packets.BLOCK, payload) for payload in payloads)
        parcel.size += sum(len(payload) - packets.PIECE_HEAD.size for payload in payloads)
        if last:
            self.close()
            end = packets.encode_end(self._number, row.number, file.size, file.tree.digest(file.size))
            parcel.packets.append((packets.END, end))

    def _reopen(self, row: Row, block: int) -> OpenFile | None:
        """Open a file to go on at `block`; blocks before it that the journal does not know are read again."""
        try:
            with ExitStack() as undo:
                file = OpenFile(row, self._path_of(row))
                undo.callback(file.close)
                for known in self._journal.hashes(self._record, row.number, block):
                    file.tree.add(known)
                    file.block += 1
                while file.block < block:
                    file.read_block(self._number, limits.BLOCK_BYTES)
                undo.pop_all()
        except (OSError, ChangedError):
            return None
        return file

    # --- standard input ------------------------------------------------------------------------------------------

    def _read_stream(self, row: Row) -> Parcel:
        assert self._stream is not None
        over = self._stream.over
        start, data = self._stream.give()
        if not data and not over:
            return Parcel()
        if not data:
            self._again = None
            end = packets.encode_end(self._number, row.number, self._stream.size, self._stream.digest())
            return Parcel([(packets.END, end)])
        head = packets.PIECE_HEAD.pack(self._number, row.number, *divmod(start, limits.BLOCK_BYTES))
        return Parcel([(packets.BLOCK, head + data)], size=len(data))

    # --- the list ------------------------------------------------------------------------------------------------

    def _path_of(self, row: Row) -> str:
        top, _, rest = row.path.partition("/")
        if top not in self._sources:
            raise FileNotFoundError(errno.ENOENT, row.path)
        return os.path.join(self._sources[top], rest) if rest else self._sources[top]

    def changed_folders(self) -> Iterator[str]:
        """Yield the folders of the list whose contents have changed since it was made."""
        for row in folders_inside_out(self._journal, self._record, None):
            with suppress(OSError):
                if stamp(os.stat(self._path_of(row)))[0] == row.modified:
                    continue
            yield row.path


def _byte(place: Place) -> int:
    return place[1] * limits.BLOCK_BYTES + place[2]
