"""A film to send: someone before a camera, who moves a little, with the noise of a sensor. Made of a photograph that
scikit-image ships (its author: NASA)."""

from collections.abc import Iterator
from pathlib import Path

import av
import cv2
import numpy as np
import skimage.data
from numpy.typing import NDArray

Image = NDArray[np.uint8]
NOISE = 3.0  # of 255, standard deviation: a good webcam by day


def frames(count: int, width: int, height: int) -> Iterator[Image]:
    """Yield images: a head that sways slowly, before a wall."""
    photograph = cv2.cvtColor(skimage.data.astronaut(), cv2.COLOR_RGB2BGR)
    scale = max(width / photograph.shape[1], height / photograph.shape[0]) * 1.1
    large = cv2.resize(photograph, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    spare_x, spare_y = large.shape[1] - width, large.shape[0] - height
    random = np.random.default_rng(7)
    noises = [random.normal(0, NOISE, (height, width, 3)).astype(np.int16) for _ in range(8)]
    for number in range(count):
        x = round(spare_x / 2 * (1 + 0.6 * np.sin(number / 25)))
        y = round(min(spare_y, spare_y / 4 * (1 + 0.4 * np.sin(number / 17))))
        image = large[y : y + height, x : x + width].astype(np.int16) + noises[number % len(noises)]
        yield np.clip(image, 0, 255).astype(np.uint8)


def make_film(path: Path, seconds: float, width: int = 1280, height: int = 720, rate: int = 30) -> Path:
    """Write the film as H.264."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=rate, options={"preset": "veryfast", "crf": "20"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for image in frames(round(seconds * rate), width, height):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
        container.mux(stream.encode())
    return path
