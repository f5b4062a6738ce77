"""What survives of transfers."""

import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actors.store import database
from actors.store.database import StoreError
from actors.store.journal import KEPT_SECONDS, Journal, Totals
from tests.actors.files.support import folder, row


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "visavis.db"


@pytest.fixture
def journal(path: Path) -> Iterator[Journal]:
    with closing(Journal(path, "room")) as one:
        yield one


def look(path: Path, query: str) -> list[tuple[object, ...]]:
    """What another program finds in the database."""
    with closing(sqlite3.connect(path)) as store:
        return store.execute(query).fetchall()


def hash_of(number: int) -> bytes:
    return number.to_bytes(32, "big")


def blocks(entry: int, *numbers: int) -> list[tuple[int, int, bytes]]:
    return [(entry, number, hash_of(number)) for number in numbers]


TREE = [
    folder(1, "top", 5),
    row(2, "top/a", 10),
    folder(3, "top/b"),
    row(4, "top/b/c", 100, "program"),
    folder(5, "top/b/d"),
    row(6, "top/z", 1000),
]


# --- transfers ------------------------------------------------------------------------------------------------------


def test_every_transfer_has_a_record_of_its_own(path: Path, journal: Journal) -> None:
    with closing(Journal(path, "other room")) as other:
        records = [
            journal.begin(1, mine=True),
            journal.begin(1, mine=False),  # both sides of a session may share the file
            journal.begin(2, mine=True),
            other.begin(1, mine=True),
            journal.begin(2**63 - 1, mine=True),
        ]
    assert len(set(records)) == 5


def test_one_that_begins_again_begins_anew(path: Path, journal: Journal) -> None:
    first = journal.begin(1, mine=True)
    other = journal.begin(3, mine=True)
    for record in (first, other):
        journal.add(record, TREE)
        journal.note_blocks(record, blocks(2, 0))
    again = journal.begin(1, mine=True)
    assert journal.entries(again, 1, 10) == []
    assert journal.hashes(again, 2, 9) == []
    assert journal.entries(other, 1, 10) == TREE
    assert look(path, "SELECT DISTINCT transfer FROM entry") == [(other,)]
    assert look(path, "SELECT DISTINCT transfer FROM block") == [(other,)]


def test_no_record_is_given_twice(journal: Journal) -> None:
    first = journal.begin(1, mine=True)
    journal.forget(first)
    second = journal.begin(1, mine=True)
    again = journal.begin(1, mine=True)
    assert first < second < again


def test_who_holds_a_record_that_was_forgotten_spoils_no_other(path: Path, journal: Journal) -> None:
    gone = journal.begin(1, mine=False)
    journal.forget(gone)
    other = journal.begin(3, mine=False)
    journal.add(other, TREE)
    journal.note_blocks(other, blocks(6, 0), at=(6, 1), partial="hidden")
    journal.forget(gone)
    journal.note_synced(gone, 6, 1)
    with suppress(StoreError):
        journal.add(gone, TREE)
    with suppress(StoreError):
        journal.note_blocks(gone, blocks(6, 0), at=(9, 9))
    assert journal.entries(gone, 1, 10) == []
    assert journal.entries(other, 1, 10) == TREE
    assert look(path, "SELECT id, entry, block, partial FROM transfer") == [(other, 6, 1, "hidden")]
    assert look(path, "SELECT transfer, synced FROM block") == [(other, 0)]


def test_what_is_forgotten_is_gone_with_its_list(path: Path, journal: Journal) -> None:
    record, other = journal.begin(1, mine=True), journal.begin(3, mine=True)
    for one in (record, other):
        journal.add(one, TREE)
        journal.note_blocks(one, blocks(2, 0))
    journal.forget(record)
    for table, column in (("transfer", "id"), ("entry", "transfer"), ("block", "transfer")):
        assert look(path, f"SELECT DISTINCT {column} FROM {table}") == [(other,)]


def test_what_nobody_took_up_is_forgotten_with_time(path: Path, journal: Journal) -> None:
    old, young = journal.begin(1, mine=True), journal.begin(3, mine=True)
    journal.add(old, TREE)
    with closing(sqlite3.connect(path)) as store, store:
        for record, age in ((old, KEPT_SECONDS + 100), (young, KEPT_SECONDS - 100)):
            store.execute("UPDATE transfer SET made_at = ? WHERE id = ?", (time.time() - age, record))
    Journal(path, "another room").close()
    assert look(path, "SELECT id FROM transfer") == [(young,)]
    assert look(path, "SELECT * FROM entry") == []


