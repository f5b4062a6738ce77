"""The lane `file`: opened when there is something to send, fed in the order of the queue, read as the disk keeps up."""

from typing import Final, Protocol

import trio

from actors.files import packets
from actors.files.incoming import Incoming
from actors.files.outgoing import Outgoing
from actors.files.packets import ListPage, PacketError
from actors.files.transfers import Transfers
from actors.files.window import Window
from actors.lanes import LaneClosed, LaneOpened, LanePacket
from actors.peer import FileControl, Message
from actors.store.database import StoreError
from relay import limits

NAME: Final = "file"  # of the lane
DEPTH: Final = limits.BLOCK_BYTES // limits.FILE_CHUNK_BYTES  # packets on their way: the next block is read meanwhile
ARRIVALS: Final = 4  # packets that wait to be put together

Arrival = LaneOpened | LanePacket | LaneClosed


class Voice(Protocol):
    """What the file channel needs of a session."""

    def say(self, message: Message) -> int:
        """Accept a message, return its number. Raises `OutboxFullError`."""

    def tell(self, control: FileControl, epoch: int = 0) -> None:
        """Tell the peer, if it is there (and this is the epoch, if one is named); only the newest of each kind and
        transfer."""

    def open_lane(self, name: str) -> bool:
        """Open a new connection of the lane. False if the peer is not there."""


class Carrier:
    """Moves what transfers have for the lane, and what the lane has for them. `feed` and `read` are its two tasks;
    a third calls the rest."""

    def __init__(self, transfers: Transfers, voice: Voice) -> None:
        self.window = Window()
        self.skipped = 0  # packets of kinds that this version does not know
        self._transfers = transfers
        self._voice = voice
        self._lane: LaneOpened | None = None
        self._joined = False
        self._left = 0  # the last epoch that is over; what comes from its lanes late is no lane
        self._opening = False  # one is being opened, or will be once `_wait` is over
        self._wait = limits.RECONNECT_MIN_SECONDS
        self._opened_at = 0.0
        self._wake = trio.Event()

    def joined(self) -> None:
        """The peer is there: an epoch began."""
        self._joined, self._opening = True, False
        self._wait = limits.RECONNECT_MIN_SECONDS

    def left(self, epoch: int) -> None:
        """The epoch is over, with its lanes."""
        self._joined, self._left = False, epoch
        if self._lane is not None and self._lane.epoch <= epoch:
            self._lane = None

    def reopen(self) -> None:
        """Nothing moves although the peer is there: try another connection."""
        self._lane, self._opening = None, False
        self.nudge()

    def nudge(self) -> None:
        """Something may be ready to be sent."""
        self._wake.set()

    def tell_have(self, transfer: Incoming) -> None:
        """Tell the peer what is had here of its transfer."""
        if self._lane is not None and not transfer.shown.over:
            self._voice.tell(transfer.have(self._lane.generation), self._lane.epoch)

    async def feed(self) -> None:
        """Read what is to be sent, in its order, and put it onto the lane; open one if there is none."""
        while True:
            lane = self._lane
            transfer = self._next_ready(lane) if lane is not None else None
            if lane is None and self._joined and not self._opening and self._transfers.want_lane:
                self._opening = self._voice.open_lane(NAME)
            if lane is None or transfer is None:
                await self._woken()
                continue
            try:
                for packet in await transfer.read(lane, self.window.piece):
                    if self._lane is not lane or transfer.shown.over:
                        break
                    while self.window.room(transfer.in_flight) <= 0 and not transfer.shown.over:
                        await self._woken()
                    transfer.put(packet)
                    await lane.outgoing.send(packet)
            except StoreError as error:
                transfer.fail("journal", str(error))
            except trio.BrokenResourceError:  # its LaneClosed is on the way, unless another took its place
                if self._lane is lane:
                    self._lane, self._opening = None, True

    async def _woken(self) -> None:
        self._wake = trio.Event()
        await self._wake.wait()

    def _next_ready(self, lane: LaneOpened) -> Outgoing | None:
        ready = [transfer for transfer in self._transfers.out.values() if transfer.ready(lane)]
        return next((transfer for transfer in ready if transfer.lists), ready[0] if ready else None)

    async def read(self, arrivals: trio.MemoryReceiveChannel[Arrival]) -> None:
        """Take what comes on the lane; a slow disk keeps the lane waiting, and so the peer."""
        async with trio.open_nursery() as nursery:
            async for arrival in arrivals:
                await self._take(arrival, nursery)
                self.nudge()

    async def _take(self, arrival: Arrival, nursery: trio.Nursery) -> None:
        match arrival:
            case LaneOpened() if arrival.epoch <= self._left:
                arrival.outgoing.close()  # it waited for a disk while its epoch ended
            case LaneOpened():
                self._lane, self._opening = arrival, False
                self._opened_at = trio.current_time()
                for transfer in self._transfers.into.values():
                    self.tell_have(transfer)
            case LaneClosed(epoch=epoch, generation=generation):
                lower = self._lane is not None and generation < self._lane.generation
                if epoch > self._left and not lower:
                    self._lane, self._opening = None, True
                    nursery.start_soon(self._open_again, epoch)
            case LanePacket():
                await self._take_packet(arrival)

    async def _open_again(self, epoch: int) -> None:
        """Let the lane be opened again after a while: longer each time, unless the last one held."""
        if trio.current_time() - self._opened_at >= limits.EPOCH_HELD_SECONDS:
            self._wait = limits.RECONNECT_MIN_SECONDS
        wait, self._wait = self._wait, min(self._wait * 2, limits.RECONNECT_MAX_SECONDS)
        await trio.sleep(wait)
        if self._lane is None and epoch > self._left:
            self._opening = False
            self.nudge()

    async def _take_packet(self, packet: LanePacket) -> None:
        try:
            said = packets.decode(packet.type, packet.payload)
        except PacketError as error:
            for each in self._transfers.into.values():  # it says of none for sure
                each.fail("protocol", str(error))
            return
        if said is None:
            self.skipped += 1
            return
        transfer = self._transfers.into.get(said.transfer)
        if transfer is None or transfer.shown.over:
            return  # it was on its way when its transfer ended
        try:
            if isinstance(said, ListPage):
                await self._take_list(transfer, said)
            else:
                await transfer.take(said)
        except StoreError as error:
            transfer.fail("journal", str(error))

    async def _take_list(self, transfer: Incoming, page: ListPage) -> None:
        await transfer.take_list(page)
        if self._transfers.list_bytes > limits.LISTS_BYTES:
            transfer.fail("too-many")
