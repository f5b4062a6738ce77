"""What the speaker plays: frames in their time, decoded, joined without clicks, as fast as the buffer says. No I/O, no
clock."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from actors.audio.frames import RATE, SAMPLES, SoundFrame
from actors.audio.jitter import JitterBuffer
from actors.children.stretch import Stretch

Samples = NDArray[np.float32]

FADE: Final = 5 * RATE // 1000  # samples: 5 ms end or join sound unheard
SILENT: Final = FADE  # at a time, while nothing is played: so a frame waits no longer than it has to for its turn
_DOWN: Final = np.linspace(1, 0, FADE, dtype=np.float32)


class Playout:
    """`put` what comes, ask for what comes `next` whenever the speaker has room. `now` is in seconds of our clock."""

    def __init__(self) -> None:
        self.buffer = JitterBuffer()
        self.refused = 0  # frames that are no sound
        self.last: SoundFrame | None = None  # that was played
        self._stretch = Stretch()
        self._tail: Samples = np.zeros(FADE, np.float32)  # of what was played last, newest first
        self.sounds = False  # something is played; or silence
        self._decoder: Any = None

    def put(self, frame: SoundFrame, now: float) -> None:
        """Take a frame that came."""
        self.buffer.put(frame, now)

    def next(self, now: float) -> Samples:
        """Return what comes next, as 16-bit numbers: 20 ms, some samples more or fewer while the two sides' sound cards
        are brought together, or 5 ms of silence where there is nothing."""
        return self._stretch.take(self._block(now), self.buffer.speed)

    def _block(self, now: float) -> Samples:
        frame = self.buffer.take(now)
        follows = self.sounds and frame is not None and self.last is not None and frame.number == self.last.number + 1
        block = np.zeros(SILENT, np.float32) if frame is None else self._decode(frame)
        if frame is not None:
            self.last = frame
        if not follows and (self.sounds or frame is not None):
            # What went before is mirrored and fades, what comes fades in: no step at the seam.
            block[:FADE] = block[:FADE] * _DOWN[::-1] + self._tail * _DOWN
        self.sounds = frame is not None
        self._tail = block[: -FADE - 1 : -1]
        return block

    def _decode(self, frame: SoundFrame) -> Samples:
        if frame.codec == "pcm":
            return np.frombuffer(frame.sound, "<i2").astype(np.float32)
        from actors.codecs.opus import Decoder, OpusError  # loaded when the first packet comes

        self._decoder = self._decoder or Decoder()
        try:
            return self._decoder.decode(frame.sound).astype(np.float32)  # type: ignore[no-any-return]
        except OpusError:
            self.refused += 1
            return np.zeros(SAMPLES, np.float32)
