"""One transfer in words: its name, its sizes, how far it is, the row it has on the screen. No I/O, no clock.

Whatever changes while bytes move (bar, percent, rate, time left) stands in a field of fixed width.
"""

import math
from collections.abc import Iterable
from typing import Final

from rich.cells import cell_len

from actors.messages import OVER, Stall, Transfer
from relay.visible import visible
from tui.cells import cut_cells, fit_cells, plain_cells
from tui.words.catalogue import say, say_cause

PERCENT_CELLS: Final = 5  # "100 %"
RATE_CELLS: Final = 8  # "999 kB/s"
LEFT_CELLS: Final = 6  # "99 min"
BAR_CELLS: Final = (5, 20)  # at least, at most
FIGURES_FROM: Final = 40  # cells of a row; a narrower one has no rate and no time left
NAME_CELLS_MAX: Final = 40

Part = tuple[str, str]  # words and the style they are shown in

_UNITS: Final = ("kB", "MB", "GB", "TB", "PB", "EB")


def size_words(size: float) -> str:
    """Return bytes in decimal units, as disks are sold and most programs count: at most six cells."""
    value = max(0.0, float(size))
    if value < 1000:
        return f"{int(value)} B"
    for unit in _UNITS:
        value /= 1000
        if value < 9.95:
            return f"{value:.1f} {unit}"
        if value < 999.5:
            return f"{value:.0f} {unit}"
    return f"{value:.0f} {_UNITS[-1]}"


def left_words(seconds: float | None) -> str:
    """Return a time to wait, at most six cells; a dash where nobody knows."""
    if seconds is None:
        return "–"
    if seconds < 100:
        return say("left-seconds", n=max(1, math.ceil(seconds)))
    if seconds < 100 * 60:
        return say("left-minutes", n=round(seconds / 60))
    if seconds < 100 * 3600:
        return say("left-hours", n=round(seconds / 3600))
    return say("left-days", n=min(999, round(seconds / 86400)))


def amount_words(transfer: Transfer) -> str:
    """Return how much it is: "1.2 GB" of one file, "318 files, 12 MB" of more."""
    size = say("size-unknown") if transfer.size is None else size_words(transfer.size)
    if transfer.files == 1 and not transfer.folders:
        return size
    if not transfer.files and transfer.folders:
        return say("amount-folders", count=f"{transfer.folders:,}") if transfer.folders > 1 else say("amount-folder")
    if transfer.files == 1:
        return say("amount-file", size=size)
    return say("amount-files", count=f"{transfer.files:,}", size=size)


def is_folder(transfer: Transfer) -> bool:
    """Tell whether its name is that of a folder."""
    inside = transfer.name.rstrip("/") + "/"
    return any(name.startswith(inside) for name in transfer.names) or (not transfer.files and transfer.folders > 0)


def label(transfer: Transfer) -> str:
    """Return what it is called, safe to show; a folder ends in a slash."""
    name = plain_cells(visible(transfer.name)).strip() or say("transfer-unnamed")
    name = name.rstrip("/") + "/" if is_folder(transfer) else name
    # Of several things, and of a part, one is named and the others are counted: as files, or as names at the top.
    part = "/" in transfer.name.rstrip("/")
    count = transfer.files if part else len({path.split("/", 1)[0] for path in transfer.names})
    if count <= 1:
        return name
    if part or len(transfer.names) == transfer.files + transfer.folders:
        return say("label-more", name=name, count=f"{count - 1:,}")
    return say("label-and-more", name=name)


def stands_alone(transfer: Transfer) -> bool:
    """Tell whether it is one file or one folder, so that its path says where all of it is."""
    tops = {name.split("/", 1)[0] for name in transfer.names}
    return len(tops) <= 1 and (is_folder(transfer) or transfer.files + transfer.folders <= 1)


def done_share(transfer: Transfer) -> float | None:
    """Return the share that the receiver has on its disk, 0 to 1; None while nobody can know."""
    if transfer.state == "done":
        return 1.0
    if transfer.size is None:
        return None
    if transfer.size > 0:
        return min(1.0, transfer.moved / transfer.size)
    return min(1.0, transfer.moved_files / transfer.files) if transfer.files else 0.0


