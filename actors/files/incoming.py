"""One offer of the peer's: its list is taken; what is accepted of it is put together, written, and told."""

import math
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Final

import trio

from actors.files.assembly import Assembly, StepError
from actors.files.ending import Ending
from actors.files.landing import LandingError
from actors.files.listing import ListError, Listing
from actors.files.packets import FileEnd, ListPage, Piece, Place, Skipped, SmallFiles
from actors.files.rows import folders_inside_out, rows_of
from actors.files.shown import Shown
from actors.files.taking import Taken, TakingError, take
from actors.files.writing import Job, Writer, boot_id
from actors.messages import OVER, AnswerOffer, Emit, Transfer, TransferState
from actors.peer import Answer, Done, FileMessage, Have, Missed, Offer, Stop
from actors.store.database import StoreError
from actors.store.journal import Journal, Row
from relay import limits

# Why an entry that came could not be kept; of the others the sender knows.
_OURS: Final = frozenset({"hash", "no-name", "not-folder"})
_JOBS: Final = 4  # packets that wait for the disk, 1 MiB each at most
LEAVE_SECONDS: Final = 2.0  # for a disk at work when a call ends; a sync takes a second, and what is kept is told
Refuse = Callable[[str, str], None]


class Incoming(Ending):
    """What becomes of one offer of the peer's. `say` sends it a message, `tell` has it told what is had here.

    `others` gives what else is coming: folders, and bytes still to come into them.

    `accept` runs until the transfer is over; `take_list` and `take` are called from one other task, the lane's
    reader, and wait for the disk: so the lane, and the peer, wait too.
    """

    def __init__(
        self,
        offer: Offer,
        journal: Journal,
        record: int,
        emit: Emit,
        say: Callable[[FileMessage], None],
        tell: Callable[["Incoming"], None],
        others: Callable[[], list[tuple[str, int]]],
    ) -> None:
        self.listing = Listing(journal, record, offer)
        self.writing_since: float | None = None  # our disk, or standard output
        self.told = (0, 0)  # what the peer was told last: bytes and files
        self.told_place: Place = (0, 0, 0)
        shown = Shown(
            Transfer(
                id=offer.transfer,
                mine=False,
                state="offered",
                name=offer.names[0].rstrip("/") if offer.names else "",
                files=offer.files,
                folders=offer.folders,
                size=offer.size,
                names=offer.names,
                skipped=offer.skipped,
            ),
            emit,
        )
        super().__init__(offer.transfer, shown, say)
        self._journal = journal
        self._record = record
        self._tell = tell
        self._others = others
        self._listed = trio.Event()  # the list is whole, or the transfer over
        self._accepting = False
        self._at_work = 0  # threads that work on the list
        self._assembly: Assembly | None = None  # once it is accepted
        self._writer: Writer | None = None
        self._jobs: trio.MemorySendChannel[list[Job]] | None = None  # until all has come
        self._writing = trio.CancelScope()
        self._synced_at = -math.inf
        self._unsynced = 0
        self._syncing = False

    # --- the list ------------------------------------------------------------------------------------------------

    async def take_list(self, page: ListPage) -> None:
        """Take a page of the list. Raises `StoreError`."""
        self._at_work += 1
        try:
            await trio.to_thread.run_sync(self.listing.take, page)
        except ListError as error:
            self.fail(error.cause, error.detail)
        finally:
            self._at_work -= 1
        if self.listing.whole:
            self._listed.set()
            self._tell(self)  # the sender need keep the lane open for it no longer

    async def entries(self, first: int, count: int) -> tuple[list[Row], int, bool]:
        """Return entries of the list, how many are here, and whether these are all."""
        if self.closed:
            return [], 0, False
        total, whole = self.listing.count, self.listing.whole  # before they are read: more may come meanwhile
        rows = await trio.to_thread.run_sync(self._journal.entries, self._record, first, count)
        return rows, total, whole

    def have(self, generation: int) -> Have:
        """Return what is had, for the peer to go on by on this connection of the lane."""
        now = self.shown.now
        return Have(self.number, generation, self.listing.count, *self.place, now.moved_files, now.moved)

    @property
    def place(self) -> Place:
        """Entry, block and byte that files go on with."""
        return self._assembly.place if self._assembly is not None else (0, 0, 0)

    # --- the answer ----------------------------------------------------------------------------------------------

    async def accept(self, answer: AnswerOffer, refuse: Refuse) -> None:
        """Take the offer once its list is here, and everything that then comes; `refuse` hears why that can't be."""
        if self.shown.now.state != "offered" or self._accepting:
            return
        self._accepting = True
        try:
            await self._accept(answer, refuse)
        finally:
            self._accepting = False

    async def _accept(self, answer: AnswerOffer, refuse: Refuse) -> None:
        try:
            await self._listed.wait()
            if self.shown.over:
                return
            taken = await trio.to_thread.run_sync(
                partial(take, self._journal, self._record, answer.folder, answer.only, self._others()),
                abandon_on_cancel=True,
            )
        except TakingError as error:
            refuse(error.cause, error.detail)
            return
        except StoreError as error:
            self.fail("journal", str(error))
            return
        if self.shown.now.state in OVER:
            await trio.to_thread.run_sync(taken.give_back)
            return
        self._writer = writer = Writer(self._journal, self._record, taken.landing, taken.tops, boot_id(), taken.runs)
        try:
            with self._writing:
                await self._receive(taken, writer)
        finally:  # also when the channel itself is cancelled
            left_behind = self.writing_since is not None  # its thread is still at work, and may be for ever
            with trio.CancelScope(shield=True):
                seconds = 0 if writer.may_hang else LEAVE_SECONDS
                kept = await trio.to_thread.run_sync(writer.leave_behind, seconds)
            if kept:
                self.shown.change(partial=kept)
        if kept or left_behind:
            return
        if self.shown.now.state != "done" and not self.shown.now.moved:
            await trio.to_thread.run_sync(taken.give_back)

    async def _receive(self, taken: Taken, writer: Writer) -> None:
        runs = None if taken.runs is None else taken.runs.runs
        note = partial(self._journal.note_answer, self._record, runs, taken.folder, taken.token, taken.tops)
        try:
            await trio.to_thread.run_sync(note)
            assembly = self._assembly = Assembly(rows_of(self._journal, self._record, taken.runs))
            first = await trio.to_thread.run_sync(assembly.start)
            if self.shown.over:  # a thread's turn does not end with what is cancelled
                return
            sending, jobs = trio.open_memory_channel[list[Job]](_JOBS)
            with sending, jobs:
                self._jobs = sending
                totals = taken.totals
                fields: dict[str, Any] = {"files": totals.files, "folders": totals.folders, "size": totals.size}
                if taken.runs is not None:  # what it is called is what was taken of it
                    fields |= {"name": taken.names[0].rstrip("/"), "names": taken.names}
                self.shown.change(state="waiting", folder=taken.folder, path=taken.path, **fields)
                self._say(Answer(self.number, runs))
                self._tell(self)
                if assembly.finished:
                    sending.close()
                await self._write_all(writer, first, jobs)
            if not self.shown.over:
                self.writing_since = trio.current_time()
                folders = folders_inside_out(self._journal, self._record, taken.runs)
                await trio.to_thread.run_sync(writer.set_folder_times, folders, abandon_on_cancel=True)
                self.writing_since = None
        except LandingError as error:
            self.fail(error.cause, error.detail)
        except StoreError as error:
            self.fail("journal", str(error))
        else:
            if not self.shown.over:
                self._done(writer, taken)

    async def _write_all(self, writer: Writer, first: list[Job], jobs: trio.MemoryReceiveChannel[list[Job]]) -> None:
        failure: LandingError | StoreError | None = None
        async with trio.open_nursery() as nursery:
            try:
                await self._write(writer, first, nursery)
                async for batch in jobs:
                    with suppress(trio.WouldBlock, trio.EndOfChannel):
                        # In one go with what else is here: a thread's turn costs 0.1 ms. A pipe may take a second
                        # for each packet, and what it took is told once the go is done.
                        while not writer.may_hang:
                            batch += jobs.receive_nowait()
                    await self._write(writer, batch, nursery)
            except (LandingError, StoreError) as error:
                failure = error  # out of the nursery it would come in a group
        if failure is not None:
            raise failure

    async def _write(self, writer: Writer, jobs: list[Job], nursery: trio.Nursery) -> None:
        await trio.lowlevel.checkpoint_if_cancelled()  # else `writing_since` would stay, of no thread
        self.writing_since = trio.current_time()
        # A dead disk, or a pipe that nobody reads, may hold its writer for ever: it is left behind then, with
        # `writing_since`. See `end`: what merely ends waits for its writer.
        try:
            outcome = await trio.to_thread.run_sync(writer.do, jobs, abandon_on_cancel=True)
        except (LandingError, StoreError):
            self.writing_since = None
            raise
        self.writing_since = None
        if self.shown.over:
            self._writing.cancel()
        now = self.shown.now
        self.shown.moved(now.moved + outcome.size, now.moved_files + outcome.files)
        for row, name in outcome.renamed:
            self.shown.note(row.path, "renamed", name)
        for row, cause, detail in outcome.missed:
            if self.shown.note(row.path, cause, detail) and cause in _OURS:
                self._say(Missed(self.number, row.number, cause))
        if outcome.missed:
            self.shown.change(missed=now.missed + len(outcome.missed), partial=outcome.kept or now.partial)
        if now.size is None:
            self._tell(self)  # the sender keeps of a stream what we do not have
        if not self.shown.over:
            self._sync(writer, outcome.size, nursery)

    def _sync(self, writer: Writer, written: int, nursery: trio.Nursery) -> None:
        """Have the disk itself keep what is written, now and then, while the next is being written."""
        self._unsynced += written
        now = trio.current_time()
        due = self._unsynced >= limits.SYNC_BYTES or now - self._synced_at >= limits.SYNC_SECONDS
        if due and not self._syncing and (point := writer.sync_point()) is not None:
            self._synced_at, self._unsynced, self._syncing = now, 0, True
            nursery.start_soon(self._sync_now, point)

    async def _sync_now(self, point: Callable[[], None]) -> None:
        await trio.to_thread.run_sync(point, abandon_on_cancel=True)
        self._syncing = False

    # --- what comes ----------------------------------------------------------------------------------------------

    async def take(self, packet: Piece | SmallFiles | FileEnd | Skipped) -> None:
        """Take what comes on the lane. What comes out of step ends the transfer. Raises `StoreError`."""
        if self.shown.over:
            return  # it was under way when this ended
        if self._assembly is None or self._jobs is None:
            self.fail("out-of-step", "before the answer")
            return
        if self.shown.now.state == "waiting":
            self.shown.change(state="moving")
        self._at_work += 1
        try:
            if isinstance(packet, Piece):
                jobs = self._assembly.take(packet)
            else:
                jobs = await trio.to_thread.run_sync(self._assembly.take, packet)
        except StepError as error:
            self.fail("out-of-step", str(error))
            return
        finally:
            self._at_work -= 1
        with suppress(trio.BrokenResourceError, trio.ClosedResourceError):  # it ended meanwhile
            if jobs:
                await self._jobs.send(jobs)
            if self._assembly.finished:
                self._jobs.close()

    # --- the end -------------------------------------------------------------------------------------------------

    def _done(self, writer: Writer, taken: Taken) -> None:
        now = self.shown.now
        self._say(Done(self.number, now.moved_files, now.moved, now.missed))
        path = taken.path
        if writer.first is not None and len(writer.first) == 1 and path:
            path = str(Path(taken.folder, *writer.first))  # it may have got a number
        self.shown.change(state="done", path=path)

    def refuse(self) -> None:
        """Do not take it."""
        if self.shown.now.state == "offered":
            self._say(Stop(self.number, "refused"))
            self.end("refused", "refused")

    @property
    def idle(self) -> bool:
        """Whether nothing works for it."""
        return not self._accepting and not self._at_work

    def close(self) -> None:
        """Forget the list, unless a part is kept that it belongs to. Blocks; raises `StoreError`."""
        if not self.shown.now.partial:
            self._journal.forget(self._record)

    def end(self, state: TransferState, cause: str = "", detail: str = "") -> None:
        """It is over: note why, let its writer stop."""
        self.shown.change(state=state, cause=cause, detail=detail)
        self._listed.set()
        if self._writer is None:
            return
        self._writer.stopped = True
        if self.writing_since is None or self._writer.may_hang:
            self._writing.cancel()
