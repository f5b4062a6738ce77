"""What Textual's terminal driver lacks: bytes that are no UTF-8 end the program, Alt+Enter is Enter, and a terminal's
answer that it has taken in everything is dropped.

All are mended where bytes become text, which is the only seam there is.
"""

import codecs
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from textual.app import App
from textual.drivers import linux_driver
from textual.message import Message

if TYPE_CHECKING:
    from typing_extensions import Buffer

ALT_ENTER: Final = "\x1b\r"  # what terminals send
ALT_ENTER_NAMED: Final = "\x1b[13;3u"  # the same as the Kitty protocol says it, which Textual understands
STATUS_REPORT: Final = "\x1b[5n"  # asks for it (ECMA-48, DSR)
STATUS_OK: Final = "\x1b[0n"  # the answer, which comes behind all that was written before; Textual passes it over
SYNC_START, SYNC_END = "\x1b[?2026h", "\x1b[?2026l"


def has_terminal(app: App[Any]) -> bool:
    """Tell whether the app has all of a terminal."""
    return isinstance(app._driver, ScreenDriver) and not app.is_inline


def writes_past(app: App[Any]) -> bool:
    """Tell whether there is a terminal to write to past the compositor now."""
    return has_terminal(app) and not app._batch_count


def write_with(app: App[Any], text: str) -> None:
    """Write what moves nothing to the terminal, in one piece and in its order with what Textual writes."""
    if isinstance(app._driver, ScreenDriver):
        app._driver.write(text)


def write_past(app: App[Any], text: str, *, ask: bool) -> None:
    """Write to the terminal past Textual's compositor, in one piece and in its order with what that writes; the cursor
    is put back to where the app wants it. With `ask`, a `TerminalReady` follows when the terminal has taken it in."""
    driver = app._driver
    assert isinstance(driver, ScreenDriver)
    column, line = app.cursor_position
    text += f"\x1b[{line + 1};{column + 1}H"
    if app._sync_available:
        text = f"{SYNC_START}{text}{SYNC_END}"
    driver.asked = ask
    driver.write(text + STATUS_REPORT if ask else text)


class TerminalReady(Message):
    """The terminal has taken in what was written before it was asked."""


class ScreenDriver(linux_driver.LinuxDriver):
    """Textual's driver for Linux and macOS. Bytes that are no UTF-8 become U+FFFD; Alt+Enter is a key of its own; the
    answer to STATUS_REPORT is a `TerminalReady` for the app, and no keys."""

    asked = False  # and not answered yet

    def run_input_thread(self) -> None:
        """Read keys until the screen closes."""
        linux_driver.__dict__["getincrementaldecoder"] = lambda encoding: lambda: KeyDecoder(self._due, self._ready)
        super().run_input_thread()

    def _due(self) -> bool:
        return self.asked

    def _ready(self) -> None:
        self.asked = False
        self.process_message(TerminalReady())


class KeyDecoder(codecs.BufferedIncrementalDecoder):
    """Makes text of what a terminal sends, whatever that is. STATUS_OK is taken out, and `ready` told; while it is
    `due`, what may be its beginning waits for the rest."""

    def __init__(self, due: Callable[[], bool] = lambda: False, ready: Callable[[], None] = lambda: None) -> None:
        super().__init__()
        self._due = due
        self._ready = ready
        self._begun = ""

    def _buffer_decode(self, data: "Buffer", errors: str, final: bool) -> tuple[str, int]:
        text, consumed = codecs.utf_8_decode(data, "replace", final)
        text, self._begun = self._begun + text, ""
        answers = text.count(STATUS_OK)
        text = text.replace(STATUS_OK, "")
        for _ in range(answers):
            self._ready()
        if self._due():
            for size in range(len(STATUS_OK) - 1, 0, -1):
                if text.endswith(STATUS_OK[:size]):
                    text, self._begun = text[:-size], text[-size:]
                    break
        return text.replace(ALT_ENTER, ALT_ENTER_NAMED), consumed
