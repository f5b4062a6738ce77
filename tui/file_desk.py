"""What one does with files in a call: offers them, answers offers, ends transfers. Words in, commands out."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from actors.messages import AnswerOffer, AnyCommand, CancelTransfer, OfferFiles, PutFirst
from relay import limits
from tui import paths
from tui.commands import OFFERING
from tui.file_commands import Asked, MisusedError, asked, meant, shown
from tui.pasted import as_arguments
from tui.screens.offer import OfferScreen
from tui.shell_words import split_words
from tui.words.catalogue import say

if TYPE_CHECKING:
    from tui.app import VisavisApp


def here() -> Path:
    """Return the folder this program was started in; home if that is gone."""
    try:
        return Path.cwd()
    except OSError:
        return Path.home()


class FileDesk:
    """Serves the file commands of `app`. What is relative is so to `folder`."""

    def __init__(self, app: "VisavisApp", folder: Path) -> None:
        self.app = app
        self.folder = folder

    def order(self, name: str, rest: str) -> bool:
        """Do the command `name` with the words `rest`; return False if they need to be corrected."""
        try:
            self._orders()[name](rest)
        except MisusedError as error:
            self.app.say_note(str(error))
            return False
        return True

    def _orders(self) -> dict[str, Callable[[str], None]]:
        return {
            "send": self._send,
            "accept": self._accept,
            "refuse": lambda rest: self._simple("refuse", rest, lambda number: AnswerOffer(number, False)),
            "cancel": lambda rest: self._simple("cancel", rest, CancelTransfer),
            "first": lambda rest: self._simple("first", rest, PutFirst),
            "list": self._list,
        }

    def offer(self, chosen: Iterable[str]) -> None:
        """Offer these absolute paths. Raises `MisusedError`."""
        offered = tuple(chosen)
        if len(offered) > limits.OFFER_PATHS:
            raise MisusedError(say("misused-paths", count=f"{len(offered):,}", limit=f"{limits.OFFER_PATHS:,}"))
        if self.app.state.phase not in ("call", "plain"):
            raise MisusedError(say("cause-no-call"))
        for path in offered:
            if not paths.is_text(path):
                raise MisusedError(say("misused-name", path=shown(path)))
        typed = OFFERING + as_arguments(offered)
        self._tell(OfferFiles(self.app.new_id(typed), offered))

    def picked(self, chosen: tuple[str, ...] | None) -> None:
        """Offer what the picker was closed with; None is nothing."""
        if chosen:
            try:
                self.offer(chosen)
            except MisusedError as error:
                self.app.say_note(str(error))

    def _send(self, rest: str) -> None:
        words = [word for word in split_words(rest) if word]
        if not words:
            self._pick()
            return
        try:
            self.offer(paths.existing(words, self.folder))
        except paths.MissingPathError as error:
            raise MisusedError(say("misused-path", path=shown(error.path))) from None

    def _pick(self) -> None:
        from tui.screens.picker import FilePicker  # the library behind it is loaded when it is wanted

        if self.app.state.phase not in ("call", "plain"):
            raise MisusedError(say("cause-no-call"))
        if not isinstance(self.app.screen, FilePicker):
            self.app.push_screen(FilePicker(self.folder), self.picked)

    def _accept(self, rest: str) -> None:
        wanted = asked(rest)
        transfer = meant("accept", wanted.number, self.app.state.transfers.values())
        folder = "" if wanted.folder is None else paths.absolute(wanted.folder, self.folder)
        self._tell(AnswerOffer(transfer.id, True, folder, wanted.only))

    def _list(self, rest: str) -> None:
        transfer = meant("list", self._alone("list", rest).number, self.app.state.transfers.values())
        if not isinstance(self.app.screen, OfferScreen):
            self.app.push_screen(OfferScreen(transfer))

    def _simple(self, name: str, rest: str, command: Callable[[int], AnyCommand]) -> None:
        number = self._alone(name, rest).number
        transfer = meant(name, number, self.app.state.transfers.values())
        self._tell(command(transfer.id))

    @staticmethod
    def _alone(name: str, rest: str) -> Asked:
        wanted = asked(rest)
        if wanted.only or wanted.folder is not None:
            raise MisusedError(say("misused-words", command=name))
        return wanted

    def _tell(self, command: AnyCommand) -> None:
        if not self.app.send(command):
            raise MisusedError(say("engine-stuck"))
