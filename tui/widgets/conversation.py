"""The conversation on the screen: paints the rows of `tui.conversation` that are in view, and no others."""

from collections.abc import Iterable
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip

from actors.messages import Line, Mark
from tui.conversation import Conversation, Row


class ConversationView(ScrollView, can_focus=True):
    """Shows a `Conversation` and follows its end, unless one has scrolled up: then it counts what came below."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "line--time",
        "line--mine",
        "line--peer",
        "line--note",
        "line--day",
        "line--mark",
        "line--done",
    }

    class Below(Message):
        """The number of entries that came below what is in view changed to `count`."""

        def __init__(self, count: int) -> None:
            super().__init__()
            self.count = count

    def __init__(self, conversation: Conversation) -> None:
        super().__init__()
        self.conversation = conversation
        self.below = 0
        self._following = True
        self._moving = False

    @property
    def allow_select(self) -> bool:
        """Text here can be marked with the mouse and copied."""
        return True

    # --- what changes it

    def put(self, lines: Iterable[Line]) -> None:
        """Add lines, or give those that are here their marks."""
        self._changed(self.conversation.put(lines))

    def note(self, text: str, at: float) -> None:
        """Add a sentence of the screen's own. Nothing said adds nothing."""
        if text:
            self.conversation.note(text, at)
            self._changed(1)

    def mark(self, line_id: str, mark: Mark) -> None:
        """Give a line its mark, and paint only its row again."""
        row = self.conversation.mark(line_id, mark)
        if row is not None:
            self.refresh_line(row)

    def rename(self, peer: str) -> None:
        """Call the peer so from now on."""
        self.conversation.rename(peer)
        self._changed(0)

    def drop_older(self, count: int) -> None:
        """Say that `count` older lines are no longer kept."""
        self.conversation.drop_older(count)
        self._changed(0)

    def _changed(self, new: int) -> None:
        moved_up = self.conversation.trim()
        self.virtual_size = Size(self.conversation.width, self.conversation.height)
        if self._following:
            self._to_end()
        else:
            if moved_up:
                self.scroll_to(y=max(0, self.scroll_offset.y - moved_up), animate=False, force=True)
            self._count_below(self.below + new)
        self.refresh()

    # --- where it stands

    @property
    def following(self) -> bool:
        """Whether the end stays in view when something is added."""
        return self._following

    def to_end(self) -> None:
        """Go to the end and follow it."""
        self._following = True
        self._to_end()

    def _to_end(self) -> None:
        self._moving = True
        self.scroll_to(y=self.max_scroll_y, animate=False, force=True)
        self._moving = False
        self._count_below(0)

    def _count_below(self, count: int) -> None:
        if count != self.below:
            self.below = count
            self.post_message(self.Below(count))

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        if not self._moving:
            self._following = round(new_value) >= self.max_scroll_y
            if self._following:
                self._count_below(0)

    def on_resize(self, event: events.Resize) -> None:
        """Wrap for the new width; what was at the top stays there, or the end at the end."""
        width = self.scrollable_content_region.width
        following, top = self._following, self.scroll_offset.y
        anchor = self.conversation.anchor(top)
        self._moving = True
        self.conversation.resize(width)
        self.virtual_size = Size(width, self.conversation.height)
        self._moving = False
        if following:
            self.to_end()
        elif anchor is not None:
            self.scroll_to(y=self.conversation.row_at(anchor), animate=False, force=True)
        self.refresh()

    # --- painting

    def render_line(self, y: int) -> Strip:
        """Return one row in view."""
        number = y + self.scroll_offset.y
        row = self.conversation.row(number)
        width = self.scrollable_content_region.width
        if row is None:
            return Strip.blank(width, self.rich_style)
        segments = self._segments(row)
        selection = self.text_selection
        if selection is not None and (span := selection.get_span(number)) is not None:
            segments = _marked(segments, span, self.screen.get_component_rich_style("screen--selection"))
        return Strip(segments).apply_offsets(0, number).adjust_cell_length(width, self.rich_style)

    def _segments(self, row: Row) -> list[Segment]:
        base = self.rich_style

        def style(name: str) -> Style:
            return self.get_component_rich_style(f"line--{name}")

        if row.kind in ("day", "gone"):
            return [Segment(row.text, style("day"))]
        if row.kind == "note":
            return [Segment(row.time, style("time")), Segment(row.text + row.mark, style("note"))]
        return [
            Segment(row.time, style("time")),
            Segment(row.who, style(row.kind)),
            Segment(row.text, base),
            Segment(row.mark, style("done" if "✓✓" in row.mark else "mark")),
        ]

    # --- marking and copying

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """Return the marked text: wrapped rows are whole lines again."""
        start = selection.start.transpose if selection.start else (0, 0)
        end = selection.end.transpose if selection.end else (self.conversation.height, 0)
        return self.conversation.text_between(start, end), "\n"

    def selection_updated(self, selection: Selection | None) -> None:
        """Paint again what is marked."""
        self.refresh()


def _marked(segments: list[Segment], span: tuple[int, int], style: Style) -> list[Segment]:
    """Return `segments` with the characters of `span` (end -1 is the end of the row) in `style`."""
    start, end = span
    marked: list[Segment] = []
    at = 0
    for text, own, _ in segments:
        first = min(max(start - at, 0), len(text))
        last = len(text) if end == -1 else min(max(end - at, 0), len(text))
        for piece, chosen in (
            (text[:first], own),
            (text[first:last], (own or Style.null()) + style),
            (text[max(first, last) :], own),
        ):
            if piece:
                marked.append(Segment(piece, chosen))
        at += len(text)
    return marked
