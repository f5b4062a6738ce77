"""The hash of a file: blocks of 4 MiB, each with a BLAKE3 of its own, and over them one hash. No I/O.

A hash's state can't be saved, so only a tree of hashes that were kept lets a file go on after a crash without reading
all of it again. BLAKE3 (https://github.com/BLAKE3-team/BLAKE3-specs), 32 bytes; docs/adr has why not SHA-256.
"""

from collections.abc import Iterable
from typing import Final

from blake3 import blake3

from relay import limits

HASH_BYTES: Final = 32
_CONTEXT: Final = b"visavis/1 file"

Buffer = bytes | bytearray | memoryview


def block_hash(pieces: Iterable[Buffer]) -> bytes:
    """Return the hash of a block, given whole in pieces of any size."""
    hasher = blake3()
    for piece in pieces:
        hasher.update(piece)
    return hasher.digest()


class TreeHash:
    """The hash of one file, block by block: hash("visavis/1 file" || hash of each block || size, 8 bytes).

    The size comes last, since that of a stream is not known before.
    """

    def __init__(self, hashes: Iterable[bytes] = ()) -> None:
        self._hasher = blake3(_CONTEXT)
        for known in hashes:
            self.add(known)

    def add(self, known: bytes) -> None:
        """Take the hash of the next block."""
        self._hasher.update(known)

    def copy(self) -> "TreeHash":
        """Return one that goes on from here by itself."""
        other = TreeHash()
        other._hasher = self._hasher.copy()
        return other

    def digest(self, size: int) -> bytes:
        """Return the hash of the file of this size, of which every block was added."""
        whole = self._hasher.copy()
        whole.update(size.to_bytes(8, "big"))
        return whole.digest()


def file_hash(data: Buffer) -> bytes:
    """Return the hash of a file of at most one block."""
    return TreeHash([block_hash([data])] if data else ()).digest(len(data))


def blocks_of(size: int) -> int:
    """Return how many blocks a file of `size` bytes has; an empty one has none."""
    return -(-size // limits.BLOCK_BYTES)
