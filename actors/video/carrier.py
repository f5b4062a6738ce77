"""The lane `video`: opened when there is something to send, fed with the newest frame as the link takes it, read at
once whatever becomes of what comes."""

from collections.abc import Callable
from typing import Final

import trio

from actors.lane_use import LaneUse
from actors.lanes import LaneClosed, LaneOpened, LanePacket
from actors.media import Voice
from actors.peer import MediaTaken, Showing
from actors.video import frames
from actors.video.frames import Frame, FrameError
from actors.video.measures import Measures
from actors.video.newest import Newest
from actors.video.pacing import Pace
from relay import limits

NAME: Final = "video"  # of the lane
LANE_LIMIT: Final = limits.VIDEO_FRAME_BYTES + frames.LANE_HEAD.size + limits.SEAL_OVERHEAD_BYTES
ARRIVALS: Final = 2  # packets that wait to be looked at: they are taken at once

Arrival = LaneOpened | LanePacket | LaneClosed


class Carrier:
    """`feed` and `read` are its two tasks. `came` takes every frame that comes, `sent` every frame that goes."""

    def __init__(
        self,
        voice: Voice,
        newest: Newest,
        measures: Measures,
        came: Callable[[Frame], None],
        sent: Callable[[Frame], None],
    ) -> None:
        self.pace = Pace()
        self.sending = False  # there is something for the peer to see
        self.skipped = 0  # packets of kinds that this version does not know, or that can't be read
        self._newest = newest
        self._measures = measures
        self._came = came
        self._sent = sent
        self._wake = trio.Event()
        self._looking = trio.CancelScope()  # for a newer frame
        self._use = LaneUse(NAME, voice, self._turn)

    def joined(self) -> None:
        """The peer is there: an epoch began."""
        self._use.joined()

    def left(self, epoch: int) -> None:
        """The epoch is over, with its lanes."""
        self._use.left(epoch)

    @property
    def epoch(self) -> int:
        """That the lane is in."""
        return self._use.epoch

    def send(self, showing: Showing) -> None:
        """This is for the peer to see from now on, or nothing."""
        sending = bool(showing.kind)
        if sending and not self.sending:
            self.pace.begin()
        self.sending = sending
        self.nudge()

    def taken(self, control: MediaTaken, now: float) -> float | None:
        """The peer has taken frames: return how many seconds the last of them was on its way, there and back; None if
        it is none that was sent on this lane."""
        flight = self.pace.taken(control.number, control.waited_us / 1e6, now)
        self.nudge()
        return flight

    def nudge(self) -> None:
        """A frame may go that might not go before."""
        self._wake.set()

    def _turn(self) -> None:
        """Let `feed` look at the lane anew, though what is shown may stand still."""
        self._looking.cancel()
        self.nudge()

    async def feed(self) -> None:
        """Send the newest frame whenever one may go; open the lane if there is none."""
        last, on = 0, None
        while True:
            lane = self._use.lane
            if self.sending:
                self._use.want()
            if lane is None or not self.sending or not self.pace.may_send(trio.current_time()):
                self._wake = trio.Event()
                await self._wake.wait()
                continue
            if on is not lane:
                last, on = 0, lane  # what stands still is shown again to who comes back
            with trio.CancelScope() as self._looking:
                frame = await self._newest.newer(last)
            if self._looking.cancelled_caught or self._use.lane is not lane or not self.sending:
                continue
            now = trio.current_time()
            self._measures.dropped_queue += max(0, frame.number - last - 1) if last else 0
            self._measures.took("queue", max(0.0, now * 1e3 - frame.captured / 1e6))
            self._measures.moved(len(frame.jpeg), now)
            self.pace.sent(frame.number, now, frame.mark)
            last = frame.number
            self._sent(frame)
            try:
                await lane.outgoing.send((frames.FRAME, frame.pack()))
            except trio.BrokenResourceError:
                self._use.broke(lane)

    async def read(self, arrivals: trio.MemoryReceiveChannel[Arrival]) -> None:
        """Take what comes on the lane, without waiting for whoever shows it."""
        async with trio.open_nursery() as nursery:
            async for arrival in arrivals:
                self._take(arrival, nursery)

    def _take(self, arrival: Arrival, nursery: trio.Nursery) -> None:
        match arrival:
            case LaneOpened():
                if self._use.opened(arrival):
                    self.pace.begin()
            case LaneClosed():
                self._use.closed(arrival, nursery)
            case LanePacket(type=frames.FRAME, payload=payload):
                try:
                    self._came(frames.unpack_frame(payload))
                except FrameError:
                    self.skipped += 1
            case LanePacket():
                self.skipped += 1
