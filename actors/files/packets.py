"""What passes on the lane `file`: five inner types, and the place of every byte (docs/protocol.md, section 6). No I/O.

LST0  8 transfer, 4 number of the first entry here, 1 whether the list is whole, then the entries as JSON
BLK0  8 transfer, 4 entry, 4 block, 4 offset in the block, then bytes of it
WHL0  8 transfer, then small files whole: 4 entry, 4 size, 32 hash, the bytes; again and again
END0  8 transfer, 4 entry, 8 size, 32 hash: of this file everything was sent
SKP0  8 transfer, 4 entry, then why it does not come: a code
"""

import re
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct

from relay import limits

LIST, BLOCK, WHOLE, END, SKIP = b"LST0", b"BLK0", b"WHL0", b"END0", b"SKP0"
_LIST_HEAD: Final = struct.Struct("!QI?")
PIECE_HEAD: Final = struct.Struct("!QIII")
_WHOLE_HEAD: Final = struct.Struct("!Q")
RECORD_HEAD: Final = struct.Struct("!II32s")
_END: Final = struct.Struct("!QIQ32s")
_SKIP_HEAD: Final = struct.Struct("!QI")
LANE_LIMIT: Final = limits.FILE_CHUNK_BYTES + PIECE_HEAD.size + limits.SEAL_OVERHEAD_BYTES
_REASON: Final = re.compile(rb"[a-z-]{1,32}")

Payload = bytes | bytearray
Place = tuple[int, int, int]  # entry, block of it, byte of that


class PacketError(Exception):
    """The peer, whose packets are authentic, sent on `file` what no Visavis sends."""


class Entry(Struct, frozen=True, array_like=True):
    """One line of a list. `path` has its parts joined by "/"; `size` is in bytes, 0 of a folder, None of a stream;
    `modified` in ns since 1970. A folder stands before what is in it."""

    path: Annotated[str, Meta(min_length=1, max_length=limits.PATH_BYTES)]
    kind: Literal["file", "program", "folder", "stream"]
    size: Annotated[int, Meta(ge=0, le=limits.FILE_BYTES)] | None
    modified: Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]


@dataclass(frozen=True, slots=True)
class ListPage:
    """Entries of a list, from number `first` on; `whole` with the last of it."""

    transfer: int
    first: int
    whole: bool
    entries: list[Entry]


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes of a block."""

    transfer: int
    entry: int
    block: int
    offset: int
    data: memoryview


@dataclass(frozen=True, slots=True)
class SmallFile:
    """A file that came whole."""

    entry: int
    hash: bytes
    data: memoryview


@dataclass(frozen=True, slots=True)
class SmallFiles:
    """Files that came whole, in the order of their numbers."""

    transfer: int
    files: list[SmallFile]


@dataclass(frozen=True, slots=True)
class FileEnd:
    """All of a file was sent; `hash` is its tree hash."""

    transfer: int
    entry: int
    size: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file that was taken does not come."""

    transfer: int
    entry: int
    reason: str


FilePacket = ListPage | Piece | SmallFiles | FileEnd | Skipped

_encoder = msgspec.json.Encoder()
_entries: msgspec.json.Decoder[list[Entry]] = msgspec.json.Decoder(list[Entry])


def encode_entry(entry: Entry) -> bytes:
    """Return the JSON of one entry."""
    return _encoder.encode(entry)


def encode_list(transfer: int, first: int, entries: Sequence[bytes], *, whole: bool) -> bytes:
    """Return the payload of a LST0 with these entries, each encoded."""
    return _LIST_HEAD.pack(transfer, first, whole) + b"[" + b",".join(entries) + b"]"


def encode_whole(transfer: int, files: Sequence[tuple[int, bytes, bytes]]) -> bytes:
    """Return the payload of a WHL0: of each file its entry, hash and content."""
    parts = [_WHOLE_HEAD.pack(transfer)]
    for entry, file_hash, data in files:
        parts += (RECORD_HEAD.pack(entry, len(data), file_hash), data)
    return b"".join(parts)


def encode_end(transfer: int, entry: int, size: int, file_hash: bytes) -> bytes:
    """Return the payload of an END0."""
    return _END.pack(transfer, entry, size, file_hash)


def encode_skip(transfer: int, entry: int, reason: str) -> bytes:
    """Return the payload of a SKP0."""
    return _SKIP_HEAD.pack(transfer, entry) + reason.encode("ascii")


def reach(inner_type: bytes, payload: Payload) -> tuple[Place, int]:
    """Return the place that a packet of ours reaches, and how many bytes of files are in it."""
    match inner_type:
        case b"BLK0":
            _, entry, block, offset = PIECE_HEAD.unpack_from(payload)
            size = len(payload) - PIECE_HEAD.size
            return (entry, block, offset + size), size
        case b"WHL0":
            files = list(_records(memoryview(payload)))
            return (files[-1].entry + 1, 0, 0), sum(len(file.data) for file in files)
        case _:
            return (0, 0, 0), 0


def decode(inner_type: bytes, payload: Payload) -> FilePacket | None:
    """Return what a packet says, or None if its type is unknown here. Raises `PacketError`."""
    try:
        match inner_type:
            case b"LST0":
                transfer, first, whole = _LIST_HEAD.unpack_from(payload)
                return ListPage(transfer, first, whole, _entries.decode(memoryview(payload)[_LIST_HEAD.size :]))
            case b"BLK0":
                transfer, entry, block, offset = PIECE_HEAD.unpack_from(payload)
                return Piece(transfer, entry, block, offset, memoryview(payload)[PIECE_HEAD.size :])
            case b"WHL0":
                (transfer,) = _WHOLE_HEAD.unpack_from(payload)
                return SmallFiles(transfer, list(_records(memoryview(payload))))
            case b"END0":
                return FileEnd(*_END.unpack(payload))
            case b"SKP0":
                transfer, entry = _SKIP_HEAD.unpack_from(payload)
                reason = bytes(payload[_SKIP_HEAD.size :])
                if not _REASON.fullmatch(reason):
                    raise PacketError("SKP0 without a reason")
                return Skipped(transfer, entry, reason.decode("ascii"))
            case _:
                return None
    except (struct.error, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise PacketError(f"{inner_type.decode('ascii')}: {error}") from None


def _records(view: memoryview) -> Iterator[SmallFile]:
    at = _WHOLE_HEAD.size
    while at < len(view):
        entry, size, file_hash = RECORD_HEAD.unpack_from(view, at)
        at += RECORD_HEAD.size
        if size > limits.SMALL_FILE_BYTES or at + size > len(view):
            raise PacketError(f"WHL0 with a file of {size} bytes")
        yield SmallFile(entry, file_hash, view[at : at + size])
        at += size
