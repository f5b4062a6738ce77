"""Counts of frames, and how long their stages take. No I/O, no clock."""

from collections import deque
from typing import Final, Literal, get_args

from actors.shows import Flow, Stage

StageName = Literal["capture", "filter", "encode", "queue", "network", "wait", "decode", "show", "all"]
NAMES: Final[tuple[StageName, ...]] = get_args(StageName)
_KEPT: Final = 300  # frames that the stages are told of: ten seconds
_RECENT_SECONDS: Final = 2.0  # that the rates are told of


class Measures:
    """Of one direction of video. Times in seconds by whatever clock; stages in milliseconds."""

    def __init__(self) -> None:
        self.captured = self.dropped_source = self.encoded = self.dropped_queue = 0
        self.sent = self.refused = self.shown = self.size = 0
        self.quality = self.width = self.height = 0
        self._stages: dict[StageName, deque[float]] = {name: deque(maxlen=_KEPT) for name in NAMES}
        self._recent: deque[tuple[float, int]] = deque()

    def moved(self, size: int, now: float) -> None:
        """A frame of so many bytes was sent, or came."""
        self.sent += 1
        self.size += size
        self._recent.append((now, size))
        self._forget(now)

    def took(self, stage: StageName, milliseconds: float) -> None:
        """A frame took so long in this stage."""
        self._stages[stage].append(milliseconds)

    def flow(self, now: float) -> Flow:
        """Return what there is to tell."""
        self._forget(now)
        return Flow(
            captured=self.captured,
            dropped_source=self.dropped_source,
            encoded=self.encoded,
            dropped_queue=self.dropped_queue,
            sent=self.sent,
            refused=self.refused,
            shown=self.shown,
            size=self.size,
            rate=len(self._recent) / _RECENT_SECONDS,
            bytes_a_second=sum(size for _, size in self._recent) / _RECENT_SECONDS,
            quality=self.quality,
            width=self.width,
            height=self.height,
            stages=tuple(_stage(name, times) for name, times in self._stages.items() if times),
        )

    def _forget(self, now: float) -> None:
        while self._recent and now - self._recent[0][0] > _RECENT_SECONDS:
            self._recent.popleft()


def _stage(name: StageName, times: deque[float]) -> Stage:
    ordered = sorted(times)
    return Stage(name, ordered[len(ordered) // 2], ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)])
