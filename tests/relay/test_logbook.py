"""The log: in order, and never in the way of who writes it."""

import os
import threading
import time

from relay import limits
from relay.logbook import Logbook


def test_lines_come_in_order_and_all_are_written_at_the_end() -> None:
    reading, writing = os.pipe()
    logbook = Logbook(writing)
    for number in range(100):
        logbook.write(f"line {number}")
    logbook.close()
    os.close(writing)
    with os.fdopen(reading) as lines:
        assert lines.read().splitlines() == [f"line {number}" for number in range(100)]


def test_who_does_not_read_costs_lines_that_are_counted() -> None:
    reading, writing = os.pipe()
    logbook = Logbook(writing)
    line, written = "x" * 100, 2 * limits.LOG_LINES + 1000  # a pipe of 64 KiB, the queue, and as many again
    for _ in range(written):
        logbook.write(line)
    found: list[str] = []

    def read() -> None:
        with os.fdopen(reading) as lines:
            found.extend(lines.read().splitlines())

    reader = threading.Thread(target=read)
    reader.start()
    while logbook.waiting:  # it is read now: there is room again
        time.sleep(0.001)
    logbook.write("after")
    logbook.close()
    os.close(writing)
    reader.join()
    dropped = [int(line.partition("=")[2]) for line in found if line.startswith("dropped lines=")]
    assert dropped
    assert found.count(line) + sum(dropped) == written
    assert found[-1] == "after"


def test_a_reader_that_is_gone_is_no_error() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    logbook = Logbook(writing)
    logbook.write("to nobody")
    logbook.close()
    os.close(writing)
