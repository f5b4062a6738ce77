"""Pictures in pixels, for terminals that draw them: by Kitty's graphics protocol or by Sixel, through textual-image.

Only the environment is asked which of the two it is. The library would ask the terminal, when it is imported, and lose
what is typed meanwhile; so it is imported while standard output looks like a file to it. What it writes by itself goes
through Textual's driver, in its order with everything else.
"""

import array
import fcntl
import importlib
import io
import os
import sys
import termios
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Final, Literal

from textual.app import App
from textual.widget import Widget

from actors.video.frames import Picture
from relay import limits
from tui.terminal import has_terminal, write_with

Kind = Literal["kitty", "sixel"]
VARIABLE: Final = "VISAVIS_GRAPHICS"  # "kitty", "sixel", or anything else for neither

# What these terminals say of themselves. Of those with Kitty's protocol only those that draw its placeholders (Unicode
# U+10EEEE), which move with the text round them.
_KITTY_TERMS: Final = ("xterm-kitty", "xterm-ghostty")
_SIXEL_TERMS: Final = ("foot", "mlterm", "contour", "yaft")
_SIXEL_PROGRAMS: Final = ("WezTerm", "iTerm.app")
_CELL: Final = (10, 20)  # pixels, where a terminal does not tell: Kitty fits a picture into its cells whatever they are


def graphics_of(environment: Mapping[str, str]) -> Kind | None:
    """Return how the terminal that this environment speaks of draws pixels; None if it does not, or if something lies
    between that does not pass them on."""
    said = environment.get(VARIABLE)
    if said is not None:
        return said if said in ("kitty", "sixel") else None  # type: ignore[return-value]
    term, program = environment.get("TERM", ""), environment.get("TERM_PROGRAM", "")
    if "TMUX" in environment or "STY" in environment or term.startswith(("tmux", "screen")):
        return None
    if term in _KITTY_TERMS or "KITTY_WINDOW_ID" in environment:
        return "kitty"
    if term.startswith(_SIXEL_TERMS) or program in _SIXEL_PROGRAMS:
        return "sixel"
    return None


@dataclass(frozen=True)
class Graphics:
    """How a terminal draws pixels: a widget of textual-image, and the pixels of a cell."""

    widget: Callable[[Any], Widget]
    cell: tuple[int, int]

    def wanted(self, columns: int, rows: int) -> tuple[int, int]:
        """Return the cells to ask of the engine, of whose halves one is a pixel, where so many columns and rows are."""
        return (
            min(limits.PICTURE_COLUMNS, columns * self.cell[0]),
            max(1, min(limits.PICTURE_ROWS, rows * self.cell[1] // 2)),
        )

    def box(self, picture: Picture, columns: int, rows: int) -> tuple[int, int]:
        """Return the columns and rows, of so many, that the picture takes, proportions kept."""
        wide, high = picture.columns / self.cell[0], 2 * picture.rows / self.cell[1]
        share = min(columns / wide, rows / high)
        return max(1, min(columns, round(wide * share))), max(1, min(rows, round(high * share)))


def load_graphics(app: App[Any], environment: Mapping[str, str]) -> Graphics | None:
    """Return how this terminal draws pixels; None if it does not, or textual-image (extra "video") is not here."""
    kind = graphics_of(environment)
    if kind is None or not has_terminal(app) or find_spec("textual_image") is None:
        return None
    cell = _cell()
    if cell is None and kind == "sixel":
        return None  # it would cover what lies beside and below it
    cell = cell or _CELL
    sys.__stdout__ = _Output(app)  # type: ignore[misc,assignment]
    size = {"TEXTUAL_CELL_WIDTH": str(cell[0]), "TEXTUAL_CELL_HEIGHT": str(cell[1])}
    before = {name: os.environ.get(name) for name in size}
    os.environ.update(size)
    try:
        widgets = importlib.import_module("textual_image.widget")
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value
    return Graphics(widgets.TGPImage if kind == "kitty" else widgets.SixelImage, cell)


def _cell() -> tuple[int, int] | None:
    """Return the pixels of a cell by what the terminal, or ssh for it, told the system."""
    size = array.array("H", [0] * 4)
    with suppress(OSError, ValueError):
        fcntl.ioctl(sys.__stderr__.fileno(), termios.TIOCGWINSZ, size)  # type: ignore[union-attr]
    rows, columns, width, height = size
    if not rows or not columns or width < columns or height < rows:
        return None
    return width // columns, height // rows


class _Output(io.StringIO):
    """Standard output as textual-image has it: no terminal that can be asked, and in the end the screen's driver."""

    def __init__(self, app: App[Any]) -> None:
        super().__init__()
        self._app = app

    def write(self, text: str) -> int:
        """Write it behind what Textual has written."""
        write_with(self._app, text)
        return len(text)
