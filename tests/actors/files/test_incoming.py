"""One offer of the peer's: what becomes of it when it can't be kept."""

import os
import shutil
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio
import trio.testing

from actors.files.incoming import Incoming
from actors.files.landing import Landing
from actors.files.packets import Entry, ListPage, Piece, SmallFile, SmallFiles
from actors.files.tree import file_hash
from actors.messages import AnswerOffer, Event, TransferChanged
from actors.peer import Answer, Done, FileMessage, Offer, Stop
from actors.store.journal import Journal
from tests.actors.files.support import contents
from tests.support import eventually

LARGE = 1_000_000
FILES = [Entry("a", "file", 5, 0), Entry("b", "file", LARGE, 0)]


class Receiving:
    """An offer of a small and of a large file, and what is said to the peer of it."""

    def __init__(
        self, journal: Journal, entries: Sequence[Entry] = FILES, others: Sequence[tuple[str, int]] = ()
    ) -> None:
        self.said: list[FileMessage] = []
        self.states: list[str] = []
        self.entries = list(entries)
        folders = sum(entry.kind == "folder" for entry in entries)
        size = sum(entry.size or 0 for entry in entries)
        offer = Offer(1, len(entries) - folders, folders, size, tuple(entry.path for entry in entries[:1]))
        record = journal.begin(1, mine=False)
        self.incoming = Incoming(
            offer, journal, record, self._note, self.said.append, lambda incoming: None, lambda: list(others)
        )

    def _note(self, event: Event) -> None:
        if isinstance(event, TransferChanged) and event.transfer.state not in self.states[-1:]:
            self.states.append(event.transfer.state)

    async def take_list(self) -> None:
        await self.incoming.take_list(ListPage(1, 1, True, self.entries))

    async def accept(self, folder: Path) -> tuple[str, str] | None:
        """Accept it; return why that can't be."""
        refused: list[tuple[str, str]] = []
        await self.incoming.accept(AnswerOffer(1, True, folder=str(folder)), lambda *why: refused.append(why))
        return refused[0] if refused else None

    @asynccontextmanager
    async def accepted(self, folder: Path) -> AsyncIterator[None]:
        """Accept it; wait at the end until nothing works for it."""
        await self.take_list()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.accept, folder)
            await eventually(lambda: self.said == [Answer(1)])
            yield

    @asynccontextmanager
    async def cut_off(self, folder: Path) -> AsyncIterator[None]:
        """Accept it; at the end the call is over, and its tasks are cancelled."""
        async with trio.open_nursery() as nursery:
            await self.take_list()
            nursery.start_soon(self.accept, folder)
            await eventually(lambda: self.said == [Answer(1)])
            yield
            self.incoming.end_with_call()
            nursery.cancel_scope.cancel()

    async def take_large(self) -> None:
        await self.incoming.take(Piece(1, 2, 0, 0, memoryview(bytes(LARGE))))

    async def take_small(self) -> None:
        await self.incoming.take(SmallFiles(1, [SmallFile(1, file_hash(b"hello"), memoryview(b"hello"))]))

    def end(self) -> tuple[str, str]:
        now = self.incoming.shown.now
        return now.state, now.cause


async def test_when_the_destination_vanishes_it_fails_and_the_peer_is_told(journal: Journal, place: Path) -> None:
    receiving = Receiving(journal)
    async with receiving.accepted(place):
        shutil.rmtree(place)
        await receiving.take_small()
    assert receiving.end() == ("failed", "folder-missing")
    assert receiving.said == [Answer(1), Stop(1, "folder-missing")]


async def test_when_the_journal_can_not_be_written_it_fails_and_the_peer_is_told(journal: Journal, place: Path) -> None:
    receiving = Receiving(journal)
    async with receiving.accepted(place):
        await receiving.take_small()
        await eventually(lambda: receiving.incoming.shown.now.moved_files == 1)
        journal.close()
        await receiving.take_large()
    assert receiving.end() == ("failed", "journal")
    assert isinstance(receiving.said[-1], Stop)
    assert receiving.incoming.shown.now.partial == str(next(place.glob(".b.*.visavis-part")))


async def test_what_is_out_of_step_fails_and_the_peer_is_told(journal: Journal, place: Path) -> None:
    receiving = Receiving(journal)
    async with receiving.accepted(place):
        await receiving.take_large()
    assert receiving.end() == ("failed", "out-of-step")
    assert receiving.said[-1] == Stop(1, "out-of-step", "entry 2 where 1 should be")


