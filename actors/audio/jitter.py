"""How long sound waits before it is heard: as little as its lateness allows, never longer than CAP_SECONDS.

No I/O, no clock: times are given. A frame's number counts the 20 ms of its sender's microphone, so numbers that are
missing are silence there (nothing is sent while nobody speaks), and between two spurts of speech the wait changes
unheard. That is adaptive playout (Ramjee, Kurose, Towsley, Schulzrinne: "Adaptive Playout Mechanisms for Packetized
Audio Applications in Wide-Area Networks", INFOCOM 1994), made for TCP: nothing is lost or out of order there, but what
was held up comes all at once, and is one lateness, not many.

The quickest way of the last seconds is the base; lateness is what a frame took longer than that, and its wait what
passes from then on until it is played. So the two clocks need not agree.
"""

import math
from collections import deque
from dataclasses import dataclass
from typing import Final

from actors.audio.frames import FRAME_SECONDS, SoundFrame

CAP_SECONDS: Final = 0.3  # what waits longer is dropped, the oldest first
CAP_FRAMES: Final = 15  # the same of frames that lie about their times
SLACK_SECONDS: Final = 0.01  # that frames wait beyond their lateness: turns come every 20 ms, and not evenly
REMEMBERED_SECONDS: Final = 10.0  # then a bad moment is forgotten
COVERED: Final = 0.98  # of the latenesses are waited for
BURST_SECONDS: Final = 0.002  # frames that come so close together were held up together
FASTEST: Final = 0.005  # more would be heard as another pitch
STEEP: Final = 0.25  # of speed, for each second that the wait is off
STEEPER: Final = 0.0001  # the same, added with each frame: what stays is the difference of two clocks
SMOOTHING: Final = 0.04  # of the wait as it is, for each frame: half a second
STOOD_SECONDS: Final = 0.1  # since the last take: the speaker stood still, and what waits now waits too long
MUCH_SECONDS: Final = 0.06  # too long: half a percent would take ages, so a frame is left out now and then
NOW_AND_THEN: Final = 10  # frames
CAUTIOUS_FRAMES: Final = 500  # after a turn in which nothing was there: so long frames wait 20 ms more


@dataclass(slots=True)
class Counts:
    """What became of frames: `late` came after their turn, or twice; `dropped` made room; `skipped` shortened the
    wait, quiet ones first. `dry` are the turns in which nothing was there though speech went on."""

    played: int = 0
    late: int = 0
    dropped: int = 0
    skipped: int = 0
    dry: int = 0


