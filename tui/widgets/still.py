"""A picture that stands still, in pixels, for terminals that draw them (tui/graphics.py)."""

from typing import TYPE_CHECKING

from textual.widget import Widget

from actors.video.frames import Picture
from tui.graphics import Graphics

if TYPE_CHECKING:
    from PIL.Image import Image


def make_still(picture: Picture, graphics: Graphics, columns: int, rows: int) -> Widget:
    """Return a widget that shows this picture in at most so many columns and rows. Its last state is to be
    `forget_still`."""
    still = graphics.widget(to_pixels(picture))
    still.styles.width, still.styles.height = graphics.box(picture, columns, rows)
    return still


def forget_still(still: Widget) -> None:
    """Have the terminal forget the picture, and the screen the widget."""
    still.image = None  # type: ignore[attr-defined]
    still.remove()


def to_pixels(picture: Picture) -> "Image":
    """Return the halves of a picture as an image of RGB."""
    import numpy as np
    from PIL import Image

    halves = np.frombuffer(picture.cells, "<u2").reshape(picture.rows, picture.columns, 2)
    five = halves.transpose(0, 2, 1).reshape(2 * picture.rows, picture.columns)
    parts = np.stack([five >> 10 & 31, five >> 5 & 31, five & 31], axis=2)
    return Image.fromarray((parts << 3 | parts >> 2).astype(np.uint8))
