"""Goes through the entries of a list, all of them or those that were taken, page by page. Blocks: for a thread."""

from collections.abc import Iterator
from typing import Final

from actors.files.selection import Runs
from actors.store.journal import Journal, Row
from relay import limits

PAGE: Final = 2000


def rows_of(
    journal: Journal, record: int, runs: Runs | None, first: int = 1, last: int = limits.OFFER_ENTRIES
) -> Iterator[Row]:
    """Yield the entries from number `first` to `last` that are in `runs`, all of them for None. Raises `StoreError`."""
    while first <= last and (rows := journal.entries(record, first, min(PAGE, last - first + 1))):
        first = rows[-1].number + 1
        yield from (row for row in rows if runs is None or row.number in runs)


def folders_inside_out(journal: Journal, record: int, runs: Runs | None) -> Iterator[Row]:
    """Yield the folders in `runs`, all of them for None, what lies in one before that one. Raises `StoreError`."""
    before = limits.OFFER_ENTRIES + 1
    while rows := journal.folders_backwards(record, before, PAGE):
        before = rows[-1].number
        yield from (row for row in rows if runs is None or row.number in runs)


def first_names(journal: Journal, record: int, runs: Runs | None) -> tuple[str, ...]:
    """Return the paths of the first entries in `runs`, those of folders with a slash: at most OFFER_NAMES, and as many
    as OFFER_NAMES_BYTES hold. Raises `StoreError`."""
    names: list[str] = []
    room = limits.OFFER_NAMES_BYTES
    for row in rows_of(journal, record, runs):
        room -= len(row.path.encode())
        if room < 0 or len(names) == limits.OFFER_NAMES:
            break
        names.append(row.path + "/" * (row.kind == "folder"))
    return tuple(names)