def test_the_next_engine_finds_what_was_noted(path: Path) -> None:
    with closing(Journal(path, "room")) as journal:
        record = journal.begin(1, mine=False)
        journal.add(record, TREE)
        journal.note_answer(record, [(1, 3), (6, 6)], "/home/가", "c0ffee", {"top": "top (1)"})
        journal.note_blocks(record, blocks(6, 0, 1), "boot", (6, 2), ".z.c0ffee.visavis-part")
        journal.note_synced(record, 6, 1)
        sent = journal.begin(2, mine=True, sources={"top": "/tmp/가/top"})
    columns = "session, number, mine, sources, folder, token, tops, runs, entry, block, partial"
    assert look(path, f"SELECT {columns} FROM transfer WHERE id = {record}") == [
        (
            *("room", 1, 0, None, "/home/가", "c0ffee", '{"top": "top (1)"}'),
            *("[[1, 3], [6, 6]]", 6, 2, ".z.c0ffee.visavis-part"),
        )
    ]
    assert look(path, f"SELECT mine, sources FROM transfer WHERE id = {sent}") == [(1, r'{"top": "/tmp/\uac00/top"}')]
    assert look(path, "SELECT entry, number, hash, boot, synced FROM block ORDER BY number") == [
        (6, 0, hash_of(0), "boot", 1),
        (6, 1, hash_of(1), "boot", 0),
    ]
    with closing(Journal(path, "room")) as journal:
        assert journal.entries(record, 1, 10) == TREE
        assert journal.hashes(record, 6, 9) == [hash_of(0), hash_of(1)]


# --- the list -------------------------------------------------------------------------------------------------------


def test_entries_come_as_they_went_and_page_by_page(journal: Journal) -> None:
    record = journal.begin(1, mine=True)
    journal.add(record, TREE[:4])
    journal.add(record, TREE[4:])
    assert journal.entries(record, 1, 10) == TREE
    assert journal.entries(record, 0, 2) == TREE[:2]
    assert journal.entries(record, 3, 2) == TREE[2:4]
    assert journal.entries(record, 7, 10) == []


def test_the_greatest_and_the_least_of_everything_are_kept(journal: Journal) -> None:
    record = journal.begin(1, mine=False)
    rows = [
        row(1, "가" * 1365, 2**62 - 1, modified=2**63 - 1),
        row(1_000_000, "\x1b'\"\n;--", 0, modified=-(2**63)),
        row(1_000_001, "stream", None),
    ]
    journal.add(record, rows)
    assert journal.entries(record, 1, 10) == rows


def test_a_path_is_there_once(journal: Journal) -> None:
    record, other = journal.begin(1, mine=False), journal.begin(3, mine=False)
    journal.add(record, TREE)
    journal.add(other, TREE)  # every list has its own
    assert journal.has_path(record, "top/b/c")
    assert not journal.has_path(record, "top/b/C")
    with pytest.raises(StoreError):
        journal.add(record, [row(7, "new"), row(8, "top/a")])
    assert not journal.has_path(record, "new")  # all of them or none
    assert len(journal.entries(record, 1, 10)) == len(TREE)


def test_folders_come_the_inner_ones_first(journal: Journal) -> None:
    record = journal.begin(1, mine=True)
    journal.add(record, TREE)
    assert [found.number for found in journal.folders_backwards(record, 99, 10)] == [5, 3, 1]
    assert [found.number for found in journal.folders_backwards(record, 5, 1)] == [3]
    assert journal.folders_backwards(record, 1, 10) == []


@pytest.mark.parametrize(
    ("runs", "totals"),
    [
        (None, Totals(3, 3, 1110)),
        ([], Totals(0, 0, 0)),
        ([(1, 6)], Totals(3, 3, 1110)),
        ([(1, 1)], Totals(0, 1, 0)),
        ([(2, 4)], Totals(2, 1, 110)),
        ([(1, 2), (6, 6)], Totals(2, 1, 1010)),
        ([(7, 900)], Totals(0, 0, 0)),
    ],
)
def test_totals_are_of_the_list_or_of_runs_of_it(
    journal: Journal, runs: list[tuple[int, int]] | None, totals: Totals
) -> None:
    record, other = journal.begin(1, mine=True), journal.begin(3, mine=True)
    journal.add(record, TREE)
    journal.add(other, [row(1, "not counted", 5)])
    assert journal.totals(record, runs) == totals


