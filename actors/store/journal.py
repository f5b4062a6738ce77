"""The journal of transfers: lists of entries, what is under way, the hashes that let it go on.

May be called from several threads, which wait for each other; blocks for milliseconds (seconds, while another engine
writes much), and raises `StoreError` when the database can't be written.
"""

import json
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from actors.store.database import StoreError, open_store

KEPT_SECONDS: Final = 30 * 24 * 3600.0  # what nobody took up for so long is forgotten; files stay where they are

Runs = Sequence[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Row:
    """One entry of a list. `inode` is 0 in a list that was received."""

    number: int
    path: str
    kind: str
    size: int | None
    modified: int
    inode: int = 0


@dataclass(frozen=True, slots=True)
class Totals:
    """What a list, or the part of it that was taken, comes to. `size` is None with a stream in it."""

    files: int
    folders: int
    size: int | None


class Journal:
    """The journal in the database at `path`, of the session whose room is `session`."""

    def __init__(self, path: Path, session: str) -> None:
        self._store = open_store(path)
        self._session = session
        self._lock = threading.Lock()
        with self._writing():
            self._store.execute("DELETE FROM transfer WHERE made_at < ?", (time.time() - KEPT_SECONDS,))

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            self._store.close()

    # --- transfers -----------------------------------------------------------------------------------------------

    def begin(self, number: int, *, mine: bool, sources: dict[str, str] | None = None) -> int:
        """Note that a transfer of this number exists; return the id of its record."""
        with self._writing():
            cursor = self._store.execute(
                "INSERT OR REPLACE INTO transfer (session, number, mine, made_at, sources) VALUES (?, ?, ?, ?, ?)",
                (self._session, number, mine, time.time(), json.dumps(sources) if sources is not None else None),
            )
        assert cursor.lastrowid is not None
        return cursor.lastrowid

    def note_answer(
        self, transfer: int, runs: Runs | None, folder: str = "", token: str = "", tops: dict[str, str] | None = None
    ) -> None:
        """Note what was taken, and where it goes."""
        with self._writing():
            self._store.execute(
                "UPDATE transfer SET runs = ?, folder = ?, token = ?, tops = ? WHERE id = ?",
                (json.dumps(runs) if runs is not None else None, folder, token, json.dumps(tops or {}), transfer),
            )

    def forget(self, transfer: int) -> None:
        """Forget a transfer that is over, with its list."""
        with self._writing():
            self._store.execute("DELETE FROM transfer WHERE id = ?", (transfer,))

    # --- the list ------------------------------------------------------------------------------------------------

    def add(self, transfer: int, rows: Iterable[Row]) -> None:
        """Add entries to the list, all of them or none. Raises `StoreError` if a path is there already."""
        with self._writing():
            self._store.executemany(
                "INSERT INTO entry VALUES (?, ?, ?, ?, ?, ?, ?)",
                ((transfer, r.number, r.path, r.kind, r.size, r.modified, r.inode) for r in rows),
            )

    def has_path(self, transfer: int, path: str) -> bool:
        """Tell whether an entry of the list has this path."""
        found = self._read("SELECT 1 FROM entry WHERE transfer = ? AND path = ?", (transfer, path))
        return bool(found)

    def entries(self, transfer: int, first: int, count: int) -> list[Row]:
        """Return at most `count` entries from number `first` on."""
        return [
            Row(*row)
            for row in self._read(
                "SELECT number, path, kind, size, modified, inode FROM entry "
                "WHERE transfer = ? AND number >= ? ORDER BY number LIMIT ?",
                (transfer, first, count),
            )
        ]

    def folders_backwards(self, transfer: int, before: int, count: int) -> list[Row]:
        """Return at most `count` folders with numbers under `before`, the highest first: what is inside comes first."""
        return [
            Row(*row)
            for row in self._read(
                "SELECT number, path, kind, size, modified, inode FROM entry "
                "WHERE transfer = ? AND number < ? AND kind = 'folder' ORDER BY number DESC LIMIT ?",
                (transfer, before, count),
            )
        ]

    def totals(self, transfer: int, runs: Runs | None) -> Totals:
        """Return what the whole list comes to, or these runs of it."""
        files = folders = size = streams = 0
        for first, last in [(0, 2**62)] if runs is None else runs:
            found = self._read(
                "SELECT TOTAL(kind != 'folder'), TOTAL(kind = 'folder'), IFNULL(SUM(size), 0), TOTAL(kind = 'stream') "
                "FROM entry WHERE transfer = ? AND number BETWEEN ? AND ?",
                (transfer, first, last),
            )[0]
            files, folders, size, streams = (
                a + int(b) for a, b in zip((files, folders, size, streams), found, strict=True)
            )
        return Totals(files, folders, None if streams else size)

    # --- what is under way ---------------------------------------------------------------------------------------

    def note_blocks(
        self,
        transfer: int,
        blocks: Iterable[tuple[int, int, bytes]],
        boot: str = "",
        at: tuple[int, int] | None = None,
        partial: str = "",
    ) -> None:
        """Keep the hashes of blocks (entry, number, hash); with `at`, this entry and block comes next, of the file that
        is called `partial` as yet."""
        with self._writing():
            self._store.executemany(
                "INSERT OR REPLACE INTO block VALUES (?, ?, ?, ?, ?, 0)",
                ((transfer, entry, number, known, boot) for entry, number, known in blocks),
            )
            if at is not None:
                self._store.execute(
                    "UPDATE transfer SET entry = ?, block = ?, partial = ? WHERE id = ?", (*at, partial, transfer)
                )
                self._store.execute("DELETE FROM block WHERE transfer = ? AND entry < ?", (transfer, at[0]))

    def note_synced(self, transfer: int, entry: int, block: int) -> None:
        """Note that the disk itself has this entry's blocks before number `block`."""
        with self._writing():
            self._store.execute(
                "UPDATE block SET synced = 1 WHERE transfer = ? AND entry = ? AND number < ?", (transfer, entry, block)
            )

    def hashes(self, transfer: int, entry: int, blocks: int) -> list[bytes]:
        """Return the hashes of the first `blocks` blocks of an entry, as many of them as were kept in a row."""
        found = self._read(
            "SELECT number, hash FROM block WHERE transfer = ? AND entry = ? AND number < ? ORDER BY number",
            (transfer, entry, blocks),
        )
        return [known for place, (number, known) in enumerate(found) if place == number]

    # --- how -----------------------------------------------------------------------------------------------------

    def _read(self, query: str, values: tuple[Any, ...]) -> list[Any]:
        with self._lock:
            try:
                return self._store.execute(query, values).fetchall()
            except sqlite3.Error as error:
                raise StoreError(str(error)) from None

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with self._lock:
            try:
                self._store.execute("BEGIN IMMEDIATE")
                try:
                    yield
                except BaseException:  # also when the caller fails: half a change must not stay
                    if self._store.in_transaction:  # a full disk has rolled it back already
                        self._store.execute("ROLLBACK")
                    raise
                self._store.execute("COMMIT")
            except sqlite3.Error as error:
                raise StoreError(str(error)) from None
