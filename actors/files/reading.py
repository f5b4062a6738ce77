"""Reads one file, or standard input, block by block, and notices when it is not what was offered. For a thread."""

import os
import select
import threading
from collections import deque
from typing import Final

from blake3 import blake3

from actors.files.packets import PIECE_HEAD
from actors.files.tree import TreeHash
from actors.files.walk import stamp
from actors.store.journal import Row
from relay import limits

_FLAGS: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # a pipe in its place must not hold us


class ChangedError(Exception):
    """The file is not, or no longer, the one that was offered."""


class OpenFile:
    """The file of `row`, being read. `block` is read next; `tree` has the hashes of those before.

    Raises `OSError` and `ChangedError`, from its making on.
    """

    def __init__(self, row: Row, path: str) -> None:
        self.row = row
        self.size = row.size or 0
        self.block = 0
        self.tree = TreeHash()
        self._fd = os.open(path, _FLAGS)
        try:
            self.check()
        except (OSError, ChangedError):
            self.close()
            raise

    def close(self) -> None:
        """Close the file."""
        os.close(self._fd)

    def check(self) -> None:
        """Raise `ChangedError` if size, time or inode are not those of the offer."""
        found = os.fstat(self._fd)
        if (found.st_size, *stamp(found)) != (self.row.size, self.row.modified, self.row.inode):
            raise ChangedError

    def read_all(self) -> bytes:
        """Return the whole of a small file."""
        data = os.read(self._fd, self.size + 1)
        if len(data) != self.size:
            raise ChangedError
        self.check()
        return data

    def read_block(self, transfer: int, piece: int, offset: int = 0) -> tuple[list[bytearray], bytes]:
        """Return the next block from `offset` on, as payloads of BLK0 with at most `piece` bytes each, and its hash.

        Bytes are read where they will be sent from.
        """
        start = self.block * limits.BLOCK_BYTES
        size = min(limits.BLOCK_BYTES, self.size - start)
        if size <= 0:
            raise ChangedError
        had = bytearray(min(offset, size))  # by the receiver; its bytes count for the hash
        payloads, views = [], [memoryview(had)] if had else []
        for at in range(len(had), size, piece):
            payload = bytearray(PIECE_HEAD.size + min(piece, size - at))
            PIECE_HEAD.pack_into(payload, 0, transfer, self.row.number, self.block, at)
            payloads.append(payload)
            views.append(memoryview(payload)[PIECE_HEAD.size :])
        if os.preadv(self._fd, views, start) != size:  # it has become shorter
            raise ChangedError
        hasher = blake3()
        for view in views:
            hasher.update(view)
        known = hasher.digest()
        self.tree.add(known)
        self.block += 1
        return payloads, known


class Stream:
    """Standard input: taken in as it comes, given in pieces, and kept until the receiver has it, up to STREAM_BYTES:
    nothing else could give it again. Not for two threads at once but for what its lock guards: all of it."""

    def __init__(self, row: Row) -> None:
        self.row = row
        self.size = 0  # taken in so far
        self.over = False
        self._kept: deque[bytes] = deque()
        self._first = 0  # where what is kept begins
        self._at = 0  # where what is given next begins
        self._tree = TreeHash()
        self._hasher = blake3()
        self._lock = threading.Lock()

    @property
    def full(self) -> bool:
        """Whether the receiver must have some of it before more is taken in."""
        return self.size - self._first >= limits.STREAM_BYTES

    @property
    def room(self) -> int:
        """How much may be taken in at once: no piece reaches beyond a block."""
        return min(limits.FILE_CHUNK_BYTES, limits.BLOCK_BYTES - self.size % limits.BLOCK_BYTES)

    @property
    def dry(self) -> bool:
        """Whether there is nothing to give just now, neither bytes nor the end."""
        return self._at == self.size and not self.over

    def take(self, data: bytes) -> None:
        """Take in what came; nothing is the end."""
        with self._lock:
            self.over = self.over or not data
            if data:
                self._kept.append(data)
                self.size += len(data)
                self._hasher.update(data)
                if self.size % limits.BLOCK_BYTES == 0:
                    self._tree.add(self._hasher.digest())
                    self._hasher = blake3()

    def give(self) -> tuple[int, bytes]:
        """Return the next bytes and where they begin; none when it is dry or at its end."""
        with self._lock:
            start, place = self._at, self._first
            for data in self._kept:
                if place <= start < place + len(data):
                    self._at = place + len(data)
                    return start, data[start - place :]
                place += len(data)
            return start, b""

    def seek(self, place: int) -> None:
        """Give again from this byte on, or from the first that is kept."""
        with self._lock:
            self._at = max(self._first, min(place, self.size))

    def forget(self, place: int) -> None:
        """The receiver has everything before this byte."""
        with self._lock:
            while self._kept and self._first + len(self._kept[0]) <= min(place, self._at):
                self._first += len(self._kept.popleft())

    def digest(self) -> bytes:
        """Return the tree hash of all that was taken in."""
        whole = self._tree.copy()
        if self.size % limits.BLOCK_BYTES:
            whole.add(self._hasher.digest())
        return whole.digest(self.size)


def read_stdin(size: int) -> bytes:
    """Return the next bytes of standard input, at most `size`, none at its end; waits for them. Raises `OSError`."""
    while True:
        try:
            return os.read(0, size)
        except BlockingIOError:  # whoever gave it to us made it so
            select.select([0], [], [])