def test_the_total_of_a_stream_is_not_known(journal: Journal) -> None:
    record = journal.begin(1, mine=True)
    journal.add(record, [row(1, "stdin", None)])
    assert journal.totals(record, None) == Totals(1, 0, None)


# --- what is under way ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kept", "asked", "row"),
    [
        ([], 9, 0),
        ([0, 1, 2], 9, 3),
        ([0, 1, 2], 2, 2),
        ([0, 1, 2], 0, 0),
        ([2, 0, 1], 9, 3),
        ([1, 2], 9, 0),
        ([0, 2, 3], 9, 1),
        ([0, 1, 3, 4, 5], 9, 2),
        ([0, 0, 1], 9, 2),
    ],
)
def test_hashes_are_those_that_were_kept_in_a_row(journal: Journal, kept: list[int], asked: int, row: int) -> None:
    record = journal.begin(1, mine=True)
    journal.note_blocks(record, blocks(4, *kept))
    journal.note_blocks(record, blocks(5, 0, 1, 2, 3, 4, 5))  # of another file
    assert journal.hashes(record, 4, asked) == [hash_of(number) for number in range(row)]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(kept=st.sets(st.integers(0, 12)), asked=st.integers(0, 14))
def test_whatever_was_kept_only_a_row_from_the_first_counts(journal: Journal, kept: set[int], asked: int) -> None:
    record = journal.begin(1, mine=True)
    journal.note_blocks(record, blocks(4, *kept))
    found = journal.hashes(record, 4, asked)
    assert found == [hash_of(number) for number in range(len(found))]
    assert len(found) == asked or len(found) not in kept


def test_a_block_that_was_written_again_has_its_new_hash(journal: Journal) -> None:
    record = journal.begin(1, mine=False)
    journal.note_blocks(record, [(4, 0, hash_of(7))])
    journal.note_synced(record, 4, 1)
    journal.note_blocks(record, [(4, 0, hash_of(8))])
    assert journal.hashes(record, 4, 1) == [hash_of(8)]


def test_hashes_of_files_that_are_whole_are_let_go(path: Path, journal: Journal) -> None:
    record, other = journal.begin(1, mine=False), journal.begin(3, mine=False)
    journal.note_blocks(other, blocks(1, 0))
    journal.note_blocks(record, blocks(2, 0, 1), at=(2, 2))
    journal.note_blocks(record, blocks(3, 0), at=(3, 1))
    assert look(path, f"SELECT entry, number FROM block WHERE transfer = {record}") == [(3, 0)]
    journal.note_blocks(record, [], at=(4, 0))
    assert look(path, "SELECT transfer FROM block") == [(other,)]
    assert look(path, f"SELECT entry, block FROM transfer WHERE id = {record}") == [(4, 0)]


def test_the_hidden_name_is_that_of_the_file_under_way(path: Path, journal: Journal) -> None:
    record = journal.begin(1, mine=False)
    names = []
    for at, partial in (((2, 0), "first"), ((2, 1), "first"), ((3, 0), ""), ((4, 0), "second")):
        journal.note_blocks(record, [], at=at, partial=partial)
        names += look(path, "SELECT partial FROM transfer")
    assert names == [("first",), ("first",), ("",), ("second",)]
    journal.note_blocks(record, blocks(4, 0))
    assert look(path, "SELECT partial FROM transfer") == [("second",)]


def test_only_what_was_synced_counts_as_synced(path: Path, journal: Journal) -> None:
    record = journal.begin(1, mine=False)
    journal.note_blocks(record, [*blocks(4, 0, 1, 2), *blocks(5, 0)])
    journal.note_synced(record, 4, 2)
    assert look(path, "SELECT entry, number, synced FROM block ORDER BY entry, number") == [
        (4, 0, 1),
        (4, 1, 1),
        (4, 2, 0),
        (5, 0, 0),
    ]


# --- what may happen to it ------------------------------------------------------------------------------------------

