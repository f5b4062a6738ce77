"""What passes on the lane `file`, byte for byte."""

import json
import struct
from contextlib import suppress

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.files import packets
from actors.files.packets import (
    Entry,
    FileEnd,
    ListPage,
    PacketError,
    Piece,
    Skipped,
    SmallFile,
    SmallFiles,
    decode,
    encode_end,
    encode_entry,
    encode_list,
    encode_skip,
    encode_whole,
)
from relay import limits

TYPES = (packets.LIST, packets.BLOCK, packets.WHOLE, packets.END, packets.SKIP)
TRANSFERS = st.integers(0, 2**64 - 1)
NUMBERS = st.integers(0, 2**32 - 1)
HASHES = st.binary(min_size=32, max_size=32)
HASH = b"h" * 32
TEXT = st.text(st.characters(codec="utf-8"), min_size=1, max_size=30)
ENTRIES = st.builds(
    Entry,
    TEXT,
    st.sampled_from(["file", "program", "folder", "stream"]),
    st.none() | st.integers(0, limits.FILE_BYTES),
    st.integers(-(2**63), 2**63 - 1),
)


# --- there and back -------------------------------------------------------------------------------------------------


@given(TRANSFERS, NUMBERS, st.booleans(), st.lists(ENTRIES, max_size=5))
def test_a_page_of_a_list_comes_as_it_went(transfer: int, first: int, whole: bool, entries: list[Entry]) -> None:
    payload = encode_list(transfer, first, [encode_entry(entry) for entry in entries], whole=whole)
    assert decode(packets.LIST, payload) == ListPage(transfer, first, whole, entries)


@given(TRANSFERS, NUMBERS, NUMBERS, NUMBERS, st.binary(max_size=100))
def test_a_piece_of_a_block_comes_as_it_went(transfer: int, entry: int, block: int, offset: int, data: bytes) -> None:
    payload = packets.PIECE_HEAD.pack(transfer, entry, block, offset) + data
    assert decode(packets.BLOCK, payload) == Piece(transfer, entry, block, offset, memoryview(data))


@given(TRANSFERS, st.lists(st.tuples(NUMBERS, HASHES, st.binary(max_size=100)), max_size=5))
def test_small_files_come_as_they_went(transfer: int, files: list[tuple[int, bytes, bytes]]) -> None:
    expected = [SmallFile(entry, known, memoryview(data)) for entry, known, data in files]
    assert decode(packets.WHOLE, encode_whole(transfer, files)) == SmallFiles(transfer, expected)


@given(TRANSFERS, NUMBERS, st.integers(0, 2**64 - 1), HASHES)
def test_the_end_of_a_file_comes_as_it_went(transfer: int, entry: int, size: int, known: bytes) -> None:
    assert decode(packets.END, encode_end(transfer, entry, size, known)) == FileEnd(transfer, entry, size, known)


@given(TRANSFERS, NUMBERS, st.from_regex(r"[a-z-]{1,32}", fullmatch=True))
def test_a_skipped_file_comes_as_it_went(transfer: int, entry: int, reason: str) -> None:
    assert decode(packets.SKIP, encode_skip(transfer, entry, reason)) == Skipped(transfer, entry, reason)


def test_every_byte_has_its_place() -> None:
    entry = encode_entry(Entry("가/b", "program", 5, -1))
    assert entry == '["가/b","program",5,-1]'.encode()
    assert encode_list(1, 2, [entry, entry], whole=True) == (
        b"\0\0\0\0\0\0\0\1\0\0\0\2\1[" + entry + b"," + entry + b"]"
    )
    assert encode_whole(1, [(2, HASH, b"abc")]) == b"\0\0\0\0\0\0\0\1\0\0\0\2\0\0\0\3" + HASH + b"abc"
    assert encode_end(1, 2, 3, HASH) == b"\0\0\0\0\0\0\0\1\0\0\0\2\0\0\0\0\0\0\0\3" + HASH
    assert encode_skip(1, 2, "gone") == b"\0\0\0\0\0\0\0\1\0\0\0\2gone"
    assert packets.PIECE_HEAD.pack(1, 2, 3, 4) == b"\0\0\0\0\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4"


