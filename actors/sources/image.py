"""An image as a source: one frame, for as long as it is shown."""

import os
import threading
import time
from typing import Final

from actors.children.orders import Play
from actors.sources.source import Image, SourceError, Still, plain_image
from relay import limits

# OpenCV asks for this once, when it is loaded: a file can't make it allocate more.
os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(limits.VIDEO_PIXELS))

import cv2
import numpy as np

_FILE_BYTES: Final = limits.PLAIN_IMAGE_BYTES


class StillImage:
    """The source. A JPEG, PNG, BMP or WebP is shown upright as its EXIF says, once."""

    def __init__(self, path: str) -> None:
        began = time.monotonic_ns()
        self._image = read_image(path)
        self._took_us = (time.monotonic_ns() - began) // 1000
        self.height, self.width = self._image.shape[:2]
        self.rate = 0.0
        self.seconds: float | None = None
        self.shared = False
        self.zero: int | None = None
        self._given = False

    def read(self) -> Still | None:
        """Return the image; block for ever the second time."""
        if self._given:
            threading.Event().wait()
        self._given = True
        return Still(self._image, time.monotonic_ns(), self._took_us)

    def play(self, order: Play) -> float | None:
        """An image can't be paused."""
        return None

    def close(self) -> None:
        """There is nothing to let go of."""


def read_image(path: str) -> Image:
    """Return the image in this file, whatever its path is made of. Raises `SourceError`: source-missing,
    source-unreadable, source-broken, source-too-large."""
    try:
        # Read here, since OpenCV knows no paths but those of the locale.
        with open(path, "rb") as file:
            data = file.read(_FILE_BYTES + 1)
    except FileNotFoundError:
        raise SourceError("source-missing", path) from None
    except OSError as error:
        raise SourceError("source-unreadable", error.strerror or str(error)) from None
    if len(data) > _FILE_BYTES:
        raise SourceError("source-too-large", f"{len(data)}")
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
    except cv2.error as error:
        raise SourceError("source-too-large" if "pixels" in str(error) else "source-broken") from None
    return plain_image(image)
