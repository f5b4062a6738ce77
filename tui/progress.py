"""What is told of a transfer without a screen: a line drawn anew, plain lines, lines of JSON. No I/O, no clock."""

import json
from typing import Any, Final

from rich.cells import cell_len

from actors.messages import Transfer
from tui.cells import cut_cells
from tui.transfers import bar, done_share, label, left_words, percent, size_words, stall_words
from tui.words.catalogue import say

BAR_CELLS: Final = (8, 40)  # a shorter bar tells nothing, a longer one no more
NAME_CELLS: Final = 12  # of a name are kept before numbers are left out
PLAIN_PERCENT: Final = 10  # a plain line when so much more was moved,
PLAIN_SECONDS: Final = 10.0  # or after so long
_RANKS: Final = {"listing": 0, "offered": 1, "waiting": 2, "moving": 2}  # all else is over: 3
_GAP: Final = "  "


# --- one line that is drawn anew -------------------------------------------------------------------------------------


def live_line(transfer: Transfer, width: int, peer: str) -> str:
    """Return name, bar, share, rate and time left in at most `width` cells; in place of the last, why nothing moves.

    Numbers keep their places from line to line. What does not fit is left out: the bar first, the name last.
    """
    name = label(transfer)
    if transfer.files > 1:
        name += f" {transfer.moved_files:>{len(str(transfer.files))}}/{transfer.files}"
    share = done_share(transfer)
    columns = [size_words(transfer.moved).rjust(6) if share is None else percent(share)]
    if transfer.stall:
        columns.append(stall_words(transfer.stall, peer))
    else:
        columns.append(f"{size_words(transfer.rate)}/s".rjust(8))
        if share is not None:
            columns.append(left_words(transfer.seconds_left).rjust(6))
    while len(columns) > 1 and min(NAME_CELLS, cell_len(name)) + _cells(columns) > width:
        columns.pop()
    if share is not None and not transfer.stall:
        room = width - _cells(columns) - cell_len(name) - len(_GAP)
        if room >= BAR_CELLS[0]:
            columns.insert(0, bar(share, min(room, BAR_CELLS[1])))
    return cut_cells(_GAP.join([cut_cells(name, max(0, width - _cells(columns))), *columns]), width)


def _cells(columns: list[str]) -> int:
    return sum(len(_GAP) + cell_len(column) for column in columns)


# --- plain lines -----------------------------------------------------------------------------------------------------


class PlainProgress:
    """Decides when a log is told of one transfer's progress: a share of it further, some time later, a stall."""

    def __init__(self, now: float) -> None:
        self._told_at = now
        self._told = 0
        self._stall = ""

    def line(self, transfer: Transfer, now: float, peer: str) -> str:
        """Return the line to write at `now` (seconds of any steady clock), "" if there is nothing to say."""
        name = label(transfer)
        if transfer.stall != self._stall:
            self._stall = transfer.stall
            if not transfer.stall:
                return say("files.plain.resumed", name=name)
            return say("files.plain.stalled", name=name, why=stall_words(transfer.stall, peer))
        share = done_share(transfer)
        reached = int((share or 0) * 100)
        if transfer.stall or (reached < self._told + PLAIN_PERCENT and now < self._told_at + PLAIN_SECONDS):
            return ""
        self._told, self._told_at = reached - reached % PLAIN_PERCENT, now
        moved, rate = size_words(transfer.moved), f"{size_words(transfer.rate)}/s"
        if share is None:
            return say("files.plain.stream", name=name, moved=moved, rate=rate)
        size, left = size_words(transfer.size or 0), left_words(transfer.seconds_left)
        return say("files.plain.moved", name=name, percent=reached, moved=moved, size=size, rate=rate, left=left)


# --- lines of JSON ---------------------------------------------------------------------------------------------------

FIELDS: Final = {
    "offered": ("name", "names", "files", "folders", "size", "skipped"),
    "accepted": ("name", "files", "folders", "size", "folder"),
    "progress": ("moved", "moved_files", "size", "files", "rate", "seconds_left"),
    "stalled": ("stall",),
    "resumed": (),
    "done": ("name", "moved", "moved_files", "missed", "skipped", "path"),
    **dict.fromkeys(("refused", "cancelled", "failed"), ("name", "cause", "detail", "moved", "moved_files")),
    "kept": ("partial",),
}


def json_line(event: str, **fields: Any) -> str:
    """Return one object on one line, `event` first. ASCII alone: it is the same in every locale and moves no cursor."""
    return json.dumps({"event": event, **fields})


def facts(event: str, transfer: Transfer) -> dict[str, Any]:
    """Return the fields of `event` that come from `transfer`, whose number is among them as `transfer`."""
    return {"transfer": transfer.id, **{field: getattr(transfer, field) for field in FIELDS[event]}}


def milestones(was: Transfer | None, now: Transfer) -> list[str]:
    """Return what happened between two states of a transfer: "offered", "accepted", "done", "refused", …

    Those that nobody saw (a screen that was let go for a while) are told too, but for one that came to nothing.
    """
    before = _RANKS.get(was.state, 3) if was else 0
    after = _RANKS.get(now.state, 3)
    if after == before == 3:
        return []
    passed = [] if now.state in ("refused", "cancelled", "failed") else ["offered", "accepted"][before : min(after, 2)]
    return passed + [now.state] * (after == 3)