# --- room -----------------------------------------------------------------------------------------------------------


async def test_what_else_is_coming_needs_its_room_too(journal: Journal, place: Path, tmp_path: Path) -> None:
    receiving = Receiving(journal, others=[(str(tmp_path), 2**61)])
    await receiving.take_list()
    cause, detail = await receiving.accept(place) or ("", "")
    assert (cause, detail.split()[0]) == ("no-space", str(2**61 + 5 + LARGE))
    assert receiving.incoming.shown.now.state == "offered"  # it may go elsewhere
    assert receiving.said == []
    assert receiving.incoming.idle


# --- what is over ---------------------------------------------------------------------------------------------------

ENDS = pytest.mark.parametrize(
    ("end", "ended"),
    [
        (Incoming.cancel, ("cancelled", "cancelled")),
        (lambda incoming: incoming.fail("out-of-step"), ("failed", "out-of-step")),
        (lambda incoming: incoming.stopped(Stop(1, "cancelled")), ("cancelled", "cancelled")),
        (lambda incoming: incoming.stopped(Stop(1, "source-gone")), ("failed", "source-gone")),
        (Incoming.end_with_call, ("failed", "call-over")),
    ],
    ids=["cancelled here", "failed here", "cancelled there", "failed there", "the call is over"],
)


@ENDS
async def test_it_does_not_come_to_life_again(
    journal: Journal, place: Path, end: Callable[[Incoming], None], ended: tuple[str, str]
) -> None:
    receiving = Receiving(journal)
    async with receiving.accepted(place):
        await receiving.take_small()
        await eventually(lambda: receiving.incoming.shown.now.moved_files == 1)
        end(receiving.incoming)
        said = list(receiving.said)
        await receiving.take_large()
        receiving.incoming.cancel()
        receiving.incoming.refuse()
        receiving.incoming.fail("protocol")
        receiving.incoming.stopped(Stop(1, "protocol"))
        receiving.incoming.end_with_call()
    assert await receiving.accept(place) is None
    assert receiving.end() == ended
    assert receiving.said == said
    assert receiving.states == ["offered", "waiting", "moving", ended[0]]
    assert contents(place) == {"a": b"hello"}
    assert receiving.incoming.idle


@ENDS
async def test_one_that_ended_before_it_was_listed_is_not_accepted(
    journal: Journal, place: Path, end: Callable[[Incoming], None], ended: tuple[str, str]
) -> None:
    receiving = Receiving(journal)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(receiving.accept, place)
        await trio.testing.wait_all_tasks_blocked()
        end(receiving.incoming)
    await receiving.take_list()
    assert receiving.end() == ended
    assert not any(isinstance(said, Answer | Done) for said in receiving.said)
    assert contents(place) == {}


async def test_of_what_is_closed_there_is_no_list(journal: Journal) -> None:
    receiving = Receiving(journal)
    await receiving.take_list()
    rows, count, whole = await receiving.incoming.entries(1, 10)
    assert ([row.path for row in rows], count, whole) == (["a", "b"], 2, True)
    receiving.incoming.refuse()
    receiving.incoming.closed = True
    assert await receiving.incoming.entries(1, 10) == ([], 0, False)


# --- an end while a thread works ------------------------------------------------------------------------------------


class Gate:
    """Holds the thread that calls it until it is opened."""

    def __init__(self) -> None:
        self._entered, self._opened = threading.Event(), threading.Event()

    def hold(self) -> None:
        self._entered.set()
        assert self._opened.wait(60)

    async def reached(self) -> None:
        await eventually(self._entered.is_set)

    def open(self) -> None:
        self._opened.set()


@pytest.fixture
def gate() -> Iterator[Gate]:
    one = Gate()
    yield one
    one.open()


