"""The commands that what was typed may become, each with its line of help."""

from textual import events
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from tui.commands import SlashCommand, matching


class CommandList(Static):
    """Open while a "/" command is being typed. The marked one is what Tab completes."""

    class Chosen(Message):
        """A command was clicked."""

        def __init__(self, command: SlashCommand) -> None:
            super().__init__()
            self.command = command

    def __init__(self) -> None:
        super().__init__(id="commands")
        self._commands: list[SlashCommand] = []
        self._marked = 0
        self.display = False

    def show_for(self, typed: str) -> bool:
        """Show what fits `typed`; return whether there is anything to choose from."""
        self._commands = matching(typed)
        self._marked = 0
        self._paint()
        return bool(self._commands)

    def move(self, step: int) -> None:
        """Mark the next command, or the one before."""
        if self._commands:
            self._marked = (self._marked + step) % len(self._commands)
            self._paint()

    @property
    def marked(self) -> SlashCommand | None:
        """The command that Tab completes."""
        return self._commands[self._marked] if self._commands else None

    def on_click(self, event: events.Click) -> None:
        """Choose the command in the row that was clicked."""
        if 0 <= event.y < len(self._commands):
            self.post_message(self.Chosen(self._commands[event.y]))

    def _paint(self) -> None:
        self.display = bool(self._commands)
        rows = [
            Content.assemble(
                ("› " if index == self._marked else "  ", "bold $text-accent"),
                (f"/{command.name}".ljust(10), "bold $foreground"),
                command.help,
            )
            for index, command in enumerate(self._commands)
        ]
        self.update(Content("\n").join(rows))
