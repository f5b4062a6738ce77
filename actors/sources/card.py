"""A test card: a moving mark and the number of the frame, which can be read back from a screenshot. Needs no device."""

import time
from typing import Final

import cv2
import numpy as np

from actors.children.orders import Play
from actors.sources.source import Image, Still

BITS: Final = 16  # of the number, in the strip at the bottom
STEPS: Final = 64  # frames that the mark takes from left to right
_SIZE: Final = (1280, 720)
_RATE: Final = 30.0


def draw_card(number: int, width: int, height: int) -> Image:
    """Return frame `number` of the card.

    The strip at the bottom, a sixth of the height, has the number's last 16 bits, the highest first: white is 1, black
    is 0. A red square of that side moves in the second sixth from the top, one place of 64 each frame. The number
    stands in the middle.
    """
    image = background(width, height).copy()
    strip = max(1, height // 6)
    for bit in range(BITS):
        value = 255 if number >> (BITS - 1 - bit) & 1 else 0
        image[height - strip :, bit * width // BITS : (bit + 1) * width // BITS] = value
    left = number % STEPS * max(0, width - strip) // STEPS
    image[strip : 2 * strip, left : left + strip] = (0, 0, 255)
    scale = height / 240
    cv2.putText(
        image,
        str(number),
        (width // 3, height * 3 // 5),
        cv2.FONT_HERSHEY_SIMPLEX,
        scale,
        (255, 255, 255),
        max(1, round(scale * 2)),
        cv2.LINE_AA,
    )
    return image


_backgrounds: dict[tuple[int, int], Image] = {}


def background(width: int, height: int) -> Image:
    """Return what stands still behind: from dark blue to green, without red."""
    if (width, height) not in _backgrounds:
        _backgrounds.clear()
        image = np.zeros((height, width, 3), np.uint8)
        image[:, :, 0] = np.linspace(110, 60, width, dtype=np.uint8)
        image[:, :, 1] = np.linspace(40, 110, height, dtype=np.uint8)[:, None]
        _backgrounds[width, height] = image
    return _backgrounds[width, height]


class Card:
    """The source. Frames come at its rate; one that nobody read in time is left out."""

    def __init__(self, width: int = 0, height: int = 0, rate: float = 0) -> None:
        self.width, self.height = (width, height) if width and height else _SIZE
        self.rate = rate or _RATE
        self.seconds: float | None = None
        self.shared = False
        self.zero: int | None = None
        self._began = time.monotonic()
        self._number = 0

    def read(self) -> Still | None:
        """Return the next frame when it is due."""
        number = max(self._number + 1, int((time.monotonic() - self._began) * self.rate))
        time.sleep(max(0.0, self._began + number / self.rate - time.monotonic()))
        self._number = number
        captured = time.monotonic_ns()
        image = draw_card(number, self.width, self.height)
        return Still(image, captured, (time.monotonic_ns() - captured) // 1000)

    def play(self, order: Play) -> float | None:
        """A card can't be paused."""
        return None

    def close(self) -> None:
        """There is nothing to let go of."""
