"""Reads the test card (actors/sources/card.py) back from an image, as a person would from a screenshot."""

import numpy as np
from numpy.typing import NDArray

BITS = 16


class NoCardError(Exception):
    """There is no card to be seen."""


def read_card(image: NDArray[np.uint8]) -> tuple[int, float]:
    """Return the number, and where the mark is: 0 at the left, 1 at the right. The image is blue green red, and is the
    card and nothing else. Raises `NoCardError`."""
    height, width = image.shape[:2]
    if height < 12 or width < 32:
        raise NoCardError(f"{width} x {height}")
    strip = height / 6
    row = image[round(height - strip * 0.7) : max(round(height - strip * 0.3), round(height - strip * 0.7) + 1)]
    number = 0
    for bit in range(BITS):
        left, right = (bit + 0.3) * width / BITS, (bit + 0.7) * width / BITS
        cell = row[:, round(left) : max(round(right), round(left) + 1)]
        light = float(cell.mean())
        if 70 < light < 185:
            raise NoCardError(f"bit {bit} is neither black nor white: {light:.0f}")
        number = number * 2 + (light > 128)
    band = image[round(strip * 1.2) : max(round(strip * 1.8), round(strip * 1.2) + 1)].astype(int)
    red = (band[:, :, 2] > 150) & (band[:, :, 0] < 110) & (band[:, :, 1] < 110)
    columns = np.flatnonzero(red.mean(axis=0) > 0.5)
    if not len(columns):
        raise NoCardError("no mark")
    return number, float(columns[0] / max(1.0, width - strip))


def mark_of(number: int) -> float:
    """Return where the mark of this frame is to be."""
    return number % 64 / 64
