"""One offer of ours: its list is made and offered; list and files are read as the lane asks for them."""

import os
from collections import deque
from collections.abc import Awaitable, Callable
from functools import partial
from itertools import islice
from typing import Final, TypeVar

import trio

from actors.files import packets
from actors.files.ending import Ending
from actors.files.packets import Entry, Place
from actors.files.reading import read_stdin
from actors.files.rows import first_names
from actors.files.selection import Runs, RunsError
from actors.files.shown import Shown
from actors.files.source import Packet, Parcel, Source
from actors.files.walk import STDIN, LeftOut, walk
from actors.lanes import LaneOpened
from actors.messages import Emit, Transfer, TransferState
from actors.peer import Answer, Done, FileMessage, Have, Missed, Offer, Stop
from actors.store.database import StoreError
from actors.store.journal import Journal, Row
from relay import limits

_PIECE_SECONDS: Final = 0.06  # that one piece takes on its way: what is said beside it waits for it
_PIECE_LEAST: Final = 8 * limits.KIB
LISTED: Final = 2000  # entries that are read, or sent, in one go

_Result = TypeVar("_Result")


class Outgoing(Ending):
    """What becomes of one OfferFiles. `say` sends a message to the peer, `wake` asks the feeder to look here again.

    Its blocking work is done in threads, by `make_list` and `read`, never two at once.
    """

    def __init__(
        self,
        number: int,
        request: str,
        sources: dict[str, str],
        journal: Journal,
        emit: Emit,
        say: Callable[[FileMessage], None],
        wake: Callable[[], None],
        spawn: Callable[[Callable[[], Awaitable[None]]], None],
    ) -> None:
        name = next(iter(sources))
        shown = Shown(Transfer(id=number, mine=True, state="listing", name=name, request=request), emit)
        super().__init__(number, shown, say)
        self.reading_since: float | None = None  # our own disk, or standard input
        self.stream = STDIN in sources.values()
        self._sources = sources
        self._journal = journal
        self._wake = wake
        self._spawn = spawn
        self._scope = trio.CancelScope()  # of making the list
        self._pumping = trio.CancelScope()  # of reading standard input
        self._listing = True
        self._record = 0
        self._count = 0  # entries of the list
        self._listed = 0  # of them, sent
        self._list_sent = False
        self._have: tuple[int, Have] | None = None  # the peer's last, and its epoch
        self._on = (0, 0)  # epoch and generation of the lane that list and source are placed for
        self._flying: deque[tuple[Place, int]] = deque()  # put onto the lane: place reached, bytes of files
        self._flying_bytes = 0
        self._source: Source | None = None  # once it is accepted
        self._drained = trio.Event()  # of a stream, something need not be kept any longer
        self._read_all = False

    # --- the list ------------------------------------------------------------------------------------------------

    async def make_list(self) -> None:
        """Read the folders, then offer what is in them. Raises `WalkError` and `StoreError`, before it is offered."""
        try:
            with self._scope:
                await self._make_list()
        finally:
            self._listing = False

    async def _make_list(self) -> None:
        begin = partial(self._journal.begin, self.number, mine=True, sources=self._sources)
        self._record = await trio.to_thread.run_sync(begin)
        found = walk(self._sources)
        files = folders = size = skipped = 0
        while page := await _walking(lambda: list(islice(found, LISTED))):
            rows = [item for item in page if isinstance(item, Row)]
            for left_out in (item for item in page if isinstance(item, LeftOut)):
                skipped += 1
                self.shown.note(left_out.path, left_out.cause, left_out.detail)
            await trio.to_thread.run_sync(self._journal.add, self._record, rows)
            for row in rows:
                folders += row.kind == "folder"
                size += row.size or 0
            files += len(rows)
        names = await trio.to_thread.run_sync(first_names, self._journal, self._record, None)
        if self.shown.over:  # a thread's turn does not end with what is cancelled
            return
        files -= folders
        self._count = files + folders
        if not self._count or size >= 2**63:
            self.end("failed", "too-many" if self._count else "empty")
            return
        total = None if self.stream else size
        self._say(Offer(self.number, files, folders, total, names, skipped))
        fields = {"files": files, "folders": folders, "size": total, "names": names, "skipped": skipped}
        self.shown.change(state="offered", **fields)
        self._wake()

    async def entries(self, first: int, count: int) -> tuple[list[Row], int, bool]:
        """Return entries of the list, how many there are, and whether these are all."""
        if self.closed:
            return [], 0, False
        rows = await trio.to_thread.run_sync(self._journal.entries, self._record, first, count)
        return rows, self._count, self.shown.now.state != "listing"

    # --- what the receiver says ----------------------------------------------------------------------------------

    async def take(self, message: Answer | Stop | Missed | Done) -> None:
        """Take what the receiver said. Raises `StoreError`."""
        if isinstance(message, Done) and self._source is not None and self.shown.now.state != "done":
            self._moved(message.size, message.files)  # it has everything; if we wanted to stop, that came too late
            self._close_doors()
            missed = min(message.missed, self.shown.now.files + self.shown.now.folders)
            self.shown.settle(state="done", cause="", detail="", missed=missed)
        if self.shown.over:
            return
        match message:
            case Answer(runs=runs) if self.shown.now.state == "offered":
                await self._accepted(runs)
            case Stop():
                self.stopped(message)
            case Missed(entry=entry, reason=reason):
                rows = await trio.to_thread.run_sync(self._journal.entries, self._record, entry, 1)
                for row in rows:
                    if row.number == entry:
                        self.shown.note(row.path, reason)
            case _:
                pass

    async def _accepted(self, runs: tuple[tuple[int, int], ...] | None) -> None:
        try:
            taken = None if runs is None else Runs(runs)
        except RunsError:
            self._say(Stop(self.number, "protocol"))
            self.end("failed", "protocol", "runs")
            return
        await trio.to_thread.run_sync(self._journal.note_answer, self._record, runs)
        if runs is not None:
            totals = await trio.to_thread.run_sync(self._journal.totals, self._record, runs)
            names = await trio.to_thread.run_sync(first_names, self._journal, self._record, taken)
            name = names[0].rstrip("/") if names else self.shown.now.name
            self.shown.change(files=totals.files, folders=totals.folders, size=totals.size, name=name, names=names)
        if self.shown.over:
            return
        self._source = Source(self._journal, self._record, self.number, self._sources, taken)
        self.shown.change(state="waiting")
        if self.stream:
            self._spawn(self._pump)
        self._wake()

    async def _pump(self) -> None:
        """Take in standard input as it comes, and as far as it may be kept."""
        assert self._source is not None
        stream = self._source.open_stream()
        with self._pumping:
            while not stream.over:
                if stream.full:
                    self._drained = trio.Event()
                    await self._drained.wait()
                    continue
                try:  # it may say nothing for hours: its reader is left behind then
                    data = await trio.to_thread.run_sync(read_stdin, stream.room, abandon_on_cancel=True)
                except OSError as error:
                    self.fail("source-gone", os.strerror(error.errno or 0))
                    return
                stream.take(data)
                self._wake()

    def have(self, epoch: int, have: Have) -> None:
        """Take what the receiver has."""
        self._have = epoch, have
        if self._on == (epoch, have.generation):
            while self._flying and self._flying[0][0] <= (have.entry, have.block, have.offset):
                self._flying_bytes -= self._flying.popleft()[1]
        if self.shown.now.state in ("waiting", "moving"):
            self._moved(have.size, have.files)
        self._note_kept()
        self._wake()

    def _moved(self, size: int, files: int) -> None:
        """Show what the receiver says that it has, as far as there is so much."""
        now = self.shown.now
        self.shown.moved(size if now.size is None else min(size, now.size), min(files, now.files))

    def _note_kept(self) -> None:
        """Tell the source what need not be kept, unless its thread is at work; then once it is not."""
        if self._source is not None and self._have is not None and self.reading_since is None:
            have = self._have[1]
            self._source.kept((have.entry, have.block, have.offset))
            self._drained.set()

    # --- what goes onto the lane ---------------------------------------------------------------------------------

    @property
    def wants_lane(self) -> bool:
        """Whether the receiver lacks something that only a lane can carry. What was put onto one counts for nothing:
        it may be lost with it."""
        if self.shown.over or self.shown.now.state == "listing":
            return False
        have = None if self._have is None else self._have[1]
        return have is None or have.listed < self._count or (self._source is not None and have.entry <= self._count)

    def ready(self, lane: LaneOpened) -> bool:
        """Whether something can be read for this lane now: the receiver has said where this lane goes on."""
        if not self.wants_lane or self._have is None:
            return False
        epoch, have = self._have
        if (epoch, have.generation) != (lane.epoch, lane.generation):
            return False
        if self._on != (epoch, have.generation):
            return True
        if not self._list_sent:
            return True
        return self._source is not None and not self._read_all and not self._source.dry

    @property
    def in_flight(self) -> int:
        """Bytes of files that were put onto the lane and that have not come, as far as is known."""
        return self._flying_bytes

    def put(self, packet: Packet) -> None:
        """A packet of ours was put onto the lane that we are on."""
        place, size = packets.reach(*packet)
        if size:
            self._flying.append((place, size))
            self._flying_bytes += size

    @property
    def idle(self) -> bool:
        """Whether nothing works for it."""
        return self.reading_since is None and not self._listing

    @property
    def lists(self) -> bool:
        """Whether what comes next is its list: lists go before files."""
        return not self._list_sent

    async def read(self, lane: LaneOpened, most: int) -> list[Packet]:
        """Return what is to be sent next on a lane that it is `ready` for, in pieces of `most` bytes at most. Raises
        `StoreError`."""
        assert self._have is not None
        self.reading_since = trio.current_time()
        have = self._have[1] if self._on != (lane.epoch, lane.generation) else None
        self._on = lane.epoch, lane.generation
        try:
            if have is not None:
                self._flying.clear()
                self._flying_bytes = 0
                self._listed = min(have.listed, self._count)
                self._list_sent = self._listed == self._count
                self._read_all = False
            if not self._list_sent:
                return await trio.to_thread.run_sync(self._read_list)
            return await self._read_files(have, most)
        finally:
            self.reading_since = None
            self._note_kept()

    def _read_list(self) -> list[Packet]:
        rows = self._journal.entries(self._record, self._listed + 1, LISTED)
        if not rows:
            raise StoreError("the list is gone")
        encoded: list[bytes] = []
        size = 0
        for row in rows:
            entry = packets.encode_entry(Entry(row.path, row.kind, row.size, row.modified))  # type: ignore[arg-type]
            size += len(entry) + 1
            if encoded and size > limits.LIST_PAGE_BYTES:
                break
            encoded.append(entry)
        first, self._listed = self._listed + 1, self._listed + len(encoded)
        self._list_sent = self._listed == self._count
        return [(packets.LIST, packets.encode_list(self.number, first, encoded, whole=self._list_sent))]

    async def _read_files(self, have: Have | None, most: int) -> list[Packet]:
        source = self._source
        if source is None:  # not answered yet, and the receiver has all of the list
            return []
        if self.shown.now.state == "waiting":
            self.shown.change(state="moving")

        # On a slow link large pieces would be long silences.
        rate = self.shown.now.rate
        usual = rate * _PIECE_SECONDS if rate else limits.SMALL_CHUNK_BYTES
        piece = int(min(max(usual, _PIECE_LEAST), limits.FILE_CHUNK_BYTES, most))

        def read() -> Parcel | None:
            if have is not None:
                source.seek((have.entry, have.block, have.offset))
            return source.next(piece)

        parcel = await _walking(read)
        if parcel is None:
            self._read_all = True
            for path in await trio.to_thread.run_sync(lambda: list(islice(source.changed_folders(), limits.NOTES))):
                self.shown.note(path, "folder-changed")
            return []
        for path, cause in parcel.noted:
            self.shown.note(path, cause)
        return parcel.packets

    # --- the end -------------------------------------------------------------------------------------------------

    def step_back(self) -> None:
        """Another was put first."""
        if self.shown.now.state == "moving" and not self._read_all:
            self.shown.change(state="waiting")

    def end(self, state: TransferState, cause: str = "", detail: str = "") -> None:
        """It is over: note why."""
        self._close_doors()
        self.shown.change(state=state, cause=cause, detail=detail)

    def _close_doors(self) -> None:
        self._scope.cancel()
        self._pumping.cancel()
        self._wake()

    def close(self) -> None:
        """Close what is open and forget the list. Blocks; raises `StoreError`."""
        if self._source is not None:
            self._source.close()
        if self._record:
            self._journal.forget(self._record)


async def _walking(work: Callable[[], _Result]) -> _Result:
    """Read in a thread; one that a dead disk holds is left behind with the call."""
    return await trio.to_thread.run_sync(work, abandon_on_cancel=True)
