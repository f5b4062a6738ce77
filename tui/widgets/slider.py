"""A number that is dragged: a line with a knob, for the mouse and the arrow keys."""

from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

_NUMBER_CELLS = 4


class Slider(Widget, can_focus=True):
    """From `least` to `most`, both included, in whole steps."""

    DEFAULT_CSS = "Slider { height: 1; width: 1fr; color: $foreground; } Slider:focus { color: $primary; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,down", "step(-1)", "", show=False),
        Binding("right,up", "step(1)", "", show=False),
        Binding("pagedown", "step(-10)", "", show=False),
        Binding("pageup", "step(10)", "", show=False),
    ]

    class Changed(Message):
        """The number was changed by hand."""

        def __init__(self, value: int) -> None:
            super().__init__()
            self.value = value

    def __init__(self, least: int, most: int, value: int) -> None:
        super().__init__()
        self._least, self._most = least, most
        self.value = value
        self._dragging = False

    def show(self, value: int) -> None:
        """Stand at this number, unless it is being dragged."""
        if not self._dragging and value != self.value:
            self.value = value
            self.refresh()

    def action_step(self, step: int) -> None:
        """Go some steps."""
        self._set(self.value + step)

    def render_line(self, y: int) -> Strip:
        """The number, and the line with its knob."""
        cells = self._cells
        knob = round((self.value - self._least) / (self._most - self._least) * (cells - 1))
        line = "━" * knob + "●" + "─" * (cells - 1 - knob)
        return Strip([Segment(f"{self.value:>{_NUMBER_CELLS - 1}} {line}", self.rich_style)])

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Take the knob."""
        self._dragging = True
        self.capture_mouse()
        self._drag(event.x)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Drag it."""
        if self._dragging:
            self._drag(event.x)

    def on_mouse_up(self) -> None:
        """Let it go."""
        self._dragging = False
        self.release_mouse()

    @property
    def _cells(self) -> int:
        return max(2, self.size.width - _NUMBER_CELLS)

    def _drag(self, x: int) -> None:
        share = (x - _NUMBER_CELLS) / (self._cells - 1)
        self._set(self._least + round(share * (self._most - self._least)))

    def _set(self, value: int) -> None:
        value = min(self._most, max(self._least, value))
        if value != self.value:
            self.value = value
            self.refresh()
            self.post_message(self.Changed(value))
