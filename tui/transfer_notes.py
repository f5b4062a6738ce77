"""What the conversation says of a transfer: pure sentences from what it is and what it was before."""

from typing import Final

from actors.messages import OVER, EntryNoted, Transfer
from relay import limits
from relay.visible import visible
from tui.cells import cut_cells, plain_cells
from tui.transfers import amount_words, is_folder, label, stands_alone, why
from tui.words.catalogue import say

NAMES_TOLD: Final = 4  # of an offer, in its note
NAME_CELLS: Final = 40
ENTRIES_TOLD: Final = 3  # of one transfer one by one, then they are counted


def transfer_notes(transfer: Transfer, before: Transfer | None, peer: str, *, plain: bool = False) -> list[str]:
    """Return what is to be said now that `before` (None: unknown until now) became `transfer`. In a `plain` call
    nobody is asked, and nobody says what arrived."""
    old = before.state if before is not None else None
    if before is not None and transfer.state == old:
        late = transfer.state in OVER and not before.partial  # what is left of it may be known after its end
        return ["\n".join(_partial(transfer))] if late and transfer.partial else []
    match transfer.state:
        case "offered":
            return [_offered(transfer, peer)]
        case "moving" if plain and transfer.mine and old is None:
            return [say("note-plain-sends", name=label(transfer), amount=amount_words(transfer))]
        case "done" if plain and transfer.mine:
            return [say("note-plain-sent", name=label(transfer), amount=amount_words(transfer))]
        case "waiting" | "moving" if old not in ("waiting", "moving"):
            return [_accepted(transfer, before, peer)]
        case "done":
            return [_done(transfer, peer)]
        case "refused" | "cancelled" | "failed":
            return [_ended(transfer, peer)]
        case _:
            return []


def _offered(transfer: Transfer, peer: str) -> str:
    name, amount, number = label(transfer), amount_words(transfer), transfer.id
    if transfer.mine:
        words = [say("note-offer-mine", name=name, amount=amount, peer=peer, number=number)]
    elif transfer.files + transfer.folders > 1:
        words = [say("note-offer-many", name=name, amount=amount, peer=peer, number=number)]
    else:
        words = [say("note-offer-one", name=name, amount=amount, peer=peer, number=number)]
    if transfer.skipped and not transfer.mine:
        words.append(say("note-offer-skipped", count=f"{transfer.skipped:,}"))
    sentence = " ".join(words)
    names = _names(transfer) if not transfer.mine else ""
    return f"{sentence}\n{names}" if names else sentence


def _names(transfer: Transfer) -> str:
    inside = transfer.name.rstrip("/") + "/" if is_folder(transfer) else ""
    names = [name for name in transfer.names if name.rstrip("/") != transfer.name.rstrip("/") or not inside]
    if transfer.files + transfer.folders < 2 or not names:
        return ""
    told = [cut_cells(plain_cells(visible(name)), NAME_CELLS) for name in names[:NAMES_TOLD]]
    more = transfer.files + transfer.folders - len(told) - (1 if inside and transfer.folders else 0)
    listed = ", ".join(told)
    return say("names-more", names=listed, count=f"{more:,}") if more > 0 else listed


def _accepted(transfer: Transfer, before: Transfer | None, peer: str) -> str:
    name, amount = label(transfer), amount_words(transfer)
    if not transfer.mine:
        if not transfer.folder or transfer.folder == "-":
            return say("note-takes-here", name=name, amount=amount)
        return say("note-takes-into", name=name, amount=amount, folder=_path(transfer.folder))
    part = before is not None and (before.files, before.folders) != (transfer.files, transfer.folders)
    if part and before is not None and before.state == "offered":
        return say("note-takes-part", name=name, amount=amount, peer=peer)
    return say("note-takes", name=name, peer=peer)


def _done(transfer: Transfer, peer: str) -> str:
    name, amount = label(transfer), amount_words(transfer)
    words = [
        say("note-peer-has", peer=peer, name=name, amount=amount)
        if transfer.mine
        else say("note-is-here", name=name, amount=amount)
    ]
    if transfer.missed:
        words.append(say("note-missed", count=f"{transfer.missed:,}"))
    where = "" if transfer.mine else (transfer.path if stands_alone(transfer) and transfer.path else transfer.folder)
    return "\n".join([" ".join(words), *([_path(where)] if where not in ("", "-") else []), *_partial(transfer)])


def _ended(transfer: Transfer, peer: str) -> str:
    name = label(transfer)
    match transfer.state:
        case "refused":
            words = say("note-refused-there", peer=peer, name=name) if transfer.mine else say("note-refused", name=name)
        case "cancelled" if transfer.detail == "here":
            words = say("note-cancelled-here", name=name)
        case "cancelled" if transfer.detail == "there":
            words = say("note-cancelled-there", peer=peer, name=name)
        case "cancelled":
            words = say("note-cancelled", name=name)
        case _:
            words = say("note-failed", name=name, why=why(transfer.cause, transfer.detail))
    return "\n".join([words, *_partial(transfer)])


def _partial(transfer: Transfer) -> list[str]:
    return [say("note-partial"), _path(transfer.partial)] if transfer.partial else []


def _path(path: str) -> str:
    return visible(path)


def entry_note(event: EntryNoted, so_far: int) -> str:
    """Return the sentence for one entry, the `so_far`th of its transfer; nothing when enough were told."""
    if so_far > ENTRIES_TOLD:
        return ""
    return say("note-entry", path=plain_cells(visible(event.path)), why=why(event.cause, event.detail))


def entries_note(transfer: Transfer, noted: int) -> str:
    """Return how many entries were not told one by one, of `noted` that the engine told of; it stops at NOTES."""
    more = noted - ENTRIES_TOLD
    if more < 1:
        return ""
    if noted >= limits.NOTES:
        return say("note-entries-many", count=f"{more:,}", name=label(transfer))
    return say("note-entries", count=f"{more:,}", name=label(transfer))
