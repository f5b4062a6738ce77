"""The lane `audio`: opened when there is something to send, fed in order, at most 300 ms ahead of what the peer has
taken for play; what waits longer is dropped, the oldest first. What comes is read at once."""

from collections import deque
from collections.abc import Callable
from typing import Final

import trio

from actors.audio import frames
from actors.audio.frames import FrameError, SoundFrame
from actors.lane_use import LaneUse
from actors.lanes import LaneClosed, LaneOpened, LanePacket
from actors.media import Voice

NAME: Final = "audio"  # of the lane
ARRIVALS: Final = 8  # packets that wait to be looked at: they are taken at once
AHEAD_FRAMES: Final = 15  # 300 ms, not known to be taken (docs/protocol.md, section 7)
WAITING_FRAMES: Final = 10  # 200 ms before the lane: what is older will not be played any more
STILL_SECONDS: Final = 2.0  # nothing is taken and nothing is said of it for so long: it was, or never will be

Arrival = LaneOpened | LanePacket | LaneClosed


class Carrier:
    """`feed` and `read` are its two tasks. `came` takes every frame that comes."""

    def __init__(self, voice: Voice, came: Callable[[SoundFrame], None]) -> None:
        self.sent = 0  # frames
        self.dropped = 0  # frames that waited too long
        self.refused = 0  # packets of kinds that this version does not know, or that can't be read
        self._came = came
        self._waiting: deque[SoundFrame] = deque()
        self._flying: deque[tuple[int, float]] = deque()  # numbers that were sent, and when
        self._wake = trio.Event()
        self._use = LaneUse(NAME, voice, self._nudge)

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

    @property
    def waiting(self) -> int:
        """How many frames wait before the lane."""
        return len(self._waiting)

    def send(self, frame: SoundFrame) -> None:
        """Send this frame in its turn; while the peer is away nothing waits for it."""
        if not self._use.joined_now:
            return
        self._waiting.append(frame)
        if len(self._waiting) > WAITING_FRAMES:
            self._waiting.popleft()
            self.dropped += 1
        self._wake.set()

    def taken(self, number: int) -> None:
        """The peer has taken every frame up to this number for play, or left it out."""
        while self._flying and self._flying[0][0] <= number:
            self._flying.popleft()
        self._wake.set()

    async def feed(self) -> None:
        """Send what waits, in order, whenever it may go; open the lane if there is none."""
        while True:
            lane = self._use.lane
            if self._waiting:
                self._use.want()
            if lane is None or not self._waiting or not self._may_send(trio.current_time()):
                self._wake = trio.Event()
                await self._wake.wait()
                continue
            frame = self._waiting.popleft()
            self._flying.append((frame.number, trio.current_time()))
            self.sent += 1
            try:
                await lane.outgoing.send((frames.FRAME, frame.pack()))
            except trio.BrokenResourceError:
                self._use.broke(lane)

    def _nudge(self) -> None:
        self._wake.set()

    def _may_send(self, now: float) -> bool:
        if self._flying and now - self._flying[-1][1] > STILL_SECONDS:
            self._flying.clear()
        return len(self._flying) < AHEAD_FRAMES

    async def read(self, arrivals: trio.MemoryReceiveChannel[Arrival]) -> None:
        """Take what comes on the lane."""
        async with trio.open_nursery() as nursery:
            async for arrival in arrivals:
                self._take(arrival, nursery)

    def _take(self, arrival: Arrival, nursery: trio.Nursery) -> None:
        match arrival:
            case LaneOpened():
                if self._use.opened(arrival):
                    self._flying.clear()
            case LaneClosed():
                self._use.closed(arrival, nursery)
            case LanePacket(type=frames.FRAME, payload=payload):
                try:
                    self._came(frames.unpack(payload))
                except FrameError:
                    self.refused += 1
            case LanePacket():
                self.refused += 1
