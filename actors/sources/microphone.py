"""A microphone: PyAudio, read in blocks of 20 ms, at 16 kHz or brought there."""

from contextlib import suppress
from typing import Any

import numpy as np
import soxr

from actors.audio.frames import RATE, SAMPLES
from actors.children.portaudio import DeviceError, open_device, start_portaudio
from actors.sources.sound import Samples


class Microphone:
    """The source. Raises `DeviceError` when it can't be opened."""

    def __init__(self, device: str) -> None:
        self._audio = start_portaudio()
        try:
            opened = open_device(self._audio, "microphone", device)
        except DeviceError:
            self._audio.terminate()
            raise
        self._stream, self._rate, self.name = opened.stream, opened.rate, opened.name
        self._block = SAMPLES * self._rate // RATE
        self._resampler: Any = None
        if self._rate != RATE:
            self._resampler = soxr.ResampleStream(self._rate, RATE, 1, dtype="int16", quality="LQ")
        self._left = np.zeros(0, np.int16)

    def read(self) -> Samples | None:
        """Return the next 20 ms."""
        while len(self._left) < SAMPLES:
            try:
                data = self._stream.read(self._block, exception_on_overflow=False)
            except OSError as error:
                raise DeviceError("device-lost", str(error)) from None
            samples = np.frombuffer(data, np.int16)
            if self._resampler is not None:
                samples = self._resampler.resample_chunk(samples)
            self._left = np.concatenate([self._left, samples])
        frame, self._left = self._left[:SAMPLES], self._left[SAMPLES:]
        return frame

    def close(self) -> None:
        """Let go of the device."""
        with suppress(OSError):  # it is gone
            self._stream.close()
        self._audio.terminate()
