"""Plays samples a little faster or slower: two sound cards' clocks are never the same. No I/O, no clock.

Band-limited interpolation (Smith, Gossett: "A flexible sampling-rate conversion method", ICASSP 1984) with 16 samples
around each. It holds back half a millisecond; soxr's stream of variable rate holds back 15 (240 of 16,000 a second).
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]

HALF: Final = 8  # samples on either side
_AROUND: Final = np.arange(1 - HALF, 1 + HALF)


class Stretch:
    """A stream of samples, block by block."""

    def __init__(self) -> None:
        self._samples: Samples = np.zeros(2 * HALF, np.float32)
        self._at = float(HALF)  # where in them the next one is

    def take(self, block: Samples, speed: float) -> Samples:
        """Return what the block becomes at `speed` (1: as it is): as many samples, give or take a few."""
        samples = np.concatenate([self._samples, block])
        places = np.arange(self._at, len(samples) - HALF, speed)
        whole = np.floor(places).astype(np.intp)
        away = (places - whole)[:, None] - _AROUND  # of each of the 16 from where the sample is wanted
        weights = np.sinc(away) * np.cos(away * (np.pi / 2 / HALF)) ** 2
        taken: Samples = np.einsum("ij,ij->i", samples[whole[:, None] + _AROUND], weights).astype(np.float32)
        self._at += len(places) * speed
        done = int(self._at) - HALF
        self._samples, self._at = samples[done:], self._at - done
        return taken
