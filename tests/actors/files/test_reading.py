"""Standard input as the one file of an offer: it can't be read twice."""

import os
import random
import select
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.files.packets import FileEnd, FilePacket, Piece
from actors.files.reading import Stream, read_stdin
from actors.files.source import Source
from actors.store.journal import Journal
from relay import limits
from tests.actors.files.support import decoded, list_into, row, tree_hash

BLOCK = limits.BLOCK_BYTES
DATA = random.Random(1).randbytes(3 * BLOCK + 5)


class Input:
    """Standard input that says `data`, at most `at_once` bytes at a time, and what is sent of it."""

    def __init__(self, journal: Journal, data: bytes, at_once: int = 2**31) -> None:
        self.taken = 0
        self._data = data
        self._at_once = at_once
        record, _ = list_into(journal, 7, {"stdin": "-"})
        self.source = Source(journal, record, 7, {"stdin": "-"}, None)
        self.stream = self.source.open_stream()

    def take(self) -> None:
        """Let it say the next bytes, or that there are no more."""
        data = self._data[self.taken : self.taken + min(self.stream.room, self._at_once)]
        self.taken += len(data)
        self.stream.take(data)

    def next(self) -> list[FilePacket] | None:
        """What is sent next; it says more only when nothing else is left to be sent."""
        if self.source.dry:
            self.take()
        parcel = self.source.next()
        return None if parcel is None else decoded(parcel.packets)

    def fill(self) -> None:
        """Let it say, and send, as much as may be kept."""
        while not self.stream.full:
            self.next()

    def rest(self) -> list[FilePacket]:
        return [packet for packets in iter(self.next, None) for packet in packets]


def data_of(packets: list[FilePacket]) -> bytes:
    return b"".join(packet.data for packet in packets if isinstance(packet, Piece))


# --- what is sent of it -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, len(DATA)])
@pytest.mark.parametrize("at_once", [2**31, 65536, 65535])
def test_it_comes_as_it_is_and_then_its_size(journal: Journal, size: int, at_once: int) -> None:
    packets = Input(journal, DATA[:size], at_once).rest()
    assert data_of(packets) == DATA[:size]
    assert packets[-1] == FileEnd(7, 1, size, tree_hash(DATA[:size]))
    at = 0
    for piece in packets[:-1]:
        assert isinstance(piece, Piece)
        assert (piece.entry, piece.block, piece.offset) == (1, *divmod(at, BLOCK))
        assert 0 < len(piece.data) <= limits.FILE_CHUNK_BYTES
        at += len(piece.data)


def test_while_it_says_nothing_nothing_comes_and_it_is_not_over(journal: Journal) -> None:
    stream = Input(journal, DATA)
    for _ in range(3):
        assert stream.source.dry
        parcel = stream.source.next()
        assert parcel is not None
        assert (parcel.packets, parcel.size, parcel.noted) == ([], 0, [])
    stream.stream.take(b"at last")
    assert not stream.source.dry
    parcel = stream.source.next()
    assert parcel is not None
    assert (data_of(decoded(parcel.packets)), parcel.size) == (b"at last", 7)
    assert stream.source.dry


def test_its_end_is_something_to_send(journal: Journal) -> None:
    stream = Input(journal, b"")
    stream.take()
    assert not stream.source.dry
    assert stream.rest() == [FileEnd(7, 1, 0, tree_hash(b""))]


def test_a_source_of_files_is_never_dry(journal: Journal) -> None:
    record, _ = list_into(journal, 7, {})
    assert not Source(journal, record, 7, {}, None).dry


# --- once more --------------------------------------------------------------------------------------------------------


def blocks_sent(stream: Input, count: int) -> None:
    while stream.taken < count * BLOCK:
        stream.next()


@pytest.mark.parametrize("at", [0, 1, BLOCK - 1, BLOCK, BLOCK + 70_000, 2 * BLOCK, len(DATA) - 1, len(DATA)])
@pytest.mark.parametrize("all_sent", [True, False])
@pytest.mark.parametrize("at_once", [2**31, 65535])
def test_what_the_receiver_does_not_have_comes_again(journal: Journal, at: int, all_sent: bool, at_once: int) -> None:
    stream = Input(journal, DATA, at_once)
    if all_sent:
        stream.rest()
    else:
        blocks_sent(stream, 3)
    sent = stream.taken
    stream.source.kept((1, *divmod(min(at, sent), BLOCK)))
    stream.source.seek((1, *divmod(min(at, sent), BLOCK)))
    packets = stream.rest()
    assert data_of(packets) == DATA[min(at, sent) :]
    assert packets[-1] == FileEnd(7, 1, len(DATA), tree_hash(DATA))


