"""How fast a transfer goes, as it is shown. No I/O, no clock: times in seconds of any clock that never jumps."""

from collections import deque
from typing import Final

from relay import limits

_WINDOW_SECONDS: Final = 5.0  # long enough that the figure is calm, short enough that a stall is seen
_LEAST_SECONDS: Final = 0.5  # a rate over less is a guess, and a wild one
_STEP_SECONDS: Final = 0.1  # between two points that are kept: 50 of them, however often bytes come


class Pace:
    """The pace of one transfer. Time runs for it from `begin` to `pause`: waiting for an answer or a turn is no stall.

    `moved` bytes were there already, and count for nothing.
    """

    def __init__(self, moved: int = 0) -> None:
        self._moved = moved
        self._began: float | None = None  # None while paused
        self._before = 0.0  # seconds moving, up to the last pause
        self._advanced = 0.0  # when bytes came last, in seconds moving
        self._points = deque([(0.0, moved)])  # seconds moving, bytes moved by then

    def begin(self, now: float) -> None:
        """It moves from now on."""
        if self._began is None:
            self._began = now
            self._advanced = self._before

    def pause(self, now: float) -> None:
        """It waits for something that is no fault of disk or link."""
        self._before = self._moving(now)
        self._began = None

    def take(self, now: float, moved: int) -> None:
        """So many bytes have moved in all. Fewer than before is not believed."""
        if moved <= self._moved:
            return
        at = self._moving(now)
        self._moved, self._advanced = moved, at
        if at - self._points[-1][0] >= _STEP_SECONDS:
            self._points.append((at, moved))
        self._forget(at)

    def rate(self, now: float) -> float:
        """Bytes a second over the last 5 s of moving; 0 once nothing came for so long."""
        at = self._moving(now)
        self._forget(at)
        since, moved = self._points[0]
        return (self._moved - moved) / max(at - since, _LEAST_SECONDS)

    def seconds_left(self, now: float, left: int | None) -> float | None:
        """How long `left` bytes take at this rate; None if nobody knows, or nothing moves."""
        if left == 0:
            return 0.0
        rate = self.rate(now)
        return left / rate if left is not None and rate > 0 else None

    def stalled(self, now: float) -> bool:
        """Whether nothing has come for STALL_SECONDS although it should move."""
        return self._began is not None and self._moving(now) - self._advanced >= limits.STALL_SECONDS

    def _moving(self, now: float) -> float:
        return self._before if self._began is None else self._before + now - self._began

    def _forget(self, at: float) -> None:
        """Keep one point that is as old as the window, to reckon from, and those after it."""
        while len(self._points) > 1 and self._points[1][0] <= at - _WINDOW_SECONDS:
            self._points.popleft()
