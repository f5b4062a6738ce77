"""Every command in and every event out, as typed structs: the one language of engine, screen and scripts.

Commands are imperative, events past tense. As JSON each is an object with its name under "type"; on the local
socket a command is a CMD0 packet and an event an EVT0 packet, with `visavis engine --stdio` each is a line
(docs/engine.md). Words are the screen's: here are codes and fields only. Text that a peer chose is passed on as
it came; whoever shows it calls `relay.visible.visible`.
"""

from collections.abc import Callable
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from actors.offers import OVER as OVER
from actors.offers import FilePath, TransferId
from actors.offers import OfferEntry as OfferEntry
from actors.offers import Stall as Stall
from actors.offers import Transfer as Transfer
from actors.offers import TransferState as TransferState
from relay import limits

VERSION = 1  # of this file: a screen of another version is told so and let go

# The lines of a peer are called peer-N or plain-N: no other line may be.
LineId = Annotated[str, Meta(min_length=1, max_length=limits.LINE_ID_CHARACTERS, pattern="^(?!peer-|plain-)")]
Mark = Literal["queued", "sent", "delivered", "received"]
# idle: nothing begun. dialling: no code yet, reaching the relay. waiting: a code waits for its joiner.
# pairing: the words are being proved. call: a session exists. plain: the original's protocol. ended: for good.
Phase = Literal["idle", "dialling", "waiting", "pairing", "call", "plain", "ended"]
# Of a session (or plain connection): joined = the peer is there; alone = the relay is there and the peer is not;
# out = no relay, it is tried again.
Link = Literal["none", "joined", "alone", "out"]


# --- commands --------------------------------------------------------------------------------------------------


class Command(Struct, frozen=True, tag=True):
    """What a screen or a script asks of the engine."""


class Attach(Command, frozen=True, tag=True):
    """A screen begins: answered by a Snapshot, the lines after event `since`, then every event as it happens.

    `environment` carries DISPLAY, WAYLAND_DISPLAY, XAUTHORITY, PULSE_SERVER of the terminal, as tmux's
    update-environment does: the engine gives them to the devices it opens from then on.
    """

    version: int = VERSION
    since: int = 0
    environment: dict[str, Annotated[str, Meta(pattern=r"^[^\0]*\Z")]] = {}


class MakeCode(Command, frozen=True, tag=True):
    """Ask the relay (HOST:PORT) for a number, make words, wait for whoever enters them."""

    relay: str


class EnterCode(Command, frozen=True, tag=True):
    """Join the one who made this code (NUMBER-word-word-word) at this relay (HOST:PORT)."""

    relay: str
    code: str


class OpenPlain(Command, frozen=True, tag=True):
    """Speak the original's protocol, unencrypted, through the server at `relay` (HOST:PORT)."""

    relay: str


class SendText(Command, frozen=True, tag=True):
    """Say `text` (1 byte to 64 KiB of UTF-8). `id` is the sender's own, unique in the session."""

    id: LineId
    text: str


class SetTyping(Command, frozen=True, tag=True):
    """Tell the peer that someone writes here, or no longer does."""

    typing: bool


class SetName(Command, frozen=True, tag=True):
    """Be called this from now on (1 to 64 characters)."""

    name: Annotated[str, Meta(min_length=1, max_length=limits.NAME_CHARACTERS)]


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


class Hang(Command, frozen=True, tag=True):
    """End the call for both sides, then the engine."""


FileCommand = OfferFiles | AnswerOffer | CancelTransfer | PutFirst | ListOffer
AnyCommand = (
    Attach
    | MakeCode
    | EnterCode
    | OpenPlain
    | SendText
    | SetTyping
    | SetName
    | OfferFiles
    | AnswerOffer
    | CancelTransfer
    | PutFirst
    | ListOffer
    | Hang
)


# --- events ----------------------------------------------------------------------------------------------------


class Line(Struct, frozen=True):
    """One message of the conversation. `at` is in UNIX seconds by this engine's clock."""

    id: str
    mine: bool
    text: str
    at: float
    mark: Mark
    seq: int  # the event that brought it


class Event(Struct, frozen=True, kw_only=True, tag=True):
    """What happened. `seq` counts an engine's events from 1; it is 0 on what only one screen is told."""

    seq: int = 0


class Snapshot(Event, frozen=True, kw_only=True, tag=True):
    """The state now, the answer to Attach: `seq` is the last event it contains."""

    version: int = VERSION
    engine: str = ""  # the name to attach by
    name: str = ""  # ours
    phase: Phase = "idle"
    link: Link = "none"
    since: float = 0.0  # UNIX seconds: when `link` became what it is
    cause: str = ""  # why the link is not "joined", or why the phase is "ended": a code of docs/engine.md
    relay: str = ""
    code: str = ""  # that waits, while phase is "waiting"
    peer: str = ""
    peer_typing: bool = False
    verification: tuple[str, ...] = ()  # six words, the same on both sides
    round_trip_ms: float | None = None
    skipped: dict[str, int] = {}  # plain: packets of types this screen does not show yet
    transfers: tuple[Transfer, ...] = ()  # those that are not over, and the last that are; oldest first
    lines: int = 0  # kept by the engine in all
    lines_dropped: int = 0  # older ones, no longer kept


