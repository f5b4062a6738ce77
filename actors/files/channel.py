"""The file channel: offers in both directions, their queue, and the one lane that carries them all.

commands ─► files ─► Outgoing (list, source) ─► feeder ─► lane `file` ══
events   ◄─ files ◄─ Incoming (listing, assembly, writer) ◄─ reader ◄── lane `file` ══
              ▲▼
         messages and controls on `main`: offer, answer, what is had, stop, done
"""

import logging
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import trio

from actors.files.carrier import Arrival, Carrier, Voice
from actors.files.incoming import Incoming
from actors.files.outgoing import Outgoing
from actors.files.taking import STDOUT
from actors.files.transfers import Numbers, Transfers
from actors.files.walk import WalkError, name_sources
from actors.messages import (
    AnswerOffer,
    CancelTransfer,
    CommandRefused,
    Emit,
    FileCommand,
    Link,
    ListOffer,
    OfferEntry,
    OfferFiles,
    OfferListed,
    OfferRefused,
    PutFirst,
    Stall,
)
from actors.news import FileNews, Joined, Left, MediaFlow, RoundTrip, Taken, Told
from actors.peer import DiskWaits, FileControl, FileMessage, First, Have, Message, Offer, Stop
from actors.reliable import OutboxFullError
from actors.seal import Role
from actors.store.database import StoreError
from actors.store.journal import Journal, Row
from relay import limits

log = logging.getLogger("visavis.files")

INBOX_ITEMS: Final = 256  # commands and news; disks are asked while they wait, and `main` must not wait for a disk
_FAREWELL_SECONDS: Final = 2.0

Asked = tuple[FileCommand, Emit]


@dataclass(frozen=True, slots=True)
class FilesOf:
    """Whose files they are: our role, what names the session in the journal, where that is, and what the link is."""

    role: Role
    session: str
    store: Path
    link: Callable[[], Link]


async def files(
    inbox: trio.MemoryReceiveChannel[Asked | FileNews],
    arrivals: trio.MemoryReceiveChannel[Arrival],
    voice: Voice,
    emit: Emit,
    facts: FilesOf,
) -> None:
    """Offer, answer, send and receive, until `inbox` is closed.

    Takes commands, each with where its refusal goes, and the session's news through `inbox`; the lane's packets
    through `arrivals`, which it keeps waiting while a disk does not keep up. Emits TransferChanged,
    TransferProgressed (at most every PROGRESS_SECONDS), EntryNoted, and to the asker OfferListed, OfferRefused,
    CommandRefused. The journal is opened with the first transfer. When `inbox` ends, what is under way fails with
    "call-over", its parts stay. Closes neither channel; cancelled, it closes its files. Raises nothing of its own.
    """
    channel = _Channel(voice, emit, facts)
    try:
        with trio.CancelScope() as last:
            async with trio.open_nursery() as nursery:
                channel.nursery = nursery
                async with trio.open_nursery() as loops:
                    loops.start_soon(channel.carrier.read, arrivals)
                    loops.start_soon(channel.carrier.feed)
                    loops.start_soon(channel.tick)
                    async for item in inbox:
                        await channel.take(item)
                    loops.cancel_scope.cancel()
                channel.end()
                last.deadline = trio.current_time() + _FAREWELL_SECONDS  # for writers, to close what they have
    finally:
        channel.close()


