"""The database of one user, which several engines open."""

import os
import sqlite3
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from actors.store import database
from actors.store.database import VERSION, StoreError, open_store, store_path
from tests.actors.files.support import NOBODY, unprivileged

TABLES = {"transfer", "entry", "block", "sqlite_sequence"}  # the last is SQLite's own


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "visavis.db"


def tables(store: sqlite3.Connection) -> set[str]:
    return {name for (name,) in store.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def version(store: sqlite3.Connection) -> int:
    return store.execute("PRAGMA user_version").fetchone()[0]


# --- made -----------------------------------------------------------------------------------------------------------


def test_it_lies_in_the_folder_of_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    if sys.platform == "linux":
        assert store_path() == tmp_path / "visavis" / "visavis.db"
    assert store_path().name == "visavis.db"


def test_the_first_to_open_it_makes_it(path: Path) -> None:
    with closing(open_store(path)) as store:
        assert tables(store) == TABLES
        assert version(store) == VERSION
        assert store.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert store.execute("PRAGMA foreign_keys").fetchone() == (1,)
        assert store.execute("PRAGMA synchronous").fetchone() == (1,)  # NORMAL


def test_the_next_finds_what_is_in_it(path: Path) -> None:
    with closing(open_store(path)) as store:
        store.execute("INSERT INTO transfer (session, number, mine, made_at) VALUES ('room', 1, 1, 0)")
    with closing(open_store(path)) as store:
        assert store.execute("SELECT session FROM transfer").fetchall() == [("room",)]
        assert tables(store) == TABLES


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_nobody_else_can_read_it(path: Path, umask: int) -> None:
    old = os.umask(umask)
    try:
        store = open_store(path)
        store.execute("INSERT INTO transfer (session, number, mine, made_at) VALUES ('room', 1, 1, 0)")
    finally:
        os.umask(old)
    with closing(store):
        modes = {found.name: stat.S_IMODE(found.stat().st_mode) for found in [path.parent, *path.parent.iterdir()]}
    assert modes == {"data": 0o700, "visavis.db": 0o600, "visavis.db-wal": 0o600, "visavis.db-shm": 0o600}


AT_ONCE = """
import sys
from pathlib import Path
from actors.store.database import open_store
print("ready", flush=True)
sys.stdin.readline()
for number in range(20):
    store = open_store(Path(sys.argv[1]) / str(number) / "visavis.db")
    store.execute("INSERT INTO transfer (session, number, mine, made_at) VALUES (?, 1, 1, 0)", (sys.argv[2],))
    store.close()
"""


def test_engines_that_start_at_once_make_it_once(tmp_path: Path) -> None:
    engines = [
        subprocess.Popen(
            [sys.executable, "-c", AT_ONCE, tmp_path, str(number)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(3)
    ]
    try:
        for engine in engines:
            assert engine.stdout is not None
            assert engine.stdout.readline() == "ready\n"
        for engine in engines:
            assert engine.stdin is not None
            engine.stdin.write("\n")
            engine.stdin.flush()
        for engine in engines:
            assert engine.communicate(timeout=60)[1] == ""
            assert engine.returncode == 0
    finally:
        for engine in engines:
            engine.kill()
            engine.communicate()
    for number in range(20):
        with closing(open_store(tmp_path / str(number) / "visavis.db")) as store:
            assert tables(store) == TABLES
            assert store.execute("SELECT session FROM transfer ORDER BY session").fetchall() == [("0",), ("1",), ("2",)]


KILLED = """
import os, signal, sqlite3, sys
store = sqlite3.connect(sys.argv[1], isolation_level=None)
store.execute("PRAGMA journal_mode=WAL")
store.execute("BEGIN IMMEDIATE")
store.execute("CREATE TABLE transfer (half INTEGER)")
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_an_engine_that_was_killed_while_it_made_it_leaves_no_half(path: Path) -> None:
    path.parent.mkdir()
    subprocess.run([sys.executable, "-c", KILLED, path])
    assert path.exists()
    with closing(open_store(path)) as store:
        assert tables(store) == TABLES
        assert "half" not in [column[1] for column in store.execute("PRAGMA table_info(transfer)")]


# --- refused --------------------------------------------------------------------------------------------------------


def refusal(path: Path) -> str:
    with pytest.raises(StoreError) as caught:
        open_store(path)
    return str(caught.value)


def test_what_a_newer_visavis_made_is_left_alone(path: Path) -> None:
    with closing(open_store(path)) as store:
        store.execute("CREATE TABLE news (later TEXT)")
        store.execute(f"PRAGMA user_version={VERSION + 1}")
    assert refusal(path) == (f"a newer Visavis made it (version {VERSION + 1}, this one knows {VERSION}): use that one")
    with closing(sqlite3.connect(path)) as store:
        assert tables(store) == {*TABLES, "news"}
        assert version(store) == VERSION + 1


def test_what_is_no_database_is_left_alone(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("a diary, and no database" * 99)
    assert refusal(path) == f"{path}: file is not a database"
    assert path.read_text() == "a diary, and no database" * 99


def test_a_database_that_breaks_off_is_refused(path: Path) -> None:
    open_store(path).close()
    os.truncate(path, path.stat().st_size - 4096 - 100)
    assert str(path) in refusal(path)


def test_a_folder_in_its_place_is_refused(path: Path) -> None:
    path.mkdir(parents=True)
    assert str(path) in refusal(path)


def test_a_file_where_its_folder_should_be_is_refused(path: Path) -> None:
    path.parent.touch()
    assert str(path) in refusal(path)


@pytest.fixture
def ground() -> Iterator[Path]:
    """A folder that whoever is `unprivileged` owns, and can reach."""
    with tempfile.TemporaryDirectory(prefix="visavis-") as folder:
        if os.geteuid() == 0:
            os.chown(folder, NOBODY, NOBODY)
        yield Path(folder)
        os.chmod(folder, 0o700)


def test_where_nothing_may_be_written_it_is_refused(ground: Path) -> None:
    with unprivileged():
        ground.chmod(0o500)
        assert str(ground) in refusal(ground / "data" / "visavis.db")
        assert str(ground) in refusal(ground / "visavis.db")


def test_one_that_may_only_be_read_is_refused(ground: Path) -> None:
    path = ground / "visavis.db"
    with unprivileged():
        open_store(path).close()
        path.chmod(0o400)
        assert str(path) in refusal(path)


def test_one_that_is_busy_for_too_long_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.05)
    with closing(open_store(path)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert refusal(path) == f"{path}: database is locked"
        other.execute("ROLLBACK")
        open_store(path).close()