class LinesReplayed(Event, frozen=True, kw_only=True, tag=True):
    """After a Snapshot: lines that came (or changed their mark) after the `since` of Attach, oldest first."""

    lines: tuple[Line, ...]


class PhaseChanged(Event, frozen=True, kw_only=True, tag=True):
    """The call reached another phase. `relay` says through which relay."""

    phase: Phase
    relay: str = ""


class CodeMade(Event, frozen=True, kw_only=True, tag=True):
    """This code waits at the relay. `because` says why an earlier one went: "", "unknown" (the relay forgot)."""

    code: str
    because: str = ""


class CodeBurned(Event, frozen=True, kw_only=True, tag=True):
    """The code we made is dead: "words" (someone proved wrong words), "tries" (five ended before a proof).

    MakeCode makes a new one.
    """

    cause: str


class Failed(Event, frozen=True, kw_only=True, tag=True):
    """MakeCode, EnterCode or OpenPlain came to nothing; phase is "idle" again. Codes: docs/engine.md.

    `detail` is what goes into the sentence: the nearest word, the relay's own text (made visible), an OS error.
    """

    cause: str
    detail: str = ""


class SessionOpened(Event, frozen=True, kw_only=True, tag=True):
    """Two people are paired: the six words to compare are the same on both sides."""

    verification: tuple[str, ...]


class LinkChanged(Event, frozen=True, kw_only=True, tag=True):
    """The peer came, went, or the relay is out of reach, since `since`; `cause` says why, `detail` adds to it."""

    link: Link
    since: float
    cause: str = ""
    detail: str = ""


class PeerNamed(Event, frozen=True, kw_only=True, tag=True):
    """The peer's display name, at most 64 characters, as it came."""

    name: str


class PeerTyped(Event, frozen=True, kw_only=True, tag=True):
    """The peer began to write, or stopped."""

    typing: bool


class RoundTripMeasured(Event, frozen=True, kw_only=True, tag=True):
    """Milliseconds to the peer and back, from the heartbeat; coalesced."""

    ms: float


class TextQueued(Event, frozen=True, kw_only=True, tag=True):
    """SendText was taken and is kept until the peer has it: it can no longer be lost while this engine lives."""

    id: str
    text: str
    at: float


class TextRefused(Event, frozen=True, kw_only=True, tag=True):
    """SendText was not taken: "too-long", "empty", "no-call", "queue-full", "repeated"."""

    id: str
    cause: str


class TextSent(Event, frozen=True, kw_only=True, tag=True):
    """The text went onto the wire."""

    id: str


class TextDelivered(Event, frozen=True, kw_only=True, tag=True):
    """The peer's engine has the text and keeps it."""

    id: str


class TextReceived(Event, frozen=True, kw_only=True, tag=True):
    """The peer said this. `id` is unique in this engine; `at` is when it came here."""

    id: str
    text: str
    at: float


class MediaSkipped(Event, frozen=True, kw_only=True, tag=True):
    """Plain: packets of types that are not shown yet, counted by type; coalesced."""

    counts: dict[str, int]


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


class CommandRefused(Event, frozen=True, kw_only=True, tag=True):
    """A command was not understood ("malformed", "version"), does not fit the phase ("phase"), or can't be done
    ("screens": too many are attached; "queue-full"; of an offer "no-transfer", "folder-missing",
    "folder-unwritable", "no-space", "part-empty", "part-scattered", "one-file"). `transfer` is the one meant."""

    cause: str
    detail: str = ""
    transfer: int = 0


class Ended(Event, frozen=True, kw_only=True, tag=True):
    """The call is over and the engine ends: "hung" (here), "peer-hung", "unwatched", "out-of-reach", or an error."""

    cause: str
    detail: str = ""


AnyEvent = (
    Snapshot
    | LinesReplayed
    | PhaseChanged
    | CodeMade
    | CodeBurned
    | Failed
    | SessionOpened
    | LinkChanged
    | PeerNamed
    | PeerTyped
    | RoundTripMeasured
    | TextQueued
    | TextRefused
    | TextSent
    | TextDelivered
    | TextReceived
    | MediaSkipped
    | TransferChanged
    | TransferProgressed
    | EntryNoted
    | OfferListed
    | OfferRefused
    | CommandRefused
    | Ended
)

Emit = Callable[[AnyEvent], None]  # how an actor says what happened; never waits

_encoder = msgspec.json.Encoder()
_commands: msgspec.json.Decoder[AnyCommand] = msgspec.json.Decoder(AnyCommand)
_events: msgspec.json.Decoder[AnyEvent] = msgspec.json.Decoder(AnyEvent)


def encode(message: Struct) -> bytes:
    """Return the JSON of a command or event, one line."""
    return _encoder.encode(message)


def decode_command(payload: bytes | bytearray) -> AnyCommand:
    """Return the command. Raises `ValueError` with a reason if it is none."""
    try:
        return _commands.decode(payload)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(str(error)) from None


def decode_event(payload: bytes | bytearray) -> AnyEvent:
    """Return the event. Raises `ValueError` with a reason if it is none."""
    try:
        return _events.decode(payload)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(str(error)) from None
