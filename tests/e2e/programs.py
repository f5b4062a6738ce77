"""The programs of Visavis as processes, and a terminal to run them in: what the end-to-end tests are made of."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from actors.code import Code, parse_code, short_words
from actors.messages import AnyCommand, AnyEvent, Hang, SendText, Snapshot, TextReceived, decode_event, encode
from relay import limits

VISAVIS = (sys.executable, "-P", "-m", "tui.cli")
WITHIN = 30.0  # seconds; a test that waits longer has failed
CODE = re.compile(r"\b\d{4,5}(?:-(?:yo-yo|[a-z]+)){3}\b")  # one word on the list has a hyphen of its own

_Kind = TypeVar("_Kind", bound=AnyEvent)


def with_wrong_words(code: str) -> str:
    """A code with the number of this one, and words of the list that are not all its own."""
    number, words = parse_code(code).number, parse_code(code).words
    other = next(word for word in short_words() if word not in words)
    return str(Code(number, (words[0], other, words[2])))


def wait_until(condition: Callable[[], Any], what: Callable[[], object] = lambda: "", within: float = WITHIN) -> Any:
    """Poll `condition` until it returns something true, and return that; `what` says what was there instead."""
    deadline = time.monotonic() + within
    while not (seen := condition()):
        assert time.monotonic() < deadline, f"not within {within} s; there was: {what()}"
        time.sleep(0.02)
    return seen


# --- processes that must not be left -------------------------------------------------------------------------------

MARK = "VISAVIS_TEST_MARK"  # in the environment of every process that a test starts, and of their children


def marked_processes(mark: str) -> dict[int, str]:
    """Return id and command line of every process that was started under this mark (Linux; elsewhere none)."""
    found = {}
    wanted = f"{MARK}={mark}".encode()
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if wanted in (folder / "environ").read_bytes().split(b"\0") and int(folder.name) != os.getpid():
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
                if command:  # none: a zombie, which its parent will collect
                    found[int(folder.name)] = command
    return found


def marked_programs(mark: str, *words: str) -> list[str]:
    """Return the command lines of the `visavis` among them that have these words."""
    lines = (line for line in marked_processes(mark).values() if line.startswith(" ".join(VISAVIS)))
    return [line for line in lines if set(words) <= set(line.split())]


@contextlib.contextmanager
def nothing_left(mark: str) -> Iterator[None]:
    """At the end of the block no process under `mark` is left; one that is, is ended and is a failure."""
    yield
    try:
        wait_until(lambda: not marked_processes(mark), lambda: marked_processes(mark), within=10)
    finally:
        for process in marked_processes(mark):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)


# --- the relay -----------------------------------------------------------------------------------------------------


class Relay:
    """`visavis relay` on a loopback port, the same one after every restart."""

    def __init__(self, *arguments: str) -> None:
        self._arguments = arguments
        self._port = 0
        self._process: subprocess.Popen[str] | None = None
        self.start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._port}"

    def start(self) -> None:
        """Start it, and wait until it listens."""
        self._process = subprocess.Popen(
            [*VISAVIS, "relay", "--host", "127.0.0.1", "--port", str(self._port), *self._arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._process.stdout is not None
        said = self._process.stdout.readline()
        assert said.startswith("listening on 127.0.0.1:"), said
        self._port = int(said.rsplit(":", 1)[1])

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        self.end(signal.SIGKILL)

    def end(self, how: signal.Signals = signal.SIGTERM) -> int:
        """End it and return its exit status."""
        if self._process is None:
            return 0
        process, self._process = self._process, None
        process.send_signal(how)
        status = process.wait(WITHIN)
        assert process.stdout is not None
        process.stdout.close()
        return status


# --- an engine without a screen ------------------------------------------------------------------------------------


class Engine:
    """`visavis engine --stdio`: give it commands, look at its events."""

    def __init__(self, name: str) -> None:
        self.events: list[AnyEvent] = []
        self._changed = threading.Condition()
        self._over = False
        self._process = subprocess.Popen(
            [*VISAVIS, "engine", "--stdio"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "VISAVIS_NAME": name},
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.name = self.wait_event(Snapshot).engine

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with self._changed:
                self.events.append(decode_event(line))
                self._changed.notify_all()
        with self._changed:
            self._over = True
            self._changed.notify_all()

    def tell(self, command: AnyCommand) -> None:
        """Give it a command."""
        assert self._process.stdin is not None
        self._process.stdin.write(encode(command) + b"\n")
        self._process.stdin.flush()

    def say(self, *texts: str) -> None:
        """Send these lines; the id of each is the line itself, as far as an id goes."""
        for text in texts:
            self.tell(SendText(text[: limits.LINE_ID_CHARACTERS], text))

    def all_events(self, kind: type[_Kind]) -> list[_Kind]:
        """Return the events of this kind so far."""
        with self._changed:
            return [event for event in self.events if isinstance(event, kind)]

    def wait_event(self, kind: type[_Kind], where: Callable[[_Kind], object] = lambda _: True, after: int = 0) -> _Kind:
        """Return the first event of this kind for which `where` holds, with a `seq` over `after`."""

        def find() -> _Kind | None:
            for event in self.events:
                if isinstance(event, kind) and event.seq >= after and where(event):
                    return event
            return None

        with self._changed:
            self._changed.wait_for(lambda: find() or self._over, WITHIN)
            found = find()
            assert found is not None, f"no {kind.__name__} among {self.events[-10:]}"
            return found

    def wait_heard(self, count: int) -> list[str]:
        """Wait until `count` lines came from the other side; return all that came."""
        wait_until(lambda: len(self.all_events(TextReceived)) >= count, lambda: self.events[-10:])
        return self.heard

    @property
    def heard(self) -> list[str]:
        """The lines of the other side, in the order they came."""
        return [event.text for event in self.all_events(TextReceived)]

    @property
    def last_seq(self) -> int:
        with self._changed:
            return max((event.seq for event in self.events), default=0)

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()
        self.wait_exit()

    def hang(self) -> int:
        """Hang up and return its exit status."""
        self.tell(Hang())
        return self.wait_exit()

    def end_input(self) -> None:
        """Close its standard input, as a script that is done."""
        self._process.stdin.close()

    def wait_exit(self) -> int:
        """Wait for its end and return its exit status."""
        status = self._process.wait(WITHIN)
        self._reader.join(WITHIN)
        return status

    def close(self) -> None:
        """Leave it, as a script that ends does; force it if it stays."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise
        finally:
            self.wait_exit()
            self._process.stdout.close()