def test_nothing_comes_again_once_the_receiver_has_all(journal: Journal) -> None:
    stream = Input(journal, DATA)
    stream.rest()
    stream.source.seek((limits.OFFER_ENTRIES + 1, 0, 0))
    assert stream.rest() == []


def test_it_is_full_until_the_receiver_has_some_of_it(journal: Journal) -> None:
    stream = Input(journal, bytes(limits.STREAM_BYTES + 2 * BLOCK))
    stream.fill()
    assert stream.taken == limits.STREAM_BYTES
    stream.source.kept((1, 0, limits.FILE_CHUNK_BYTES))
    assert not stream.stream.full
    stream.fill()
    assert stream.taken == limits.STREAM_BYTES + limits.FILE_CHUNK_BYTES
    stream.source.kept((1, 1, 0))
    stream.fill()
    assert stream.taken == limits.STREAM_BYTES + BLOCK


def test_what_was_not_sent_is_kept_and_fills_it_too(journal: Journal) -> None:
    stream = Input(journal, bytes(2 * limits.STREAM_BYTES))
    while not stream.stream.full:
        stream.take()
    stream.source.kept((1, 7, 0))  # a lie
    assert stream.stream.full
    assert stream.taken == limits.STREAM_BYTES


def test_what_is_kept_may_be_sent_again_although_it_is_full(journal: Journal) -> None:
    stream = Input(journal, bytes(limits.STREAM_BYTES + 1))
    stream.fill()
    while not stream.source.dry:
        stream.source.next()
    stream.source.seek((1, 1, 0))
    assert not stream.source.dry
    assert stream.stream.full


def test_what_an_honest_receiver_has_is_forgotten(journal: Journal) -> None:
    stream = Input(journal, DATA)
    blocks_sent(stream, 2)
    stream.source.kept((1, 2, 0))
    stream.source.seek((1, 0, 0))  # it had two blocks
    (first, *_) = stream.next() or ()
    assert isinstance(first, Piece)
    assert (first.block, first.offset) == (2, 0)


@pytest.mark.parametrize("place", [(1, 0), (1, 1), (3, 0), (5, 7), (2**32 - 1, BLOCK - 1)])
def test_a_receiver_that_has_more_than_was_sent_does_no_harm(journal: Journal, place: tuple[int, int]) -> None:
    stream = Input(journal, DATA)
    blocks_sent(stream, 1)
    stream.source.kept((1, *place))
    stream.source.seek((1, *place))
    assert data_of(stream.rest()) == DATA[BLOCK:]


def test_what_others_have_means_nothing_here(journal: Journal) -> None:
    stream = Input(journal, DATA)
    blocks_sent(stream, 1)
    stream.source.kept((2, 1, 0))
    stream.source.seek((1, 0, 0))
    assert data_of(stream.rest()) == DATA


# --- taken in and given -----------------------------------------------------------------------------------------------


def test_no_piece_that_fits_reaches_beyond_a_block() -> None:
    stream = Stream(row(1, "stdin", None))
    assert stream.room == limits.FILE_CHUNK_BYTES
    stream.take(bytes(BLOCK - 10))
    assert stream.room == 10
    stream.take(bytes(10))
    assert stream.room == limits.FILE_CHUNK_BYTES


def test_at_its_end_it_is_over_and_not_dry() -> None:
    stream = Stream(row(1, "stdin", None))
    assert (stream.over, stream.dry, stream.give()) == (False, True, (0, b""))
    stream.take(b"ab")
    assert (stream.over, stream.dry, stream.size) == (False, False, 2)
    assert stream.give() == (0, b"ab")
    assert (stream.over, stream.dry, stream.give()) == (False, True, (2, b""))
    stream.take(b"")
    assert (stream.over, stream.dry, stream.give()) == (True, False, (2, b""))
    stream.seek(1)
    assert (stream.over, stream.dry, stream.give()) == (True, False, (1, b"b"))
    assert stream.digest() == tree_hash(b"ab")


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("take"), st.integers(1, 40)),
        st.tuples(st.just("give"), st.just(0)),
        st.tuples(st.sampled_from(["seek", "forget"]), st.integers(0, 500)),
    ),
    max_size=60,
)


