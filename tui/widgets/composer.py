"""Where one writes: several lines, Enter sends, nothing that was written is ever lost."""

from collections.abc import Callable
from typing import Final

from textual import events
from textual.message import Message
from textual.widgets import TextArea

from relay import limits
from tui.commands import OFFERING, takes_paths

# Shift where the terminal reports it; the last two are how xterm and tmux do (modifyOtherKeys, extended-keys).
NEWLINE_KEYS: Final = ("ctrl+j", "alt+enter", "shift+enter", "alt+\r", "shift+\r")
JOINERS: Final = ("\u200c", "\u200d")
HISTORY_TEXTS: Final = 200
PASTE_CHARACTERS: Final = 4 * limits.CHAT_BYTES  # may still be cut down to a message; more would only stall the screen


class Composer(TextArea):
    """A text field of one to some lines.

    `submit` is called with the text when Enter is pressed, and returns whether it took it: then the field is emptied
    at once, so that not a key of what is typed next is lost. `as_arguments` says what a paste is behind /send if it is
    nothing but paths, else None: such a paste becomes that command, until Escape or a key makes it text again.
    """

    class Completed(Message):
        """Tab was pressed, or an arrow where there is nothing to move in: `step` is 0, -1 or 1."""

        def __init__(self, step: int) -> None:
            super().__init__()
            self.step = step

    class PasteRefused(Message):
        """A paste of so many characters could never be sent, and was not put in."""

        def __init__(self, characters: int) -> None:
            super().__init__()
            self.characters = characters

    def __init__(
        self,
        placeholder: str,
        submit: Callable[[str], bool],
        as_arguments: Callable[[str], str | None] = lambda text: None,
    ) -> None:
        super().__init__(
            soft_wrap=True,
            show_line_numbers=False,
            tab_behavior="focus",
            compact=True,
            placeholder=placeholder,
            highlight_cursor_line=False,
        )
        self.cursor_blink = False  # a screen that is idle paints nothing
        self._submit = submit
        self._history: list[str] = []
        self._browsing: int | None = None
        self.choosing = False  # a list is open: Tab and arrows are for it
        self.completing = False  # Tab completes what stands here
        self._as_arguments = as_arguments
        self._pasted: tuple[str, str] | None = None  # paths as they came, and the command that stands for them

    def put_back(self, text: str) -> bool:
        """Take back a text that was refused, if nothing else stands here; tell whether it was."""
        if self.text:
            return False
        self.fill(text)
        return True

    @property
    def holds_paths(self) -> bool:
        """Whether what stands here is a command only because paths were pasted."""
        return self._pasted is not None and self.text == self._pasted[1]

    def fill(self, text: str) -> None:
        """Replace what stands here, the cursor at its end."""
        self.load_text(text)
        self.move_cursor(self.document.end)

    def _taken(self, text: str) -> None:
        self._history = [*self._history, text][-HISTORY_TEXTS:]
        self._browsing = self._pasted = None
        self.load_text("")

    async def _on_key(self, event: events.Key) -> None:
        if self.holds_paths and self._makes_text(event):
            self._text_again()
            if event.key == "escape":
                self._mine(event)
                return
        if event.key == "enter":
            self._mine(event)
            text = whole(self.text)
            if self._submit(text):
                self._taken(text)
        elif event.key in NEWLINE_KEYS:
            self._mine(event)
            self._replace_via_keyboard("\n", *self.selection)
        elif event.character in JOINERS:  # no key to Textual, but a letter in Persian, and what joins emoji
            self._mine(event)
            self._replace_via_keyboard(event.character, *self.selection)
        elif (self.completing and event.key == "tab") or (self.choosing and event.key in ("tab", "up", "down")):
            self._mine(event)
            self.post_message(self.Completed({"tab": 0, "up": -1, "down": 1}[event.key]))
        elif event.key in ("up", "down") and self._browse(-1 if event.key == "up" else 1):
            self._mine(event)
        else:
            # Textual asks the app for what a key means here, a message later: of keys that come in one burst, as over
            # a slow line, an arrow would be overtaken by the letter behind it.
            for binding in self._bindings.key_to_bindings.get(event.key, ()):
                if await self.app.run_action(binding.action, self):
                    self._mine(event)
                    return
            await super()._on_key(event)

    async def _on_paste(self, event: events.Paste) -> None:
        self._mine(event)
        if len(event.text) > PASTE_CHARACTERS:
            self.post_message(self.PasteRefused(len(event.text)))
            return
        text = whole(event.text.replace("\r\n", "\n").replace("\r", "\n"))
        if self._takes_paths(text):
            return
        if self.holds_paths:
            self._text_again()
        if result := self._replace_via_keyboard(text, *self.selection):
            self.move_cursor(result.end_location)
            self.focus()

    def _takes_paths(self, text: str) -> bool:
        """Put pasted paths in as what can be offered; return whether they were, and `text` is nothing else."""
        held = self._pasted if self.holds_paths else None
        if self.read_only or not (held or not self.text or takes_paths(self.text)):
            return False
        arguments = self._as_arguments(text)
        if arguments is None:
            return False
        if held is not None:  # one more was dragged here
            self._pasted = (f"{held[0].rstrip()} {text}", f"{held[1]} {arguments}")
            self.fill(self._pasted[1])
        elif not self.text:
            self._pasted = (text, OFFERING + arguments)
            self.fill(self._pasted[1])
        elif result := self._replace_via_keyboard(f"{arguments} ", *self.selection):
            self.move_cursor(result.end_location)
        self.focus()
        return True

    @staticmethod
    def _makes_text(event: events.Key) -> bool:
        keys = ("escape", "backspace", "delete", *NEWLINE_KEYS)
        return event.key in keys or event.is_printable or event.character in JOINERS

    def _text_again(self) -> None:
        if self._pasted is not None:
            text, self._pasted = self._pasted[0], None
            self.fill(text)

    def _browse(self, step: int) -> bool:
        """Go through what was sent, from an empty field or from an earlier text as it was; tell whether it moved."""
        shown = "" if self._browsing is None else self._history[self._browsing]
        if self.text != shown or not self._history:
            return False
        at = (len(self._history) if self._browsing is None else self._browsing) + step
        if at < 0 or (self._browsing is None and step > 0):
            return False
        if at >= len(self._history):
            self._browsing = None
            self.fill("")
        else:
            self._browsing = at
            self.fill(self._history[at])
        return True

    @staticmethod
    def _mine(event: events.Event) -> None:
        event.stop()
        event.prevent_default()


def whole(text: str) -> str:
    """Return `text` with surrogate pairs joined and lone ones as U+FFFD: what a terminal sent need not be text."""
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
