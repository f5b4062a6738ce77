"""How soon it is there, and what it holds when nothing happens: help, first paint, idle memory and CPU.

    python -m bench.start [--rounds 10] [--idle 5]

Beside each: the least that could do it, in the same run. A bare Python; a Textual program with one line of text in the
same kind of terminal; a Python that has imported the same library and sleeps.
"""

import argparse
import fcntl
import json
import os
import pty
import re
import select
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

VISAVIS = [sys.executable, "-P", "-m", "tui.cli"]
ROWS, COLUMNS = 40, 120
TICKS = os.sysconf("SC_CLK_TCK")
LEAST_SCREEN = """
from textual.app import App
from textual.widgets import Static
class Least(App):
    def compose(self):
        yield Static("painted")
Least().run()
"""


class Terminal:
    """A program in a pseudo-terminal of its own; `painted` is what it wrote so far."""

    def __init__(self, command: list[str]) -> None:
        self.begun = time.perf_counter()
        self.process, self._terminal = pty.fork()
        if self.process == 0:
            os.environ.update(TERM="xterm-256color", COLORTERM="truecolor")
            fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("4H", ROWS, COLUMNS, 0, 0))
            os.execv(command[0], command)
        self.painted = b""

    def wait_paint(self, text: bytes, within: float = 20.0) -> float:
        """Return the seconds from the start until `text` was written."""
        while text not in self.painted:
            if not select.select([self._terminal], [], [], within)[0]:
                raise TimeoutError(self.painted[-2000:])
            self.painted += os.read(self._terminal, 65536)
        return time.perf_counter() - self.begun

    def drain(self) -> None:
        """Go on reading, so that the program is never held up."""
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        try:
            while os.read(self._terminal, 65536):
                pass
        except OSError:
            return

    def close(self) -> None:
        os.kill(self.process, signal.SIGKILL)
        os.waitpid(self.process, 0)
        os.close(self._terminal)


def seconds_to_paint(command: list[str], text: bytes) -> float:
    terminal = Terminal(command)
    try:
        return terminal.wait_paint(text)
    finally:
        terminal.close()


def seconds_to_run(command: list[str]) -> float:
    begun = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - begun


def compare(what: str, ours: Callable[[], float], least: Callable[[], float], rounds: int) -> None:
    """Print the medians of both, taken in turn, and their ratio."""
    pairs = [(ours(), least()) for _ in range(rounds + 1)][1:]  # the first fills the page cache and __pycache__
    mine, theirs = (statistics.median(values) * 1e3 for values in zip(*pairs, strict=True))
    print(f"| {what} | {mine:.0f} ms | {theirs:.0f} ms | {mine / theirs:.1f} |", flush=True)


# --- when nothing happens ------------------------------------------------------------------------------------------


def megabytes(process: int) -> float:
    """Return the proportional set size: shared pages count for their share."""
    rollup = Path(f"/proc/{process}/smaps_rollup").read_text()
    return int(re.findall(r"^Pss:\s+(\d+) kB", rollup, re.MULTILINE)[0]) / 1024


def cpu_seconds(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


@contextmanager
def engine() -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [*VISAVIS, "engine", "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        process.kill()


def tell(process: subprocess.Popen[str], **command: str) -> None:
    process.stdin.write(json.dumps(command) + "\n")
    process.stdin.flush()


def wait_event(process: subprocess.Popen[str], kind: str, **fields: str) -> dict[str, str]:
    for line in process.stdout:
        event = json.loads(line)
        if event["type"] == kind and fields.items() <= event.items():
            return event
    raise RuntimeError(f"the engine ended without {kind}")


@contextmanager
def sleeping(*imports: str) -> Iterator[int]:
    """A Python that has imported this and does nothing; its process id."""
    code = "".join(f"import {name}\n" for name in imports) + "import sys; print(flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        yield process.pid


def idle(seconds: float) -> None:
    """Print memory and CPU of relay, engine and screen in a call in which nothing is said."""
    with ExitStack() as stack:
        relay = stack.enter_context(
            subprocess.Popen(
                [*VISAVIS, "relay", "--host", "127.0.0.1", "--port", "0", "--drain", "0"],
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
        )
        stack.callback(relay.kill)
        address = relay.stdout.readline().split()[-1]
        maker, joiner = stack.enter_context(engine()), stack.enter_context(engine())
        name = wait_event(maker, "Snapshot")["engine"]
        tell(maker, type="MakeCode", relay=address)
        tell(joiner, type="EnterCode", relay=address, code=wait_event(maker, "CodeMade")["code"])
        wait_event(maker, "LinkChanged", link="joined")
        screen = Terminal([*VISAVIS, "attach", name])
        stack.callback(screen.close)
        screen.wait_paint(b"sealed")
        screen.drain()
        parts = {"relay": relay.pid, "engine": maker.pid, "screen": screen.process}
        least = {
            "relay": stack.enter_context(sleeping("trio")),
            "engine": stack.enter_context(sleeping("trio", "msgspec", "cryptography.hazmat.primitives.ciphers.aead")),
            "screen": stack.enter_context(sleeping("textual.app", "textual.widgets")),
        }
        time.sleep(2)  # what a start leaves to do
        before = {part: cpu_seconds(process) for part, process in parts.items()}
        time.sleep(seconds)
        print("\n| idle in a call | ours | imports alone | ratio | CPU |")
        print("|---|---|---|---|---|")
        for part, process in parts.items():
            mine, theirs = megabytes(process), megabytes(least[part])
            used = (cpu_seconds(process) - before[part]) / seconds
            print(f"| {part} | {mine:.1f} MiB | {theirs:.1f} MiB | {mine / theirs:.1f} | {used:.1%} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--idle", type=float, default=5.0, help="seconds")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "run").mkdir(mode=0o700)
        os.environ.update(VISAVIS_RUN=f"{folder}/run", XDG_CONFIG_HOME=folder, XDG_STATE_HOME=folder)
        print("| start | ours | the least | ratio |")
        print("|---|---|---|---|")
        compare(
            "visavis --help",
            lambda: seconds_to_run([*VISAVIS, "--help"]),
            lambda: seconds_to_run([sys.executable, "-c", "pass"]),
            options.rounds,
        )
        compare(
            "first paint of the screen",
            lambda: seconds_to_paint(VISAVIS, b"Relay"),
            lambda: seconds_to_paint([sys.executable, "-c", LEAST_SCREEN], b"painted"),
            options.rounds,
        )
        idle(options.idle)


if __name__ == "__main__":
    main()
