"""What the two directions of a transfer have in common: what is shown of it, and how it ends for both sides."""

from abc import abstractmethod
from collections.abc import Callable

from actors.files.shown import Shown
from actors.messages import TransferState
from actors.peer import FileMessage, Stop
from relay import limits


class Ending:
    """One transfer, as far as it makes no difference which way it goes. `say` sends a message to the peer."""

    def __init__(self, number: int, shown: Shown, say: Callable[[FileMessage], None]) -> None:
        self.number = number
        self.shown = shown
        self.peer_disk_waits = self.our_disk_waits = False
        self.closed = False  # over, and nothing of it is left to be done
        self._say = say

    @abstractmethod
    def end(self, state: TransferState, cause: str = "", detail: str = "") -> None:
        """It is over: note why, stop what works for it."""

    def cancel(self) -> None:
        """End it for both sides."""
        self._stop("cancelled", "cancelled", "here")

    def fail(self, cause: str, detail: str = "") -> None:
        """It can't go on: end it for both sides."""
        self._stop("failed", cause, detail)

    def end_with_call(self) -> None:
        """The call is over, and so is this."""
        if not self.shown.over:
            self.end("failed", "call-over")

    def stopped(self, stop: Stop) -> None:
        """The other side ended it."""
        if self.shown.over:
            return
        match stop.reason:
            case "refused" if self.shown.now.mine:
                self.end("refused", "refused")
            case "cancelled":
                self.end("cancelled", "cancelled", "there")
            case _:
                self.end("failed", stop.reason, stop.detail)

    def _stop(self, state: TransferState, cause: str, detail: str) -> None:
        if self.shown.over:
            return
        if self.shown.now.state != "listing":  # else the peer has not heard of it
            told = "" if state == "cancelled" else detail[: limits.ERROR_TEXT_CHARACTERS]
            self._say(Stop(self.number, cause, told))
        self.end(state, cause, detail)
