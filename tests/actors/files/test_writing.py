"""What came, written in the order of the list, and how far that is in the journal."""

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from actors.files.landing import Landing, LandingError, Output
from actors.files.packets import SmallFile
from actors.files.tree import block_hash, file_hash
from actors.files.writing import FinishFile, GiveUp, Job, MakeFolder, Outcome, WritePiece, Writer, WriteSmall, boot_id
from actors.store.database import StoreError
from actors.store.journal import Journal, Row
from relay import limits
from tests.actors.files.support import contents, folder, pieces_of, row, tree_hash, write

BLOCK = limits.BLOCK_BYTES
DATA = os.urandom(2 * BLOCK + 100_000)
TIME = 1_600_000_000_123_456_789


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """The destination."""
    (tmp_path / "place").mkdir()
    return tmp_path / "place"


class Writing:
    """A writer, and what is to be found of it."""

    def __init__(self, path: Path, place: Path, tops: dict[str, str]) -> None:
        self.path = path
        self.place = place
        self.journal = Journal(path, "room")
        self.record = self.journal.begin(7, mine=False)
        self.landing = Landing(place, "c0ffee")
        self.writer = Writer(self.journal, self.record, self.landing, tops, "this boot")

    def do(self, *jobs: Job) -> Outcome:
        return self.writer.do(jobs)

    def look(self, query: str) -> list[tuple[object, ...]]:
        with closing(sqlite3.connect(self.path)) as store:
            return store.execute(query).fetchall()

    @property
    def place_noted(self) -> tuple[object, ...]:
        return self.look("SELECT entry, block FROM transfer")[0]

    def partial(self, name: str) -> str:
        return str(self.place / f".{name}.c0ffee.visavis-part")


@pytest.fixture
def start(tmp_path: Path, place: Path) -> Iterator[Callable[..., Writing]]:
    """Start to write, with the top folders called so."""
    begun: list[Writing] = []

    def start_one(**tops: str) -> Writing:
        begun.append(Writing(tmp_path / "store" / "visavis.db", place, tops))
        return begun[-1]

    yield start_one
    for one in begun:
        one.writer.close()
        one.journal.close()


@pytest.fixture
def writing(start: Callable[..., Writing]) -> Writing:
    return start()


def small(*files: tuple[Row, bytes]) -> WriteSmall:
    return WriteSmall([(one, SmallFile(one.number, file_hash(data), memoryview(data))) for one, data in files])


def pieces(one: Row, data: bytes, length: int = 300_000) -> list[WritePiece]:
    found = []
    for piece in pieces_of(data, one.number, [length]):
        ends = (piece.offset + len(piece.data)) == BLOCK
        ends = ends or piece.block * BLOCK + piece.offset + len(piece.data) == one.size
        found.append(WritePiece(one, piece.block, piece.offset, piece.data, ends))
    return found


def finish(one: Row, data: bytes) -> FinishFile:
    return FinishFile(one, len(data), tree_hash(data))


def missed(outcome: Outcome) -> list[tuple[str, str]]:
    return [(one.path, cause) for one, cause, _ in outcome.missed]


LARGE = row(3, "top/large", len(DATA), "program", TIME)


# --- what is whole --------------------------------------------------------------------------------------------------


def test_small_files_and_folders_are_there_at_once(writing: Writing, place: Path) -> None:
    outcome = writing.do(
        MakeFolder(folder(1, "top")),
        small((row(2, "top/a", 5, modified=TIME), b"hello"), (row(3, "top/empty"), b"")),
        MakeFolder(folder(4, "top/b")),
    )
    assert outcome == Outcome(size=5, files=2)
    assert contents(place) == {"top": None, "top/a": b"hello", "top/empty": b"", "top/b": None}
    assert (place / "top/a").stat().st_mtime_ns == TIME
    assert writing.place_noted == (5, 0)


