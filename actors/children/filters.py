"""What can be done to a picture before it is sent: a table of functions from image to image.

A new filter is one function and one line of the table, and its name in `actors.shows.FilterName`.
"""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Final

import cv2

from actors.shows import FilterName
from actors.sources.source import Image

Filter = Callable[[Image], Image]

_FACES_WIDTH: Final = 320  # pixels that faces are looked for in: 6 ms; more finds smaller ones and costs more
_CASCADES: Final = Path(cv2.__file__).parent / "data"  # they come with the wheel
_FACE_COLOUR: Final = (80, 220, 80)


def none(image: Image) -> Image:
    """As it is."""
    return image


def gray(image: Image) -> Image:
    """Without colours."""
    return cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)


def edges(image: Image) -> Image:
    """Edges alone, white on black (Canny, 1986)."""
    return cv2.cvtColor(cv2.Canny(image, 100, 200), cv2.COLOR_GRAY2BGR)


def inverse(image: Image) -> Image:
    """As a negative."""
    return cv2.bitwise_not(image)


def blur(image: Image) -> Image:
    """Out of focus, the more the larger the image: nobody is to be recognised."""
    size = max(3, min(image.shape[:2]) // 24) | 1
    return cv2.GaussianBlur(image, (size, size), 0)


def mirror(image: Image) -> Image:
    """Left is right, as one knows oneself."""
    return cv2.flip(image, 1)


def faces(image: Image) -> Image:
    """With a box round every face that looks at us (Viola and Jones, 2001)."""
    width = image.shape[1]
    share = min(1.0, _FACES_WIDTH / width)
    small = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    if share < 1:
        size = (_FACES_WIDTH, max(1, round(image.shape[0] * share)))
        small = cv2.resize(small, size, interpolation=cv2.INTER_AREA)
    marked = image.copy()
    for x, y, w, h in _cascade().detectMultiScale(cv2.equalizeHist(small), 1.15, 7, minSize=(24, 24)):
        corner, opposite = (round(x / share), round(y / share)), (round((x + w) / share), round((y + h) / share))
        cv2.rectangle(marked, corner, opposite, _FACE_COLOUR, max(2, width // 320))
    return marked


@cache
def _cascade() -> cv2.CascadeClassifier:
    return cv2.CascadeClassifier(str(_CASCADES / "haarcascade_frontalface_default.xml"))


FILTERS: Final[dict[FilterName, Filter]] = {
    "none": none,
    "gray": gray,
    "edges": edges,
    "inverse": inverse,
    "blur": blur,
    "faces": faces,
    "mirror": mirror,
}
