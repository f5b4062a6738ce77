"""An offer of files, and what becomes of it: the structs in which engine and screens speak of it."""

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from relay import limits

TransferId = Annotated[int, Meta(ge=1, le=2**63 - 1)]
# listing: our folders are being read. offered: waits for an answer. waiting: accepted, and its turn has not come, or
# the list is not here yet. moving: its bytes pass. The rest is over: done (see `missed`), refused, cancelled, failed.
TransferState = Literal["listing", "offered", "waiting", "moving", "done", "refused", "cancelled", "failed"]
OVER: Final = frozenset({"done", "refused", "cancelled", "failed"})
# Why nothing moves: a disk, or what takes standard output, does not keep up; the way to the peer; no relay; a peer that
# is away.
Stall = Literal["", "own-disk", "own-output", "peer-disk", "link", "relay", "peer-away"]
FilePath = Annotated[str, Meta(min_length=1, max_length=limits.PATH_BYTES, pattern=r"^[^\0]*\Z")]


class Transfer(Struct, frozen=True, kw_only=True):
    """One offer, and what became of it. Names and paths of the peer's are as they came: show them with `visible`.

    `files`, `folders` and `size` (bytes; None for a stream whose end nobody knows) are what was offered, and once it
    is answered what is taken. `names` are the first of the list, at most 100. `moved` and `moved_files` count what
    the receiver has on its disk; `missed` what was taken and could not be moved; `skipped` what the sender left out
    of the offer. `rate` is in bytes a second of late, `seconds_left` None while nobody can know.
    """

    id: int  # A's are odd, B's even
    mine: bool  # we send
    state: TransferState
    name: str = ""  # what to call it: the first of what was offered
    request: str = ""  # of our OfferFiles
    files: int = 0
    folders: int = 0
    size: int | None = 0
    names: tuple[str, ...] = ()
    skipped: int = 0
    moved: int = 0
    moved_files: int = 0
    missed: int = 0
    rate: float = 0.0
    seconds_left: float | None = None
    stall: Stall = ""
    place: int = 0  # among those of its direction that are accepted and not over; 1 is first
    folder: str = ""  # ours, where it goes: full path
    path: str = ""  # where the first thing of it lies, or will: full path
    partial: str = ""  # what came in part, and is kept: full path
    cause: str = ""  # why it was refused or cancelled, or failed: a code of docs/engine.md
    detail: str = ""


class OfferEntry(Struct, frozen=True):
    """One line of an offer's list. `size` in bytes; None for a stream."""

    number: int
    path: str
    size: int | None
    folder: bool = False
