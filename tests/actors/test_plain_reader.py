"""What the plain client reads from a stream: texts, pieces of files, and what it passes over."""

import contextlib
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.plain_reader import Piece, PlainEnded, PlainReader
from relay import limits, wire

Found = str | Piece

TAKEN = {wire.FILE_HEADER, wire.FILE_CHUNK, wire.FILE_END, wire.IMAGE, wire.VIDEO, wire.AUDIO}
SKIPPED = set(wire.PLAIN_LIMITS) - TAKEN - {wire.TEXT}


def read(reader: PlainReader) -> list[Found]:
    return list(iter(reader.next, None))


def joined(found: list[Found]) -> list[Found]:
    """With the pieces of each packet as one."""
    whole: list[Found] = []
    for item in found:
        last = whole[-1] if whole else ""
        if isinstance(item, Piece) and isinstance(last, Piece) and last.left:
            assert last.type == item.type
            assert last.left == len(item.data) + item.left
            whole[-1] = Piece(item.type, last.data + item.data, item.left)
        else:
            whole.append(item)
    return whole


STREAM = b"".join(
    [
        wire.encode(wire.VIDEO, b"a jpeg"),
        wire.encode(wire.TEXT, "안녕".encode()),
        wire.encode(wire.AUDIO, bytes(2048)),
        wire.encode(wire.VIDEO_H263, bytes(2048)),
        wire.encode(wire.FILE_HEADER, b'{"filename": "a", "filesize": 9}'),
        wire.encode(wire.FILE_CHUNK, b"some"),
        wire.encode(wire.AUDIO, b""),
        wire.encode(wire.VIDEO_H263, b""),
        wire.encode(wire.IMAGE, b"an image"),
        wire.encode(wire.TEXT, b""),
        wire.encode(wire.FILE_CHUNK, b" more"),
        wire.encode(wire.FILE_CHUNK, b""),
        wire.encode(wire.FILE_END),
        wire.encode(wire.IMAGE, b""),
        wire.encode(wire.TEXT, b"two\nlines"),
    ]
)
FOUND: list[Found] = [
    Piece(wire.VIDEO, b"a jpeg", 0),
    "안녕",
    Piece(wire.AUDIO, bytes(2048), 0),
    Piece(wire.FILE_HEADER, b'{"filename": "a", "filesize": 9}', 0),
    Piece(wire.FILE_CHUNK, b"some", 0),
    Piece(wire.AUDIO, b"", 0),
    Piece(wire.IMAGE, b"an image", 0),
    "",
    Piece(wire.FILE_CHUNK, b" more", 0),
    Piece(wire.FILE_CHUNK, b"", 0),
    Piece(wire.FILE_END, b"", 0),
    Piece(wire.IMAGE, b"", 0),
    "two\nlines",
]
COUNTED = {"VH26": 2}


def test_texts_and_files_are_found_and_the_rest_is_counted():
    reader = PlainReader()
    reader.feed(STREAM)
    assert read(reader) == FOUND
    assert dict(reader.skipped) == COUNTED
    assert reader.held == 0


def test_byte_by_byte():
    reader = PlainReader()
    found = []
    for place in range(len(STREAM)):
        reader.feed(STREAM[place : place + 1])
        found += read(reader)
    assert joined(found) == FOUND
    assert dict(reader.skipped) == COUNTED


@given(st.lists(st.integers(0, len(STREAM))))
def test_in_any_pieces(cuts: list[int]):
    reader = PlainReader()
    found = []
    places = [0, *sorted(cuts), len(STREAM)]
    for begin, end in itertools.pairwise(places):
        reader.feed(STREAM[begin:end])
        found += read(reader)
    assert joined(found) == FOUND
    assert dict(reader.skipped) == COUNTED


PACKETS = st.tuples(st.sampled_from([*wire.PLAIN_LIMITS]), st.binary(max_size=40)).map(
    lambda packet: wire.encode(packet[0], packet[1] if wire.PLAIN_LIMITS[packet[0]] else b"")
)


def outcome(pieces: list[bytes]) -> tuple[list[Found], dict[str, int], tuple[str, str]]:
    """What is found in a stream that comes in these pieces, what is counted, and how it ends."""
    reader = PlainReader()
    found: list[Found] = []
    end = ("", "")
    for piece in pieces:
        reader.feed(piece)
        try:
            while (item := reader.next()) is not None:
                found.append(item)
        except PlainEnded as ended:
            end = ended.cause, ended.detail
    return joined(found), dict(reader.skipped), end


@given(st.lists(PACKETS, max_size=8), st.binary(max_size=30), st.lists(st.integers(0, 400)))
def test_any_stream_cut_anyhow_gives_the_same(packets: list[bytes], rest: bytes, cuts: list[int]):
    stream = b"".join(packets) + rest
    places = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    assert outcome([stream[a:b] for a, b in itertools.pairwise(places)]) == outcome([bytes([b]) for b in stream])


