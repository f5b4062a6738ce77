"""How much video a link takes: when the next frame may go, and how large frames are to be. No I/O, no clock.

What an acknowledgement takes beyond the idle round trip, less what the frame waited at the receiver, is time that
frames spend on the way because of us: their own size over the rate of the link, and what stands in its queues. Two
things follow from it.

- A frame goes only while the oldest one that is not acknowledged is younger than a round trip and GATE_SECONDS. So
  whatever the link does, no more than about that much video is under way, and a stalled link gets no more.
- Above AIM_SECONDS frames are made smaller at once: first their quality, then their size down to a quarter, then their
  rate; the later, the more. Below two thirds of it for a while, they grow again by one step; the while doubles each
  time that a step up had to be taken back.

Changes are judged by frames that were sent once those of before the last change had come: what was under way then tells
of the old size, and so does what stood behind it.
"""

import math
from collections import deque
from dataclasses import dataclass
from typing import Final, NamedTuple

AIM_SECONDS: Final = 0.160  # on the way, beyond an idle round trip: two thirds of what people notice in a talk
GATE_SECONDS: Final = 0.060  # the oldest unacknowledged frame may be so much older than a round trip
HOLD_SECONDS: Final = 2.0  # of good frames before a step up
HOLD_MOST_SECONDS: Final = 32.0
_GOOD: Final = 2 / 3  # of AIM_SECONDS: below it frames may grow. A file beside them costs 30 to 80 ms
_LATE_FRAMES: Final = 2  # running: one alone may have had bad luck, unless it is very late
_FALL_MOST: Final = 3  # steps at once: that a link stood still says nothing of its rate
_CLOSED: Final = 0.5  # of _JUDGED_SECONDS with the gate closed for longer than this share, frames are too large
_JUDGED_SECONDS: Final = 0.5
_IDLE_SECONDS: Final = 30.0  # the idle round trip is the least of so long, at least


class Step(NamedTuple):
    """Shares of what the user allows: of quality, of each side, of the rate."""

    quality: float
    side: float
    rate: float


STEPS: Final = (
    Step(1, 1, 1),
    Step(0.85, 1, 1),
    Step(0.7, 1, 1),
    Step(0.7, 0.75, 1),
    Step(0.6, 0.6, 1),
    Step(0.6, 0.5, 1),
    Step(0.5, 0.4, 1),
    Step(0.5, 0.33, 1),
    Step(0.5, 0.25, 1),
    Step(0.45, 0.25, 0.5),
    Step(0.4, 0.25, 0.25),
)


@dataclass(slots=True)
class _Sent:
    number: int
    at: float
    step: int


class Pace:
    """Of one direction. Times in seconds, by whatever clock, always the same."""

    def __init__(self) -> None:
        self._step = 0
        self._flying: deque[_Sent] = deque()
        self._least, self._least_before, self._turned = math.inf, math.inf, -math.inf
        self._excess = 0.0  # of the last acknowledgement
        self._hold = HOLD_SECONDS
        self._late = 0  # frames running
        self._good_since: float | None = None
        self._raised_at = self._cleared_at = -math.inf
        self._closed_at: float | None = None  # the gate
        self._closed = 0.0  # for so long since
        self._judged_at = -math.inf

    @property
    def step(self) -> Step:
        """How frames are to be made now."""
        return STEPS[self._step]

    @property
    def in_flight(self) -> int:
        """Frames that were sent and are not acknowledged."""
        return len(self._flying)

    def begin(self) -> None:
        """A new connection: what was sent on the last one will never be acknowledged."""
        self._flying.clear()
        self._good_since = None

    def take_round_trip(self, seconds: float, now: float) -> None:
        """Learn from a round trip on `main`, where nothing waits behind frames but in the link itself."""
        if now - self._turned >= _IDLE_SECONDS:
            self._least_before, self._least, self._turned = self._least, math.inf, now
        self._least = min(self._least, seconds)

    def may_send(self, now: float) -> bool:
        """Tell whoever wants to send whether a frame may go now. If not, only an acknowledgement changes that."""
        may = not self._flying or now - self._flying[0].at <= self.idle + GATE_SECONDS
        if may and self._closed_at is not None:
            self._closed += now - self._closed_at
        self._closed_at = None if may else self._closed_at or now
        return may

    @property
    def mark(self) -> int:
        """The number of this step: frames that are made by it carry it, since it takes a while until they are."""
        return self._step

    def sent(self, number: int, now: float, mark: int) -> None:
        """The frame of this number, higher than any before, made by the step of this mark, went onto the lane."""
        self._flying.append(_Sent(number, now, mark))

    def taken(self, number: int, waited: float, now: float) -> float | None:
        """The peer has taken every frame up to this number, and that one had waited there so long: return the seconds
        that it was on its way, there and back. None if it was not sent on this connection, or is known to be there."""
        last: _Sent | None = None
        while self._flying and self._flying[0].number <= number:
            last = self._flying.popleft()
        if last is None or last.number != number:
            return None
        on_the_way = max(0.0, now - last.at - waited)
        self._excess = max(0.0, on_the_way - min(self.idle, on_the_way))
        if last.step != self._step:
            self._cleared_at = now  # frames of before the change stand before the new ones until then
        elif last.at >= self._cleared_at:
            self._judge(now)
        return on_the_way

    def _judge(self, now: float) -> None:
        starved = self._starved(now)
        self._late = self._late + 1 if self._excess > AIM_SECONDS else 0
        if self._late >= _LATE_FRAMES or self._excess > 2 * AIM_SECONDS:
            self._lower(min(_FALL_MOST, 1 + int(math.log2(max(1.0, self._excess / AIM_SECONDS)))), now)
        elif starved and self._excess > AIM_SECONDS / 2:
            self._lower(1, now)
        elif self._excess > _GOOD * AIM_SECONDS:
            self._good_since = None
        elif self._good_since is None:
            self._good_since = now
        elif now - self._good_since >= self._hold and self._step > 0:
            self._step -= 1
            self._good_since, self._raised_at = None, now

    @property
    def idle(self) -> float:
        """Seconds of the idle round trip, as far as it is known."""
        least = min(self._least, self._least_before)
        return least if math.isfinite(least) else 0.0

    def _starved(self, now: float) -> bool:
        """Tell whether the gate has been closed for much of the time since this was last asked."""
        if now - self._judged_at < _JUDGED_SECONDS:
            return False
        starved = self._closed > _CLOSED * (now - self._judged_at)
        self._closed, self._judged_at = 0.0, now
        return starved

    def _lower(self, steps: int, now: float) -> None:
        if now - self._raised_at < self._hold:
            steps = 1  # the step before was good
            self._hold = min(self._hold * 2, HOLD_MOST_SECONDS)  # and it was raised too early
        elif now - self._raised_at > 4 * self._hold:
            self._hold = HOLD_SECONDS
        self._step = min(self._step + steps, len(STEPS) - 1)
        self._late = 0
        self._good_since = None
