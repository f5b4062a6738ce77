"""A camera as a source: by number, by device path, or a network camera by its address."""

import errno
import os
import re
import time
from typing import Any, Final

import cv2

from actors.children.orders import Play
from actors.sources.source import SourceError, Still, plain_image

_SIZE: Final = (1280, 720)  # asked of a device that is asked for nothing else
_RATE: Final = 30.0
_SILENT_SECONDS: Final = 5.0  # without a frame: it was unplugged, or gives none
_NETWORK: Final = re.compile(r"(https?|rtsps?|rtmp|udp|tcp)://")
_OPEN_MS: Final = 5000


class Camera:
    """The source. A device that is asked for a size or rate that it does not have gives the nearest that it has."""

    def __init__(self, what: str, width: int = 0, height: int = 0, rate: float = 0) -> None:
        self._what = what or "0"
        self._capture = _open(self._what, width, height, rate)
        self.width = round(self._capture.get(cv2.CAP_PROP_FRAME_WIDTH))
        self.height = round(self._capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
        said = self._capture.get(cv2.CAP_PROP_FPS)
        self.rate = said if 0 < said <= 240 else 0.0
        self.seconds: float | None = None
        self.shared = False
        self.zero: int | None = None

    def read(self) -> Still | None:
        """Return the next frame of the device. Raises `SourceError` camera-failed if it gives none for 5 s."""
        began = time.monotonic_ns()
        while True:
            came, image = self._capture.read()
            if came:
                captured = time.monotonic_ns()
                return Still(plain_image(image), captured, (captured - began) // 1000)
            if time.monotonic_ns() - began > _SILENT_SECONDS * 1e9 or not self._capture.isOpened():
                raise SourceError("camera-failed", self._what)
            if _NETWORK.match(self._what) or not _is_there(_device(self._what)):
                raise SourceError("camera-failed", self._what)  # the stream ended; the device was unplugged
            time.sleep(0.01)

    def play(self, order: Play) -> float | None:
        """A camera can't be paused."""
        return None

    def close(self) -> None:
        """Let go of the device."""
        self._capture.release()


def open_camera(what: str, width: int = 0, height: int = 0, rate: float = 0) -> Camera:
    """Open a camera. Raises `SourceError`: camera-absent, camera-busy (another program has it), camera-failed."""
    return Camera(what, width, height, rate)


def _open(what: str, width: int, height: int, rate: float) -> Any:
    if _NETWORK.match(what):
        capture = cv2.VideoCapture(
            what, cv2.CAP_FFMPEG, [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, _OPEN_MS, cv2.CAP_PROP_READ_TIMEOUT_MSEC, _OPEN_MS]
        )
        if not capture.isOpened():
            raise SourceError("camera-absent", what)
        return capture
    device = _device(what)
    if not _is_there(device):
        raise SourceError("camera-absent", what)
    capture = cv2.VideoCapture(int(what) if what.isdecimal() else what)
    if not capture.isOpened():
        raise SourceError(_why(device), what)
    # Compressed on the wire: a raw 720p does not fit USB 2 at 30 a second.
    capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
    asked = (width, height) if width and height else _SIZE
    capture.set(cv2.CAP_PROP_FRAME_WIDTH, asked[0])
    capture.set(cv2.CAP_PROP_FRAME_HEIGHT, asked[1])
    capture.set(cv2.CAP_PROP_FPS, rate or _RATE)
    capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)  # what a driver queues is delay
    came, _ = capture.read()
    if not came:
        capture.release()
        raise SourceError(_why(device), what)
    return capture


def _device(what: str) -> str:
    return f"/dev/video{what}" if what.isdecimal() else what


def _is_there(device: str) -> bool:
    return os.path.exists(device) or not os.path.isdir("/sys/class/video4linux")


def _why(device: str) -> str:
    """Return the code for a device that OpenCV could not open: it tells no reason itself."""
    try:
        os.close(os.open(device, os.O_RDWR | os.O_NONBLOCK))
    except OSError as error:
        match error.errno:
            case errno.ENOENT | errno.ENXIO | errno.ENODEV:
                return "camera-absent"
            case errno.EBUSY:
                return "camera-busy"
            case errno.EACCES | errno.EPERM:
                return "camera-forbidden"
            case _:
                return "camera-failed"
    return "camera-busy"  # V4L2 lets many open a device, and one take pictures