@pytest.mark.parametrize("packet_type", wire.PLAIN_LIMITS)
def test_each_type_whole_and_with_trailing_bytes(packet_type: bytes):
    payload = b"x" * min(5, wire.PLAIN_LIMITS[packet_type])
    reader = PlainReader()
    reader.feed(wire.encode(packet_type, payload) + wire.encode(wire.TEXT, b"and more")[:15])
    whole = "xxxxx" if packet_type == wire.TEXT else Piece(packet_type, payload, 0)
    assert read(reader) == ([] if packet_type in SKIPPED else [whole])
    assert dict(reader.skipped) == ({packet_type.decode(): 1} if packet_type in SKIPPED else {})
    reader.feed(wire.encode(wire.TEXT, b"and more")[15:])
    assert read(reader) == ["and more"]


@pytest.mark.parametrize("packet_type", wire.PLAIN_LIMITS)
def test_a_size_at_its_limit_is_taken_and_one_past_it_is_an_error_before_a_byte_of_it(packet_type: bytes):
    limit = wire.PLAIN_LIMITS[packet_type]
    at, past = PlainReader(), PlainReader()
    at.feed(wire.HEADER.pack(packet_type, limit))
    assert read(at) == ([Piece(wire.FILE_END, b"", 0)] if packet_type == wire.FILE_END else [])
    past.feed(wire.HEADER.pack(packet_type, limit + 1))
    with pytest.raises(PlainEnded, match=r"^protocol too-large"):
        past.next()


@pytest.mark.parametrize("packet_type", [wire.IMAGE, wire.VIDEO_H263])
def test_64_mib_are_never_held(packet_type: bytes):
    reader = PlainReader()
    data = bytes(limits.MIB)
    count = wire.PLAIN_LIMITS[packet_type] // len(data)
    reader.feed(wire.HEADER.pack(packet_type, count * len(data)))
    for left in range(count - 1, -1, -1):
        reader.feed(data)
        assert read(reader) == ([Piece(packet_type, data, left * len(data))] if packet_type == wire.IMAGE else [])
        assert reader.held == 0
    assert sum(reader.skipped.values()) == (packet_type != wire.IMAGE)


def test_a_file_header_comes_whole():
    reader = PlainReader()
    packet = wire.encode(wire.FILE_HEADER, bytes(limits.FILE_HEADER_BYTES))
    reader.feed(packet[:-1])
    assert reader.next() is None
    reader.feed(packet[-1:])
    assert reader.next() == Piece(wire.FILE_HEADER, packet[wire.HEADER.size :], 0)


def test_what_is_no_utf8_is_shown_as_such():
    reader = PlainReader()
    reader.feed(wire.encode(wire.TEXT, b"caf\xe9 \xed\xa0\x80"))
    assert read(reader) == ["caf\ufffd \ufffd\ufffd\ufffd"]


@pytest.mark.parametrize("packet_type", [b"HEL0", b"SEAL", b"XXXX", b"\x1b[2J", bytes(4)])
def test_another_type_is_an_error_in_which_it_stays(packet_type: bytes):
    reader = PlainReader()
    reader.feed(wire.encode(wire.TEXT, b"before") + wire.encode(packet_type, b"?") + wire.encode(wire.TEXT, b"after"))
    assert reader.next() == "before"
    for _ in range(2):
        with pytest.raises(PlainEnded, match=r"^protocol unknown-type") as caught:
            reader.next()
        assert "\x1b" not in caught.value.detail


def test_three_bare_bytes_at_the_beginning_are_a_refusal():
    reader = PlainReader()
    for byte in (b"R", b"E"):
        reader.feed(byte)
        assert reader.next() is None
    reader.feed(b"J")
    with pytest.raises(PlainEnded, match=r"^plain-full$"):
        reader.next()


def test_and_nowhere_else():
    reader = PlainReader()
    reader.feed(wire.encode(wire.TEXT, b"hello") + b"REJ" + bytes(9))
    assert reader.next() == "hello"
    with pytest.raises(PlainEnded, match=r"^protocol"):
        reader.next()


def test_what_our_relay_says_is_passed_on_made_visible():
    reader = PlainReader()
    reader.feed(wire.encode_error("draining", "the relay \x1b[31mends"))
    with pytest.raises(PlainEnded) as caught:
        reader.next()
    assert (caught.value.cause, caught.value.detail) == ("relay-error", "the relay ␛[31mends")


@given(st.binary(max_size=200))
def test_random_bytes_are_texts_or_an_end(data: bytes):
    reader = PlainReader()
    reader.feed(data)
    with contextlib.suppress(PlainEnded):
        read(reader)
    assert reader.held <= len(data)