def test_bytes_of_a_file_are_not_copied() -> None:
    payload = bytearray(packets.PIECE_HEAD.pack(1, 2, 3, 4) + b"abc")
    piece = decode(packets.BLOCK, payload)
    assert isinstance(piece, Piece)
    assert piece.data.obj is payload


# --- whatever comes -------------------------------------------------------------------------------------------------


@given(st.sampled_from(TYPES), st.binary(max_size=200))
def test_any_bytes_are_a_packet_or_an_error(inner_type: bytes, payload: bytes) -> None:
    with suppress(PacketError):
        assert decode(inner_type, payload) is not None


@given(st.binary(min_size=13, max_size=13), st.recursive(
    st.none() | st.booleans() | st.integers(-(2**80), 2**80) | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
))  # fmt: skip
def test_any_json_is_a_list_or_an_error(head: bytes, value: object) -> None:
    with suppress(PacketError):
        assert isinstance(decode(packets.LIST, head + json.dumps(value).encode()), ListPage)


@given(TRANSFERS, st.lists(ENTRIES, min_size=1, max_size=3), st.data())
def test_no_packet_that_was_cut_passes_for_a_whole_one(
    transfer: int, entries: list[Entry], data: st.DataObject
) -> None:
    payload = encode_list(transfer, 1, [encode_entry(entry) for entry in entries], whole=True)
    with pytest.raises(PacketError):
        decode(packets.LIST, payload[: data.draw(st.integers(0, len(payload) - 1))])


@pytest.mark.parametrize("inner_type", [b"LST1", b"TXT0", b"lst0", b"\xff\xff\xff\xff", b""])
def test_an_unknown_type_is_passed_over(inner_type: bytes) -> None:
    assert decode(inner_type, b"anything") is None


HEAD = struct.pack("!QI?", 1, 1, True)
RECORD = struct.pack("!Q", 1) + packets.RECORD_HEAD.pack(1, 3, HASH)


