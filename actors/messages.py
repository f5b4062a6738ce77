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
from actors.offers import AnswerOffer as AnswerOffer
from actors.offers import CancelTransfer as CancelTransfer
from actors.offers import EntryNoted as EntryNoted
from actors.offers import FileCommand as FileCommand
from actors.offers import ListOffer as ListOffer
from actors.offers import OfferEntry as OfferEntry
from actors.offers import OfferFiles as OfferFiles
from actors.offers import OfferListed as OfferListed
from actors.offers import OfferRefused as OfferRefused
from actors.offers import PutFirst as PutFirst
from actors.offers import Stall as Stall
from actors.offers import Transfer as Transfer
from actors.offers import TransferChanged as TransferChanged
from actors.offers import TransferProgressed as TransferProgressed
from actors.offers import TransferState as TransferState
from actors.shows import USUAL_QUALITY as USUAL_QUALITY
from actors.shows import FilterName as FilterName
from actors.shows import Flow as Flow
from actors.shows import PeerVideo as PeerVideo
from actors.shows import PeerVideoChanged as PeerVideoChanged
from actors.shows import PictureTaken as PictureTaken
from actors.shows import PlayVideo as PlayVideo
from actors.shows import Recorded as Recorded
from actors.shows import Recording as Recording
from actors.shows import RecordingChanged as RecordingChanged
from actors.shows import RecordVideo as RecordVideo
from actors.shows import ShowVideo as ShowVideo
from actors.shows import ShowWindow as ShowWindow
from actors.shows import SnapshotTaken as SnapshotTaken
from actors.shows import Stage as Stage
from actors.shows import StopVideo as StopVideo
from actors.shows import TakeSnapshot as TakeSnapshot
from actors.shows import TuneVideo as TuneVideo
from actors.shows import Video as Video
from actors.shows import VideoChanged as VideoChanged
from actors.shows import VideoCommand as VideoCommand
from actors.shows import VideoEvent as VideoEvent
from actors.shows import VideoKind as VideoKind
from actors.shows import VideoMeasured as VideoMeasured
from actors.shows import VideoPlayed as VideoPlayed
from actors.shows import VideoState as VideoState
from actors.shows import WatchPicture as WatchPicture
from actors.shows import Whose as Whose
from actors.shows import WindowChanged as WindowChanged
from actors.sounds import CloseMicrophone as CloseMicrophone
from actors.sounds import CloseSpeaker as CloseSpeaker
from actors.sounds import CodecChoice as CodecChoice
from actors.sounds import Device as Device
from actors.sounds import DevicesListed as DevicesListed
from actors.sounds import DeviceState as DeviceState
from actors.sounds import DeviceUse as DeviceUse
from actors.sounds import ListDevices as ListDevices
from actors.sounds import Meter as Meter
from actors.sounds import OpenMicrophone as OpenMicrophone
from actors.sounds import OpenSpeaker as OpenSpeaker
from actors.sounds import PeerSound as PeerSound
from actors.sounds import PeerSoundChanged as PeerSoundChanged
from actors.sounds import Sound as Sound
from actors.sounds import SoundChanged as SoundChanged
from actors.sounds import SoundCommand as SoundCommand
from actors.sounds import SoundEvent as SoundEvent
from actors.sounds import SoundMeasured as SoundMeasured
from actors.sounds import TuneSound as TuneSound
from actors.structs import Command as Command
from actors.structs import Event as Event
from actors.structs import LineId
from relay import limits

VERSION = 1  # of this file: a screen of another version is told so and let go

Mark = Literal["queued", "sent", "delivered", "received"]
# idle: nothing begun. dialling: no code yet, reaching the relay. waiting: a code waits for its joiner.
# pairing: the words are being proved. call: a session exists. plain: the original's protocol. ended: for good.
Phase = Literal["idle", "dialling", "waiting", "pairing", "call", "plain", "ended"]
# Of a session (or plain connection): joined = the peer is there; alone = the relay is there and the peer is not;
# out = no relay, it is tried again.
Link = Literal["none", "joined", "alone", "out"]


# --- commands --------------------------------------------------------------------------------------------------


class Attach(Command, frozen=True, tag=True):
    """A screen begins: answered by a Snapshot, the lines after event `since`, then every event as it happens.

    `environment` carries DISPLAY, WAYLAND_DISPLAY, XAUTHORITY, PULSE_SERVER of the terminal, as tmux's
    update-environment does: the engine gives them to the devices it opens from then on.
    """

    version: int = VERSION
    since: int = 0
    environment: dict[str, Annotated[str, Meta(pattern=r"^[^\0]*\Z")]] = msgspec.field(default_factory=dict)


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


class Hang(Command, frozen=True, tag=True):
    """End the call for both sides, then the engine."""


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
    | VideoCommand
    | SoundCommand
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
    skipped: dict[str, int] = msgspec.field(default_factory=dict)  # plain: packets that are not shown
    transfers: tuple[Transfer, ...] = ()  # those that are not over, and the last that are; oldest first
    video: Video = Video()
    peer_video: PeerVideo = PeerVideo()
    recording: Recording = Recording()
    sound: Sound = Sound()
    peer_sound: PeerSound = PeerSound()
    windows: tuple[Whose, ...] = ()  # that are open
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
    | VideoEvent
    | SoundEvent
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