class JitterBuffer:
    """Frames between the lane and the speaker: `put` when one comes, `take` for every 20 ms that the speaker plays.
    `now` is in seconds of our clock."""

    def __init__(self) -> None:
        self.counts = Counts()
        self.target = SLACK_SECONDS  # seconds that a frame which was not late is to wait
        self._frames: deque[SoundFrame] = deque()
        self._next = 0  # number whose turn it is
        self._playing = False
        self._cautious = 0  # frames until the wait may be short again
        self._ways: deque[tuple[float, float]] = deque()  # when frames came, and how long they were under way
        self._lateness: deque[tuple[float, float]] = deque()  # when bursts came, and how late they were
        self._came = -math.inf
        self._taken_at = math.inf
        self._since_skip = 0  # frames played since one was left out
        self._off = 0.0  # seconds by which the wait is too long
        self._clocks = 0.0  # speed that makes up for two clocks

    @property
    def taken(self) -> int:
        """Every number up to this was played, or never will be."""
        return self._next - 1

    @property
    def waiting(self) -> int:
        """How many frames wait."""
        return len(self._frames)

    @property
    def speed(self) -> float:
        """How fast to play, 1 for as it was recorded: a little faster while frames wait longer than they are to, so
        that two sound cards whose clocks differ stay together. Between 1 - FASTEST and 1 + FASTEST."""
        return 1 + _within_fastest(STEEP * self._off + self._clocks) if self._playing else 1.0

    def put(self, sound: SoundFrame, now: float) -> None:
        """Take a frame. One whose turn is over, or that came before, is dropped; a number far below the newest means
        that the sender counts anew."""
        newest = self._frames[-1].number if self._frames else self._next - 1
        if sound.number < newest - CAP_FRAMES:
            self.counts.dropped += len(self._frames)
            self._frames.clear()
            self._ways.clear()  # by another clock, maybe
            self._playing = False
        elif sound.number <= newest:
            self.counts.late += 1
            return
        self._learn(now - sound.captured / 1e9, now)
        self._frames.append(sound)
        if len(self._frames) > CAP_FRAMES or self._wait(now) > CAP_SECONDS:
            self._shorten(now)

    def take(self, now: float) -> SoundFrame | None:
        """Return the frame whose turn it is; None is silence: nobody speaks, or it is late."""
        stood, self._taken_at = now - self._taken_at > STOOD_SECONDS, now
        if not self._frames:
            if self._playing:
                self.counts.dry += 1
                self._cautious = CAUTIOUS_FRAMES
            self._playing = False
            return None
        if not self._playing or self._frames[0].number > self._next:
            if self._wait(now) < self.target:
                return None
            self._shorten(now)  # between two spurts that is not heard
        elif stood:
            self._shorten(now)  # after such a gap that is not heard
        elif len(self._frames) > 1 and self._may_skip(self._wait(now) - self.target):
            self._frames.popleft()
            self.counts.skipped += 1
            self._since_skip = 0
        off = self._wait(now) - self.target
        self._off += SMOOTHING * (off - self._off)
        if abs(self._off) < FRAME_SECONDS / 2:  # what is further off has another cause
            self._clocks = _within_fastest(self._clocks + STEEPER * self._off)
        sound = self._frames.popleft()
        self._next = sound.number + 1
        self._playing = not sound.last
        self._cautious = max(0, self._cautious - 1)
        self._since_skip += 1
        self.counts.played += 1
        return sound

    def _may_skip(self, off: float) -> bool:
        """Tell whether the next frame is to be left out, since it waits so many seconds too long."""
        if self._frames[0].quiet:
            return off > FRAME_SECONDS
        return off > MUCH_SECONDS and self._since_skip >= NOW_AND_THEN

    def _wait(self, now: float) -> float:
        """How long the oldest frame has waited by now, if it was not late."""
        return now - self._frames[0].captured / 1e9 - self._ways[0][1]

    def _shorten(self, now: float) -> None:
        while len(self._frames) > CAP_FRAMES or (
            len(self._frames) > 1 and self._wait(now) > self.target + FRAME_SECONDS
        ):
            self._frames.popleft()
            self.counts.dropped += 1
        self._next = self._frames[0].number
        self._off = 0.0

    def _learn(self, way: float, now: float) -> None:
        for remembered in (self._ways, self._lateness):
            while remembered and remembered[0][0] < now - REMEMBERED_SECONDS:
                remembered.popleft()
        while self._ways and self._ways[-1][1] >= way:  # rising from left to right: the first is the quickest
            self._ways.pop()
        self._ways.append((now, way))
        burst, self._came = now - self._came < BURST_SECONDS, now
        late = way - self._ways[0][1]
        if not burst and late < CAP_SECONDS:  # what is later can't be waited for
            self._lateness.append((now, late))
        if self._lateness:
            ranked = sorted(late for _, late in self._lateness)
            covered = ranked[min(len(ranked) - 1, int(COVERED * len(ranked)))]
            cautious = FRAME_SECONDS if self._cautious else 0.0
            self.target = min(CAP_SECONDS - FRAME_SECONDS, covered + SLACK_SECONDS + cautious)


def _within_fastest(speed: float) -> float:
    return max(-FASTEST, min(FASTEST, speed))
