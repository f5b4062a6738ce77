"""Decodes JPEGs of strangers, under limits; in children alone."""

from typing import Final

import cv2
import numpy as np

from actors.sources.source import Image
from actors.video.frames import Payload
from actors.video.jpeg import JpegError, size_of

# Decoders that give a half, a quarter, an eighth of each side do so much less work.
_REDUCED: Final = (
    (8, cv2.IMREAD_REDUCED_COLOR_8),
    (4, cv2.IMREAD_REDUCED_COLOR_4),
    (2, cv2.IMREAD_REDUCED_COLOR_2),
)


def decode_jpeg(jpeg: Payload, enough: tuple[int, int] | None = None) -> Image:
    """Return the image, height x width x 3. With `enough` (width, height), one reduced by 2, 4 or 8 that is still at
    least so large, if there is one. Raises `JpegError`."""
    width, height = size_of(jpeg)
    by, flag = 1, cv2.IMREAD_COLOR
    if enough is not None:
        fitting = (each for each in _REDUCED if width >= enough[0] * each[0] and height >= enough[1] * each[0])
        by, flag = next(fitting, (by, flag))
    try:
        image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), flag | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error:
        raise JpegError("broken") from None
    if image is None or image.shape != (-(-height // by), -(-width // by), 3):
        raise JpegError("broken")
    return image
