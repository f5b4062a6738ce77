"""A terminal that draws pixels, as far as a test needs one: it keeps the pictures that it is told to draw."""

import base64
import contextlib
import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import threading
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from tests.display import need
from tests.e2e.programs import wait_until
from tui.terminal import STATUS_OK, STATUS_REPORT

CELL = (10, 20)  # pixels
_KITTY = re.compile(rb"\x1b_G([^;\x1b]*);?([^\x1b]*)\x1b\\")
_SIXEL = re.compile(rb"\x1b\[(\d+);(\d+)H\x1bP[0-9;]*q[^\x1b]*\x1b\\")


class PixelTerminal:
    """A program in a pseudo terminal whose cells have a size in pixels."""

    def __init__(self, term: str, columns: int, rows: int, *command: str, cell: tuple[int, int] = CELL) -> None:
        self._control, terminal = pty.openpty()
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, columns * cell[0], rows * cell[1]))
        environment = {name: value for name, value in os.environ.items() if name not in ("TMUX", "STY")}
        self.process = subprocess.Popen(
            [str(Path(sys.executable).with_name("visavis")), *command],
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            start_new_session=True,
            env={**environment, "TERM": term, "COLORTERM": "truecolor"},
        )
        os.close(terminal)
        self.output = b""
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self) -> None:
        with contextlib.suppress(OSError):  # its end
            while data := os.read(self._control, 1 << 16):
                asked = self.output[-3:] + data
                self.output += data
                os.write(self._control, STATUS_OK.encode() * asked.count(STATUS_REPORT.encode()))

    def type(self, text: str) -> None:
        """Type this."""
        os.write(self._control, text.encode())

    def wait_for(self, text: str) -> None:
        """Wait until these words were written, in one piece."""
        wait_until(lambda: text.encode() in self.output, lambda: f"{len(self.output)} bytes without {text!r}")

    def kitty_pictures(self) -> list[NDArray[np.uint8]]:
        """The pictures by Kitty's graphics protocol (a PNG each, in pieces), so far."""
        pictures, held = [], b""
        for keys, piece in _KITTY.findall(self.output):
            if piece:
                held += piece
                if b"m=0" in keys.split(b","):
                    pictures.append(_decoded(base64.b64decode(held)))
                    held = b""
        return pictures

    def sixel_pictures(self) -> list[tuple[int, int, NDArray[np.uint8]]]:
        """The pictures by Sixel so far: row and column, from 1, and the picture."""
        need({"convert": "imagemagick"})
        found = []
        for match in _SIXEL.finditer(self.output):
            sixel = match.group()[match.group().index(b"\x1bP") :]
            command = ["convert", "sixel:-", "png:-"]
            png = subprocess.run(command, input=sixel, stdout=subprocess.PIPE, check=True).stdout
            found.append((int(match[1]), int(match[2]), _decoded(png)))
        return found

    def wait_exit(self) -> int:
        """Wait for its end; return its status."""
        return self.process.wait(30)

    def close(self) -> None:
        """Take the terminal away."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._thread.join(10)
        os.close(self._control)


def _decoded(png: bytes) -> NDArray[np.uint8]:
    image = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    return image.astype(np.uint8)
