"""How a channel has its lane: opened when it is wanted, opened again when it is lost, dropped with its epoch."""

from collections.abc import Callable
from typing import Protocol

import trio

from actors.lanes import LaneClosed, LaneOpened
from relay import limits


class LaneOpener(Protocol):
    """What is needed of a session."""

    def open_lane(self, name: str) -> bool:
        """Open a new connection of the lane. False if the peer is not there."""


class LaneUse:
    """The lane of this name; `changed` hears when there is one, or one may be opened. Belongs to one channel."""

    def __init__(self, name: str, opener: LaneOpener, changed: Callable[[], None]) -> None:
        self.lane: LaneOpened | None = None
        self.epoch = 0  # of the last lane
        self.joined_now = False  # the peer is there
        self._name = name
        self._opener = opener
        self._changed = changed
        self._left = 0  # the last epoch that is over; what comes from its lanes late is no lane
        self._opening = False  # one is being opened, or will be once `_wait` is over
        self._wait = limits.RECONNECT_MIN_SECONDS
        self._opened_at = 0.0

    def joined(self) -> None:
        """The peer is there: an epoch began."""
        self.joined_now, self._opening = True, False
        self._wait = limits.RECONNECT_MIN_SECONDS
        self._changed()

    def left(self, epoch: int) -> None:
        """The epoch is over, with its lanes."""
        self.joined_now, self._left = False, epoch
        if self.lane is not None and self.lane.epoch <= epoch:
            self.lane = None

    def want(self) -> None:
        """Something is to be sent: open the lane if there is none, the peer is there, and it is time."""
        if self.lane is None and self.joined_now and not self._opening:
            self._opening = self._opener.open_lane(self._name)

    def reopen(self) -> None:
        """Nothing moves although the peer is there: try another connection."""
        self.lane, self._opening = None, False
        self._changed()

    def broke(self, lane: LaneOpened) -> None:
        """It takes nothing any longer: its LaneClosed is on the way, unless another took its place."""
        if self.lane is lane:
            self.lane, self._opening = None, True

    def opened(self, lane: LaneOpened) -> bool:
        """This connection is the lane from now on; False if its epoch ended while this waited to be heard."""
        if lane.epoch <= self._left:
            lane.outgoing.close()
            return False
        self.lane, self._opening, self.epoch = lane, False, lane.epoch
        self._opened_at = trio.current_time()
        self._changed()
        return True

    def closed(self, closed: LaneClosed, nursery: trio.Nursery) -> None:
        """A connection is over; after a while, which a task in `nursery` waits, the next may be opened."""
        lower = self.lane is not None and closed.generation < self.lane.generation
        if closed.epoch > self._left and not lower:
            self.lane, self._opening = None, True
            nursery.start_soon(self._open_again, closed.epoch)

    async def _open_again(self, epoch: int) -> None:
        """Let the lane be opened again after a while: longer each time, unless the last one held."""
        if trio.current_time() - self._opened_at >= limits.EPOCH_HELD_SECONDS:
            self._wait = limits.RECONNECT_MIN_SECONDS
        wait, self._wait = self._wait, min(self._wait * 2, limits.RECONNECT_MAX_SECONDS)
        await trio.sleep(wait)
        if self.lane is None and epoch > self._left:
            self._opening = False
            self._changed()
