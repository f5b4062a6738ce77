"""Writes the relay's log from a thread of its own, so that nobody who does not read it can stop the relay.

A terminal with Ctrl-S, a stopped `| less`: a write to them blocks for as long as people like, and every connection,
also one that was turned away, has its line.
"""

import contextlib
import os
import threading
from collections import deque

from relay import limits


class Logbook:
    """Lines for a descriptor, in order.

    Past LOG_LINES that wait, lines are dropped until those are written; then a line tells how many were.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor  # not sys.stderr: a thread blocked in that hangs the interpreter's end
        self._lines: deque[str] = deque()
        self._dropped = 0  # after the last of those
        self._closed = False
        self._changed = threading.Condition()  # never held while writing
        self._thread = threading.Thread(target=self._write_all, name="logbook", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """Lines not yet taken up for writing."""
        return len(self._lines) + bool(self._dropped)

    def write(self, line: str) -> None:
        """Take a line, without newline. Never waits for who reads it, never raises."""
        with self._changed:
            if self._dropped or len(self._lines) >= limits.LOG_LINES:
                self._dropped += 1
            else:
                self._lines.append(line)
                self._changed.notify()

    def close(self) -> None:
        """Write what waits, for LOG_FLUSH_SECONDS at most."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join(limits.LOG_FLUSH_SECONDS)

    def _write_all(self) -> None:
        while (line := self._next()) is not None:
            rest = memoryview(f"{line}\n".encode())
            with contextlib.suppress(OSError):  # nobody reads it any more; people are still talking
                while rest:
                    rest = rest[os.write(self._descriptor, rest) :]

    def _next(self) -> str | None:
        """Wait for a line; None when all are written and the log is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self.waiting or self._closed)
            if self._lines:
                return self._lines.popleft()
            if self._dropped:
                dropped, self._dropped = self._dropped, 0
                return f"dropped lines={dropped}"
            return None