@pytest.mark.parametrize("length", [65_536, 300_000, limits.FILE_CHUNK_BYTES])
def test_a_large_file_is_hidden_until_it_is_whole(writing: Writing, place: Path, length: int) -> None:
    sizes = [writing.do(job).size for job in pieces(LARGE, DATA, length)]
    assert sum(sizes) == len(DATA)
    assert contents(place) == {".large.c0ffee.visavis-part": DATA}
    assert writing.do(finish(LARGE, DATA)) == Outcome(files=1)
    assert contents(place) == {"top": None, "top/large": DATA}
    assert (place / "top/large").stat().st_mtime_ns == TIME
    assert os.access(place / "top/large", os.X_OK)
    assert writing.place_noted == (4, 0)


@pytest.mark.parametrize("size", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1])
def test_a_stream_is_whole_when_its_size_and_hash_agree(writing: Writing, place: Path, size: int) -> None:
    stream = row(1, "stdin", None)
    outcome = writing.do(*pieces(stream, DATA[:size]), finish(stream, DATA[:size]))
    assert outcome == Outcome(size=size, files=1)
    assert contents(place) == {"stdin": DATA[:size]}


def test_top_folders_have_the_names_they_got(start: Callable[..., Writing], place: Path) -> None:
    writing = start(top="top (1)")
    writing.do(MakeFolder(folder(1, "top")), small((row(2, "top/top", 1), b"x"), (row(3, "other", 1), b"y")))
    assert contents(place) == {"top (1)": None, "top (1)/top": b"x", "other": b"y"}
    assert writing.writer.first == ("top (1)", "top")


def test_a_file_whose_name_is_taken_is_told_of(writing: Writing, place: Path) -> None:
    write(place / "a", "old")
    one = row(1, "a", 3)
    outcome = writing.do(small((one, b"new")))
    assert outcome == Outcome(size=3, files=1, renamed=[(one, "a (1)")])
    assert contents(place) == {"a": b"old", "a (1)": b"new"}
    assert writing.writer.first == ("a (1)",)


def test_folders_get_their_times_when_all_is_in_them(writing: Writing, place: Path) -> None:
    folders = [folder(1, "top", TIME), folder(2, "top/in", TIME + 1)]
    writing.do(*map(MakeFolder, folders), small((row(3, "top/in/a", 1), b"x")))
    writing.writer.set_folder_times(reversed(folders))
    assert [os.stat(place / one.path).st_mtime_ns for one in folders] == [TIME, TIME + 1]


# --- what is not ----------------------------------------------------------------------------------------------------


def test_a_small_file_whose_hash_differs_is_not_kept_and_the_others_are(writing: Writing, place: Path) -> None:
    bad = row(2, "bad", 5)
    (good,) = small((row(1, "a", 1), b"x")).files
    (other,) = small((row(3, "c", 1), b"y")).files
    altered = WriteSmall([good, (bad, SmallFile(2, file_hash(b"other"), memoryview(b"hello"))), other])
    outcome = writing.do(altered)
    assert (outcome.size, outcome.files, missed(outcome)) == (2, 2, [("bad", "hash")])
    assert contents(place) == {"a": b"x", "c": b"y"}


@pytest.mark.parametrize(
    "end",
    [
        finish(LARGE, DATA[:-1] + b"?"),
        FinishFile(LARGE, len(DATA) - 1, tree_hash(DATA)),
        FinishFile(LARGE, len(DATA), bytes(32)),
        FinishFile(LARGE, len(DATA), tree_hash(DATA[:BLOCK])),
    ],
    ids=["a byte differs", "the size differs", "nought", "of a part"],
)
def test_a_large_file_whose_hash_differs_stays_hidden(writing: Writing, place: Path, end: FinishFile) -> None:
    outcome = writing.do(*pieces(LARGE, DATA), end, small((row(4, "next", 1), b"x")))
    assert missed(outcome) == [("top/large", "hash")]
    assert (outcome.files, outcome.kept) == (1, writing.partial("large"))
    assert contents(place) == {".large.c0ffee.visavis-part": DATA, "next": b"x"}


