"""Sound like a voice, made when it is needed: no two moments of it are alike, so that one finds them again."""

import wave
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

RATE = 16_000


def voice(seconds: float, seed: int = 1) -> NDArray[np.int16]:
    """Noise between 150 and 1000 Hz, where the most of a voice is, in syllables; at RATE."""
    count = round(seconds * RATE)
    random = np.random.default_rng(seed)
    spectrum = np.fft.rfft(random.standard_normal(count))
    pitches = np.fft.rfftfreq(count, 1 / RATE)
    spectrum[(pitches < 150) | (pitches > 1000)] = 0
    noise = np.fft.irfft(spectrum, count)
    syllables = 0.6 + 0.4 * np.sin(2 * np.pi * 3.7 * np.arange(count) / RATE)
    return (noise / np.abs(noise).max() * syllables * 20_000).astype(np.int16)


def write_wave(path: Path, samples: NDArray[np.int16], rate: int = RATE) -> Path:
    """Write a WAV file of one channel."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.astype("<i2").tobytes())
    return path


def read_wave(path: Path) -> NDArray[np.float64]:
    """The samples of a WAV file of ours, -1 to 1; also of one that is still written."""
    data = path.read_bytes()[44:]
    return np.frombuffer(data[: len(data) // 2 * 2], "<i2").astype(np.float64) / 32768