@pytest.mark.parametrize(
    ("inner_type", "payload"),
    [
        pytest.param(packets.LIST, b"", id="list: empty"),
        pytest.param(packets.LIST, HEAD[:-1], id="list: head cut"),
        pytest.param(packets.LIST, HEAD, id="list: no JSON"),
        pytest.param(packets.LIST, HEAD + b"{}", id="list: no array"),
        pytest.param(packets.LIST, HEAD + b"[[]]", id="list: empty entry"),
        pytest.param(packets.LIST, HEAD + b'[["a","file",1]]', id="list: entry without a time"),
        pytest.param(packets.LIST, HEAD + b'[["a","file",1,2]] ]', id="list: something after it"),
        pytest.param(packets.LIST, HEAD + b'[["","file",1,2]]', id="list: empty path"),
        pytest.param(packets.LIST, HEAD + b'[[1,"file",1,2]]', id="list: path is a number"),
        pytest.param(packets.LIST, HEAD + b'[["a","link",1,2]]', id="list: unknown kind"),
        pytest.param(packets.LIST, HEAD + b'[["a","file","1",2]]', id="list: size is a text"),
        pytest.param(packets.LIST, HEAD + b'[["a","file",1.5,2]]', id="list: half a byte"),
        pytest.param(packets.LIST, HEAD + b'[["a","file",true,2]]', id="list: size is true"),
        pytest.param(packets.LIST, HEAD + b'[["a","file",-1,2]]', id="list: negative size"),
        pytest.param(packets.LIST, HEAD + b'[["a","file",1,null]]', id="list: no time"),
        pytest.param(packets.LIST, HEAD + b'[["\xff","file",1,2]]', id="list: no UTF-8"),
        pytest.param(packets.LIST, HEAD + rb'[["\ud800","file",1,2]]', id="list: half a character"),
        pytest.param(packets.LIST, HEAD + b'[["\0","file",1,2]]', id="list: raw NUL"),
        pytest.param(packets.LIST, HEAD + b"[" * 100_000, id="list: nested without end"),
        pytest.param(packets.LIST, HEAD + b'[["a","file",1,2,' + b"[" * 100_000, id="list: nested in an entry"),
        pytest.param(packets.BLOCK, bytes(packets.PIECE_HEAD.size - 1), id="block: head cut"),
        pytest.param(packets.WHOLE, b"1234567", id="whole: head cut"),
        pytest.param(packets.WHOLE, RECORD[:-1], id="whole: record cut"),
        pytest.param(packets.WHOLE, RECORD + b"ab", id="whole: data cut"),
        pytest.param(packets.WHOLE, RECORD + b"abcd", id="whole: a byte too many"),
        pytest.param(packets.END, encode_end(1, 2, 3, HASH)[:-1], id="end: cut"),
        pytest.param(packets.END, encode_end(1, 2, 3, HASH) + b"\0", id="end: too long"),
        pytest.param(packets.SKIP, bytes(11), id="skip: cut"),
        pytest.param(packets.SKIP, encode_skip(1, 2, ""), id="skip: no reason"),
        pytest.param(packets.SKIP, encode_skip(1, 2, "Gone"), id="skip: capital"),
        pytest.param(packets.SKIP, encode_skip(1, 2, "gone\n"), id="skip: line end"),
        pytest.param(packets.SKIP, encode_skip(1, 2, "\x1b[2j"), id="skip: escape"),
        pytest.param(packets.SKIP, encode_skip(1, 2, "") + "늦음".encode(), id="skip: not ASCII"),
    ],
)
def test_what_no_visavis_sends_is_refused(inner_type: bytes, payload: bytes) -> None:
    with pytest.raises(PacketError):
        decode(inner_type, payload)


# --- limits ---------------------------------------------------------------------------------------------------------


def page_of(entry: Entry) -> bytes:
    return encode_list(1, 1, [msgspec.json.encode(entry)], whole=True)


@pytest.mark.parametrize(
    ("at", "past"),
    [
        (Entry("x" * limits.PATH_BYTES, "file", 0, 0), Entry("x" * (limits.PATH_BYTES + 1), "file", 0, 0)),
        (Entry("a", "file", limits.FILE_BYTES, 0), Entry("a", "file", limits.FILE_BYTES + 1, 0)),
        (Entry("a", "file", 0, 0), Entry("a", "file", -1, 0)),
        (Entry("a", "file", 0, 2**63 - 1), Entry("a", "file", 0, 2**63)),
        (Entry("a", "file", 0, -(2**63)), Entry("a", "file", 0, -(2**63) - 1)),
    ],
    ids=["path", "greatest size", "least size", "last time", "first time"],
)
def test_an_entry_is_taken_at_its_limits_and_refused_past_them(at: Entry, past: Entry) -> None:
    assert decode(packets.LIST, page_of(at)) == ListPage(1, 1, True, [at])
    with pytest.raises(PacketError):
        decode(packets.LIST, page_of(past))


def test_a_small_file_is_taken_up_to_its_limit() -> None:
    at = bytes(limits.SMALL_FILE_BYTES)
    assert decode(packets.WHOLE, encode_whole(1, [(1, HASH, at)])) == SmallFiles(
        1, [SmallFile(1, HASH, memoryview(at))]
    )
    with pytest.raises(PacketError):
        decode(packets.WHOLE, encode_whole(1, [(1, HASH, at + b"\0")]))


def test_a_reason_has_at_most_32_letters() -> None:
    assert decode(packets.SKIP, encode_skip(1, 2, "x" * 32)) == Skipped(1, 2, "x" * 32)
    with pytest.raises(PacketError):
        decode(packets.SKIP, encode_skip(1, 2, "x" * 33))
