"""A writer, and what is to be found of it: what the tests of writing share."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from actors.files.landing import Landing
from actors.files.packets import SmallFile
from actors.files.tree import file_hash
from actors.files.writing import FinishFile, Job, Outcome, WritePiece, Writer, WriteSmall
from actors.store.journal import Journal, Row
from relay import limits
from tests.actors.files.support import folder, pieces_of, row, tree_hash

BLOCK = limits.BLOCK_BYTES
DATA = os.urandom(2 * BLOCK + 100_000)
TIME = 1_600_000_000_123_456_789


class Writing:
    """A writer, and what is to be found of it."""

    def __init__(self, path: Path, place: Path, tops: dict[str, str]) -> None:
        self.path = path
        self.place = place
        self.journal = Journal(path, "room")
        self.record = self.journal.begin(7, mine=False)
        self.landing = Landing(place, "c0ffee")
        self.writer = Writer(self.journal, self.record, self.landing, tops, "this boot")

    def listed(self, *rows: Row) -> None:
        """Have these on the list of the journal."""
        self.journal.add(self.record, rows)

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
MANY = [folder(1, "top")] + [
    folder(number, f"top/{number}") if number % 2 else row(number, f"top/{number}", 1) for number in range(2, 3001)
]
