"""One transfer as screens see it: its struct, kept up to date, and how fast it goes."""

from typing import Any

import msgspec
import trio

from actors.files.pace import Pace
from actors.messages import OVER, Emit, EntryNoted, Stall, Transfer, TransferChanged, TransferProgressed
from relay import limits
from relay.visible import cut


class Shown:
    """Keeps a `Transfer` and tells every change of it."""

    def __init__(self, transfer: Transfer, emit: Emit) -> None:
        self.now = transfer = _bounded(transfer)
        self._emit = emit
        self._pace = Pace()
        self._notes = 0
        self._moved_at = trio.current_time()
        self._told: TransferProgressed | None = None
        if transfer.state == "moving":
            self._pace.begin(self._moved_at)
        emit(TransferChanged(transfer=transfer))

    @property
    def over(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.now.state in OVER

    def change(self, **fields: Any) -> None:
        """Change what is not progress, and tell, if anything is different. What is over stays as it ended."""
        if not (self.over and "state" in fields):
            self.settle(**fields)

    def settle(self, **fields: Any) -> None:
        """The same, also for what is over: when it turns out to have been done after all."""
        changed = _bounded(msgspec.structs.replace(self.now, **fields))
        if changed.state != self.now.state:
            if changed.state == "moving":
                self._pace.begin(trio.current_time())
            else:
                self._pace.pause(trio.current_time())
                changed = msgspec.structs.replace(changed, rate=0.0, seconds_left=None, stall="")
        if changed.state in OVER:
            changed = msgspec.structs.replace(changed, place=0)
        if changed != self.now:
            self.now = changed
            self._emit(TransferChanged(transfer=changed))

    def moved(self, size: int, files: int) -> None:
        """The receiver has so many bytes and files now; told with the next `tick`."""
        if self.now.stall and size > self.now.moved:
            self.goes_on()
        self._pace.take(trio.current_time(), size)
        self.now = msgspec.structs.replace(self.now, moved=size, moved_files=files)
        self._moved_at = trio.current_time()

    def goes_on(self) -> None:
        """It stood still, and need not any longer: what was says nothing of how fast it goes on."""
        if self.now.state == "moving":
            self._pace = Pace(self.now.moved)
            self._pace.begin(trio.current_time())

    @property
    def stalled(self) -> bool:
        """Whether nothing moves that should."""
        return self.now.state == "moving" and self._pace.stalled(trio.current_time())

    @property
    def still_for(self) -> float:
        """Seconds since anything moved, or another connection was tried."""
        return trio.current_time() - self._moved_at

    def tried_again(self) -> None:
        """Another connection is tried now."""
        self._moved_at = trio.current_time()

    def tick(self, stall: Stall) -> None:
        """Tell the progress, if there was some; `stall` says why there is none."""
        if self.now.state != "moving":
            return
        now = trio.current_time()
        left = None if self.now.size is None else max(0, self.now.size - self.now.moved)
        self.now = msgspec.structs.replace(
            self.now, rate=self._pace.rate(now), seconds_left=self._pace.seconds_left(now, left), stall=stall
        )
        progress = TransferProgressed(
            id=self.now.id,
            moved=self.now.moved,
            moved_files=self.now.moved_files,
            rate=round(self.now.rate),
            seconds_left=self.now.seconds_left,
            stall=stall,
        )
        if progress != self._told:
            self._told = progress
            self._emit(progress)

    def note(self, path: str, cause: str, detail: str = "") -> bool:
        """Tell something about one entry; only the first NOTES are told. Returns whether it was."""
        self._notes += 1
        if self._notes > limits.NOTES:
            return False
        self._emit(EntryNoted(transfer=self.now.id, path=path, cause=cause, detail=detail))
        return True


def _bounded(transfer: Transfer) -> Transfer:
    """Cut what a peer can make long: screens are told of many transfers in one packet."""
    room, names = limits.SHOWN_NAMES_BYTES, []
    for name in transfer.names:
        room -= len(name.encode("utf-8", "replace"))
        if room < 0:
            break
        names.append(name)
    return msgspec.structs.replace(
        transfer, name=cut(transfer.name, limits.FILE_NAME_BYTES), names=tuple(names), detail=cut(transfer.detail, 300)
    )
