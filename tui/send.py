"""`visavis send`: offers files and folders, or standard input, to whoever comes, and ends when that is over."""

import os
import stat
import subprocess
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from actors.messages import OVER, EnterCode, MakeCode, OfferFiles, OfferRefused, Transfer
from relay import limits
from relay.visible import visible
from tui.exits import DONE, FAILED, MISUSED, CommandError
from tui.headless import Headless, as_text, play
from tui.output import Output, open_output
from tui.transfers import amount_words, label
from tui.words.catalogue import say

STDIN: Final = "-"  # in place of a path: the engine's standard input


class Send(Headless):
    """Offers `paths` (absolute, or "-" alone) once there is a call, and exits with 0 if all of it arrived."""

    def __init__(self, name: str, output: Output, begin: MakeCode | EnterCode, paths: tuple[str, ...]) -> None:
        super().__init__(name, output, begin)
        self._offer = OfferFiles(f"send-{uuid.uuid4().hex}", paths)
        self._taken = False  # by the engine, which goes on with it alone

    def opened(self) -> None:
        """Offer."""
        self.send(self._offer)

    def concerns(self, transfer: Transfer) -> bool:
        """Our own offer is."""
        return transfer.mine and transfer.request == self._offer.id

    @property
    def on_its_way(self) -> bool:
        """Whether the engine has the offer."""
        return self._taken

    def offer_refused(self, event: OfferRefused) -> None:
        """Nothing was offered."""
        if event.id == self._offer.id:
            self.fail(event.cause, event.detail)

    def changed(self, transfer: Transfer, happened: list[str]) -> None:
        """Say how our offer fares."""
        if not self.concerns(transfer):
            if "offered" in happened and not transfer.mine:
                self.output.note(
                    say("files.unasked", peer=self.report.peer, name=label(transfer), engine=self.call.engine)
                )
            return
        self._taken = True
        if "offered" in happened and transfer.state not in OVER:
            self.output.note(say("files.offered", name=label(transfer), amount=amount_words(transfer)))
            if transfer.skipped:
                self.output.note(say("files.left-out", count=f"{transfer.skipped:,}"))
        if transfer.state == "listing":
            self.output.status(say("files.listing"))
        elif transfer.state == "offered":
            self.output.status(say("files.unanswered"))
        elif transfer.state == "waiting":
            self.output.status("")
        elif transfer.state in OVER:
            self.finish(DONE if self.report.over(transfer, "files.sent") else FAILED)


def checked(paths: Sequence[str]) -> tuple[str, ...]:
    """Return `paths` as absolute ones. Raises `CommandError` for what can't be offered, before anything is dialled."""
    if STDIN in paths and len(paths) > 1:
        raise CommandError(say("files.dash-alone"), MISUSED)
    if len(paths) > limits.OFFER_PATHS:
        raise CommandError(say("files.many-paths", limit=f"{limits.OFFER_PATHS:,}"), MISUSED)
    return tuple(path if path == STDIN else _absolute(path) for path in paths)


def _absolute(path: str) -> str:
    shown = visible(path)
    try:
        kind = os.stat(path).st_mode
        absolute = os.path.realpath(path) if ".." in Path(path).parts else os.path.abspath(path)
    except (FileNotFoundError, NotADirectoryError):
        raise CommandError(say("files.path-missing", path=shown)) from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in it
        reason = getattr(error, "strerror", None) or str(error)
        raise CommandError(say("files.path-unreadable", path=shown, reason=reason)) from None
    if not (stat.S_ISREG(kind) or stat.S_ISDIR(kind)):
        raise CommandError(say("files.path-kind", path=shown))
    if not os.access(path, os.R_OK | os.X_OK if stat.S_ISDIR(kind) else os.R_OK):
        raise CommandError(say("files.path-unreadable", path=shown, reason=os.strerror(13)))
    if not is_text(absolute):
        raise CommandError(say("files.path-no-text", path=shown))
    return absolute


def is_text(path: str) -> bool:
    """Tell whether a path is text: one of other bytes can't be told to an engine."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def main(paths: Sequence[str], code: str | None, relay: Callable[[], str], json: bool) -> int:
    """Send `paths`, by a code that is made, or by `code`; return the exit status. `relay` is called once all else
    is right. Raises `CommandError`; `OSError` if standard output takes no more."""
    offered = checked(paths)
    output = open_output(json=json)
    begin = EnterCode(relay(), as_text(code)) if code else MakeCode(relay())
    return play(
        lambda name: Send(name, output, begin, offered),
        stdin=None if offered == (STDIN,) else subprocess.DEVNULL,
    )
