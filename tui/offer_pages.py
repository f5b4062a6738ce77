"""A peer's list as one looks through it: pages as they are scrolled to, and what of it is marked. No I/O."""

from collections import OrderedDict
from collections.abc import Iterable
from typing import Final

from actors.messages import OfferEntry
from relay import limits

PAGE_ENTRIES: Final = 200
PAGES_KEPT: Final = 50  # ten thousand entries; more are asked for again


class OfferPages:
    """The entries of one list, from 0. `total` are known of; `whole` tells whether more come."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.whole = False
        self.began = False  # laid out, so that it is known how much is in view
        self._pages: OrderedDict[int, tuple[OfferEntry, ...]] = OrderedDict()
        self._asked: set[int] = set()

    def take(self, entries: tuple[OfferEntry, ...], total: int, whole: bool) -> None:
        """Keep what an answer brought."""
        self.total, self.whole = total, whole
        if not entries:
            self._asked.clear()
            return
        page = (entries[0].number - 1) // PAGE_ENTRIES
        self._asked.discard(page)
        self._pages[page] = entries
        self._pages.move_to_end(page)
        while len(self._pages) > PAGES_KEPT:
            self._pages.popitem(last=False)

    def entry(self, index: int) -> OfferEntry | None:
        """Return the entry, or None while its page is not here."""
        page, place = divmod(index, PAGE_ENTRIES)
        entries = self._pages.get(page, ())
        return entries[place] if place < len(entries) else None

    def missing(self, first: int, last: int) -> list[int]:
        """Return the numbers (from 1) to ask from, so that entries `first` to `last` come; each is told once."""
        asks = []
        for page in range(max(0, first) // PAGE_ENTRIES, max(0, min(last, self.total - 1)) // PAGE_ENTRIES + 1):
            here = len(self._pages.get(page, ()))
            wanted = min(PAGE_ENTRIES, self.total - page * PAGE_ENTRIES)
            if (here < wanted or here == 0) and page not in self._asked:
                self._asked.add(page)
                asks.append(page * PAGE_ENTRIES + 1)
        return asks

    def ask_again(self) -> None:
        """Forget what was asked for: its answer may be lost."""
        self._asked.clear()


class Marks:
    """Paths that are marked; a folder's mark holds for all under it."""

    def __init__(self) -> None:
        self._paths: dict[str, None] = {}

    def __len__(self) -> int:
        return len(self._paths)

    @property
    def paths(self) -> tuple[str, ...]:
        """The marked paths; those under a marked folder are not named again."""
        return tuple(path for path in self._paths if not self._above(path))

    def holds(self, path: str) -> bool:
        """Tell whether `path` is marked, itself or by a folder above it."""
        return path in self._paths or self._above(path) is not None

    def toggle(self, path: str) -> bool:
        """Mark `path`, or take its mark away; return False if marks are full, or if a folder that is marked holds it:
        that folder's mark is taken away where the folder stands."""
        if path in self._paths:
            del self._paths[path]
            return True
        if self._above(path) is not None:
            return False
        if len(self._paths) >= limits.PART_PATTERNS:
            return False
        self._paths[path] = None
        return True

    def _above(self, path: str) -> str | None:
        return next((folder for folder in _folders(path) if folder in self._paths), None)


def _folders(path: str) -> Iterable[str]:
    at = path.rstrip("/").rfind("/")
    while at > 0:
        yield path[:at]
        at = path.rfind("/", 0, at)
