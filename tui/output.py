"""Where a call without a screen says what happens: results on standard output, everything else on standard error.

On a terminal the last line of standard error is drawn anew in place: the progress, or a question. What else is said
goes above it. Standard error that is gone (a lost terminal) is no reason to stop; standard output that is gone is.
"""

import contextlib
import os
import sys
from typing import Any, Final, TextIO

from relay.visible import visible
from tui.cells import cut_cells
from tui.exits import PROGRAM
from tui.progress import json_line
from tui.words.catalogue import say

_CLEAR: Final = "\r\x1b[K"
_SIZE: Final = (80, 24)


class Output:
    """`out` and `err` are standard output and error; `asks` tells whether there is someone to ask (on `asked`, a
    descriptor). With `json`, `out` carries lines of JSON alone, and on `err` are only questions and what went wrong."""

    def __init__(
        self, out: TextIO, err: TextIO, *, json: bool = False, asks: bool | None = None, asked: int = 0
    ) -> None:
        self._out, self._err = out, err
        self.json = json
        self.live = err.isatty() and os.environ.get("TERM") != "dumb"
        self.asked = asked
        self.asks = err.isatty() and os.isatty(asked) if asks is None else asks
        self._status = ""
        self._question = ""

    @property
    def size(self) -> tuple[int, int]:
        """Columns and rows of the terminal; of a usual one if there is none."""
        try:
            return os.get_terminal_size(self._err.fileno())
        except (OSError, ValueError):
            return _SIZE

    @property
    def width(self) -> int:
        """The cells of a line that no terminal breaks."""
        return max(1, self.size[0] - 1)

    # --- standard output -------------------------------------------------------------------------------------------

    def result(self, text: str) -> None:
        """Say what a script takes, on a line alone; with `json` it is said by `record`. Raises `OSError`."""
        if not self.json:
            self._put(visible(text) if self._out.isatty() else text)

    def record(self, event: str, **fields: Any) -> None:
        """Say an event, with `json`. Raises `OSError`."""
        if self.json:
            self._put(json_line(event, **fields))

    def _put(self, line: str) -> None:
        self._erase()
        self._out.write(line + "\n")
        self._out.flush()
        self._draw()

    # --- standard error --------------------------------------------------------------------------------------------

    def note(self, text: str) -> None:
        """Say what a person may want to know."""
        if not self.json:
            self.tell(text)

    def tell(self, text: str) -> None:
        """Say what a person must know before they answer."""
        self._erase()
        self._write(text + "\n")
        self._draw()

    def complain(self, sentence: str) -> None:
        """Say what went wrong."""
        self.tell(say("cli.error", program=PROGRAM, sentence=sentence))

    def status(self, text: str) -> None:
        """Draw the last line anew, on a terminal; "" takes it away."""
        if self.live and not self.json and text != self._status:
            self._erase()
            self._status = text
            self._draw()

    def ask(self, question: str) -> None:
        """Draw a question as the last line, until `answered`."""
        self._erase()
        self._question = question
        self._draw()

    def answered(self) -> None:
        """The answer came: its Enter has ended the line."""
        self._question = ""
        self._draw()

    def withdraw(self) -> None:
        """Take the question away without an answer."""
        self._erase()
        self.answered()

    def _erase(self) -> None:
        if self._question or self._status:
            self._write(_CLEAR if self.live else "\n" if self._question else "")

    def _draw(self) -> None:
        if self._question or self._status:
            self._write(self._question or cut_cells(self._status, self.width))

    def _write(self, text: str) -> None:
        try:
            self._err.write(text)
            self._err.flush()
        except OSError:
            to_nowhere(self._err)


def to_nowhere(stream: TextIO) -> None:
    """Send what is written to `stream` nowhere from now on, and what waits in it: it must not fail again at exit."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def open_output(*, json: bool = False) -> Output:
    """Return the output of this program."""
    return Output(sys.stdout, sys.stderr, json=json)
