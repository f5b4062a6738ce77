"""The log: in order, and never in the way of who writes it."""

import os

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
    line = "x" * 100
    for _ in range(2 * limits.LOG_LINES + 1000):  # a pipe of 64 KiB, the queue, and as many again
        logbook.write(line)
    with os.fdopen(reading) as lines:
        for _ in range(limits.LOG_LINES + 500):  # so that the rest fits into the pipe
            assert lines.readline() == line + "\n"
        logbook.write("after")
        logbook.close()
        os.close(writing)
        rest = lines.read().splitlines()
    assert rest[-1] == "after"
    assert rest[-2].startswith("dropped lines=")


def test_a_reader_that_is_gone_is_no_error() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    logbook = Logbook(writing)
    logbook.write("to nobody")
    logbook.close()
    os.close(writing)
