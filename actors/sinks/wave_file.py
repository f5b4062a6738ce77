"""A WAV file in the place of a speaker: what would be heard, at the pace at which it would be."""

import wave

import numpy as np
from numpy.typing import NDArray

from actors.audio.frames import RATE, SAMPLE_BYTES
from actors.children.portaudio import DeviceError
from actors.sources.sound import Ticking


class WaveFile:
    """The sink. A file that is there is not touched. Raises `DeviceError` file-exists, file-unwritable."""

    latency = 0.0

    def __init__(self, path: str) -> None:
        self.name = path
        self._ticking = Ticking()
        try:
            self._raw = open(path, "xb")  # noqa: SIM115 - open for as long as sound comes
        except FileExistsError:
            raise DeviceError("file-exists", path) from None
        except OSError as error:
            raise DeviceError("file-unwritable", error.strerror or str(error)) from None
        self._file = wave.open(self._raw, "wb")  # noqa: SIM115
        self._file.setnchannels(1)
        self._file.setsampwidth(SAMPLE_BYTES)
        self._file.setframerate(RATE)

    def write(self, samples: NDArray[np.int16]) -> None:
        """Write these samples when they are due; the file is whole after each. Raises `DeviceError`."""
        self._ticking.wait(len(samples) / RATE)
        try:
            self._file.writeframes(samples.tobytes())
            self._raw.flush()
        except OSError as error:
            raise DeviceError("file-unwritable", error.strerror or str(error)) from None

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        self._raw.close()
