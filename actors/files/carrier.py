"""The lane `file`: opened when there is something to send, fed in the order of the queue, read as the disk keeps up."""

from typing import Final, Protocol

import trio

from actors.files import packets
from actors.files.incoming import Incoming
from actors.files.outgoing import Outgoing
from actors.files.packets import ListPage, PacketError
from actors.files.transfers import Transfers
from actors.files.window import Window
from actors.lane_use import LaneUse
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
        self._wake = trio.Event()
        self._use = LaneUse(NAME, voice, self.nudge)

    def joined(self) -> None:
        """The peer is there: an epoch began."""
        self._use.joined()

    def left(self, epoch: int) -> None:
        """The epoch is over, with its lanes."""
        self._use.left(epoch)

    def reopen(self) -> None:
        """Nothing moves although the peer is there: try another connection."""
        self._use.reopen()

    def nudge(self) -> None:
        """Something may be ready to be sent."""
        self._wake.set()

    def tell_have(self, transfer: Incoming) -> None:
        """Tell the peer what is had here of its transfer."""
        lane = self._use.lane
        if lane is not None and not transfer.shown.over:
            self._voice.tell(transfer.have(lane.generation), lane.epoch)

    async def feed(self) -> None:
        """Read what is to be sent, in its order, and put it onto the lane; open one if there is none."""
        while True:
            lane = self._use.lane
            transfer = self._next_ready(lane) if lane is not None else None
            if self._transfers.want_lane:
                self._use.want()
            if lane is None or transfer is None:
                await self._woken()
                continue
            try:
                for packet in await transfer.read(lane, self.window.piece):
                    if self._use.lane is not lane or transfer.shown.over:
                        break
                    while self.window.room(transfer.in_flight) <= 0 and not transfer.shown.over:
                        await self._woken()
                    transfer.put(packet)
                    await lane.outgoing.send(packet)
            except StoreError as error:
                transfer.fail("journal", str(error))
            except trio.BrokenResourceError:
                self._use.broke(lane)

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
            case LaneOpened():
                if self._use.opened(arrival):
                    for transfer in self._transfers.into.values():
                        self.tell_have(transfer)
            case LaneClosed():
                self._use.closed(arrival, nursery)
            case LanePacket():
                await self._take_packet(arrival)

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
