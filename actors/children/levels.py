"""How loud sound is, in all and by pitch: what meters show."""

from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from actors.audio.frames import RATE, SAMPLES
from relay import limits

FLOOR: Final = -96  # dBFS: less than the last of 16 bits
_EDGES: Final = np.geomspace(80, RATE / 2, limits.BANDS + 1)  # Hz: a voice's lowest tone to all there is
_WINDOW: Final = np.hanning(SAMPLES)
_FULL: Final = 32768.0


def as_int16(samples: NDArray[np.float32]) -> NDArray[np.int16]:
    """Return samples that were added or made louder as 16 bit; what is too loud is cut off."""
    return np.clip(samples, -32768, 32767).astype(np.int16)


def level_of(samples: NDArray[np.int16]) -> float:
    """Return the root mean square in dBFS, a full square wave being 0; FLOOR at least."""
    power = float(np.mean(np.square(samples.astype(np.float64) / _FULL))) if len(samples) else 0.0
    return max(float(FLOOR), 10 * np.log10(power)) if power > 0 else float(FLOOR)


def bands_of(samples: NDArray[np.int16]) -> tuple[int, ...]:
    """Return the level in each of BANDS ranges of pitch, each as wide to the ear, in dBFS; of 320 samples or fewer."""
    samples = np.resize(samples, SAMPLES) if len(samples) > SAMPLES else np.pad(samples, (0, SAMPLES - len(samples)))
    spectrum = np.abs(np.fft.rfft(samples * _WINDOW)) / (_FULL * SAMPLES / 4)  # a full sine is 1
    pitches = np.fft.rfftfreq(SAMPLES, 1 / RATE)
    bands = []
    for low, high in pairwise(_EDGES):
        inside = spectrum[(pitches >= low) & (pitches < high)]
        # Low ranges are narrower than what 20 ms tell apart: there the nearest pitch stands for them.
        loudest = float(inside.max()) if len(inside) else float(spectrum[round(float(low + high) / 2 * SAMPLES / RATE)])
        bands.append(max(FLOOR, round(20 * np.log10(loudest))) if loudest > 0 else FLOOR)
    return tuple(bands)