def test_a_stream_that_lost_its_end_is_not_whole(writing: Writing, place: Path) -> None:
    stream = row(1, "stdin", None)
    outcome = writing.do(*pieces(stream, DATA[:100]), finish(stream, DATA[:101]))
    assert missed(outcome) == [("stdin", "hash")]
    assert contents(place) == {".stdin.c0ffee.visavis-part": DATA[:100]}


def test_what_came_of_a_file_that_is_given_up_is_kept(writing: Writing, place: Path) -> None:
    outcome = writing.do(*pieces(LARGE, DATA[:BLOCK]), GiveUp(LARGE, "changed"), small((row(4, "next", 1), b"x")))
    assert (missed(outcome), outcome.kept) == ([("top/large", "changed")], writing.partial("large"))
    assert contents(place) == {".large.c0ffee.visavis-part": DATA[:BLOCK], "next": b"x"}
    assert writing.place_noted == (5, 0)


def test_of_a_file_that_did_not_begin_nothing_is_kept(writing: Writing, place: Path) -> None:
    outcome = writing.do(GiveUp(LARGE, "gone"))
    assert (missed(outcome), outcome.kept) == ([("top/large", "gone")], "")
    assert contents(place) == {}


def test_a_file_that_is_given_up_does_not_spoil_the_next(writing: Writing, place: Path) -> None:
    other = row(4, "other", len(DATA))
    writing.do(*pieces(LARGE, DATA[: BLOCK + 5])[:-1], GiveUp(LARGE, "changed"))
    assert writing.do(*pieces(other, DATA), finish(other, DATA)).files == 1
    assert contents(place)["other"] == DATA


def test_what_has_no_place_is_missed_and_the_others_go_on(writing: Writing, place: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (place / "top").symlink_to(tmp_path / "outside")
    outcome = writing.do(
        MakeFolder(folder(1, "top")),
        small((row(2, "top/a", 1), b"x")),
        *pieces(LARGE, DATA),
        finish(LARGE, DATA),
        small((row(4, "next", 1), b"x")),
    )
    assert missed(outcome) == [("top", "not-folder"), ("top/a", "not-folder"), ("top/large", "not-folder")]
    assert outcome.files == 1
    assert (place / "next").exists()
    assert contents(tmp_path / "outside") == {}


@pytest.mark.parametrize("end", [finish(LARGE, DATA), GiveUp(LARGE, "changed")], ids=["came whole", "given up"])
def test_a_file_that_can_not_begin_is_missed_once_and_passed_over(
    writing: Writing, place: Path, monkeypatch: pytest.MonkeyPatch, end: Job
) -> None:
    monkeypatch.setattr(limits, "NAME_TRIES", 1)
    write(place / ".large.c0ffee.visavis-part", "earlier")
    outcomes = [writing.do(job) for job in [*pieces(LARGE, DATA), end]]
    assert [found for outcome in outcomes for found in missed(outcome)] == [("top/large", "no-name")]
    assert sum(outcome.size + outcome.files for outcome in outcomes) == 0
    assert contents(place) == {".large.c0ffee.visavis-part": b"earlier"}
    assert writing.do(small((row(4, "next", 1), b"x"))).files == 1


def test_when_the_destination_is_gone_it_is_over(writing: Writing, place: Path) -> None:
    writing.do(*pieces(LARGE, DATA))
    shutil.rmtree(place)
    for job in (finish(LARGE, DATA), small((row(4, "a", 1), b"x")), MakeFolder(folder(5, "b"))):
        with pytest.raises(LandingError, match="folder-missing"):
            writing.do(job)
    assert writing.writer.close() == ""


def test_closing_says_what_stays(writing: Writing, place: Path) -> None:
    writing.do(pieces(LARGE, DATA)[0])
    assert writing.writer.close() == writing.partial("large")
    assert writing.writer.close() == ""
    assert contents(place) == {".large.c0ffee.visavis-part": DATA[:300_000]}


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
    writer.do([MakeFolder(folder(9, "top")), *pieces(large, DATA[:60_000], 50_000)])
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
