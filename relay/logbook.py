"""Writes the relay's log from a thread of its own, so that nobody who does not read it can stop the relay.

A terminal with Ctrl-S, a stopped `| less`: a write to them blocks for as long as people like, and every connection,
also one that was turned away, has its line.
"""

import contextlib
import os
import queue
import threading

from relay import limits


class Logbook:
    """Lines for a descriptor, in order. Past LOG_LINES that wait, lines are dropped, and counted in the log itself."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor  # not sys.stderr: a thread blocked in that hangs the interpreter's end
        self._lines: queue.Queue[str | None] = queue.Queue(limits.LOG_LINES)
        self._dropped = 0
        self._thread = threading.Thread(target=self._write_all, name="logbook", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """Lines not yet taken up for writing."""
        return self._lines.qsize()

    def write(self, line: str) -> None:
        """Take a line, without newline. Never waits, never raises."""
        try:
            if self._dropped:
                self._lines.put_nowait(f"dropped lines={self._dropped}")
                self._dropped = 0
            self._lines.put_nowait(line)
        except queue.Full:
            self._dropped += 1

    def close(self) -> None:
        """Write what waits, for LOG_FLUSH_SECONDS at most."""
        with contextlib.suppress(queue.Full):
            self._lines.put(None, timeout=limits.LOG_FLUSH_SECONDS)
        self._thread.join(limits.LOG_FLUSH_SECONDS)

    def _write_all(self) -> None:
        while (line := self._lines.get()) is not None:
            rest = memoryview(f"{line}\n".encode())
            with contextlib.suppress(OSError):  # nobody reads it any more; people are still talking
                while rest:
                    rest = rest[os.write(self._descriptor, rest) :]
