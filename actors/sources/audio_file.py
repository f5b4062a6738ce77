"""The sound of a file, by FFmpeg's libraries (PyAV): in the place of a microphone, or beside a film's pictures."""

import os
from collections.abc import Iterator
from typing import Any, Final

import av
import numpy as np

from actors.audio.frames import RATE, SAMPLES
from actors.sources.sound import Samples, Ticking
from actors.sources.source import SourceError

_BROKEN_PACKETS: Final = 100  # running that can't be decoded: the rest is broken too
_RATES: Final = range(1, 768_001)  # samples a second that are believed


class SoundTrack:
    """The first sound in a file, as 16 kHz in one channel, from any second on. Raises `SourceError`: source-missing,
    source-unreadable, source-broken, source-no-sound."""

    def __init__(self, path: str) -> None:
        if not os.path.exists(path):
            raise SourceError("source-missing", path)
        try:
            # A path, never an address: "file:" keeps FFmpeg from taking it for one.
            self._container: Any = av.open(f"file:{os.path.abspath(path)}")
        except PermissionError as error:
            raise SourceError("source-unreadable", error.strerror or str(error)) from None
        except (av.error.FFmpegError, OSError, ValueError):
            raise SourceError("source-broken", path) from None
        streams = self._container.streams.audio
        if not streams or streams[0].codec_context is None or streams[0].codec_context.sample_rate not in _RATES:
            self._container.close()
            raise SourceError("source-broken" if streams else "source-no-sound", path)
        self._stream = streams[0]
        video = self._container.streams.video
        # A film's second 0 is where its pictures begin (video_file.py), and sound may begin elsewhere.
        self._start = self._begin(video[0]) if video else self._begin(self._stream)

    def samples_from(self, second: float) -> Iterator[Samples]:
        """Yield the sound from this second on, in pieces; silence where the file has none yet."""
        start = int((second + self._start) / (self._stream.time_base or 1))
        try:
            self._container.seek(max(start, self._stream.start_time or 0), stream=self._stream)
        except av.error.FFmpegError:
            if second:
                return  # it can't be gone back in
        ahead: int | None = None  # samples of the next pieces that lie before `second`
        for frame in self._decode():
            piece = frame.to_ndarray()[0]
            if ahead is None:
                known = frame.pts is not None and frame.time_base
                began = float(frame.pts * frame.time_base) - self._start if known else second
                ahead = round((second - began) * RATE)
                while ahead < 0:
                    yield np.zeros(min(-ahead, RATE), np.int16)
                    ahead = min(0, ahead + RATE)
            left_out = min(ahead, len(piece))
            ahead -= left_out
            if left_out < len(piece):
                yield piece[left_out:]

    def close(self) -> None:
        """Close the file."""
        self._container.close()

    def _decode(self) -> Iterator[Any]:
        resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
        broken = 0
        packets = self._container.demux(self._stream)
        while True:
            try:
                for frame in next(packets).decode():
                    broken = 0
                    yield from resampler.resample(frame)
            except (StopIteration, av.error.EOFError):
                return
            except (av.error.FFmpegError, ValueError):  # ValueError: the file changed its format in the middle
                broken += 1
                if broken > _BROKEN_PACKETS:
                    return

    @staticmethod
    def _begin(stream: Any) -> float:
        return float((stream.start_time or 0) * (stream.time_base or 0))


class AudioFile:
    """A file in the place of a microphone, at its own pace. Raises `SourceError`, source-broken for one of which
    nothing can be decoded."""

    def __init__(self, path: str) -> None:
        self.name = path
        self._track = SoundTrack(path)
        self._pieces = self._track.samples_from(0.0)
        self._left = next(self._pieces, None)
        if self._left is None:
            self._track.close()
            raise SourceError("source-broken", path)
        self._ticking = Ticking()

    def read(self) -> Samples | None:
        """Return the next 20 ms when they are due; the last are filled up with silence."""
        assert self._left is not None
        while len(self._left) < SAMPLES:
            piece = next(self._pieces, None)
            if piece is None:
                break
            self._left = np.concatenate([self._left, piece])
        if not len(self._left):
            return None
        frame, self._left = self._left[:SAMPLES], self._left[SAMPLES:]
        self._ticking.wait()
        return np.concatenate([frame, np.zeros(SAMPLES - len(frame), np.int16)])

    def close(self) -> None:
        """Close the file."""
        self._track.close()