@given(STEPS)
def test_whatever_is_done_with_it_every_byte_is_given_at_its_place(steps: list[tuple[str, int]]) -> None:
    stream = Stream(row(1, "stdin", None))
    had = 0  # of what was given, all before this may be forgotten
    for step, number in steps:
        match step:
            case "take":
                stream.take(DATA[stream.size : stream.size + number])
            case "give":
                start, data = stream.give()
                assert data == DATA[start : start + len(data)]
                assert bool(data) == (start < stream.size)
            case "seek":
                stream.seek(number)
            case _:
                stream.forget(number)
                had = max(had, number)
    stream.seek(had)
    start, whole = min(had, stream.size), b""
    while not stream.dry:
        place, data = stream.give()
        assert place == start + len(whole)
        whole += data
    assert whole == DATA[start : stream.size]
    assert stream.digest() == tree_hash(DATA[: stream.size])


def test_one_thread_may_take_in_what_another_gives() -> None:
    stream = Stream(row(1, "stdin", None))

    def take_in() -> None:
        while not stream.over:
            stream.take(DATA[stream.size : stream.size + min(stream.room, 10_000)])

    thread = threading.Thread(target=take_in)
    thread.start()
    given = bytearray()
    while not (stream.over and len(given) == stream.size):
        start, data = stream.give()
        assert start == len(given)
        given += data
        stream.forget(start)
    thread.join()
    assert given == DATA
    assert stream.digest() == tree_hash(DATA)


# --- descriptor 0 -----------------------------------------------------------------------------------------------------


@contextmanager
def standard_input(descriptor: int) -> Iterator[None]:
    """Have this in the place of descriptor 0 for a while."""
    saved = os.dup(0)
    try:
        os.dup2(descriptor, 0)
        yield
    finally:
        os.dup2(saved, 0)
        os.close(saved)


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """A pipe that is standard input: who reads, who writes."""
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb"), os.fdopen(writing, "wb"), standard_input(reading):
        yield reading, writing


def test_a_pipe_is_read_as_it_is(pipe: tuple[int, int]) -> None:
    os.write(pipe[1], b"hello")
    assert read_stdin(4) == b"hell"
    assert read_stdin(4) == b"o"


@pytest.mark.parametrize("blocking", [True, False])
def test_at_the_end_there_is_nothing(blocking: bool) -> None:
    reading, writing = os.pipe()
    os.close(writing)
    os.set_blocking(reading, blocking)
    with os.fdopen(reading, "rb"), standard_input(reading):
        assert read_stdin(4) == b""


def test_one_that_does_not_block_is_waited_for(pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    really, waits = select.select, 0

    def wait(*descriptors: list[int]) -> object:
        nonlocal waits
        waits += 1
        os.write(pipe[1], b"late")
        return really(*descriptors)

    monkeypatch.setattr(select, "select", wait)
    os.set_blocking(pipe[0], False)
    assert read_stdin(100) == b"late"
    assert waits == 1


WAITING = """
import os
from actors.files.reading import read_stdin
os.set_blocking(0, False)
print("ready", flush=True)
while data := read_stdin(100):
    print(data.decode(), flush=True)
print("end", flush=True)
"""


def test_what_comes_late_is_read_when_it_comes() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", WAITING], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as program:
        assert program.stdin is not None
        assert program.stdout is not None
        assert program.stdout.readline() == "ready\n"
        for word in ("one", "two"):
            program.stdin.write(word)
            program.stdin.flush()
            assert program.stdout.readline() == f"{word}\n"
        program.stdin.close()
        assert program.stdout.read() == "end\n"
    assert program.returncode == 0


def test_one_that_can_not_be_read_is_an_error() -> None:
    folder = os.open("/", os.O_RDONLY)
    try:
        with standard_input(folder), pytest.raises(IsADirectoryError):
            read_stdin(4)
    finally:
        os.close(folder)
