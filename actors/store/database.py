"""The database of what survives an engine: one SQLite file for each user, shared by all engines of that user.

WAL with synchronous=NORMAL: a commit that a power cut takes back only means that a block is read or sent once more,
and a commit costs 30 µs and not a disk's turn. Its schema is schema.sql; `VERSION` is in the file (user_version).
"""

import fcntl
import os
import sqlite3
from contextlib import suppress
from importlib import resources
from pathlib import Path
from typing import Final

import platformdirs

VERSION: Final = 1
BUSY_SECONDS: Final = 10.0  # another engine is writing; it takes milliseconds


class StoreError(Exception):
    """The database can't be used; the text says why."""


def store_path() -> Path:
    """Return where the database lies."""
    return platformdirs.user_data_path("visavis") / "visavis.db"


def open_store(path: Path) -> sqlite3.Connection:
    """Open the database, made if it was not there (its folder 0700, itself 0600). For one thread at a time.

    Raises `StoreError`, also when a newer Visavis made it.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        store = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    except (OSError, sqlite3.Error) as error:
        raise StoreError(f"{path}: {error}") from None
    try:
        _use_wal(store, path.parent)
        store.execute("PRAGMA synchronous=NORMAL")
        store.execute("PRAGMA foreign_keys=ON")
        _bring_up_to_date(store)
    except (OSError, sqlite3.Error) as error:
        store.close()
        raise StoreError(f"{path}: {error}") from None
    except StoreError:
        store.close()
        raise
    return store


def _use_wal(store: sqlite3.Connection, folder: Path) -> None:
    """Only one at a time: SQLite does not wait where two turn a new file to WAL at once."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with suppress(OSError):  # some network disks have no such lock
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        store.execute("PRAGMA journal_mode=WAL")
    finally:
        os.close(descriptor)


def _bring_up_to_date(store: sqlite3.Connection) -> None:
    store.execute("BEGIN IMMEDIATE")  # two engines may start at once
    try:
        version = store.execute("PRAGMA user_version").fetchone()[0]
        if version > VERSION:
            raise StoreError(f"a newer Visavis made it (version {version}, this one knows {VERSION}): use that one")
        if version < VERSION:
            schema = resources.files("actors.store").joinpath("schema.sql").read_text("utf-8")
            for statement in _statements(schema):
                store.execute(statement)
            store.execute(f"PRAGMA user_version={VERSION}")
        store.execute("COMMIT")
    except BaseException:  # whatever it was, half a schema must not stay
        if store.in_transaction:
            store.execute("ROLLBACK")
        raise


def _statements(script: str) -> list[str]:
    """Return the statements of a script; `executescript` would commit before it begins."""
    statements, begun = [], ""
    for line in script.splitlines(keepends=True):
        begun += line
        if sqlite3.complete_statement(begun):
            statements.append(begun)
            begun = ""
    return statements
