"""How much of the file lane may be under way while people talk. No I/O, no clock.

All lanes share one link, and a file sent as fast as TCP goes fills the buffer before it: voices then come seconds late.
While media flow, what is in flight is held to a window, steered by the round trip on `main` in the manner of LEDBAT
(RFC 6817): what the round trip takes beyond its idle value is time in a queue; below an aim the window grows, above it
shrinks, the more the further away. So the link is used and the queue stays short; traffic that fills it goes first.

Different here: steps are reckoned in time (rate times a share of what is missing in the queue), which makes them right
for every rate and round trip; the idle value is looked for by letting the queue run empty for a moment from time to
time, as LEDBAT++ does, for a file that fills the queue for an hour would take its own queue for the idle value.
"""

from typing import Final

PACKET_BYTES: Final = 8 * 1024  # the window's floor, so that the lane never stops for good: 33 ms at 2 Mbit/s
START_BYTES: Final = 64 * 1024  # of a window that has learnt nothing yet
CAP_BYTES: Final = 16 * 1024 * 1024  # the window's ceiling: 1 Gbit/s at 130 ms
_PIECE_BYTES: Final = 64 * 1024  # of one packet while media flow, at most
UNLIMITED: Final = 2**63 - 1  # room while no media flow

TARGET_SECONDS: Final = 0.050  # the promise: no more than this beyond idle; a third of what makes talking awkward
_AIM_SECONDS: Final = 0.6 * TARGET_SECONDS  # what is steered for; the rest is for packets and late samples
_RISE: Final = 0.2  # of what is missing, made good by one sample; stable with samples up to five behind
_FALL: Final = 0.4  # of what is too much: people hear it
_GROWTH: Final = 1.5  # by one sample at most, where a round trip is far shorter than the aim
_PERIOD: Final = 100  # samples from one look for the idle value to the next: 10 s at ten a second
_LOOK: Final = 6  # samples of a look: one or two until it shows, then some to choose from


class Window:
    """The file lane's window. One for each connection of `file`; samples come once a round trip or every 100 ms."""

    def __init__(self) -> None:
        self._flowing = False
        self._window = START_BYTES
        self._after_look = START_BYTES
        self._full = False  # the sender had to wait for room since the last step
        self._samples = _LOOK  # since the last look began
        self._before = float("inf")  # the sample before
        self._past = float("inf")  # the smallest from the look before the last one to the last one
        self._recent = float("inf")  # the smallest since

    def media(self, flowing: bool) -> None:
        """Media flow from now on, or no longer. The window goes on as it was when they flowed last."""
        self._flowing = flowing

    @property
    def flowing(self) -> bool:
        """Whether media flow."""
        return self._flowing

    @property
    def piece(self) -> int:
        """How many bytes a packet may have: what follows it on the link waits for it."""
        return min(max(self._window // 4, PACKET_BYTES), _PIECE_BYTES) if self._flowing else UNLIMITED

    def room(self, in_flight: int) -> int:
        """Return how many bytes may be sent now, with `in_flight` sent and not yet known to have come."""
        if not self._flowing:
            return UNLIMITED
        room = max(0, self._window - in_flight)
        self._full = self._full or room < max(PACKET_BYTES, min(START_BYTES, self._window // 2))
        return room

    def take_round_trip(self, seconds: float) -> None:
        """Learn from a round trip on `main`."""
        self._recent = min(self._recent, seconds)
        current, self._before = min(seconds, self._before), seconds  # one late sample alone says nothing
        if not self._flowing:
            return  # the file's own queue is in it: it may lower the idle value, and never ages one
        self._samples += 1
        if self._samples == _LOOK:
            self._window = self._after_look
        elif self._samples > _PERIOD:
            self._look(current)
        elif self._samples > _LOOK:
            self._steer(current)

    def _steer(self, current: float) -> None:
        missing = _AIM_SECONDS - (current - self._idle())
        if missing > 0 and not self._full:
            return  # the sender fills no window: that the queue is empty says nothing about a greater one
        self._full = False
        share = (_RISE if missing > 0 else _FALL) * missing / max(current, 1e-6)
        self._window = _held(self._window * min(1 + share, _GROWTH))

    def _look(self, current: float) -> None:
        """Let the queue run empty, and forget the idle value before last: the route may have changed."""
        idle, rate = self._idle(), self._window / max(current, 1e-6)
        self._after_look = _held(rate * idle)  # fills the link, without a queue
        self._window = _held(rate * max(idle - _AIM_SECONDS, idle / 2))  # not far below: what follows comes at once
        self._past, self._recent = self._recent, current
        self._samples = 0

    def _idle(self) -> float:
        return min(self._past, self._recent)


def _held(window: float) -> int:
    return int(min(max(window, PACKET_BYTES), CAP_BYTES))
