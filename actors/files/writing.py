"""Writes what came of one transfer, in the order of its list, and keeps the journal. Blocks: for a thread."""

import os
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from blake3 import blake3

from actors.files.landing import EntryError, Landing, Output, Parts
from actors.files.packets import SmallFile
from actors.files.rows import rows_of
from actors.files.selection import Runs
from actors.files.tree import TreeHash, file_hash
from actors.store.database import StoreError
from actors.store.journal import Journal, Row
from relay import limits


@dataclass(frozen=True, slots=True)
class MakeFolders:
    """The folders of the list from number `first` to `last`: there may be a million of them."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class WritePiece:
    """The next bytes of a file; `ends` with the last of a block."""

    row: Row
    block: int
    offset: int
    data: memoryview
    ends: bool


@dataclass(frozen=True, slots=True)
class FinishFile:
    """Every block of the file came; this is its size and hash where it was read."""

    row: Row
    size: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class WriteSmall:
    """Small files that came whole."""

    files: Sequence[tuple[Row, SmallFile]]


@dataclass(frozen=True, slots=True)
class GiveUp:
    """The file does not come, or not whole."""

    row: Row
    reason: str


Job = MakeFolders | WritePiece | FinishFile | WriteSmall | GiveUp


@dataclass(slots=True)
class Outcome:
    """What jobs came to: bytes on the disk, files that are whole, entries of which something is to be told."""

    size: int = 0
    files: int = 0
    missed: list[tuple[Row, str, str]] = field(default_factory=list)
    renamed: list[tuple[Row, str]] = field(default_factory=list)
    kept: str = ""  # full path of a part that stays


class Writer:
    """The writing end of a transfer. `tops` tells how the top folders are called on this disk.

    Raises `LandingError` and `StoreError`; then the transfer is over. One thread at a time.
    """

    def __init__(
        self,
        journal: Journal,
        record: int,
        landing: Landing | Output,
        tops: dict[str, str],
        boot: str,
        runs: Runs | None = None,
    ) -> None:
        self._journal = journal
        self._record = record
        self._landing = landing
        self._tops = tops
        self._boot = boot
        self._runs = runs
        self._lock = threading.Lock()
        self._at_work = False
        self._left_behind = False
        self._closed = threading.Event()
        self._kept = ""
        self.stopped = False  # set by another thread: the transfer is over, `do` is to return soon
        self._tree = TreeHash()
        self._hasher = blake3()  # of the block under way
        self.first: Parts | None = None  # where the first file landed
        self._size = 0  # of the file under way
        self._under_way = (0, 0)  # its entry, and its blocks that are written
        self._noted = (0, 0)  # in the journal
        self._lost = 0  # number of an entry that can't be kept: the rest of it is passed over

    def do(self, jobs: Iterable[Job]) -> Outcome:
        """Do these, note in the journal how far that is."""
        with self._lock:
            self._at_work = True
        try:
            return self._do(jobs)
        finally:
            with self._lock:
                self._at_work = False
                if self._left_behind:
                    self.close()

    def leave_behind(self, seconds: float) -> str:
        """Stop `do`, which closes everything itself once the disk lets it go. Wait so long for that, and return what
        `close` does; "" if it lasts longer."""
        self.stopped = True
        with self._lock:
            self._left_behind = True
            if not self._at_work:
                self.close()
        self._closed.wait(seconds)
        return self._kept

    def _do(self, jobs: Iterable[Job]) -> Outcome:
        outcome = Outcome()
        hashes: list[tuple[int, int, bytes]] = []
        at = self._noted
        for job in jobs:
            if self.stopped:
                break
            match job:
                case MakeFolders(first=first, last=last):
                    self._make_folders(first, last, outcome)
                    if not self.stopped:
                        at = (last + 1, 0)
                case WritePiece(row=row, block=block, ends=ends):
                    if row.number != self._lost:
                        self._write(job, outcome, hashes)
                    at = (row.number, block + ends)
                case FinishFile(row=row):
                    if row.number != self._lost:
                        self._finish(job, outcome)
                    at = (row.number + 1, 0)
                case WriteSmall(files=files):
                    for row, small in files:
                        self._write_small(row, small, outcome)
                    at = (files[-1][0].number + 1, 0)
                case GiveUp(row=row, reason=reason):
                    outcome.kept = self._landing.abandon() or outcome.kept
                    self._restart()
                    if row.number != self._lost:
                        outcome.missed.append((row, reason, ""))
                    at = (row.number + 1, 0)
        if at != self._noted:
            self._journal.note_blocks(self._record, hashes, self._boot, at, self._landing.partial)
            self._noted = at
        return outcome

    def _make_folders(self, first: int, last: int, outcome: Outcome) -> None:
        for row in rows_of(self._journal, self._record, self._runs, first, last):
            if self.stopped:
                return
            if row.kind == "folder":
                try:
                    self._landing.make_folder(self.parts(row))
                except EntryError as error:
                    outcome.missed.append((row, error.cause, error.detail))

    def parts(self, row: Row) -> Parts:
        """Return where an entry goes, below the destination."""
        top, *rest = row.path.split("/")
        return (self._tops.get(top, top), *rest)

    def close(self) -> str:
        """Close everything; return the full path of a part that stays, or ""."""
        self._kept = self._landing.abandon()
        self._landing.close()
        self._closed.set()
        return self._kept

    def set_folder_times(self, folders: Iterable[Row]) -> None:
        """Give folders their times: once everything is in them, the inner ones first."""
        for row in folders:
            if self.stopped:
                return
            self._landing.set_time(self.parts(row), row.modified)

    @property
    def may_hang(self) -> bool:
        """Whether what takes the bytes may hold us for ever: a pipe, and no disk."""
        return isinstance(self._landing, Output)

    def sync_point(self) -> Callable[[], None] | None:
        """Return what makes the disk keep all that is written of the file under way, and notes it; it blocks.

        Call it while no `do` runs; what it returns may run beside one. None if no file is under way, or can't be
        opened twice.
        """
        if not self._landing.partial or not self._under_way[1]:
            return None
        try:
            descriptor, (entry, blocks) = self._landing.syncing(), self._under_way
        except OSError:
            return None

        def sync() -> None:
            try:
                getattr(os, "fdatasync", os.fsync)(descriptor)  # macOS has no fdatasync
                self._journal.note_synced(self._record, entry, blocks)
            except (OSError, StoreError):
                pass  # what is not synced is read again one day; a disk that fails says so to the next write
            finally:
                os.close(descriptor)

        return sync

    def _write(self, job: WritePiece, outcome: Outcome, hashes: list[tuple[int, int, bytes]]) -> None:
        try:
            if not self._size:
                self._begin(job.row)
        except EntryError as error:
            self._miss(job.row, error, outcome)
            return
        self._hasher.update(job.data)
        self._landing.write(job.data)
        self._size += len(job.data)
        outcome.size += len(job.data)
        if job.ends:
            hashes.append((job.row.number, job.block, self._end_block()))
            self._under_way = job.row.number, job.block + 1

    def _end_block(self) -> bytes:
        known = self._hasher.digest()
        self._tree.add(known)
        self._hasher = blake3()
        return known

    def _begin(self, row: Row) -> None:
        self._restart()
        self._landing.begin(self.parts(row)[-1], program=row.kind == "program")

    def _finish(self, job: FinishFile, outcome: Outcome) -> None:
        try:
            if self._size == 0:
                self._begin(job.row)
            if self._size % limits.BLOCK_BYTES and job.row.size is None:
                self._end_block()  # the last of a stream
            if (job.size, job.hash) != (self._size, self._tree.digest(self._size)):
                raise EntryError("hash")
            self._land(job.row, outcome)
        except EntryError as error:
            self._miss(job.row, error, outcome)
        self._restart()

    def _write_small(self, row: Row, small: SmallFile, outcome: Outcome) -> None:
        try:
            if small.hash != file_hash(small.data):
                raise EntryError("hash")
            self._landing.begin(self.parts(row)[-1], program=row.kind == "program")
            self._landing.write(small.data)
            self._land(row, outcome)
            outcome.size += len(small.data)
        except EntryError as error:
            self._miss(row, error, outcome)

    def _land(self, row: Row, outcome: Outcome) -> None:
        parts = self.parts(row)
        landed = self._landing.finish(parts, row.modified)
        self.first = self.first or landed
        outcome.files += 1
        if landed != parts:
            outcome.renamed.append((row, landed[-1]))

    def _miss(self, row: Row, error: EntryError, outcome: Outcome) -> None:
        self._lost = row.number
        outcome.missed.append((row, error.cause, error.detail))
        outcome.kept = self._landing.abandon() or outcome.kept

    def _restart(self) -> None:
        self._tree = TreeHash()
        self._hasher = blake3()
        self._size = 0
        self._under_way = 0, 0


def boot_id() -> str:
    """Return what tells this start of the machine from others; "" where nothing does."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        return ""
