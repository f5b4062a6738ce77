"""A writer that is stopped, what it notes in the journal, standard output in the place of a disk."""

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from actors.files.landing import LandingError, Output
from actors.files.tree import block_hash
from actors.files.writing import Job, MakeFolders, Outcome, Writer, boot_id
from actors.store.database import StoreError
from actors.store.journal import Journal
from tests.actors.files.support import contents, folder, row, write
from tests.actors.files.written import BLOCK, DATA, LARGE, MANY, Writing, finish, pieces, small

# --- stopped ----------------------------------------------------------------------------------------------------------


def test_a_writer_that_is_stopped_does_nothing_more(writing: Writing, place: Path) -> None:
    writing.do(pieces(LARGE, DATA, BLOCK)[0])
    before = contents(place)
    writing.writer.stopped = True
    assert writing.do(*pieces(LARGE, DATA, BLOCK)[1:], finish(LARGE, DATA), MakeFolders(4, 9)) == Outcome()
    assert contents(place) == before
    assert writing.place_noted == (3, 1)  # as far as it was
    assert writing.writer.close() == writing.partial("large")


def test_what_was_done_before_it_was_stopped_is_told_and_noted(writing: Writing) -> None:
    def jobs() -> Iterator[Job]:
        yield small((row(1, "a", 5), b"hello"))
        writing.writer.stopped = True
        yield small((row(2, "b", 5), b"hello"))

    assert writing.writer.do(jobs()) == Outcome(size=5, files=1)
    assert writing.place_noted == (2, 0)


def test_even_a_million_folders_are_left_soon(writing: Writing, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writing.listed(*MANY)
    really = writing.landing.make_folder

    def make_folder(parts: tuple[str, ...]) -> None:
        really(parts)
        writing.writer.stopped = True

    monkeypatch.setattr(writing.landing, "make_folder", make_folder)
    writing.do(small((row(1, "a", 1), b"x")), MakeFolders(1, 3000))
    assert 0 < len(contents(place)) < 1000
    assert writing.place_noted == (2, 0)  # not all are made


# --- the journal ----------------------------------------------------------------------------------------------------


def test_the_journal_has_the_hash_of_every_block_of_the_file_under_way(writing: Writing) -> None:
    hashes = [block_hash([DATA[at : at + BLOCK]]) for at in range(0, len(DATA), BLOCK)]
    for job in pieces(LARGE, DATA):
        writing.do(job)
        written = job.block + job.ends
        assert writing.place_noted == (3, written)
        assert writing.journal.hashes(writing.record, 3, 99) == hashes[:written]
    assert writing.look("SELECT DISTINCT boot, synced FROM block") == [("this boot", 0)]
    writing.do(finish(LARGE, DATA), small((row(4, "next", 1), b"x")))
    assert writing.place_noted == (5, 0)
    assert writing.look("SELECT * FROM block") == []


def test_the_journal_has_the_hidden_name_of_the_file_under_way(writing: Writing, place: Path) -> None:
    names = []
    write(place / ".large.c0ffee.visavis-part", "earlier")
    for job in (small((row(1, "a", 1), b"x")), *pieces(LARGE, DATA, BLOCK), finish(LARGE, DATA)):
        writing.do(job)
        names += writing.look("SELECT partial FROM transfer")
    ((hidden,), *_) = names[1:]
    assert hidden != ".large.c0ffee.visavis-part"
    assert str(hidden).endswith(".visavis-part")
    assert names == [("",), *[(hidden,)] * 3, ("",)]


def test_a_file_that_can_not_be_opened_twice_is_not_synced(writing: Writing, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(descriptor: int) -> int:
        raise OSError(errno.EMFILE, "Too many open files")

    writing.do(pieces(LARGE, DATA, BLOCK)[0])
    with monkeypatch.context() as patch:
        patch.setattr(os, "dup", fail)
        assert writing.writer.sync_point() is None
    sync = writing.writer.sync_point()
    assert sync is not None
    sync()


def test_a_sync_marks_the_blocks_that_were_written_when_it_began(writing: Writing) -> None:
    jobs = pieces(LARGE, DATA, BLOCK)
    assert writing.writer.sync_point() is None
    writing.do(jobs[0])
    before = len(os.listdir("/dev/fd"))
    sync = writing.writer.sync_point()
    assert sync is not None
    writing.do(jobs[1])
    sync()
    assert len(os.listdir("/dev/fd")) == before
    assert writing.look("SELECT number, synced FROM block ORDER BY number") == [(0, 1), (1, 0)]
    writing.do(jobs[2], finish(LARGE, DATA))
    assert writing.writer.sync_point() is None


def test_a_sync_may_end_after_its_file_has_landed_or_the_journal_was_closed(writing: Writing) -> None:
    jobs = pieces(LARGE, DATA, BLOCK)
    writing.do(jobs[0])
    early, late = writing.writer.sync_point(), writing.writer.sync_point()
    assert early is not None
    assert late is not None
    writing.do(*jobs[1:], finish(LARGE, DATA))
    early()
    writing.journal.close()
    late()


def test_a_journal_that_can_not_be_written_ends_it(writing: Writing) -> None:
    writing.journal.close()
    with pytest.raises(StoreError):
        writing.do(small((row(1, "a", 1), b"x")))


def test_the_boot_is_told_from_others() -> None:
    assert boot_id() == boot_id()
    if Path("/proc/sys/kernel/random/boot_id").exists():
        assert len(boot_id()) == 36


# --- standard output ------------------------------------------------------------------------------------------------


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """A pipe: who reads, who writes."""
    reading, writing = os.pipe()
    yield reading, writing
    os.close(reading)
    os.close(writing)


def test_standard_output_gets_the_bytes_as_they_come(journal: Journal, pipe: tuple[int, int]) -> None:
    reading, descriptor = pipe
    writer = Writer(journal, journal.begin(7, mine=False), Output(descriptor), {}, "")
    assert writer.may_hang
    large = row(1, "a", 60_000)
    writer.do([MakeFolders(9, 9), *pieces(large, DATA[:60_000], 50_000)])
    assert os.read(reading, 100_000) == DATA[:60_000]
    assert writer.sync_point() is None
    assert writer.do([finish(large, DATA[:60_000])]) == Outcome(files=1)
    assert os.read(reading, 100_000) == b""  # whoever reads sees the end
    writer.set_folder_times([folder(9, "top")])
    assert writer.close() == ""
    os.fstat(descriptor)  # it is not ours to close


def test_a_small_file_goes_to_standard_output_too(journal: Journal, pipe: tuple[int, int]) -> None:
    reading, descriptor = pipe
    writer = Writer(journal, journal.begin(7, mine=False), Output(descriptor), {}, "")
    assert writer.do([small((row(1, "a", 5), b"hello"))]) == Outcome(size=5, files=1)
    assert os.read(reading, 100) == b"hello"
    assert os.read(reading, 100) == b""


def test_standard_output_that_nobody_reads_any_more_ends_it(journal: Journal) -> None:
    reading, descriptor = os.pipe()
    os.close(reading)
    try:
        writer = Writer(journal, journal.begin(7, mine=False), Output(descriptor), {}, "")
        with pytest.raises(LandingError, match="output-closed"):
            writer.do([small((row(1, "a", 5), b"hello"))])
    finally:
        os.close(descriptor)


def test_a_disk_can_not_hang(writing: Writing) -> None:
    assert not writing.writer.may_hang
