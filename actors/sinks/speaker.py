"""A speaker: PyAudio, written in blocks of 20 ms, from 16 kHz to what the device takes."""

from contextlib import suppress
from typing import Any

import numpy as np
import soxr
from numpy.typing import NDArray

from actors.audio.frames import RATE
from actors.children.portaudio import DeviceError, open_device, start_portaudio

Samples = NDArray[np.int16]


class Speaker:
    """The sink, with a buffer of so many seconds (0: the usual). Raises `DeviceError` when it can't be opened.
    `latency`: seconds from the end of a `write` until its last sample is in the air."""

    def __init__(self, device: str, buffer: float = 0.0) -> None:
        self._audio = start_portaudio()
        try:
            opened = open_device(self._audio, "speaker", device, buffer)
        except DeviceError:
            self._audio.terminate()
            raise
        self._stream, rate = opened.stream, opened.rate
        self.name, self.latency = opened.name, opened.latency
        self._resampler: Any = None
        if rate != RATE:
            self._resampler = soxr.ResampleStream(RATE, rate, 1, dtype="int16", quality="LQ")

    def write(self, samples: Samples) -> None:
        """Block till the device has room, and give it these samples. Raises `DeviceError`."""
        if self._resampler is not None:
            samples = self._resampler.resample_chunk(samples)
        try:
            self._stream.write(samples.tobytes(), exception_on_underflow=False)
        except OSError as error:
            raise DeviceError("device-lost", str(error)) from None

    def close(self) -> None:
        """Let go of the device."""
        with suppress(OSError):  # it is gone
            self._stream.close()
        self._audio.terminate()
