"""What may be chosen while one types: the commands that "/" opens, with their help, or names a path may become."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from textual import events
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from relay.visible import visible
from tui.cells import cut_cells, plain_cells
from tui.commands import SlashCommand, matching
from tui.words.catalogue import say

if TYPE_CHECKING:
    from tui.app import VisavisApp

ROWS_MAX: Final = 12
NAMES_MAX: Final = 8  # rows of names: a folder is long


@dataclass(frozen=True)
class Choice:
    """One row: a command, or a name that stands in a folder."""

    name: str
    command: SlashCommand | None = None


class CommandList(Static):
    """Open while there is something to choose from. The marked one is what Tab completes."""

    app: "VisavisApp"

    class Chosen(Message):
        """A row was clicked."""

        def __init__(self, choice: Choice) -> None:
            super().__init__()
            self.choice = choice

    def __init__(self) -> None:
        super().__init__(id="commands", markup=False)
        self._choices: list[Choice] = []
        self._marked = 0
        self._first = 0  # the first row in view
        self.display = False

    def show_for(self, typed: str) -> bool:
        """Show the commands that `typed` may become; return whether there is anything to choose from."""
        self._show([Choice(command.name, command) for command in matching(typed) if command.offered(self.app)])
        return bool(self._choices)

    def show_names(self, names: tuple[str, ...]) -> bool:
        """Show names that a path may become; return whether there are any."""
        self._show([Choice(name) for name in names])
        return bool(self._choices)

    def move(self, step: int) -> None:
        """Mark the next row, or the one before."""
        if self._choices:
            self._marked = (self._marked + step) % len(self._choices)
            self._paint()

    @property
    def marked(self) -> Choice | None:
        """What Tab completes."""
        return self._choices[self._marked] if self._choices else None

    def on_click(self, event: events.Click) -> None:
        """Choose the row that was clicked."""
        index = self._first + event.y
        if event.y < self._rows and index < len(self._choices):
            self.post_message(self.Chosen(self._choices[index]))

    def _show(self, choices: list[Choice]) -> None:
        self._choices, self._marked, self._first = choices, 0, 0
        self._paint()

    @property
    def _rows(self) -> int:
        """How many rows are in view."""
        most = NAMES_MAX if self._choices and self._choices[0].command is None else ROWS_MAX
        return min(len(self._choices), most, max(3, self.app.size.height // 2 - 2))

    def _paint(self) -> None:
        self.display = bool(self._choices)
        rows = self._rows
        self._first = max(min(self._first, self._marked), self._marked - rows + 1)
        shown = range(self._first, min(len(self._choices), self._first + rows))
        lines = [self._row(self._choices[index], index == self._marked) for index in shown]
        if more := len(self._choices) - rows:
            lines.append(Content(f"  {say('completion-more', count=more)}"))
        self.update(Content("\n").join(lines))

    def _row(self, choice: Choice, marked: bool) -> Content:
        sign = ("› " if marked else "  ", "bold $text-accent")
        width = max(4, self.app.size.width - 4)
        if choice.command is None:
            return Content.assemble(sign, (cut_cells(plain_cells(visible(choice.name)), width), "$foreground"))
        usage = cut_cells(choice.command.usage, width)
        wide = width >= 90
        head = usage if wide else f"/{choice.name}"
        column = 46 if wide else 10
        return Content.assemble(
            sign, (head.ljust(column), "bold $foreground"), cut_cells(choice.command.help, max(2, width - column))
        )
