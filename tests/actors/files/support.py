"""What several tests of the file channel use."""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from actors.files.packets import FilePacket, Piece, decode
from actors.files.source import Packet
from actors.files.tree import TreeHash, block_hash
from actors.files.walk import LeftOut, walk
from actors.store.journal import Journal, Row
from relay import limits

NOBODY = 65534


@contextmanager
def unprivileged() -> Iterator[None]:
    """Be nobody for a while: permissions do not bind root."""
    if os.geteuid() != 0:
        yield
        return
    os.setresuid(NOBODY, NOBODY, 0)
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)


def row(number: int, path: str, size: int | None = 0, kind: str = "file", modified: int = 0) -> Row:
    return Row(number, path, "stream" if size is None else kind, size, modified)


def folder(number: int, path: str, modified: int = 0) -> Row:
    return Row(number, path, "folder", 0, modified)


def write(path: Path, data: bytes | str = b"") -> Path:
    """Make a file, and the folders on the way to it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def contents(top: Path) -> dict[str, bytes | None]:
    """Everything below `top`: path and content, None for a folder."""
    return {
        str(path.relative_to(top)): None if path.is_dir() and not path.is_symlink() else path.read_bytes()
        for path in sorted(top.rglob("*"))
    }


def list_into(journal: Journal, number: int, sources: dict[str, str]) -> tuple[int, list[Row]]:
    """Walk these into the journal; return the record and the list."""
    record = journal.begin(number, mine=True, sources=sources)
    rows = [found for found in walk(sources) if not isinstance(found, LeftOut)]
    journal.add(record, rows)
    return record, rows


def decoded(packets: Iterable[Packet]) -> list[FilePacket]:
    found = [decode(inner_type, payload) for inner_type, payload in packets]
    assert None not in found
    return [packet for packet in found if packet is not None]


def tree_hash(data: bytes) -> bytes:
    """The hash of a file of any size, reckoned by itself."""
    blocks = [data[at : at + limits.BLOCK_BYTES] for at in range(0, len(data), limits.BLOCK_BYTES)]
    return TreeHash(block_hash([block]) for block in blocks).digest(len(data))


def pieces_of(data: bytes, entry: int, lengths: Sequence[int], first_block: int = 0) -> list[Piece]:
    """Cut a file into pieces, of these lengths in turn, never over the end of a block."""
    pieces, at, turn = [], first_block * limits.BLOCK_BYTES, 0
    while at < len(data):
        block, offset = divmod(at, limits.BLOCK_BYTES)
        size = min(lengths[turn % len(lengths)], limits.BLOCK_BYTES - offset, len(data) - at)
        pieces.append(Piece(7, entry, block, offset, memoryview(data)[at : at + size]))
        at, turn = at + size, turn + 1
    return pieces
