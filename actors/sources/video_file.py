"""A video file as a source, played at its own time stamps, by FFmpeg's libraries (PyAV)."""

import os
import threading
import time
from collections.abc import Iterator
from typing import Any, Final

import av
import numpy as np

from actors.children.orders import Play
from actors.sources.source import Image, SourceError, Still, check_size

_LATE_SECONDS: Final = 0.5  # behind its time: go on from here instead of running after it
_END_SECONDS: Final = 1.0  # between one None and the next, at the end
_USUAL_RATE: Final = 25.0  # of a file that says nothing of time
_BROKEN_PACKETS: Final = 100  # running that can't be decoded: the rest is broken too


class VideoFile:
    """The source. Shown upright; frames come at their time, at the file's own (perhaps changing) rate."""

    def __init__(self, path: str) -> None:
        self._container = open_container(path)
        stream = self._container.streams.video[0]
        stream.thread_type = "AUTO"
        self._stream = stream
        self._lock = threading.Condition()
        self._paused = self._loop = self._ended = False
        self._seek: float | None = None
        self._at = 0.0
        self._began: float | None = None  # by the steady clock: when second 0 was, or would have been
        self.rate = float(stream.average_rate or stream.guessed_rate or 0)
        self.seconds = self._length()
        self.shared = False
        self._frames = self._decode()
        try:
            self._first: Any = next(self._frames, None)
        except SourceError:
            self._container.close()
            raise
        if self._first is None:
            self._container.close()
            raise SourceError("source-broken", path)
        self._rotation = int(getattr(self._first, "rotation", 0))
        turned = self._rotation % 180 == 90
        self.width, self.height = (
            (self._first.height, self._first.width) if turned else (self._first.width, self._first.height)
        )

    def read(self) -> Still | None:
        """Return the next frame when it is due; None at the end, and after a seek the frame there, even if paused."""
        while True:
            frame, sought = self._next()
            if frame is None:
                with self._lock:
                    self._loop = self._loop and not sought  # what can't be gone back in can't be looped
                    if self._loop:
                        self._seek = 0.0
                        continue
                    if self._ended:
                        self._lock.wait_for(lambda: self._seek is not None or self._loop, timeout=_END_SECONDS)
                    self._ended = True
                return None
            second = self._second(frame)
            if sought or self._wait_for(second):
                break
        self._at, self._ended = second, False
        began = time.monotonic_ns()
        image = self._image(frame)
        return Still(image, began, (time.monotonic_ns() - began) // 1000)

    def play(self, order: Play) -> float | None:
        """Pause, go on, go to a second, loop; return the second that it is at."""
        with self._lock:
            if order.paused is not None and order.paused != self._paused:
                self._paused = order.paused
                self._began = None
            if order.seek is not None:
                self._seek = min(order.seek, self.seconds) if self.seconds is not None else order.seek
                self._at = self._seek
            if order.loop is not None:
                self._loop = order.loop
            self._lock.notify_all()
            return self._at

    @property
    def zero(self) -> int | None:
        """When second 0 was, or would have been, in ns of CLOCK_MONOTONIC; None while it stands still."""
        began = self._began
        return None if began is None or self._paused or self._ended else round(began * 1e9)

    def close(self) -> None:
        """Close the file."""
        self._container.close()

    # --- which frame

    def _next(self) -> tuple[Any, bool]:
        """Return the next frame, and whether it was sought."""
        first, self._first = self._first, None
        with self._lock:
            seek, self._seek = self._seek, None
        if seek is not None:
            return self._sought(seek), True
        if first is not None:
            return first, False
        return next(self._frames, None), False

    def _sought(self, second: float) -> Any:
        """Return the frame on show at this second: decoded from the key frame before it on."""
        start = self._stream.start_time or 0
        base = float(self._stream.time_base or 0) or 1 / _USUAL_RATE
        try:
            self._container.seek(start + int(second / base), stream=self._stream)
        except av.error.FFmpegError:
            return None  # it can't be gone back in
        self._frames = self._decode()
        self._began = None
        found = None
        for frame in self._frames:
            if found is not None and self._second(frame) > second + 1e-6:
                self._first = frame
                break
            found = frame
        return found

    def _decode(self) -> Iterator[Any]:
        """Yield frames in the order in which they are shown; what is broken is left out. Ends with the file."""
        broken = 0
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets)
                for frame in packet.decode():
                    broken = 0
                    check_size(frame.width, frame.height)
                    yield frame
            except (StopIteration, av.error.EOFError):
                return
            except av.error.FFmpegError:
                broken += 1
                if broken > _BROKEN_PACKETS:
                    return

    # --- when

    def _second(self, frame: Any) -> float:
        start = float((self._stream.start_time or 0) * (self._stream.time_base or 0))
        if frame.time is None:
            return self._at + 1 / (self.rate or _USUAL_RATE)
        return max(0.0, float(frame.time) - start)

    def _wait_for(self, second: float) -> bool:
        """Wait until this second is due; False if something else was sought meanwhile."""
        with self._lock:
            while self._seek is None:
                if self._paused:
                    self._lock.wait()
                    continue
                now = time.monotonic()
                if self._began is None or now - self._began - second > _LATE_SECONDS:
                    self._began = now - second
                left = self._began + second - now
                if left <= 0:
                    return True
                self._lock.wait(left)
            return False

    # --- what it looks like

    def _image(self, frame: Any) -> Image:
        image = frame.to_ndarray(format="bgr24")
        turns = self._rotation // 90 % 4  # counter-clockwise, as FFmpeg's display matrix has it
        return np.ascontiguousarray(np.rot90(image, turns)) if turns else image

    def _length(self) -> float | None:
        if self._stream.duration and self._stream.time_base:
            return float(self._stream.duration * self._stream.time_base)
        return self._container.duration / av.time_base if self._container.duration else None


def open_container(path: str) -> Any:
    """Open a file that has pictures. Raises `SourceError`: source-missing, source-unreadable, source-broken (no video
    file at all, or an empty one), source-no-video (sound alone), source-too-large."""
    if not os.path.exists(path):
        raise SourceError("source-missing", path)
    try:
        # A path, never an address: "file:" keeps FFmpeg from taking it for one.
        container = av.open(f"file:{os.path.abspath(path)}")
    except PermissionError as error:
        raise SourceError("source-unreadable", error.strerror or str(error)) from None
    except (av.error.FFmpegError, OSError, ValueError):
        raise SourceError("source-broken", path) from None
    pictures = [stream for stream in container.streams.video if not int(stream.disposition) & _COVER]
    if not pictures:
        container.close()
        raise SourceError("source-no-video", path)
    try:
        check_size(pictures[0].codec_context.width, pictures[0].codec_context.height)
    except SourceError:
        container.close()
        raise
    return container


_COVER: Final = 0x400  # AV_DISPOSITION_ATTACHED_PIC: the cover of an album
