"""Records frames as they are to a Matroska file: one track of JPEGs for the peer, one for us, in a process of its own.

Nothing is decoded or encoded. Clusters are short and written at once, so a file whose writer was killed plays to its
last second (RFC 9559, section 5.1.3; a cluster needs no index).
"""

import errno
import os
import time
from contextlib import suppress
from fractions import Fraction
from typing import Any, Final

import av

from actors.children.orders import Failed, Opened, OpenRecording, Written
from actors.children.pipe import Pipe
from actors.video.frames import OWN_FRAME, FrameError, Payload, unpack_frame
from actors.video.jpeg import JpegError, size_of
from relay import wire

_TICKS: Final = 1000  # a second: Matroska's own
_CLUSTER_MS: Final = "500"
_WRITTEN_SECONDS: Final = 1.0
_NO_SIZE: Final = (16, 16)  # in the header of a track that has no frame yet; players go by the frames
WAIT_SECONDS: Final = 2.0  # for the first frame of each track


class Recording:
    """The file. Raises `OSError` from all it does when the disk does.

    The header has the size of each track's first frame: FFmpeg's decoder takes a frame that is lower than three
    quarters of it for one field of two. A track that has none yet after WAIT_SECONDS gets the smallest size there.
    """

    def __init__(self, path: str, tracks: tuple[str, ...]) -> None:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
        self._path = path
        self.frames = 0
        self.skipped = 0  # that are no JPEGs
        self._began = time.monotonic()
        options = {"cluster_time_limit": _CLUSTER_MS, "flush_packets": "1"}
        self._container = av.open(path, "w", format="matroska", options=options)
        self._sizes: dict[str, tuple[int, int] | None] = dict.fromkeys(tracks)
        self._early: list[tuple[str, int, bytes]] = []  # frames before the header is written
        self._tracks: dict[str, Any] = {}
        self._last = dict.fromkeys(tracks, -1)

    @property
    def seconds(self) -> float:
        """Since it began."""
        return time.monotonic() - self._began

    def add(self, track: str, jpeg: Payload) -> None:
        """Add a frame to a track, with the time that it is now."""
        if track not in self._sizes:
            return
        try:
            size = size_of(jpeg)
        except JpegError:
            self.skipped += 1
            return
        self._sizes[track] = self._sizes[track] or size
        self._early.append((track, int(self.seconds * _TICKS), bytes(jpeg)))
        self.frames += 1
        if self._tracks or all(self._sizes.values()) or self.seconds >= WAIT_SECONDS:
            self._write()

    def close(self) -> None:
        """Write what waits, and the end of the file; one that has no frame is removed, since no player opens it."""
        if not self.frames:
            self._container.close()
            os.unlink(self._path)
            return
        self._write()
        self._container.close()

    def _write(self) -> None:
        if not self._tracks:
            self._tracks = {name: self._track(name, size or _NO_SIZE) for name, size in self._sizes.items()}
        for track, ticks, jpeg in self._early:
            packet = av.Packet(jpeg)
            packet.stream = self._tracks[track]
            packet.time_base = Fraction(1, _TICKS)
            packet.pts = packet.dts = self._last[track] = max(self._last[track] + 1, ticks)
            packet.is_keyframe = True
            self._container.mux(packet)
        self._early.clear()

    def _track(self, name: str, size: tuple[int, int]) -> Any:
        stream = self._container.add_stream("mjpeg", rate=30)
        stream.width, stream.height = size
        stream.pix_fmt = "yuvj420p"
        stream.time_base = Fraction(1, _TICKS)
        stream.metadata["title"] = name
        return stream


def main() -> None:
    """Record what comes until the engine closes the pipe, or is gone."""
    pipe = Pipe()
    said = iter(pipe)
    opening = next(said, None)
    if not isinstance(opening, OpenRecording):
        return
    tracks = tuple(name for name, wanted in (("peer", opening.peer), ("me", opening.own)) if wanted)
    try:
        recording = Recording(opening.path, tracks)
        pipe.report(Opened())
        told = 0.0
        for item in said:
            if isinstance(item, wire.Packet):
                with suppress(FrameError):
                    recording.add("me" if item.type == OWN_FRAME else "peer", unpack_frame(item.payload).jpeg)
            if recording.seconds - told >= _WRITTEN_SECONDS:
                told = recording.seconds
                pipe.report(Written(recording.frames, recording.seconds))
        recording.close()
    except OSError as error:
        pipe.report(Failed(_cause(error), error.strerror or ""))


def _cause(error: OSError) -> str:
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT | errno.EFBIG:
            return "record-no-space"
        case errno.EEXIST:
            return "record-exists"
        case _:
            return "record-unwritable"


if __name__ == "__main__":
    main()
