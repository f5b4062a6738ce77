"""What is typed after /accept, /refuse, /cancel, /first, /list: which transfer is meant, and what of it. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from actors.messages import OVER, Transfer
from relay import limits
from relay.visible import visible
from tui.cells import cut_cells
from tui.shell_words import split_words
from tui.transfers import label
from tui.words.catalogue import say

TO: Final = "--to"
ANSWERS: Final = ("accept", "refuse")
NAMED: Final = 6  # transfers to choose from, in one sentence


class MisusedError(Exception):
    """What was typed can't be done; the text is a sentence of the catalogue."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the words after a command say: the transfer's number, names or patterns, a folder; None: not said."""

    number: int | None = None
    only: tuple[str, ...] = ()
    folder: str | None = None


def asked(rest: str) -> Asked:
    """Return what `rest` says. Raises `MisusedError`."""
    words = split_words(rest)
    folder = None
    only: list[str] = []
    while words:
        word = words.pop(0)
        if word == TO:
            if not words or not words[0]:
                raise MisusedError(say("misused-to"))
            folder = words.pop(0)
        elif word.startswith(f"{TO}="):
            folder = word.removeprefix(f"{TO}=")
        else:
            only.append(word)
    number = None
    if only and only[0].isascii() and only[0].isdecimal():
        number = int(only.pop(0)[:20])
    only = [name for name in (name.rstrip("/") for name in only) if name]
    if len(only) > limits.PART_PATTERNS or any(len(name.encode(errors="replace")) > limits.PATH_BYTES for name in only):
        raise MisusedError(say("misused-part", limit=f"{limits.PART_PATTERNS:,}"))
    return Asked(number, tuple(only), folder)


def fitting(command: str, transfers: Iterable[Transfer]) -> list[Transfer]:
    """Return the transfers that `command` can be about."""
    going = [transfer for transfer in transfers if transfer.state not in OVER]
    match command:
        case "accept" | "refuse":
            return [transfer for transfer in going if transfer.state == "offered" and not transfer.mine]
        case "first":
            return [transfer for transfer in going if transfer.state == "waiting"]
        case "list":
            offers = [transfer for transfer in going if transfer.state != "listing"]
            theirs = [transfer for transfer in offers if transfer.state == "offered" and not transfer.mine]
            return theirs or offers
        case _:
            return going


def meant(command: str, number: int | None, transfers: Iterable[Transfer]) -> Transfer:
    """Return the transfer that `command` with this number is about. Raises `MisusedError` with what to type."""
    every = list(transfers)
    fits = fitting(command, every)
    if number is not None:
        named = [transfer for transfer in every if transfer.id == number]
        if not named or named[0].state in OVER:
            raise MisusedError(say("misused-number", number=number))
        if command in ANSWERS and named[0] not in fits:
            raise MisusedError(say("misused-not-offered", number=number, name=label(named[0])))
        return named[0]
    match fits:
        case []:
            raise MisusedError(say(f"misused-none-{command}"))
        case [only]:
            return only
        case _:
            names = ", ".join(f"{transfer.id} {cut_cells(label(transfer), 24)}" for transfer in fits[:NAMED])
            if len(fits) > NAMED:
                names += " …"
            raise MisusedError(say("misused-which", command=command, names=names, number=fits[0].id))


def shown(typed: str) -> str:
    """Return what was typed, safe and short enough for a sentence."""
    return cut_cells(visible(typed), 60)