class _Channel:
    """The state of the file channel."""

    nursery: trio.Nursery

    def __init__(self, voice: Voice, emit: Emit, facts: FilesOf) -> None:
        self._voice = voice
        self._emit = emit
        self._facts = facts
        self._journal: Journal | None = None
        self._opening = trio.Lock()
        self._transfers = Transfers()
        self.carrier = Carrier(self._transfers, voice)
        self._ours = 1 if facts.role == "A" else 2  # the number of our next offer
        self._theirs = Numbers(2 if facts.role == "A" else 1)
        self._unsaid: deque[FileMessage] = deque()  # for which the outbox had no room
        self._active = trio.Event()  # for the ticker: there is a transfer
        self._over = False  # the call: what it takes a thread to find comes too late

    # --- commands and news ---------------------------------------------------------------------------------------

    async def take(self, item: Asked | FileNews) -> None:
        """Take a command or news, in their order."""
        try:
            match item:
                case Joined():
                    self.carrier.joined()
                    for transfer in self._transfers.all():  # what was said of disks may be lost
                        transfer.peer_disk_waits = transfer.our_disk_waits = False
                        transfer.shown.goes_on()
                case Left(epoch=epoch):
                    self.carrier.left(epoch)
                case Told(epoch=epoch, control=Have() | DiskWaits() | First() as control):
                    self._take_control(epoch, control)
                case Told():
                    pass  # of another channel
                case RoundTrip(seconds=seconds):
                    self.carrier.window.take_round_trip(seconds)
                case MediaFlow(flows=flows):
                    self.carrier.window.media(flows)
                case Taken(message=Offer() as offer):
                    await self._take_offer(offer)
                case Taken(message=message):
                    await self._take_message(message)
                case (command, reply):
                    await self._take_command(command, reply)
        except StoreError as error:
            log.warning("journal: %s", error)
        self._nudge()

    async def _take_command(self, command: FileCommand, reply: Emit) -> None:
        if isinstance(command, OfferFiles):
            self.nursery.start_soon(self._offer, command, reply)  # a dead network disk must not hold the call
            return
        number = command.transfer
        transfer = self._transfers.find(number)
        if transfer is None or (transfer.shown.over and not isinstance(command, ListOffer)):
            reply(CommandRefused(cause="no-transfer", detail=str(number), transfer=number))
            return
        match command:
            case CancelTransfer():
                transfer.cancel()
            case PutFirst() if isinstance(transfer, Incoming):
                self._voice.tell(First(number))
            case PutFirst():
                self._transfers.put_first(number)
            case ListOffer():
                rows, total, whole = await transfer.entries(command.first, command.count)
                reply(OfferListed(transfer=number, entries=_listed(rows), total=total, whole=whole))
            case AnswerOffer() if isinstance(transfer, Incoming) and not command.accept:
                transfer.refuse()
            case AnswerOffer() if isinstance(transfer, Incoming):

                def refuse(cause: str, detail: str) -> None:
                    reply(CommandRefused(cause=cause, detail=detail, transfer=number))

                self.nursery.start_soon(transfer.accept, command, refuse)
            case AnswerOffer():
                reply(CommandRefused(cause="no-transfer", detail=str(number), transfer=number))

    async def _offer(self, command: OfferFiles, reply: Emit) -> None:
        try:
            sources = await trio.to_thread.run_sync(name_sources, command.paths, abandon_on_cancel=True)
            journal = await self._open_journal()
            if self._over:
                raise WalkError("no-call")
            if any(transfer.shown.now.request == command.id for transfer in self._transfers.out.values()):
                return  # said again by a screen that came back
            if self._transfers.unanswered >= limits.OPEN_OFFERS:
                raise WalkError("offers-open")
        except WalkError as error:
            reply(OfferRefused(id=command.id, cause=error.cause, detail=error.detail))
            return
        except StoreError as error:
            reply(OfferRefused(id=command.id, cause="journal", detail=str(error)))
            return
        number, self._ours = self._ours, self._ours + 2
        spawn = self.nursery.start_soon
        transfer = Outgoing(number, command.id, sources, journal, self._emit, self._say, self._nudge, spawn)
        self._transfers.out[number] = transfer
        self._nudge()
        await self._list(transfer)

    async def _list(self, transfer: Outgoing) -> None:
        try:
            await transfer.make_list()
        except WalkError as error:
            transfer.fail(error.cause, error.detail)
        except StoreError as error:
            transfer.fail("journal", str(error))
        self._nudge()

    # --- what the peer says --------------------------------------------------------------------------------------

    async def _take_offer(self, offer: Offer) -> None:
        if not self._theirs.take(offer.transfer):
            self._say(Stop(offer.transfer, "protocol"))
            return
        if self._transfers.full:
            self._say(Stop(offer.transfer, "offers-open"))
            return
        try:
            journal = await self._open_journal()
            record = await trio.to_thread.run_sync(partial(journal.begin, offer.transfer, mine=False))
        except StoreError:
            self._say(Stop(offer.transfer, "journal"))
            return
        transfer = Incoming(
            offer,
            journal,
            record,
            self._emit,
            self._say,
            self.carrier.tell_have,
            lambda: self._transfers.coming(transfer),
        )
        self._transfers.into[offer.transfer] = transfer
        self.carrier.tell_have(transfer)

    async def _take_message(self, message: Message | None) -> None:
        number = getattr(message, "transfer", 0)
        if number in self._transfers.out:
            transfer = self._transfers.out[number]
            try:
                await transfer.take(message)  # type: ignore[arg-type]
            except StoreError as error:
                transfer.fail("journal", str(error))
        elif number in self._transfers.into and isinstance(message, Stop):
            self._transfers.into[number].stopped(message)

    def _take_control(self, epoch: int, control: FileControl) -> None:
        match control:
            case Have(transfer=number) if number in self._transfers.out:
                self._transfers.out[number].have(epoch, control)
            case First(transfer=number) if number in self._transfers.out:
                self._transfers.put_first(number)
            case DiskWaits(transfer=number, waits=waits):
                if (waiting := self._transfers.find(number)) is not None:
                    waiting.peer_disk_waits = waits
            case _:
                pass  # of a transfer that is over

    def _say(self, message: FileMessage) -> None:
        """Say it now, or as soon as the outbox has room."""
        try:
            if self._unsaid:
                raise OutboxFullError
            self._voice.say(message)
        except OutboxFullError:
            if len(self._unsaid) >= limits.OUTBOX_MESSAGES:
                log.warning("a peer that acknowledges nothing is not told: %s", type(message).__name__)
                return
            self._unsaid.append(message)
            self._active.set()

    def _nudge(self) -> None:
        self.carrier.nudge()
        self._transfers.renumber()
        if not self._transfers.settled:
            self._active.set()

    # --- progress ------------------------------------------------------------------------------------------------

    async def tick(self) -> None:
        """Tell screens and the peer how far transfers are, now and then while there are some."""
        while True:
            await self._active.wait()
            with suppress(OutboxFullError):
                while self._unsaid:
                    self._voice.say(self._unsaid[0])
                    self._unsaid.popleft()
            for outgoing in self._transfers.out.values():
                outgoing.shown.tick(self._stall(outgoing, outgoing.reading_since))
            for incoming in self._transfers.into.values():
                stall = self._stall(incoming, incoming.writing_since)
                incoming.shown.tick(stall)
                now = incoming.shown.now
                if not incoming.shown.over and incoming.told != (now.moved, now.moved_files):
                    incoming.told = now.moved, now.moved_files
                    self.carrier.tell_have(incoming)
            await self._close_over()
            if not self._unsaid and self._transfers.settled:
                self._active = trio.Event()
            await self._pause()

    async def _pause(self) -> None:
        """Let the time between two reports pass; while media flow, tell the peer meanwhile what has come, since its
        window is held by that."""
        until = trio.current_time() + limits.PROGRESS_SECONDS
        while self.carrier.window.flowing and trio.current_time() + limits.MEDIA_PROGRESS_SECONDS < until:
            await trio.sleep(limits.MEDIA_PROGRESS_SECONDS)
            for incoming in self._transfers.into.values():
                if not incoming.shown.over and incoming.place != incoming.told_place:
                    incoming.told_place = incoming.place
                    self.carrier.tell_have(incoming)
        await trio.sleep_until(until)

    async def _close_over(self) -> None:
        for transfer in self._transfers.all():
            if transfer.shown.over and transfer.idle and not transfer.closed:
                transfer.closed = True
                with suppress(StoreError):  # its list stays in the journal, and is forgotten with its age
                    await trio.to_thread.run_sync(transfer.close)

    def _stall(self, transfer: Outgoing | Incoming, since: float | None) -> Stall:
        """Return why a transfer stands still, "" if it does not; tell the peer when it is our disk."""
        stalled = transfer.shown.stalled
        # Sooner than it is called a stall: the peer, who counts from the same moment, must know by then.
        held = since is not None and trio.current_time() - since >= limits.STALL_SECONDS / 2
        if held != transfer.our_disk_waits:
            transfer.our_disk_waits = held
            self._voice.tell(DiskWaits(transfer.number, held))
        if not stalled:
            return ""
        if held:
            return "own-output" if transfer.shown.now.folder == STDOUT else "own-disk"
        link = self._facts.link()
        if link != "joined":
            return "relay" if link == "out" else "peer-away"
        if transfer.peer_disk_waits:
            return "peer-disk"
        if transfer.shown.now.size is None:
            return ""  # standard input may have nothing to say
        if isinstance(transfer, Incoming) and self._transfers.another_moves(transfer):
            transfer.shown.change(state="waiting")  # the sender has put another first
            return ""
        if isinstance(transfer, Outgoing) and transfer.shown.still_for >= limits.LANE_STALL_SECONDS:
            transfer.shown.tried_again()
            self.carrier.reopen()
        return "link"

    # --- the journal, and the end --------------------------------------------------------------------------------

    async def _open_journal(self) -> Journal:
        async with self._opening:
            if self._journal is None:
                self._journal = await trio.to_thread.run_sync(Journal, self._facts.store, self._facts.session)
            return self._journal

    def end(self) -> None:
        """The call is over, and so is every transfer."""
        self._over = True
        for transfer in self._transfers.all():
            transfer.end_with_call()

    def close(self) -> None:
        """Close what is still open. Blocks for a moment: nothing else goes on by now."""
        for transfer in self._transfers.all():
            if not transfer.closed:
                with suppress(StoreError):
                    transfer.close()
        if self._journal is not None:
            self._journal.close()
        if self.carrier.skipped:
            log.info("skipped %d packets of kinds unknown to this version", self.carrier.skipped)


def _listed(rows: Iterable[Row]) -> tuple[OfferEntry, ...]:
    """Return what of these rows goes into one answer."""
    room, entries = limits.LISTED_BYTES, []
    for row in rows:
        room -= len(row.path.encode())
        if room < 0:
            break
        entries.append(OfferEntry(row.number, row.path, row.size, row.kind == "folder"))
    return tuple(entries)
