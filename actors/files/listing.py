"""Takes a list as it comes: every name through the name function, every number held against the offer.

Blocks on the journal: for a thread.
"""

from typing import Final

from actors.ends import NamedEnd
from actors.files.names import BadPathError, clean_path, numbered
from actors.files.packets import Entry, ListPage
from actors.peer import Offer
from actors.store.journal import Journal, Row
from relay import limits

ROW_BYTES: Final = 64  # of a row in the journal, beside its path


class ListError(NamedEnd):
    """The list is not what the offer said ("list-differs"), or none that a Visavis makes ("protocol")."""


class Listing:
    """The list of one offer, into the journal's record `record`. One thread at a time."""

    def __init__(self, journal: Journal, record: int, offer: Offer) -> None:
        self.count = 0  # entries that are here
        self.whole = False
        self.bytes = 0  # what it takes in the journal, about
        self._journal = journal
        self._record = record
        self._offer = offer
        self._folders = 0
        self._size: int | None = 0  # summed here: of a peer's lies the journal's sum may overflow
        self._tops: set[str] = set()
        self._way: list[tuple[str, str]] = []  # the folders round the next entry: as they came, as they will be

    def take(self, page: ListPage) -> None:
        """Take the next entries. Raises `ListError` and `StoreError`."""
        if self.whole or page.first != self.count + 1:
            raise ListError("protocol", f"entry {page.first} where {self.count + 1} should be")
        if self.count + len(page.entries) > self._offer.files + self._offer.folders:
            raise ListError("list-differs")
        new: set[str] = set()
        rows = []
        for number, entry in enumerate(page.entries, page.first):
            path = self._place(entry, new)
            new.add(path)
            self.bytes += 2 * len(path.encode()) + ROW_BYTES
            rows.append(Row(number, path, entry.kind, entry.size, entry.modified))
            self._folders += entry.kind == "folder"
            self._size = None if self._size is None or entry.size is None else self._size + entry.size
        self._journal.add(self._record, rows)
        self.count += len(rows)
        if page.whole:
            self._check_totals()
            self.whole = True

    def _check_totals(self) -> None:
        offer = self._offer
        if (self.count - self._folders, self._folders, self._size) != (offer.files, offer.folders, offer.size):
            raise ListError("list-differs")

    def _place(self, entry: Entry, new: set[str]) -> str:
        """Return where the entry will be, as no other of the list."""
        if entry.kind == "stream" and self._offer.files + self._offer.folders > 1:
            raise ListError("protocol", "a stream beside others")
        if (entry.kind == "stream") != (entry.size is None) or (entry.kind == "folder" and entry.size):
            raise ListError("protocol", f"a {entry.kind} of {entry.size} bytes")
        above, _, _ = entry.path.rpartition("/")
        while self._way and self._way[-1][0] != above:
            self._way.pop()
        try:
            parts = clean_path(entry.path)
        except BadPathError as error:
            raise ListError("protocol", error.code) from None
        folder = self._way[-1][1] if self._way else "/".join(parts[:-1])
        path = self._free(folder, parts[-1], new)
        top = path.partition("/")[0]
        self._tops.add(top)
        if len(self._tops) > limits.OFFER_PATHS:
            raise ListError("protocol", f"over {limits.OFFER_PATHS} names at the top")
        if entry.kind == "folder":
            self._way.append((entry.path, path))
        return path

    def _free(self, folder: str, name: str, new: set[str]) -> str:
        for number in range(limits.NAME_TRIES):
            tried = numbered(name, number) if number else name
            path = f"{folder}/{tried}" if folder else tried
            if path not in new and not self._journal.has_path(self._record, path):
                return path
        raise ListError("protocol", "the same name again and again")
