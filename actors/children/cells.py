"""An image in half blocks: colours of a terminal's cells, and which of them are worth changing. No I/O.

A cell is one column wide and two halves high; a half is taken for square. A colour has 5 bits of red, green and blue
(RGB555): a terminal shows no more of a photograph, and 32,768 escape sequences fit a table.
"""

import math
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from actors.sources.source import Image
from relay import limits

Halves = NDArray[Any]  # uint16, (2 * rows) x columns: RGB555

KEPT: Final = 15.0  # a half whose colour differs by less (of 255, weighted as the eye does) stays as it is
SETTLED: Final = 5.0  # the same, of a half that was left alone for SETTLING frames: so nothing stays wrong
SETTLING: Final = 12
FINE_CELLS: Final = 40_000  # as many, and a terminal draws them as pixels: bands of a colour would be seen
_BAYER: Final = np.array([[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]], np.uint8) // 2
# Of blue, green, red: between what the eye sees of light (ITU-R BT.601) and of colour, of which a trace stays visible.
_WEIGHTS: Final = np.array([0.2, 0.45, 0.35], np.float32)


def fit(width: int, height: int, columns: int, rows: int) -> tuple[int, int]:
    """Return the columns and rows, at most these and PICTURE_CELLS in all, that a picture of this size takes,
    proportions kept."""
    share = min(columns / width, 2 * rows / height, math.sqrt(2 * limits.PICTURE_CELLS / (width * height)))
    wide = max(1, min(columns, round(width * share)))
    return wide, max(1, min(rows, limits.PICTURE_CELLS // wide, round(height * share / 2)))


class Canvas:
    """What one watcher has on its screen."""

    def __init__(self, columns: int, rows: int) -> None:
        self._columns, self._rows = columns, rows
        self._shown: Image | None = None  # the colours that were drawn, before they were quantised
        self._left = np.zeros(0, np.uint8)  # how many frames each half was left alone for

    def draw(self, image: Image) -> tuple[int, int, bytes]:
        """Return columns, rows and cells (4 bytes each) of this image; what hardly changed stays as it was drawn."""
        height, width = image.shape[:2]
        columns, rows = fit(width, height, self._columns, self._rows)
        small = cv2.resize(image, (columns, 2 * rows), interpolation=cv2.INTER_AREA)
        if self._shown is None or self._shown.shape != small.shape:
            self._shown = small
            self._left = np.zeros(small.shape[:2], np.uint8)
        else:
            difference = np.abs(small.astype(np.float32) - self._shown) @ _WEIGHTS
            changed = (difference >= KEPT) | ((difference >= SETTLED) & (self._left >= SETTLING))
            self._left = np.where(changed, 0, np.minimum(self._left, 254) + 1).astype(np.uint8)
            self._shown = np.where(changed[:, :, None], small, self._shown)
        return columns, rows, pack(self._shown if columns * rows < FINE_CELLS else dither(self._shown))


def dither(image: Image) -> Image:
    """Return the image with what RGB555 drops spread over neighbours (Bayer's ordered dithering, 4 x 4)."""
    height, width = image.shape[:2]
    steps = np.tile(_BAYER, (height // 4 + 1, width // 4 + 1))[:height, :width, None]
    return cv2.add(image, np.repeat(steps, 3, axis=2)).astype(np.uint8)


def pack(image: Image) -> bytes:
    """Return the cells of an image whose pixels are halves."""
    halves = quantise(image)
    cells = np.empty((halves.shape[0] // 2, halves.shape[1], 2), "<u2")
    cells[:, :, 0], cells[:, :, 1] = halves[0::2], halves[1::2]
    return cells.tobytes()


def quantise(image: Image) -> Halves:
    """Return RGB555 of an image."""
    five = (image >> 3).astype(np.uint16)
    return (five[:, :, 2] << 10) | (five[:, :, 1] << 5) | five[:, :, 0]
