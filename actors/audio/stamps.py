"""When sound was captured: counted in samples, held to the clock. No I/O, no clock.

A device gives its samples in bursts, and a thread wakes late; never does a sample come before it was there. So a frame
follows the one before it by its own length, unless it came even earlier; and what a device's clock goes wrong, or a
burst held back for long, is made up for bit by bit.
"""

from typing import Final

CREEP: Final = 0.005  # of what a frame seems to be late, taken over with each: cards differ by 0.0001 of their rate
LOST_SECONDS: Final = 0.2  # so late: the device stood still, and counts anew


class Stamps:
    """Of one device. Times in seconds by whatever clock."""

    def __init__(self, period: float) -> None:
        self._period = period
        self._last: float | None = None

    def of(self, came: float) -> float:
        """Return when the first sample of the frame was captured that came in whole at `came`."""
        latest = came - self._period
        if self._last is None or latest - self._last - self._period > LOST_SECONDS:
            self._last = latest
        else:
            due = self._last + self._period
            self._last = min(latest, due + CREEP * (latest - due))
        return self._last
