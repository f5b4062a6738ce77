"""How a frame of video is packed: on the lane `video`, and on the pipes to and from children. No I/O, no clock.

VFR0 on the lane, and to a window, the pictures, a recorder:  8 number, 8 capture time in ns, then one JPEG
VFR0 from the capture child:  8 number, 8 capture time in ns, 4 us to capture, 4 us to filter, 4 us to encode,
                              2 width, 2 height, 1 mark of the tuning it was made by, then one JPEG
PIC0 from the pictures, and to a screen:  4 watcher, 8 number, 2 columns, 2 rows, 4 us to decode, then the cells, row
                              by row: 2 bytes of the upper half, 2 of the lower, each RGB555, least byte first
All numbers but those of the cells in network order.
"""

import struct
from dataclasses import dataclass
from typing import Final

from relay import limits, wire

FRAME: Final = b"VFR0"
OWN_FRAME: Final = b"VFS0"  # to a recorder: a frame that we sent; FRAME is then one that came
PICTURE: Final = wire.PICTURE

LANE_HEAD: Final = struct.Struct("!QQ")
CAPTURED_HEAD: Final = struct.Struct("!QQIIIHHB")
PICTURE_HEAD: Final = struct.Struct("!IQHHI")
CELL_BYTES: Final = 4
FRAME_LIMIT: Final = limits.VIDEO_FRAME_BYTES + CAPTURED_HEAD.size
PICTURE_LIMIT: Final = limits.PICTURE_CELLS * CELL_BYTES + PICTURE_HEAD.size

Payload = bytes | bytearray | memoryview


class FrameError(Exception):
    """Too short, too long, or not as long as it says."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One JPEG. `captured` is in ns by the clock of whoever captured it; `mark`, of our own, stays here."""

    number: int
    captured: int
    jpeg: Payload
    mark: int = 0

    def pack(self) -> bytes:
        """Return the payload of a VFR0."""
        return LANE_HEAD.pack(self.number, self.captured) + self.jpeg


@dataclass(frozen=True, slots=True)
class CapturedFrame:
    """One JPEG as the capture child made it; times of its stages in microseconds, sizes in pixels."""

    number: int
    captured: int
    capture_us: int
    filter_us: int
    encode_us: int
    width: int
    height: int
    mark: int
    jpeg: Payload

    def pack(self) -> bytes:
        """Return the payload of the child's VFR0."""
        stages = min(self.capture_us, 2**32 - 1), min(self.filter_us, 2**32 - 1), min(self.encode_us, 2**32 - 1)
        return CAPTURED_HEAD.pack(self.number, self.captured, *stages, self.width, self.height, self.mark) + self.jpeg


@dataclass(frozen=True, slots=True)
class Picture:
    """A frame in `rows` x `columns` cells; `cells` has 4 bytes for each. `watcher` is who asked for it."""

    watcher: int
    number: int
    columns: int
    rows: int
    decode_us: int
    cells: Payload

    def pack(self) -> bytes:
        """Return the payload of a PIC0."""
        head = PICTURE_HEAD.pack(self.watcher, self.number, self.columns, self.rows, min(self.decode_us, 2**32 - 1))
        return head + self.cells


def unpack_frame(payload: Payload) -> Frame:
    """Return the frame in a VFR0 of the lane; its JPEG is a view, not a copy. Raises `FrameError`."""
    if not LANE_HEAD.size < len(payload) <= LANE_HEAD.size + limits.VIDEO_FRAME_BYTES:
        raise FrameError(f"a frame of {len(payload)} bytes")
    number, captured = LANE_HEAD.unpack_from(payload)
    return Frame(number, captured, memoryview(payload)[LANE_HEAD.size :])


def unpack_captured(payload: Payload) -> CapturedFrame:
    """Return the frame in a VFR0 of the capture child; its JPEG is a view. Raises `FrameError`."""
    if not CAPTURED_HEAD.size < len(payload) <= FRAME_LIMIT:
        raise FrameError(f"a captured frame of {len(payload)} bytes")
    number, captured, capture_us, filter_us, encode_us, width, height, mark = CAPTURED_HEAD.unpack_from(payload)
    jpeg = memoryview(payload)[CAPTURED_HEAD.size :]
    return CapturedFrame(number, captured, capture_us, filter_us, encode_us, width, height, mark, jpeg)


def unpack_picture(payload: Payload) -> Picture:
    """Return the picture in a PIC0; its cells are a view. Raises `FrameError`."""
    if len(payload) < PICTURE_HEAD.size:
        raise FrameError(f"a picture of {len(payload)} bytes")
    watcher, number, columns, rows, decode_us = PICTURE_HEAD.unpack_from(payload)
    cells = memoryview(payload)[PICTURE_HEAD.size :]
    if len(cells) != columns * rows * CELL_BYTES or len(payload) > PICTURE_LIMIT:
        raise FrameError(f"{columns} x {rows} cells in {len(payload)} bytes")
    return Picture(watcher, number, columns, rows, decode_us, cells)
