"""What every source of sound is to the microphone child, and the two that are no device."""

import time
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from actors.audio.frames import FRAME_SECONDS, SAMPLES

Samples = NDArray[np.int16]


class SoundSource(Protocol):
    """An open source. `name` is for people."""

    name: str

    def read(self) -> Samples | None:
        """Block till the next 20 ms are there, and return their 320 samples; None at the end. Raises `DeviceError`."""

    def close(self) -> None:
        """Let go of it. `read` is not called again."""


class Ticking:
    """The pace of what is no device: counted from the beginning. One that was held up goes on from now."""

    def __init__(self) -> None:
        self._due = time.monotonic()

    def wait(self, seconds: float = FRAME_SECONDS) -> None:
        """Block till so many more seconds are over."""
        self._due += seconds
        left = self._due - time.monotonic()
        if left > 0:
            time.sleep(left)
        elif left < -1:
            self._due = time.monotonic()


class Silence:
    """Nobody speaks: a film is to be heard, and nothing else."""

    name = ""

    def __init__(self) -> None:
        self._ticking = Ticking()

    def read(self) -> Samples | None:
        """Return silence, in its time."""
        self._ticking.wait()
        return np.zeros(SAMPLES, np.int16)

    def close(self) -> None:
        """There is nothing to close."""
