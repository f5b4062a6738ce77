"""One offer of the peer's: what becomes of it when it can't be kept."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio

from actors.files.incoming import Incoming
from actors.files.packets import Entry, ListPage, Piece, SmallFile, SmallFiles
from actors.files.tree import file_hash
from actors.messages import AnswerOffer
from actors.peer import Answer, FileMessage, Offer, Stop
from actors.store.journal import Journal
from tests.support import eventually

LARGE = 1_000_000


class Receiving:
    """An offer of a small and of a large file, and what is said to the peer of it."""

    def __init__(self, journal: Journal) -> None:
        self.said: list[FileMessage] = []
        record = journal.begin(1, mine=False)
        offer = Offer(1, 2, 0, 5 + LARGE, ("a", "b"))
        self.incoming = Incoming(offer, journal, record, lambda event: None, self.said.append, lambda incoming: None)

    @asynccontextmanager
    async def accepted(self, folder: Path) -> AsyncIterator[None]:
        """Accept it; wait at the end until nothing works for it."""
        entries = [Entry("a", "file", 5, 0), Entry("b", "file", LARGE, 0)]
        await self.incoming.take_list(ListPage(1, 1, True, entries))
        async with trio.open_nursery() as nursery:
            answer = AnswerOffer(1, True, folder=str(folder))
            nursery.start_soon(self.incoming.accept, answer, lambda cause, detail: pytest.fail(cause))
            await eventually(lambda: self.said == [Answer(1)])
            yield

    async def take_small(self) -> None:
        await self.incoming.take(SmallFiles(1, [SmallFile(1, file_hash(b"hello"), memoryview(b"hello"))]))

    def end(self) -> tuple[str, str]:
        now = self.incoming.shown.now
        return now.state, now.cause


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "place").mkdir()
    return tmp_path / "place"


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
        await receiving.incoming.take(Piece(1, 2, 0, 0, memoryview(bytes(LARGE))))
    assert receiving.end() == ("failed", "journal")
    assert isinstance(receiving.said[-1], Stop)
    assert receiving.incoming.shown.now.partial == str(next(place.glob(".b.*.visavis-part")))


async def test_what_is_out_of_step_fails_and_the_peer_is_told(journal: Journal, place: Path) -> None:
    receiving = Receiving(journal)
    async with receiving.accepted(place):
        await receiving.incoming.take(Piece(1, 2, 0, 0, memoryview(bytes(LARGE))))
    assert receiving.end() == ("failed", "out-of-step")
    assert receiving.said[-1] == Stop(1, "out-of-step", "entry 2 where 1 should be")
