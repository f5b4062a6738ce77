"""What a JPEG says of itself, before anyone decodes it (ITU-T T.81, annex B). No I/O.

A few kilobytes can say that they are 65,535 x 65,535 pixels, which a decoder would allocate.
"""

import struct
from typing import Final

from actors.video.frames import Payload
from relay import limits

_START: Final = b"\xff\xd8"
# Frames that decoders here know: baseline, extended, progressive. The others are lossless or arithmetic.
_FRAME_MARKERS: Final = (0xC0, 0xC1, 0xC2)
_OTHER_FRAMES: Final = (0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF)
_ALONE: Final = (0x01, *range(0xD0, 0xD8))  # markers without a segment
_SCAN, _END = 0xDA, 0xD9
_SEGMENTS: Final = 1000  # before the picture; a camera writes ten
_SIZE: Final = struct.Struct("!BHHB")


class JpegError(Exception):
    """It is not to be decoded: "not-jpeg", "too-large" or "broken"."""

    def __init__(self, cause: str) -> None:
        super().__init__(cause)
        self.cause = cause


def size_of(jpeg: Payload) -> tuple[int, int]:
    """Return width and height in pixels, as the first frame header says. Raises `JpegError`."""
    data = memoryview(jpeg)
    if bytes(data[:2]) != _START:
        raise JpegError("not-jpeg")
    at = 2
    for _ in range(_SEGMENTS):
        while bytes(data[at : at + 2]) == b"\xff\xff":  # fill bytes
            at += 1
        if len(data) < at + 4 or data[at] != 0xFF:
            raise JpegError("broken")
        marker = data[at + 1]
        if marker in _ALONE:
            at += 2
            continue
        if marker in (_SCAN, _END, *_OTHER_FRAMES):
            raise JpegError("broken")
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        if length < 2 or len(data) < at + 2 + length:
            raise JpegError("broken")
        if marker in _FRAME_MARKERS:
            return _checked(data[at + 4 : at + 2 + length])
        at += 2 + length
    raise JpegError("broken")


def _checked(header: memoryview) -> tuple[int, int]:
    if len(header) < _SIZE.size:
        raise JpegError("broken")
    precision, height, width, components = _SIZE.unpack_from(header)
    if precision != 8 or components not in (1, 3) or not width or not height:
        raise JpegError("broken")
    if max(width, height) > limits.VIDEO_SIDE or width * height > limits.VIDEO_PIXELS:
        raise JpegError("too-large")
    return width, height