# --- a terminal ----------------------------------------------------------------------------------------------------


class Terminal:
    """A tmux server with one pane of its own: type into it, read what it shows."""

    def __init__(self, folder: Path, columns: int, rows: int, *command: str) -> None:
        self._socket = folder / f"tmux-{os.urandom(4).hex()}"
        # What the program says after its screen closed stays to be read; then nothing reads what is typed.
        script = '"$@"; echo "[ended $?]"; exec cat >/dev/null'
        size = ("-x", str(columns), "-y", str(rows))
        self._tmux("-f", "/dev/null", "new-session", "-d", *size, "sh", "-c", script, "sh", *command)

    def _tmux(self, *arguments: str) -> str:
        # A size in the environment would win over that of the pane.
        environment = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
        command = ["tmux", "-u", "-S", str(self._socket), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, stdin=subprocess.DEVNULL)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def type(self, text: str) -> None:
        """Type `text` as a person would, letter by letter, without Enter."""
        self._tmux("send-keys", "-l", text)

    def press(self, *keys: str) -> None:
        """Press keys by their tmux names: Enter, C-q, Tab…"""
        self._tmux("send-keys", *keys)

    def say(self, text: str) -> None:
        """Type `text`, see it stand there, and press Enter."""
        self.type(text)
        self.wait_for(text)
        self.press("Enter")

    @property
    def lines(self) -> list[str]:
        """What is on the screen, line by line."""
        return self._tmux("capture-pane", "-p").split("\n")

    def drawn(self, text: str) -> str:
        """The line with `text` on it, with its colours."""
        return next((line for line in self._tmux("capture-pane", "-p", "-e").split("\n") if text in line), "")

    @property
    def cells(self) -> list[str]:
        """What is on the screen with its colours, line by line, spaces at the ends too."""
        return self._tmux("capture-pane", "-p", "-e", "-N").split("\n")[:-1]

    @property
    def shown(self) -> str:
        return "\n".join(self.lines)

    def wait_for(self, *texts: str, within: float = WITHIN) -> str:
        """Wait until all of `texts` are on the screen; return the screen. Spaces do not count: lines are broken."""

        def there() -> bool:
            joined = "".join(self.shown.split())
            return all("".join(text.split()) in joined for text in texts)

        wait_until(there, lambda: f"\n{self.shown}", within)
        return self.shown

    def wait_exit(self) -> int:
        """Wait until the program has ended; return its exit status."""
        ended = re.compile(r"^\[ended (\d+)\]$", re.MULTILINE)
        found = wait_until(lambda: ended.search(self.shown), lambda: f"\n{self.shown}")
        return int(found[1])

    def wait_shell(self) -> None:
        """Wait until the program that was started from the shell has given the terminal back."""
        wait_until(
            lambda: self._tmux("display-message", "-p", "#{pane_current_command}").strip() == "sh", within=WITHIN
        )

    @property
    def cursor(self) -> tuple[int, int]:
        """Column and row of the cursor."""
        column, row = self._tmux("display-message", "-p", "#{cursor_x} #{cursor_y}").split()
        return int(column), int(row)

    def resize(self, columns: int, rows: int) -> None:
        self._tmux("resize-window", "-x", str(columns), "-y", str(rows))

    @property
    def process(self) -> int:
        """The id of the program in the pane, the shell's only child (Linux)."""
        shell = self._tmux("display-message", "-p", "#{pane_pid}").strip()
        return int(Path(f"/proc/{shell}/task/{shell}/children").read_text())

    def cut(self) -> None:
        """End the tmux server at once: the terminal is lost to whatever runs in it."""
        with contextlib.suppress(AssertionError):
            self._tmux("kill-server")
