"""The log: in order, and never in the way of who writes it."""

import os
import threading
import time

from relay import limits
from relay.logbook import Logbook


class Log:
    """A logbook, and the pipe it writes to."""

    def __init__(self) -> None:
        self._reading, self._writing = os.pipe()
        self.book = Logbook(self._writing)
        self._found = b""
        self._reader: threading.Thread | None = None

    def overflow(self) -> list[str]:
        """Have a full pipe that nobody reads, and ten lines more than may wait; return the others."""
        os.set_blocking(self._writing, False)
        while True:
            try:
                os.write(self._writing, b"\n")
            except BlockingIOError:
                break
        os.set_blocking(self._writing, True)
        lines = [f"line {number}" for number in range(1 + limits.LOG_LINES)]
        self.book.write(lines[0])
        self.wait()  # that one is stuck in the pipe
        for line in [*lines[1:], *["dropped"] * 10]:
            self.book.write(line)
        return lines

    def wait(self) -> None:
        """Until nothing waits."""
        while self.book.waiting:
            time.sleep(0.001)

    def read(self) -> None:
        """From now on somebody reads."""

        def read() -> None:
            while piece := os.read(self._reading, 1 << 16):
                self._found += piece

        self._reader = threading.Thread(target=read)
        self._reader.start()

    def close(self) -> list[str]:
        """End it all; return the lines that were read."""
        if self._reader is None:
            os.close(self._reading)  # who is stuck in the pipe gets an error
        self.book.close()
        os.close(self._writing)
        if self._reader is not None:
            self._reader.join()
            os.close(self._reading)
        return [line for line in self._found.decode().splitlines() if line]


def test_lines_come_in_order_and_all_are_written_at_the_end() -> None:
    log = Log()
    log.read()
    lines = [f"line {number}" for number in range(100)]
    for line in lines:
        log.book.write(line)
    assert log.close() == lines


def test_who_does_not_read_costs_lines_that_are_counted() -> None:
    log = Log()
    kept = log.overflow()
    log.read()
    log.wait()  # the count needs no further line
    log.book.write("after")
    assert log.close() == [*kept, "dropped lines=10", "after"]


def test_lines_dropped_are_counted_at_the_end_too() -> None:
    log = Log()
    kept = log.overflow()
    log.read()
    assert log.close() == [*kept, "dropped lines=10"]


def test_who_does_not_read_holds_up_the_end_for_its_time_and_no_longer() -> None:
    log = Log()
    log.overflow()
    start = time.monotonic()
    log.book.close()
    assert limits.LOG_FLUSH_SECONDS <= time.monotonic() - start < 30  # no longer than that, and not for ever
    log.close()


def test_a_reader_that_is_gone_is_no_error() -> None:
    log = Log()
    log.book.write("to nobody")
    log.close()
