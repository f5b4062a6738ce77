"""The conversation as rows of terminal cells: entries, their wrapping, their marks. No I/O, no clock, no Textual.

A row has four parts: time, who, a piece of the text, and in the last row of an entry the mark. Rows are numbered from
0 at the top of what is kept.
"""

import bisect
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Literal

from rich.cells import cell_len

from actors.messages import Line, Mark
from relay import limits
from relay.visible import visible
from tui.cells import cut_cells, fit_cells, plain_cells, wrap_cells
from tui.words.catalogue import say

Kind = Literal["mine", "peer", "note", "day", "gone"]

LINES_KEPT: Final = limits.CONVERSATION_LINES
TRIM_LINES: Final = 500  # dropped at a time, so that dropping is rare
TEXT_MAX_CELLS: Final = 100  # the eye does not find back over longer rows
TIME_CELLS: Final = 6  # HH:MM and a space
MARK_CELLS: Final = 3
MARKS: Final[dict[Mark, str]] = {"queued": "…", "sent": "✓", "delivered": "✓✓", "received": ""}
_RANK: Final[dict[Mark, int]] = {"queued": 0, "sent": 1, "delivered": 2, "received": 2}


@dataclass(slots=True, eq=False)
class Entry:
    """One message, or one note of the screen's own.

    `rows` are (start, end) in the characters of `text`; `top` is its first row, counted since the beginning.
    """

    id: str
    kind: Kind
    at: float
    text: str
    mark: Mark = "received"
    rows: list[tuple[int, int]] = field(default_factory=list)
    top: int = 0


@dataclass(frozen=True, slots=True)
class Row:
    """One row as it is shown: its parts' joined text is exactly as wide as asked."""

    kind: Kind
    time: str
    who: str
    text: str
    mark: str

    @property
    def whole(self) -> str:
        """The row's text."""
        return self.time + self.who + self.text + self.mark


