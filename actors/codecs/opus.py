"""Opus (RFC 6716) in frames of 20 ms at 16 kHz, by libopus as PyAV ships it."""

from typing import Any, Final

import av
import numpy as np
from numpy.typing import NDArray

from actors.audio.frames import RATE, SAMPLES, Payload

Samples = NDArray[np.int16]

BIT_RATE: Final = 24_000  # with TCP's and our own heads 56 kbit/s; speech is as good as 16 kHz lets it be
_INNER_RATE: Final = 48_000  # what a decoder of FFmpeg gives, whatever was encoded
_STEP: Final = _INNER_RATE // RATE


class OpusError(Exception):
    """What came is no Opus packet of 20 ms."""


class Encoder:
    """Of one stream: frames in their order. Its sound comes 6.5 ms later than it went in."""

    def __init__(self) -> None:
        self._codec: Any = av.CodecContext.create("libopus", "w")
        self._codec.sample_rate, self._codec.layout, self._codec.format = RATE, "mono", "s16"
        self._codec.bit_rate = BIT_RATE
        self._codec.options = {"application": "voip", "frame_duration": "20"}
        self._at = 0

    def encode(self, samples: Samples) -> bytes:
        """Return the packet of these 320 samples."""
        frame = av.AudioFrame.from_ndarray(samples.reshape(1, SAMPLES), format="s16", layout="mono")
        frame.sample_rate, frame.pts = RATE, self._at
        self._at += SAMPLES
        (packet,) = self._codec.encode(frame)
        return bytes(packet)


class Decoder:
    """Of one stream. Frames that are left out are heard as a small disturbance, no more."""

    def __init__(self) -> None:
        self._codec = self._open()

    def decode(self, packet: Payload) -> Samples:
        """Return the 320 samples of a packet. Raises `OpusError`; the next packet may be good again."""
        try:
            frames = self._codec.decode(av.Packet(bytes(packet)))
        except av.error.FFmpegError as error:
            self._codec = self._open()
            raise OpusError(str(error)) from None
        samples = np.concatenate([frame.to_ndarray()[0] for frame in frames]) if frames else np.zeros(0, np.int16)
        if samples.dtype != np.int16 or len(samples) != SAMPLES * _STEP:
            raise OpusError(f"{len(samples)} samples")
        # The encoder was given nothing above 8 kHz, so that every third sample is the whole of it.
        return np.ascontiguousarray(samples[::_STEP])

    @staticmethod
    def _open() -> Any:
        codec: Any = av.CodecContext.create("libopus", "r")
        codec.sample_rate, codec.layout = _INNER_RATE, "mono"
        return codec
