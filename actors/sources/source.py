"""What every source of pictures is to the child that captures: opened, read frame by frame, closed.

A source is opened by its constructor (or a function beside it), which raises `SourceError`.
"""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from actors.children.orders import Play
from relay import limits

Image = NDArray[Any]  # uint8, height x width x 3, blue green red, upright


class SourceError(Exception):
    """The source can't be opened, or has failed: a code of docs/engine.md, and what goes into the sentence."""

    def __init__(self, cause: str, detail: str = "") -> None:
        super().__init__(f"{cause}: {detail}" if detail else cause)
        self.cause = cause
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Still:
    """One frame: the image, when it was there (ns of CLOCK_MONOTONIC), and how long the device or decoder took."""

    image: Image
    captured: int
    capture_us: int


class Source(Protocol):
    """An open source. `width` and `height` in pixels, upright; `rate` in frames a second, 0 if unknown or a still;
    `seconds` is how long a video file is."""

    width: int
    height: int
    rate: float
    seconds: float | None

    @property
    def shared(self) -> bool:
        """Whether another program has the camera, and passes its pictures on."""

    @property
    def zero(self) -> int | None:
        """Of a video file that plays: when its second 0 was, or would have been, in ns of CLOCK_MONOTONIC."""

    def read(self) -> Still | None:
        """Return the next frame, at the source's own pace: blocks till it is due. None at the end of a video file,
        again and again; blocks for ever after the one frame of a still. Raises `SourceError`."""

    def play(self, order: Play) -> float | None:
        """Pause, seek or loop, from any thread, while another is in `read`; return the second that it is at. Of
        anything but a video file: None, and nothing happens."""

    def close(self) -> None:
        """Let go of the device or file. `read` is not called again."""


def check_size(width: int, height: int) -> None:
    """Raise `SourceError` source-too-large unless a picture of so many pixels is taken."""
    if max(width, height) > limits.VIDEO_SIDE or width * height > limits.VIDEO_PIXELS:
        raise SourceError("source-too-large", f"{width} x {height}")


def plain_image(image: Any) -> Image:
    """Return what a decoder gave as an Image: gray and alpha are made three colours. Raises `SourceError`
    source-broken, source-too-large."""
    if image is None or getattr(image, "dtype", None) != np.uint8 or not image.size:
        raise SourceError("source-broken")
    check_size(image.shape[1], image.shape[0])
    if image.ndim == 2:
        image = np.stack([image] * 3, axis=2)
    return np.ascontiguousarray(image[:, :, :3])
