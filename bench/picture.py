"""The picture in the terminal: frames a second that reach the terminal, bytes a second, and what it costs the screen.

    python -m bench.picture [--seconds 10]

A Textual program with the picture alone runs in a pseudo terminal that reads at once and answers when it is asked. It
is fed with a talking head (bench/film.py), drawn by the code of the pictures child. Beside: every cell of every frame
written anew, as a screen without memory would.
"""

import argparse
import asyncio
import fcntl
import os
import pickle
import pty
import select
import struct
import subprocess
import sys
import tempfile
import termios
import time
from pathlib import Path

from textual.app import App, ComposeResult

from actors.children.cells import Canvas
from actors.video.frames import Picture, unpack_picture
from bench.film import frames
from bench.ground import say
from bench.sight import cpu_seconds
from tui.halves import Painter
from tui.terminal import STATUS_OK, STATUS_REPORT, ScreenDriver
from tui.widgets.picture import PictureView

FRAMES = 120
WAYS = ("ours", "all anew")


class Viewer(App[None]):
    """Paints pictures at a rate, for some seconds."""

    def __init__(self, pictures: list[bytes], rate: float, seconds: float) -> None:
        super().__init__(driver_class=ScreenDriver)
        self._pictures, self._rate, self._seconds = pictures, rate, seconds

    def compose(self) -> ComposeResult:
        yield PictureView()

    async def on_mount(self) -> None:
        self.run_worker(self._play())

    def on_terminal_ready(self) -> None:
        self.query_one(PictureView).answered()

    async def _play(self) -> None:
        view = self.query_one(PictureView)
        began = time.monotonic()
        for number in range(round(self._rate * self._seconds)):
            await asyncio.sleep(max(0.0, began + number / self._rate - time.monotonic()))
            view.show(unpack_picture(self._pictures[number % len(self._pictures)]))
        self.exit()


def play(path: str, rate: float, seconds: float, way: str) -> None:
    """In the process that is measured."""
    if way != "ours":
        changes = Painter.changes
        Painter.changes = lambda self, before, *rest: changes(self, None, *rest)  # type: ignore[method-assign]
    Viewer(pickle.loads(Path(path).read_bytes()), rate, seconds).run()


def draw(columns: int, rows: int) -> list[bytes]:
    """Return the film, drawn in so many cells, as it is sent to a screen."""
    canvas = Canvas(columns, rows)
    drawn = []
    for number, image in enumerate(frames(FRAMES, 16 * columns, 32 * rows), 1):
        wide, high, cells = canvas.draw(image)
        drawn.append(Picture(1, number, wide, high, 0, cells).pack())
    return drawn


def watch(columns: int, rows: int, rate: float, seconds: float, way: str) -> tuple[float, float, float]:
    """Return frames a second that came, bytes a second, and the share of a core."""
    control, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    with tempfile.NamedTemporaryFile() as file:
        file.write(pickle.dumps(draw(columns, rows)))
        file.flush()
        environment = {**os.environ, "COLORTERM": "truecolor", "TERM": "xterm-256color"}
        for name in ("COLUMNS", "LINES", "NO_COLOR"):
            environment.pop(name, None)
        program = f"from bench.picture import play; play({file.name!r}, {rate}, {seconds}, {way!r})"
        ends = {"stdin": terminal, "stdout": terminal, "stderr": terminal}  # Textual paints on the last
        process = subprocess.Popen([sys.executable, "-c", program], env=environment, **ends)
        os.close(terminal)
        size = asked = 0
        cpu = began = first = 0.0
        tail = b""
        while process.poll() is None:
            if not select.select([control], [], [], 0.1)[0]:
                continue
            try:
                data = os.read(control, 1 << 16)
            except OSError:
                break
            seen = (tail + data).count(STATUS_REPORT.encode())
            tail = data[-3:]
            if seen:
                os.write(control, STATUS_OK.encode() * seen)
                asked += seen
                if not first:
                    first, cpu = time.monotonic(), cpu_seconds(process.pid)
                    size = 0
                began = time.monotonic()
                used = cpu_seconds(process.pid) - cpu
            size += len(data)
    os.close(control)
    took = began - first
    return asked / took, size / took, used / took


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=10)
    options = parser.parse_args()
    print("| cells | wanted | way | frames a second | kB/s | share of a core |\n|---|---|---|---|---|---|")
    for columns, rows, rate in ((120, 40, 30), (80, 22, 12)):
        for way in WAYS:
            say(f"{columns} x {rows}, {way}")
            came, size, share = watch(columns, rows, rate, options.seconds, way)
            print(f"| {columns} x {rows} | {rate} | {way} | {came:.1f} | {size / 1e3:.0f} | {share:.1%} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
