"""Standard input as the one file of an offer: it can't be read twice."""

import io
import os
import random

import pytest

from actors.files.packets import FileEnd, FilePacket, Piece
from actors.files.source import Source
from actors.store.journal import Journal
from relay import limits
from tests.actors.files.support import decoded, list_into, tree_hash

BLOCK = limits.BLOCK_BYTES
DATA = random.Random(1).randbytes(3 * BLOCK + 5)


class Input:
    """Standard input that gives `data`, by at most `at_once` bytes."""

    def __init__(self, journal: Journal, data: bytes, at_once: int = 2**31) -> None:
        self.left = io.BytesIO(data)
        self._at_once = at_once
        record, _ = list_into(journal, 7, {"stdin": "-"})
        self.source = Source(journal, record, 7, {"stdin": "-"}, None, self.read)

    def read(self, size: int) -> bytes:
        return self.left.read(min(size, self._at_once))

    def next(self) -> list[FilePacket] | None:
        parcel = self.source.next()
        return None if parcel is None else decoded(parcel.packets)

    def rest(self) -> list[FilePacket]:
        return [packet for packets in iter(self.next, None) for packet in packets]


def data_of(packets: list[FilePacket]) -> bytes:
    return b"".join(packet.data for packet in packets if isinstance(packet, Piece))


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


def test_a_pipe_is_read_as_it_is_by_default(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    os.write(writing, b"hello")
    os.close(writing)
    saved = os.dup(0)
    try:
        os.dup2(reading, 0)
        record, _ = list_into(journal, 7, {"stdin": "-"})
        parcel = Source(journal, record, 7, {"stdin": "-"}, None).next()
    finally:
        os.dup2(saved, 0)
        os.close(saved)
        os.close(reading)
    assert parcel is not None
    assert data_of(decoded(parcel.packets)) == b"hello"
    assert parcel.size == 5


def blocks_read(stream: Input, count: int) -> None:
    while stream.left.tell() < count * BLOCK:
        stream.next()


@pytest.mark.parametrize("at", [0, 1, BLOCK - 1, BLOCK, BLOCK + 70_000, 2 * BLOCK, len(DATA) - 1, len(DATA)])
@pytest.mark.parametrize("all_sent", [True, False])
@pytest.mark.parametrize("at_once", [2**31, 65535])
def test_what_the_receiver_does_not_have_comes_again(journal: Journal, at: int, all_sent: bool, at_once: int) -> None:
    stream = Input(journal, DATA, at_once)
    if all_sent:
        stream.rest()
    else:
        blocks_read(stream, 3)
    sent = stream.left.tell()
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


def test_no_more_is_kept_than_the_limit(journal: Journal) -> None:
    stream = Input(journal, bytes(limits.STREAM_BYTES + 2 * BLOCK))
    while not stream.source.waits_for_receiver:
        stream.next()
    assert stream.left.tell() == limits.STREAM_BYTES
    stream.source.kept((1, 1, 0))
    assert not stream.source.waits_for_receiver
    while not stream.source.waits_for_receiver:
        stream.next()
    assert stream.left.tell() == limits.STREAM_BYTES + BLOCK


def test_what_is_kept_may_be_sent_again_although_it_is_full(journal: Journal) -> None:
    stream = Input(journal, bytes(limits.STREAM_BYTES + 1))
    while not stream.source.waits_for_receiver:
        stream.next()
    stream.source.seek((1, 1, 0))
    assert not stream.source.waits_for_receiver


def test_what_an_honest_receiver_has_is_forgotten(journal: Journal) -> None:
    stream = Input(journal, DATA)
    blocks_read(stream, 2)
    stream.source.kept((1, 2, 0))
    stream.source.seek((1, 0, 0))  # it had two blocks
    (first, *_) = stream.next() or ()
    assert isinstance(first, Piece)
    assert (first.block, first.offset) == (2, 0)


@pytest.mark.parametrize("place", [(1, 0), (1, 1), (3, 0), (5, 7), (2**32 - 1, BLOCK - 1)])
def test_a_receiver_that_has_more_than_was_sent_does_no_harm(journal: Journal, place: tuple[int, int]) -> None:
    stream = Input(journal, DATA)
    blocks_read(stream, 1)
    stream.source.kept((1, *place))
    stream.source.seek((1, *place))
    assert data_of(stream.rest()) == DATA[BLOCK:]


def test_what_others_have_means_nothing_here(journal: Journal) -> None:
    stream = Input(journal, DATA)
    blocks_read(stream, 1)
    stream.source.kept((2, 1, 0))
    stream.source.seek((1, 0, 0))
    assert data_of(stream.rest()) == DATA
