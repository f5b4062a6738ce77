"""Whether a link is too narrow for PCM. No I/O, no clock.

PCM needs 290 kbit/s with all heads. Where less goes through, frames wait before the lane, since only so many may be
under way. Opus is taken then, and PCM tried again after a while: a longer one each time that it did not go.
"""

from typing import Final

WAITING: Final = 3  # frames before the lane: one or two are a hiccup
WAITED_SECONDS: Final = 0.5  # for so long: it is no hiccup
HOLD_SECONDS: Final = 30.0
HOLD_MOST_SECONDS: Final = 480.0


class Narrowness:
    """Of one direction. Times in seconds, by whatever clock."""

    def __init__(self) -> None:
        self.narrow = False
        self._since: float | None = None  # frames wait
        self._until = 0.0
        self._hold = HOLD_SECONDS
        self._tried_at = 0.0

    def observe(self, waiting: int, now: float) -> bool:
        """So many frames wait before the lane; return whether it is narrow. To be told some times a second."""
        self._since = None if waiting < WAITING else self._since if self._since is not None else now
        stuck = self._since is not None and now - self._since >= WAITED_SECONDS
        if stuck and not self.narrow:
            soon = self._until and now - self._tried_at < self._hold
            self._hold = min(self._hold * 2, HOLD_MOST_SECONDS) if soon else HOLD_SECONDS
            self.narrow, self._until = True, now + self._hold
        elif stuck:
            self._until = now + self._hold  # also Opus has it hard
        elif self.narrow and now >= self._until:
            self.narrow, self._tried_at = False, now
        return self.narrow
