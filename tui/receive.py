"""`visavis receive`: joins a call, takes what is offered there, and ends when nothing is left of it."""

import asyncio
import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from actors.messages import (
    OVER,
    AnswerOffer,
    CommandRefused,
    EnterCode,
    ListOffer,
    OfferListed,
    Transfer,
)
from relay import limits
from relay.visible import visible
from tui.cells import cut_cells, plain_cells
from tui.exits import DONE, FAILED, MISUSED, CommandError
from tui.headless import Headless, as_text, ask, play
from tui.output import Output, open_output
from tui.transfers import amount_words, label, size_words, why
from tui.words.catalogue import say

NAMES: Final = 10  # of an offer that are shown at once; the rest is asked for
STDOUT: Final = "-"  # in place of a folder: the engine's standard output
YES: Final = ("y", "yes")
NO: Final = ("n", "no")
LIST: Final = ("l", "list")


class Receive(Headless):
    """Joins by `begin` and takes offers into `folder` (absolute, or `STDOUT`): all of them with `yes`, else those that
    are said yes to. `only` are names and patterns of the part that is taken. Exits with 0 if all that was offered came.
    """

    def __init__(
        self, name: str, output: Output, begin: EnterCode, *, folder: str, only: tuple[str, ...] = (), yes: bool = False
    ) -> None:
        super().__init__(name, output, begin)
        self._folder, self._only, self._yes = folder, only, yes
        self._offers: list[int] = []  # to be answered, after
        self._answering = 0  # this one; it stays until the engine has taken the answer
        self._listed = 0  # entries of it that were shown
        self._typed = b""
        self._reading = False
        self._declined: set[int] = set()
        self._seen = False
        self._status = DONE

    def concerns(self, transfer: Transfer) -> bool:
        """What the other side offers is."""
        return not transfer.mine

    @property
    def on_its_way(self) -> bool:
        """Whether no answer is ours to give: with --yes, the offers have theirs; else a screen may give it."""
        offered = any(transfer.state == "offered" for transfer in self.call.transfers.values())
        return not self._yes or (self._seen and not offered)

    def hung_up(self, cause: str) -> None:
        """Say that nothing came."""
        if cause == "peer-hung" and not self._seen:
            self.output.record("error", cause=cause, detail="", transfer=0)
            self.finish(FAILED, say("files.nothing", peer=self.report.peer))

    def changed(self, transfer: Transfer, happened: list[str]) -> None:
        """Answer a new offer; say what became of one; end when none is open."""
        if transfer.mine:
            return
        self._seen = True
        if transfer.state == "offered":
            if "offered" in happened:
                self._offers.append(transfer.id)
        elif transfer.id == self._answering:
            self._stop_asking()
            self._answering = 0
        if transfer.state in OVER and happened:
            self._say_end(transfer)
        if all(known.mine or known.state in OVER for known in self.call.transfers.values()):
            self.finish(self._status)
        else:
            self._answer_next()

    def _say_end(self, transfer: Transfer) -> None:
        if transfer.id in self._declined and transfer.state == "refused":
            self._status = FAILED
            self.output.note(say("files.declined", name=label(transfer)))
            return
        if not self.report.over(transfer, "files.received"):
            self._status = FAILED
        if transfer.state == "done" and transfer.path and self._folder != STDOUT:
            self.output.result(transfer.path)

    # --- answering -------------------------------------------------------------------------------------------------

    def _answer_next(self) -> None:
        while self._offers and not self._answering:
            transfer = self.call.transfers[self._offers.pop(0)]
            if transfer.state != "offered":
                continue
            self._answering, self._listed = transfer.id, 0
            self._show_offer(transfer)
            if self._yes:
                self._answer(True, self._only)
            else:
                self._ask()

    def _answer(self, accept: bool, only: tuple[str, ...] = ()) -> None:
        if not accept:
            self._declined.add(self._answering)
        self.send(AnswerOffer(self._answering, accept, self._folder if accept else "", only))

    def refused(self, event: CommandRefused) -> None:
        """The answer can't be done: another one is asked for, or the offer is refused."""
        if event.transfer != self._answering:
            return
        if event.cause == "no-transfer":  # it was over before our answer came; that is said by itself
            return
        self.output.record("error", cause=event.cause, detail=event.detail, transfer=event.transfer)
        empty = event.cause == "part-empty"
        self.output.complain(say("files.part-empty") if empty else why(event.cause, event.detail))
        if self._yes:
            self._answer(False)
        else:
            self._ask()

    def _show_offer(self, transfer: Transfer) -> None:
        show = self.output.note if self._yes else self.output.tell
        show(say("files.offer", peer=self.report.peer, amount=amount_words(transfer)))
        names = transfer.names[:NAMES]
        for name in names:
            show("  " + self._entry(name))
        more = transfer.files + transfer.folders - len(names)
        if names and more > 0:
            show("  " + say("files.others", count=f"{more:,}"))
        if transfer.skipped:
            show(say("files.left-out", count=f"{transfer.skipped:,}"))
        if self._only:
            show(say("files.part", part=visible(" ".join(map(shlex.quote, self._only)))))
        where = say("files.stdout") if self._folder == STDOUT else visible(self._folder)
        show(say("files.where", folder=where))

    def _entry(self, path: str, room: int = 0) -> str:
        return cut_cells(plain_cells(visible(path)), max(8, self.output.width - 2 - room))

    # --- asking ----------------------------------------------------------------------------------------------------

    def _ask(self) -> None:
        if self._lost:
            return
        self.output.ask(say("files.take-on" if self._listed else "files.take"))
        self._typed = b""
        if not self._reading:
            asyncio.get_running_loop().add_reader(self.output.asked, self._read)
            self._reading = True

    def _stop_asking(self) -> None:
        if self._reading:
            asyncio.get_running_loop().remove_reader(self.output.asked)
            self._reading = False
            self.output.withdraw()

    def _read(self) -> None:
        try:
            typed = os.read(self.output.asked, 4096)
        except OSError:
            typed = b""
        if not typed and not os.isatty(self.output.asked):  # the terminal is gone: that answers nothing
            self._stop_asking()
            return
        self._typed += typed
        if typed and b"\n" not in self._typed:
            return
        asyncio.get_running_loop().remove_reader(self.output.asked)
        self._reading = False
        if typed:
            self.output.answered()
            self._take_answer(self._typed.split(b"\n")[0].decode("utf-8", "replace").strip())
        else:  # Ctrl+D
            self.output.withdraw()
            self._take_answer(NO[0])

    def _take_answer(self, answer: str) -> None:
        if answer.lower() in YES:
            self._answer(True, self._only)
        elif answer.lower() in NO:
            self._answer(False)
        elif answer.lower() in LIST:
            count = min(limits.LISTED_ENTRIES, max(NAMES, self.output.size[1] - 4))
            self.send(ListOffer(self._answering, self._listed + 1, count))
        elif part := _words(answer):
            self._answer(True, part)
        else:
            self._ask()

    def listed(self, event: OfferListed) -> None:
        """Show a page of the list, and ask again."""
        if event.transfer != self._answering or self._reading:
            return
        for entry in event.entries:
            size = "" if entry.folder or entry.size is None else "  " + size_words(entry.size)
            self.output.tell("  " + self._entry(entry.path + "/" * entry.folder, len(size)) + size)
        self._listed = event.entries[-1].number if event.entries else 0
        if self._listed >= event.total:
            self._listed = 0
            if not event.whole:
                self.output.tell(say("files.list-coming", count=f"{event.total:,}"))
        self._ask()

    def stopping(self) -> None:
        """Ask nothing more."""
        self._stop_asking()