def held(gate: Gate, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Hold this method of Landing before it does anything."""
    really = getattr(Landing, name)

    def method(*arguments: object, **options: object) -> object:
        gate.hold()
        return really(*arguments, **options)

    monkeypatch.setattr(Landing, name, method)


async def take_and_hold(receiving: Receiving, gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the small file whole, and of the large one what a thread is about to write."""
    await receiving.take_small()
    await eventually(lambda: receiving.incoming.shown.now.moved_files == 1)
    held(gate, monkeypatch, "write")
    await receiving.take_large()
    await gate.reached()


def assert_large_kept(receiving: Receiving, place: Path) -> None:
    kept = Path(receiving.incoming.shown.now.partial)
    assert kept.parent == place
    assert kept.stat().st_size == LARGE


def open_files() -> int:
    return len(os.listdir("/dev/fd"))


async def test_an_end_waits_for_the_thread_that_writes(
    journal: Journal, place: Path, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = open_files()
    receiving = Receiving(journal)
    async with receiving.accepted(place):
        await take_and_hold(receiving, gate, monkeypatch)
        receiving.incoming.cancel()
        await trio.testing.wait_all_tasks_blocked(0.05)
        assert not receiving.incoming.idle  # its thread has the file open
        gate.open()
    assert receiving.incoming.idle
    assert receiving.end() == ("cancelled", "cancelled")
    assert receiving.said == [Answer(1), Stop(1, "cancelled")]
    assert_large_kept(receiving, place)
    assert open_files() == before


async def test_a_thread_that_a_dead_disk_holds_is_left_behind_with_the_call(
    journal: Journal, place: Path, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("actors.files.incoming.LEAVE_SECONDS", 0.01)
    receiving = Receiving(journal)
    held(gate, monkeypatch, "write")
    async with receiving.cut_off(place):
        await receiving.take_small()
        await gate.reached()
    assert receiving.end() == ("failed", "call-over")
    assert receiving.incoming.shown.now.partial == ""


async def test_what_is_there_is_told_though_its_thread_worked_when_the_call_ended(
    journal: Journal, place: Path, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = open_files()
    receiving = Receiving(journal)
    async with receiving.cut_off(place):
        await take_and_hold(receiving, gate, monkeypatch)
        opening = threading.Timer(0.05, gate.open)
        opening.start()
    opening.join()
    assert_large_kept(receiving, place)
    assert open_files() == before


async def test_an_end_while_a_list_of_folders_is_made_leaves_the_others(
    journal: Journal, place: Path, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = [Entry("top", "folder", 0, 0), *(Entry(f"top/{number}", "folder", 0, 0) for number in range(2500))]
    receiving = Receiving(journal, folders)
    held(gate, monkeypatch, "make_folder")
    async with receiving.accepted(place):
        await gate.reached()
        receiving.incoming.cancel()
        gate.open()
    assert receiving.said == [Answer(1), Stop(1, "cancelled")]  # and no Done
    assert receiving.states[-1] == "cancelled"
    assert len(contents(place)) <= 1001


@ENDS
async def test_an_end_while_folders_get_their_times_is_no_done(
    journal: Journal,
    place: Path,
    gate: Gate,
    monkeypatch: pytest.MonkeyPatch,
    end: Callable[[Incoming], None],
    ended: tuple[str, str],
) -> None:
    before = open_files()
    receiving = Receiving(journal, [Entry("top", "folder", 0, 0), Entry("top/in", "folder", 0, 0)])
    held(gate, monkeypatch, "set_time")
    async with receiving.accepted(place):
        await gate.reached()
        end(receiving.incoming)
        await trio.testing.wait_all_tasks_blocked(0.05)
        assert not receiving.incoming.idle
        gate.open()
    assert receiving.end() == ended
    assert not any(isinstance(said, Done) for said in receiving.said)
    assert open_files() == before


async def test_an_end_while_its_place_is_made_takes_the_folders_back(
    journal: Journal, place: Path, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = open_files()
    receiving = Receiving(journal, [Entry("top", "folder", 0, 0), Entry("top/a", "file", 5, 0)])
    await receiving.take_list()
    held(gate, monkeypatch, "make_top")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(receiving.accept, place)
        await gate.reached()
        receiving.incoming.cancel()
        gate.open()
    assert receiving.said == [Stop(1, "cancelled")]
    assert receiving.states == ["offered", "cancelled"]
    assert contents(place) == {}
    assert open_files() == before


async def test_where_nothing_came_no_top_folder_stays(journal: Journal, place: Path) -> None:
    receiving = Receiving(journal, [Entry("top", "folder", 0, 0), Entry("top/a", "file", 5, 0)])
    async with receiving.accepted(place):
        assert contents(place) == {"top": None}
        receiving.incoming.cancel()
    assert contents(place) == {}


async def test_when_all_has_come_it_is_done(journal: Journal, place: Path) -> None:
    receiving = Receiving(journal, FILES[:1])
    async with receiving.accepted(place):
        await receiving.take_small()
    assert receiving.end() == ("done", "")
    assert receiving.said == [Answer(1), Done(1, 1, 5, 0)]
    receiving.incoming.cancel()
    assert receiving.end() == ("done", "")
    assert contents(place) == {"a": b"hello"}