def bar(share: float, cells: int) -> str:
    """Return a bar: thick is there, thin is to come, so that it reads without colour."""
    halves = min(2 * cells, int(share * 2 * cells))
    full = "━" * (halves // 2) + "╸" * (halves % 2)
    return full + "─" * (cells - len(full))


def percent(share: float) -> str:
    """Return the whole percents that are reached: 100 only of all of it."""
    return f"{int(share * 100)} %".rjust(PERCENT_CELLS)


def stall_words(stall: Stall, peer: str) -> str:
    """Return the sentence for why nothing moves."""
    return say(f"note-stall-{stall}", peer=peer) if stall else ""


def why(cause: str, detail: str) -> str:
    """Return the sentence for a code about files; sizes in `detail` become readable, other words of it visible."""
    if cause == "no-space":
        detail = space_words(detail)
    elif cause == "protocol":  # of a transfer alone: the call goes on
        cause = "file-protocol"
    return say_cause(cause, visible(detail))


def space_words(detail: str) -> str:
    """Return "NEEDED FREE" in bytes as words; anything else as it is."""
    match detail.split():
        case [needed, free] if needed.isdecimal() and free.isdecimal():
            return say("space", needed=size_words(int(needed)), free=size_words(int(free)))
        case _:
            return detail


def pick(transfers: Iterable[Transfer], rows: int) -> tuple[list[Transfer], int]:
    """Return what `rows` rows can show, in the order given, and how many are left out.

    What moves comes first, then what waits for an answer here. Left out ones cost a row that says so.
    """
    every = list(transfers)
    if len(every) <= rows:
        return every, 0
    ranked = sorted(every, key=_rank)[: max(0, rows - 1)]
    chosen = {transfer.id for transfer in ranked}
    return [transfer for transfer in every if transfer.id in chosen], len(every) - len(chosen)


def _rank(transfer: Transfer) -> int:
    if transfer.state == "moving":
        return 0
    if transfer.state == "offered" and not transfer.mine:
        return 1
    return 3 if transfer.state in OVER else 2


def row(transfer: Transfer, width: int, number_cells: int = 1) -> list[Part]:
    """Return its row, exactly `width` cells: number, direction, name, then how far it is, or what it waits for."""
    head = f"{transfer.id:>{number_cells}} {'▲' if transfer.mine else '▼'} "
    name_cells, bar_cells, figures = _widths(width - cell_len(head))
    name = fit_cells(label(transfer), name_cells)
    room = max(0, width - cell_len(head) - name_cells - 1)
    tail = _moving(transfer, bar_cells, figures) if transfer.state == "moving" else [_resting(transfer)]
    return [(head, ""), (f"{name} ", "$foreground"), *_fit(tail, room)]


def _widths(width: int) -> tuple[int, int, bool]:
    """Return the cells of name and bar in `width`, and whether there is room for figures."""
    figures = width >= FIGURES_FROM - 4
    flexible = width - 1 - 1 - PERCENT_CELLS - ((2 + RATE_CELLS + LEFT_CELLS) if figures else 0)
    least, most = BAR_CELLS
    bar_cells = max(least, min(most, flexible * 2 // 5))
    name_cells = min(NAME_CELLS_MAX, flexible - bar_cells)
    return max(4, name_cells), max(bar_cells, min(2 * most, flexible - name_cells)), figures


def _moving(transfer: Transfer, bar_cells: int, figures: bool) -> list[Part]:
    share = done_share(transfer)
    if share is None:
        parts = [(fit_cells(size_words(transfer.moved), bar_cells + 1 + PERCENT_CELLS), "$text-accent")]
    else:
        parts = [(bar(share, bar_cells), "$text-accent"), (" " + percent(share), "$foreground")]
    if transfer.stall:
        words = say(f"stall-{transfer.stall}")
        return [*parts, (f" {fit_cells(words, 1 + RATE_CELLS + LEFT_CELLS)}", "$text-warning")]
    if figures:
        rate = f"{size_words(transfer.rate)}/s".rjust(RATE_CELLS)
        parts.append((f" {rate} {left_words(transfer.seconds_left).rjust(LEFT_CELLS)}", ""))
    return parts


def _resting(transfer: Transfer) -> Part:
    amount = amount_words(transfer)
    match transfer.state:
        case "listing":
            return say("row-listing", count=f"{transfer.files:,}"), ""
        case "offered" if transfer.mine:
            return say("row-offered", amount=amount), ""
        case "offered":
            return say("row-offered-here", number=transfer.id, amount=amount), "$text-warning"
        case "waiting" if transfer.place > 1:
            return say("row-waiting-place", place=transfer.place), ""
        case "waiting":
            return say("row-waiting"), ""
        case "done" if transfer.missed:
            return say("row-done-missed", missed=f"{transfer.missed:,}", amount=amount), "$text-warning"
        case "done":
            return say("row-done", amount=amount), "$text-success"
        case "refused":
            return say("row-refused"), ""
        case "cancelled":
            return say("row-cancelled"), "$text-warning"
        case _:
            return say("row-failed"), "$text-error"


def _fit(parts: list[Part], width: int) -> list[Part]:
    fitted: list[Part] = []
    for words, style in parts:
        short = cut_cells(words, width)
        fitted.append((short, style))
        width -= cell_len(short)
    return [*fitted, (" " * width, "")]