def _words(answer: str) -> tuple[str, ...]:
    """Return names and patterns as a shell would take them; an odd quote is a letter."""
    try:
        words = shlex.split(answer)
    except ValueError:
        words = answer.split()
    return tuple(word for word in words if word and "\0" not in word)[: limits.PART_PATTERNS]


# --- beginning -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Wishes:
    """What the command line says: the folder, or standard output; take without asking; names and patterns of a part."""

    to: str | None = None
    to_stdout: bool = False
    yes: bool = False
    only: tuple[str, ...] = ()
    json: bool = False


def main(code: str, relay: Callable[[], str], wishes: Wishes) -> int:
    """Join by `code` ("": it is asked for) and receive; return the exit status. `relay` is called once all else is
    right. Raises `CommandError`; `OSError` if standard output takes no more."""
    output = open_output(json=wishes.json)
    part = checked_part(wishes.only)
    folder = STDOUT
    if not wishes.to_stdout:
        folder = checked_folder(wishes.to)
    elif wishes.json:
        raise CommandError(say("files.json-stdout"), MISUSED)
    elif sys.stdout.isatty():
        raise CommandError(say("files.stdout-terminal"), MISUSED)
    if not (wishes.yes or output.asks):
        raise CommandError(say("files.cannot-ask"), MISUSED)
    where = relay()
    begin = EnterCode(where, as_text(code or ask(say("files.ask-code"), say("files.no-code"))))
    return play(
        lambda name: Receive(name, output, begin, folder=folder, only=part, yes=wishes.yes),
        stdout=None if wishes.to_stdout else subprocess.DEVNULL,
    )


def checked_folder(to: str | None) -> str:
    """Return the folder to receive into as an absolute path: `to`, else where we are. Raises `CommandError`."""
    folder = Path(to) if to else Path()
    try:
        absolute = str(folder.absolute())
        absolute.encode()
        there = folder.is_dir()
    except (OSError, ValueError):  # ValueError: no text, or a NUL in it
        there = False
    if not there:
        raise CommandError(say("files.no-folder", folder=visible(str(folder))))
    if not os.access(folder, os.W_OK | os.X_OK):
        raise CommandError(say("files.folder-closed", folder=visible(str(folder))))
    return absolute


def checked_part(patterns: Sequence[str]) -> tuple[str, ...]:
    """Return names and patterns that an engine understands. Raises `CommandError`."""
    for pattern in patterns:
        try:
            good = 0 < len(pattern.encode()) <= limits.PATH_BYTES
        except UnicodeEncodeError:
            good = False
        if not good:
            raise CommandError(say("files.bad-part", part=visible(pattern)), MISUSED)
    if len(patterns) > limits.PART_PATTERNS:
        raise CommandError(say("files.many-parts", limit=f"{limits.PART_PATTERNS:,}"), MISUSED)
    return tuple(patterns)