KILLED = """
import os, signal, sys
from pathlib import Path
from actors.store.journal import Journal

journal = Journal(Path(sys.argv[1]), "room")
record = journal.begin(1, mine=False)
journal.note_blocks(record, [(1, number, bytes([number])) for number in range(3)], at=(1, 3))

def blocks():
    for number in range(3, 10_000):
        yield 1, number, bytes(32)
    os.kill(os.getpid(), signal.SIGKILL)

journal.note_blocks(record, blocks(), at=(1, 10_000))
"""


def test_a_writer_that_was_killed_leaves_it_whole(path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, path])
    assert done.returncode == -signal.SIGKILL
    assert look(path, "PRAGMA integrity_check") == [("ok",)]
    with closing(Journal(path, "room")) as journal:
        ((record, entry, block),) = look(path, "SELECT id, entry, block FROM transfer")
        assert (entry, block) == (1, 3)
        assert journal.hashes(int(str(record)), 1, 99) == [b"\0", b"\1", b"\2"]
        journal.begin(3, mine=False)  # and can be written


FULL = """
import resource, sys
from pathlib import Path
from actors.store.database import StoreError
from actors.store.journal import Journal

journal = Journal(Path(sys.argv[1]), "room")
record = journal.begin(1, mine=False)
journal.note_blocks(record, [(1, 0, b"first")])
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, -1))
try:
    journal.note_blocks(record, ((1, number, bytes(32)) for number in range(1, 100_000)))
except StoreError as error:
    print("refused:", error)
resource.setrlimit(resource.RLIMIT_FSIZE, (-1, -1))
print(journal.hashes(record, 1, 99))
journal.note_blocks(record, [(1, 1, b"second")])
print(journal.hashes(record, 1, 99))
"""


def test_a_disk_that_is_full_is_said_and_nothing_is_half(path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", FULL, path], capture_output=True, text=True)
    refused, *hashes = done.stdout.splitlines()
    assert refused.startswith("refused: "), done.stderr
    assert hashes == ["[b'first']", "[b'first', b'second']"]
    assert look(path, "PRAGMA integrity_check") == [("ok",)]


def test_a_database_that_is_full_is_said_by_that_name(path: Path, journal: Journal) -> None:
    record = journal.begin(1, mine=False)
    journal.add(record, TREE)
    store = journal._store
    store.execute(f"PRAGMA max_page_count={store.execute('PRAGMA page_count').fetchone()[0] + 2}")
    with pytest.raises(StoreError, match="full"):
        journal.note_blocks(record, ((1, number, bytes(32)) for number in range(10_000)))
    with pytest.raises(StoreError, match="full"):
        journal.add(record, (row(number, "x" * 200 + str(number)) for number in range(7, 1000)))
    assert journal.entries(record, 1, 10) == TREE
    assert journal.hashes(record, 1, 99) == []
    store.execute("PRAGMA max_page_count=1000000")
    journal.note_blocks(record, blocks(1, 0))
    assert journal.hashes(record, 1, 99) == [hash_of(0)]


def test_one_that_another_engine_holds_for_too_long_is_said(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.05)
    with closing(Journal(path, "room")) as journal, closing(sqlite3.connect(path, isolation_level=None)) as other:
        record = journal.begin(1, mine=True)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="locked"):
            journal.add(record, TREE)
        assert journal.entries(record, 1, 10) == []  # it can be read meanwhile
        other.execute("ROLLBACK")
        journal.add(record, TREE)
        assert journal.entries(record, 1, 10) == TREE


def test_one_that_is_closed_is_said(journal: Journal) -> None:
    record = journal.begin(1, mine=True)
    journal.close()
    journal.close()
    with pytest.raises(StoreError):
        journal.entries(record, 1, 10)
    with pytest.raises(StoreError):
        journal.add(record, TREE)


def test_a_list_that_breaks_off_while_it_is_made_is_not_there(journal: Journal) -> None:
    record = journal.begin(1, mine=True)
    with pytest.raises(ZeroDivisionError):
        journal.add(record, (row(number, str(1 // (3 - number))) for number in range(1, 9)))
    assert journal.entries(record, 1, 10) == []
    journal.add(record, TREE)


def test_several_threads_may_use_it(journal: Journal) -> None:
    def work(number: int) -> int:
        record = journal.begin(number, mine=True)
        for at in range(20):
            journal.add(record, [row(at + 1, f"file {at}", 1)])
        return journal.totals(record, None).files

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(work, range(1, 17))) == [20] * 16
