"""The picture in the terminal: the newest of the engine's, painted as fast as the terminal takes it.

While nothing lies over it, what changed is written past Textual's compositor, which knows whole lines only: one write
for a frame, inside synchronized output where the terminal has it. Everything else (resizing, something that lies over
it, a screenshot) goes through `render_line`, from the same cells, so both always agree on what is on the screen.

Each frame ends with a question for the terminal's status (ECMA-48, DSR), and the next waits for the answer: so no more
than one frame is ever on its way, and keys are not kept waiting behind a backlog. A terminal that never answers gets
a modest rate instead.
"""

import sys
from array import array
from functools import lru_cache
from typing import Final

from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.timer import Timer
from textual.widget import Widget

from actors.video.frames import Picture
from tui.graphics import Graphics
from tui.halves import BOTH, UPPER, Colours, Painter, of_256, rgb, shade
from tui.terminal import write_past, writes_past
from tui.widgets.still import forget_still, make_still

ANSWER_SECONDS: Final = 1.0  # without an answer: it may never come
UNANSWERED: Final = 3  # such frames: it never does
BLIND_SECONDS: Final = 0.2  # between two frames then
SETTLED_SECONDS: Final = 0.15  # after a resize: twenty a second are one


class PictureView(Widget):
    """Shows pictures of at most its own size, in the middle. Tells its size by `Resized`, and by `Taken` that the next
    picture may come."""

    DEFAULT_CSS = "PictureView { width: 1fr; height: 1fr; align: center middle; }"

    class Resized(Message):
        """So many cells are there for a picture."""

        def __init__(self, columns: int, rows: int) -> None:
            super().__init__()
            self.columns, self.rows = columns, rows

    class Taken(Message):
        """The last picture was painted, or is not to be: the next may come."""

    def __init__(self) -> None:
        super().__init__()
        self._picture: Picture | None = None  # on show
        self._cells: array[int] = array("I")
        self._next: Picture | None = None
        self._shown: array[int] | None = None  # what the terminal has there, if that is known
        self._painter: Painter | None = None
        self._asked = False  # the terminal has not answered the last frame yet
        self._unanswered = 0
        self._timer: Timer | None = None
        self._settling: Timer | None = None
        self._still: Widget | None = None  # in the place of the cells
        self.frames = 0  # painted

    # --- what comes

    def show(self, picture: Picture) -> None:
        """Take a picture; one that was not painted yet makes room."""
        if self._still is not None:
            self.clear()
        self._next = picture
        self._paint_if_free()

    def show_still(self, picture: Picture, graphics: Graphics) -> None:
        """Take a picture whose halves the terminal draws as pixels; it is scaled to this widget."""
        self.clear()
        self._still = make_still(picture, graphics, self.size.width, self.size.height)
        self.mount(self._still)

    def clear(self) -> None:
        """Show nothing."""
        if self._still is not None:
            forget_still(self._still)
            self._still = None
        self._picture = self._next = self._shown = None
        self._cells = array("I")
        self.refresh()

    def answered(self) -> None:
        """The terminal has taken in all that was written."""
        self._unanswered = 0
        self._free()

    # --- painting

    def _paint_if_free(self) -> None:
        picture = self._next
        if picture is None or self._asked or not self.is_mounted:
            return
        self._next = None
        cells = array("I", bytes(picture.cells))
        if sys.byteorder == "big":
            cells.byteswap()
        same = self._picture is not None and (self._picture.columns, self._picture.rows) == (
            picture.columns,
            picture.rows,
        )
        self._picture, self._cells = picture, cells
        self.frames += 1
        if same and self._shown is not None and self._uncovered():
            self._write(cells)
        else:
            self._shown = cells if same else None
            self.refresh()
            self.call_after_refresh(self._refreshed)
        self.post_message(self.Taken())

    def _refreshed(self) -> None:
        self._shown = self._cells if self._picture is not None else None

    def _write(self, cells: "array[int]") -> None:
        assert self._picture is not None
        box = self._box()
        changes = self._paint().changes(
            self._shown, cells, self._picture.columns, self.region.x + box.x, self.region.y + box.y
        )
        self._shown = cells
        if changes:
            write_past(self.app, changes, ask=self._unanswered < UNANSWERED)
            self._asked = True
            seconds = ANSWER_SECONDS if self._unanswered < UNANSWERED else BLIND_SECONDS
            self._timer = self.set_timer(seconds, self._give_up)

    def _give_up(self) -> None:
        self._unanswered += 1
        self._free()

    def _free(self) -> None:
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        self._asked = False
        self._paint_if_free()

    def _uncovered(self) -> bool:
        """Whether this screen is on top, nothing lies over the picture, and all of it is in view."""
        screen = self.screen
        if self.app.screen is not screen or not writes_past(self.app):
            return False
        mine = self.region
        placed = screen.find_widget(self)
        if placed.clip.intersection(mine) != mine:
            return False
        for widget, (region, clip) in screen._compositor.visible_widgets.items():
            if widget is self or widget in self.ancestors or not region.intersection(clip).overlaps(mine):
                continue
            return False
        return True

    def _paint(self) -> Painter:
        if self._painter is None:
            self._painter = Painter(self._colours)
        return self._painter

    @property
    def _colours(self) -> Colours:
        system = self.app.console.color_system
        return "truecolor" if system == "truecolor" else "256" if system == "256" else "plain"

    # --- what Textual paints

    def _box(self) -> Region:
        """Where in this widget the picture stands."""
        if self._picture is None:
            return Region()
        columns, rows = self._picture.columns, self._picture.rows
        return Region(max(0, (self.size.width - columns) // 2), max(0, (self.size.height - rows) // 2), columns, rows)

    def render_line(self, y: int) -> Strip:
        """Return a line of the picture, and of what is round it."""
        box, width = self._box(), self.size.width
        blank = self.rich_style
        row = y - box.y
        if self._picture is None or not 0 <= row < box.height:
            return Strip.blank(width, blank)
        cells = self._cells[row * box.width : (row + 1) * box.width]
        colours = self._colours
        picture = [_segment(cell, colours) for cell in cells]
        left, right = Segment(" " * box.x, blank), Segment(" " * max(0, width - box.right), blank)
        return Strip([left, *picture, right]).simplify().crop(0, width)

    def on_resize(self, event: events.Resize) -> None:
        """Tell the owner, once it has settled."""
        self._shown = None
        if self._settling is not None:
            self._settling.stop()
        self._settling = self.set_timer(SETTLED_SECONDS, self._settled)

    def _settled(self) -> None:
        self.post_message(self.Resized(self.size.width, self.size.height))


@lru_cache(maxsize=20_000)
def _segment(cell: int, colours: Colours) -> Segment:
    upper, lower = cell & 0xFFFF, cell >> 16
    if colours == "plain":
        return Segment(shade(cell))
    style = Style(color=_colour(upper, colours), bgcolor=_colour(lower, colours))
    return Segment(BOTH if upper == lower else UPPER, style)


def _colour(half: int, colours: Colours) -> Color:
    return Color.from_rgb(*rgb(half)) if colours == "truecolor" else Color.from_ansi(of_256(half))
