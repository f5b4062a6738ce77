"""`visavis send` and `visavis receive` as a shell runs them: what goes into them, what they say, how they end."""

import contextlib
import json
import os
import re
import signal
import subprocess
import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

from tests.e2e.programs import CODE, VISAVIS, WITHIN, wait_until


class Program:
    """`visavis ARGUMENTS` without a terminal. What it writes is kept, standard output (unless `stdout` leads it
    elsewhere) and standard error apart; `settings` go into its environment."""

    def __init__(
        self,
        *arguments: str,
        stdin: int = subprocess.DEVNULL,
        stdout: int = subprocess.PIPE,
        folder: Path | None = None,
        **settings: str,
    ) -> None:
        self.out = b""
        self._err = b""
        self._process = subprocess.Popen(
            [*VISAVIS, *arguments],
            stdin=stdin,
            stdout=stdout,
            stderr=subprocess.PIPE,
            cwd=folder,
            env={**os.environ, **settings},
        )
        self._readers = [threading.Thread(target=self._read_err, args=(self._process.stderr,), daemon=True)]
        if self._process.stdout is not None:
            self._readers.append(threading.Thread(target=self._read_out, args=(self._process.stdout,), daemon=True))
        for reader in self._readers:
            reader.start()

    def _read_out(self, stream: IO[bytes]) -> None:
        while piece := os.read(stream.fileno(), 65536):
            self.out += piece

    def _read_err(self, stream: IO[bytes]) -> None:
        while piece := os.read(stream.fileno(), 65536):
            self._err += piece

    # --- what it says ----------------------------------------------------------------------------------------------

    @property
    def said(self) -> str:
        """What is on standard error so far."""
        return self._err.decode()

    @property
    def printed(self) -> str:
        """What is on standard output so far."""
        return self.out.decode()

    @property
    def events(self) -> list[dict[str, Any]]:
        """The whole lines of standard output, with --json."""
        return [json.loads(line) for line in self.out.rpartition(b"\n")[0].splitlines()]

    def seen(self, event: str) -> list[dict[str, Any]]:
        """The events of this name so far."""
        return [each for each in self.events if each["event"] == event]

    def wait_code(self) -> str:
        """Wait for the code on standard output, alone on its line or in the first line of JSON."""
        line = wait_until(lambda: re.match(r".*\n", self.printed), lambda: self.said)[0]
        code = json.loads(line)["code"] if line.startswith("{") else line.strip()
        assert CODE.fullmatch(code), line
        return str(code)

    def wait_said(self, text: str) -> str:
        """Wait until standard error has `text`; return all of it."""
        wait_until(lambda: text in self.said, lambda: self.said)
        return self.said

    def wait_event(self, event: str, where: Callable[[dict[str, Any]], object] = lambda _: True) -> dict[str, Any]:
        """Wait for an event that fits, with --json."""
        return wait_until(
            lambda: next((each for each in self.seen(event) if where(each)), None),
            lambda: (self.events[-5:], self.said),
        )

    # --- how it ends -----------------------------------------------------------------------------------------------

    @property
    def engine(self) -> int:
        """The id of its engine's process, its only child (Linux)."""
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        return int(wait_until(children.read_text))

    def give(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    def wait_exit(self) -> int:
        """Wait for its end, and that of whatever else has its output; return its exit status."""
        try:
            status = self._process.wait(WITHIN)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"it did not end; it said: {self.said}") from None
        for reader in self._readers:
            reader.join(WITHIN)
        return status

    def end(self) -> None:
        """End it, if it has not ended."""
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for reader, stream in zip(self._readers, (self._process.stderr, self._process.stdout), strict=False):
            reader.join(10)
            if stream is not None:
                stream.close()


class Commands:
    """Starts programs that meet at `relay`, and ends them at last."""

    def __init__(self, relay: str, closing: ExitStack) -> None:
        self._relay = relay
        self._closing = closing

    def start(self, *arguments: str | Path, **how: Any) -> Program:
        """Start `visavis ARGUMENTS`; `how` is as for `Program`."""
        program = Program(*map(str, arguments), **{"VISAVIS_RELAY": self._relay, **how})
        self._closing.callback(program.end)
        return program

    def send(self, *arguments: str | Path, **how: Any) -> tuple[Program, str]:
        """Start `visavis send ARGUMENTS` as Mina; return it and its code."""
        program = self.start("send", *arguments, VISAVIS_NAME="Mina", **how)
        return program, program.wait_code()

    def receive(self, code: str, *arguments: str | Path, **how: Any) -> Program:
        """Start `visavis receive CODE --yes ARGUMENTS` as Jun."""
        return self.start("receive", code, "--yes", *arguments, VISAVIS_NAME="Jun", **how)


def wait_both(*programs: Program) -> tuple[int, ...]:
    """Wait for the end of each; return the statuses they exit with."""
    return tuple(program.wait_exit() for program in programs)