class Conversation:
    """What was said, kept as rows for one width.

    `put` adds or changes a line, `mark` says which row to paint again, `resize` wraps everything anew. Times are UNIX
    seconds; a day is named when it is not that of the entry before, or of `opened_at`.
    """

    def __init__(self, opened_at: float, width: int = 80) -> None:
        self.entries: list[Entry] = []
        self.dropped = 0
        self.me, self.peer = say("who-you"), say("who-peer")
        self._by_id: dict[str, Entry] = {}
        self._first_row = 0  # number of rows dropped at the front
        self._width = width
        self._opened_at = opened_at
        self._measure()

    @property
    def width(self) -> int:
        """The cells of a row."""
        return self._width

    @property
    def height(self) -> int:
        """Rows in all."""
        if not self.entries:
            return 0
        last = self.entries[-1]
        return last.top + len(last.rows) - self._first_row

    def __contains__(self, line_id: str) -> bool:
        return line_id in self._by_id

    def put(self, lines: Iterable[Line]) -> int:
        """Add `lines`, or give those that are here their marks; return how many are new."""
        new = 0
        for line in lines:
            if line.id in self._by_id:
                self.mark(line.id, line.mark)
                continue
            entry = Entry(line.id, "mine" if line.mine else "peer", line.at, shown(line.text), line.mark)
            self._by_id[line.id] = entry
            self._add(entry)
            new += 1
        return new

    def note(self, text: str, at: float) -> None:
        """Add a sentence of the screen's own: dim, without a mark. Nothing said adds nothing."""
        if text:
            self._add(Entry("", "note", at, shown(text)))

    def mark(self, line_id: str, mark: Mark) -> int | None:
        """Give a line its mark; return the row to paint again, None if nothing changed."""
        entry = self._by_id.get(line_id)
        if entry is None or _RANK[mark] <= _RANK[entry.mark]:
            return None
        entry.mark = mark
        return entry.top + len(entry.rows) - 1 - self._first_row

    def drop_older(self, count: int) -> None:
        """Say that the engine no longer keeps `count` older lines."""
        if count > self.dropped:
            self.dropped = count
            self._say_dropped()
            self._rewrap()

    def trim(self) -> int:
        """Drop the oldest entries over the limit; return by how many rows everything moved up."""
        surplus = len(self.entries) - LINES_KEPT
        if surplus < TRIM_LINES:
            return 0
        before = self.height
        for entry in self.entries[:surplus]:
            if self._by_id.pop(entry.id, None):
                self.dropped += 1
        del self.entries[:surplus]
        self._first_row = self.entries[0].top
        self._say_dropped()
        self._place_first()
        return before - self.height

    def resize(self, width: int) -> None:
        """Wrap everything for rows of `width` cells."""
        if width != self._width:
            self._width = width
            self._rewrap()

    def rename(self, peer: str) -> None:
        """Call the peer so from now on, in the older lines too: it is one person."""
        self.peer = plain_cells(visible(peer)).strip() or say("who-peer")
        before = self._who_cells
        self._measure()
        if self._who_cells != before:
            self._rewrap()

    def row(self, number: int) -> Row | None:
        """Return the row, or None past the end."""
        if not 0 <= number < self.height:
            return None
        entry = self._entry(number)
        return self._row(entry, number - self._row_of(entry))

    def anchor(self, number: int) -> tuple[Entry, int] | None:
        """Return what stands at the top of this row, to be found again by `row_at` after wrapping anew."""
        if not 0 <= number < self.height:
            return None
        entry = self._entry(number)
        return entry, entry.rows[number - self._row_of(entry)][0]

    def row_at(self, anchor: tuple[Entry, int]) -> int:
        """Return the row where `anchor` stands now."""
        entry, character = anchor
        index = bisect.bisect_right(entry.rows, character, key=lambda row: row[0]) - 1
        return self._row_of(entry) + max(0, index)

    def text_between(self, start: tuple[int, int], end: tuple[int, int]) -> str:
        """Return what stands from (row, character) to (row, character), for the clipboard.

        Rows that were wrapped are whole again. An entry taken from its beginning brings its time and name along when
        the time is part of what was marked.
        """
        pieces: list[str] = []
        first, last = max(0, start[0]), min(end[0], self.height - 1)
        number = first
        while number <= last:
            entry = self._entry(number)
            top = self._row_of(entry)
            bottom = min(last, top + len(entry.rows) - 1)
            begin, finish = entry.rows[number - top][0], entry.rows[bottom - top][1]
            head = self._head(entry)
            if number == start[0]:
                begin = self._offset(entry, number - top, start[1])
                head = head[start[1] :] if number == top else ""
            if bottom == end[0]:
                finish = self._offset(entry, bottom - top, end[1])
                head = head[: max(0, end[1] - start[1])] if number == start[0] == end[0] else head
            pieces.append(head + entry.text[begin:finish])
            number = bottom + 1
        return "\n".join(piece.rstrip() for piece in pieces)

    def _offset(self, entry: Entry, index: int, character: int) -> int:
        """Return which character of the entry's text stands at this character of its row."""
        start, end = entry.rows[index]
        head = self._head(entry)
        return min(end, start + max(0, character - (cell_len(head) if index else len(head))))

    def _head(self, entry: Entry) -> str:
        """Return time and name, as they stand in front of an entry's first row."""
        if entry.kind in ("day", "gone"):
            return ""
        when = fit_cells(_clock(entry.at), TIME_CELLS)
        if entry.kind == "note":
            return when
        name = self.me if entry.kind == "mine" else self.peer
        return when + fit_cells(cut_cells(name, self._who_cells - 2), self._who_cells)

    # --- inside

    def _add(self, entry: Entry) -> None:
        last = self.entries[-1] if self.entries else None
        if _day(entry.at) != _day(last.at if last else self._opened_at) and not (last and last.kind == "gone"):
            self._append(Entry("", "day", entry.at, _day_words(entry.at)))
        self._append(entry)

    def _append(self, entry: Entry) -> None:
        entry.top = self._first_row + self.height
        entry.rows = self._wrap(entry)
        self.entries.append(entry)

    def _say_dropped(self) -> None:
        text = say("lines-dropped", count=f"{self.dropped:,}")
        if self.entries and self.entries[0].kind == "gone":
            self.entries[0].text = text
        else:
            self.entries.insert(0, Entry("", "gone", self.entries[0].at if self.entries else 0.0, text))

    def _place_first(self) -> None:
        first = self.entries[0]
        first.rows = self._wrap(first)
        if len(self.entries) > 1:
            first.top = self.entries[1].top - len(first.rows)
        self._first_row = first.top

    def _measure(self) -> None:
        wide = 16 if self._width >= 80 else 8
        longest = max(cell_len(self.me), cell_len(self.peer))
        self._who_cells = min(wide, longest) + 2
        room = self._width - TIME_CELLS - self._who_cells - MARK_CELLS
        self._text_cells = max(2, min(room, TEXT_MAX_CELLS))

    def _rewrap(self) -> None:
        self._measure()
        top = self._first_row = 0
        for entry in self.entries:
            entry.top, entry.rows = top, self._wrap(entry)
            top += len(entry.rows)

    def _wrap(self, entry: Entry) -> list[tuple[int, int]]:
        if entry.kind in ("day", "gone"):
            return [(0, len(entry.text))]
        return wrap_cells(entry.text, self._text_cells + (self._who_cells if entry.kind == "note" else 0))

    def _row(self, entry: Entry, index: int) -> Row:
        start, end = entry.rows[index]
        text = entry.text[start:end]
        if entry.kind in ("day", "gone"):
            return Row(entry.kind, "", "", fit_cells(text, self._width), "")
        head = self._head(entry) if index == 0 else " " * cell_len(self._head(entry))
        mark = MARKS[entry.mark] if index == len(entry.rows) - 1 else ""
        text_cells = self._text_cells + (self._who_cells if entry.kind == "note" else 0)
        rest = max(0, self._width - cell_len(head) - text_cells)
        return Row(
            entry.kind, head[:TIME_CELLS], head[TIME_CELLS:], fit_cells(text, text_cells), fit_cells(f" {mark}", rest)
        )

    def _entry(self, number: int) -> Entry:
        target = number + self._first_row
        return self.entries[bisect.bisect_right(self.entries, target, key=lambda entry: entry.top) - 1]

    def _row_of(self, entry: Entry) -> int:
        return entry.top - self._first_row


def shown(text: str) -> str:
    """Return a stranger's text as it may be shown: it moves no cursor, and all terminals agree on its width."""
    return plain_cells(visible(text.replace("\r\n", "\n"), lines=True))


def _clock(at: float) -> str:
    return time.strftime("%H:%M", time.localtime(at))


def _day(at: float) -> tuple[int, int]:
    local = time.localtime(at)
    return local.tm_year, local.tm_yday


def _day_words(at: float) -> str:
    local = time.localtime(at)
    return say("day", weekday=say(f"weekday-{local.tm_wday}"), date=time.strftime("%Y-%m-%d", local))
