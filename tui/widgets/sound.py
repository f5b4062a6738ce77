"""The line about sound: level and spectrum of both directions, and how old what is heard is."""

from textual.content import Content
from textual.widgets import Static

from tui.sound_words import sound_parts
from tui.state import CallState


class SoundLine(Static):
    """One line while there is sound, none else. Only what changed is drawn."""

    def show(self, state: CallState) -> None:
        """Paint it again, if it says something else now."""
        parts = sound_parts(state, self.screen.size.width - 2)
        self.display = bool(parts)
        content = Content("").join(Content.styled(words, style) for words, style in parts)
        if content != self.content:
            self.update(content, layout=False)
