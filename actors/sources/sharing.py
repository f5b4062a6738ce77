"""One camera, many engines of one machine: who opens it first passes its pictures on.

    camera ──► holder ──► its own engine
                 └──socket──► follower ──► another engine

`camera-X.lock` in the run folder is locked by the holder for as long as it lives, however it dies; on `camera-X.feed`
it serves raw frames. A follower asks with one byte and is sent the newest frame: a header (width, height, when it was
captured, microseconds that took; in network order), then the image. A follower whose holder is gone takes the lock, and
with it the camera; the others follow it.
"""

import hashlib
import os
import socket
import struct
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

import numpy as np

from actors.children.orders import Play
from actors.runfolder import peer_is_us, try_lock
from actors.sources.source import Source, SourceError, Still, check_size
from relay import limits

OpenCamera = Callable[[str, int, int, float], Source]

FOLLOWERS: Final = 8  # engines of one user that look through one camera
TAKE_OVER_SECONDS: Final = 5.0  # that a camera may take until the system has freed it
_AGAIN_SECONDS: Final = 0.05
_SILENT_SECONDS: Final = 5.0  # a holder that sends nothing for so long is stuck
_HEAD: Final = struct.Struct("!HHQI")
_ASK: Final = b"?"


class SharedCamera:
    """A camera that is opened here, or looked at through whoever has it. Raises `SourceError` as the camera does."""

    def __init__(self, what: str, width: int, height: int, rate: float, open_camera: OpenCamera, folder: Path) -> None:
        self._open_camera: Callable[[], Source] = lambda: open_camera(what, width, height, rate)
        self._what = what
        name = hashlib.sha256(os.path.realpath(what).encode(errors="surrogateescape")).hexdigest()[:12]
        self._lock_path, self._feed_path = folder / f"camera-{name}.lock", str(folder / f"camera-{name}.feed")
        if len(os.fsencode(self._feed_path)) >= limits.SOCKET_PATH_BYTES:
            raise SourceError("camera-failed", what)
        self._holding: _Holding | None = None
        self._feed: socket.socket | None = None
        self.width = self.height = 0
        self.rate = rate
        self.seconds: float | None = None
        self.zero: int | None = None
        self._begun: Still | None = None  # the frame that told a follower the size
        self._begin(patient=False)

    @property
    def shared(self) -> bool:
        """Whether another program has the camera."""
        return self._holding is None

    def read(self) -> Still | None:
        """Return the next frame. Raises `SourceError` when the camera fails, and nobody else has it."""
        if self._begun is not None:
            still, self._begun = self._begun, None
            return still
        while True:
            if self._holding is not None:
                return self._holding.read()
            asked = self._ask()
            if asked is not None:
                return asked
            self._begin(patient=True)

    def play(self, order: Play) -> float | None:
        """A camera can't be paused."""
        return None

    def close(self) -> None:
        """Let go of the camera: the next takes it."""
        if self._holding is not None:
            self._holding.close()
        if self._feed is not None:
            self._feed.close()

    def _begin(self, *, patient: bool) -> None:
        """Take the camera, or follow whoever has it; with `patient`, wait for the system to free it."""
        until = time.monotonic() + TAKE_OVER_SECONDS
        while True:
            try:
                if (lock := try_lock(self._lock_path)) is not None:
                    self._hold(lock)
                    return
                if self._follow():
                    return
            except SourceError:
                if not patient or time.monotonic() > until:
                    raise
            if time.monotonic() > until:
                raise SourceError("camera-busy", self._what)
            time.sleep(_AGAIN_SECONDS)

    def _hold(self, lock: int) -> None:
        try:
            camera = self._open_camera()
        except BaseException:  # whatever it was: the lock is not kept without a camera
            os.close(lock)
            raise
        self._holding = _Holding(camera, lock, self._feed_path)
        self.width, self.height, self.rate = camera.width, camera.height, camera.rate

    def _follow(self) -> bool:
        """Connect to the holder, and look; False if it does not serve yet, or no longer."""
        feed = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        feed.settimeout(_SILENT_SECONDS)
        try:
            feed.connect(self._feed_path)
        except OSError:
            feed.close()
            return False
        if not peer_is_us(feed):
            feed.close()
            raise SourceError("camera-busy", self._what)
        self._feed = feed
        self._begun = self._ask()
        if self._begun is None:
            return False
        self.height, self.width = self._begun.image.shape[:2]
        return True

    def _ask(self) -> Still | None:
        """Return the holder's next frame; None if it is gone, or stuck."""
        assert self._feed is not None
        try:
            self._feed.sendall(_ASK)
            width, height, captured, took = _HEAD.unpack(_receive(self._feed, _HEAD.size))
            check_size(width, height)
            image = np.frombuffer(_receive(self._feed, width * height * 3), np.uint8).reshape(height, width, 3)
        except (OSError, EOFError, SourceError):
            self._feed.close()
            return None
        return Still(image, captured, took)


class _Holding:
    """The camera, and those who look through it."""

    def __init__(self, camera: Source, lock: int, path: str) -> None:
        self._camera = camera
        self._lock = lock
        self._path = path
        self._changed = threading.Condition()
        self._newest: Still | None = None
        self._closed = False
        with suppress(FileNotFoundError):  # stale: its lock was free
            os.unlink(path)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        mask = os.umask(0o177)
        try:
            self._listener.bind(path)
        finally:
            os.umask(mask)
        self._listener.listen(FOLLOWERS)
        threading.Thread(target=self._accept, daemon=True).start()

    def read(self) -> Still | None:
        """Return the camera's next frame, and let others have it."""
        still = self._camera.read()
        with self._changed:
            self._newest = still
            self._changed.notify_all()
        return still

    def close(self) -> None:
        """Let go of the camera, then of the lock."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._listener.close()
        with suppress(FileNotFoundError):
            os.unlink(self._path)
        self._camera.close()
        os.close(self._lock)

    def _accept(self) -> None:
        with suppress(OSError):  # closed
            while True:
                follower, _ = self._listener.accept()
                if peer_is_us(follower) and threading.active_count() < FOLLOWERS + 8:
                    threading.Thread(target=self._serve, args=(follower,), daemon=True).start()
                else:
                    follower.close()

    def _serve(self, follower: socket.socket) -> None:
        """Send a follower the newest frame whenever it asks; one that takes none for 5 s is let go."""
        last: Still | None = None
        with follower, suppress(OSError, EOFError):
            while True:
                follower.settimeout(None)
                _receive(follower, 1)
                with self._changed:
                    while not self._closed and self._newest is last:
                        self._changed.wait()
                    if self._closed or self._newest is None:
                        return
                    last = self._newest
                follower.settimeout(_SILENT_SECONDS)
                height, width = last.image.shape[:2]
                follower.sendall(_HEAD.pack(width, height, last.captured, min(last.capture_us, 2**32 - 1)))
                follower.sendall(np.ascontiguousarray(last.image).data.cast("B"))


def _receive(sock: socket.socket, size: int) -> bytearray:
    """Return so many bytes. Raises `EOFError` and `OSError`."""
    data = bytearray(size)
    rest = memoryview(data)
    while rest:
        count = sock.recv_into(rest)
        if not count:
            raise EOFError
        rest = rest[count:]
    return data
