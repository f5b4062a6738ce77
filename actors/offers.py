"""An offer of files, and what becomes of it: what is asked and told of it, as part of messages.py."""

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from actors.structs import Command, Event, LineId
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


class OfferFiles(Command, frozen=True, tag=True):
    """Offer these files and folders (absolute paths; "-" is the engine's standard input) to the peer, as one.

    `id` is the asker's own, as that of a text. Answered by TransferChanged with this `request`, or OfferRefused.
    In plain mode one file at a time, and it is sent at once.
    """

    id: LineId
    paths: Annotated[tuple[FilePath, ...], Meta(min_length=1, max_length=limits.OFFER_PATHS)]


class AnswerOffer(Command, frozen=True, tag=True):
    """Take what the peer offered into `folder` ("": the download folder; "-": the engine's standard output), or
    refuse it.

    With `only`, a part: entries whose path, or whose folder, is one of these, or matches one as a pattern of the
    shell (`*.pdf`, `notes/2*`). Refused (CommandRefused) while the folder can't be used, the space does not suffice,
    or nothing in the offer fits; the offer then stays open.
    """

    transfer: TransferId
    accept: bool
    folder: Annotated[str, Meta(max_length=limits.PATH_BYTES, pattern=r"^[^\0]*\Z")] = ""
    only: Annotated[tuple[FilePath, ...], Meta(max_length=limits.PART_PATTERNS)] = ()


class CancelTransfer(Command, frozen=True, tag=True):
    """End this transfer for both sides; what came whole stays, what came in part stays hidden beside it."""

    transfer: TransferId


class PutFirst(Command, frozen=True, tag=True):
    """Move this transfer before the others of its direction."""

    transfer: TransferId


class ListOffer(Command, frozen=True, tag=True):
    """Show `count` entries of an offer from number `first` on (1 is the first): answered by OfferListed."""

    transfer: TransferId
    first: Annotated[int, Meta(ge=1, le=limits.OFFER_ENTRIES)] = 1
    count: Annotated[int, Meta(ge=1, le=limits.LISTED_ENTRIES)] = 100


class TransferChanged(Event, frozen=True, kw_only=True, tag=True):
    """A transfer began, or anything of it but its progress changed."""

    transfer: Transfer


class TransferProgressed(Event, frozen=True, kw_only=True, tag=True):
    """What the receiver has on its disk by now, or why nothing moves; coalesced."""

    id: int
    moved: int
    moved_files: int
    rate: float
    seconds_left: float | None = None
    stall: Stall = ""


class EntryNoted(Event, frozen=True, kw_only=True, tag=True):
    """Something about one entry of a transfer: a code of docs/engine.md; the first 100 of each transfer are told.

    `path` is the entry's, as the sender calls it.
    """

    transfer: int
    path: str
    cause: str
    detail: str = ""


class OfferListed(Event, frozen=True, kw_only=True, tag=True):
    """The answer to ListOffer. `total` entries are there so far; `whole` once the list is."""

    transfer: int
    entries: tuple[OfferEntry, ...]
    total: int
    whole: bool


class OfferRefused(Event, frozen=True, kw_only=True, tag=True):
    """OfferFiles came to nothing: "no-call", "offers-open" (16 are), "path-missing" (`detail` names it), "empty",
    "too-many" (entries), "busy" (plain: one at a time), "one-file" (plain, or standard input beside others)."""

    id: str
    cause: str
    detail: str = ""


FileCommand = OfferFiles | AnswerOffer | CancelTransfer | PutFirst | ListOffer
