"""What two engines say to each other inside the seal: typed structs as JSON (docs/protocol.md, sections 1, 4, 5).

Controls (CTL0) are about the epoch and are lost with it; messages (MSG0) are numbered and arrive exactly once.
A control or message with a tag unknown here is skipped and counted, so that later versions can add some.
"""

import struct
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from relay import limits

Count = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Payload = bytes | bytearray
Nanoseconds = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]


class PeerError(Exception):
    """The peer, whose packets are authentic, said something that no Visavis says."""


class OpenLane(Struct, frozen=True, tag=True):
    """Connect to lane `name` in this `generation`: it is needed."""

    name: Annotated[str, Meta(pattern=r"^[a-z0-9]{1,32}\Z")]
    generation: Annotated[int, Meta(ge=1, lt=2**31)]


class Heartbeat(Struct, frozen=True, tag=True):
    """The peer lives. Times in ns: when this was sent (sender's clock), and of the last heartbeat the sender had
    received: its `sent` (receiver's clock; absent if there was none) and how long the sender held it."""

    sent: Nanoseconds
    echo: Nanoseconds | None = None
    held: Count = 0


class HaveUpTo(Struct, frozen=True, tag=True):
    """Every message up to this number is kept here. The first packet of each direction of an epoch."""

    number: Count


class Typing(Struct, frozen=True, tag=True):
    """Someone writes, or no longer."""

    typing: bool


class Hung(Struct, frozen=True, tag=True):
    """The call is over for both; no reconnecting."""


class Text(Struct, frozen=True, tag=True):
    """A message of the conversation, at most 64 KiB of UTF-8."""

    text: str


class Name(Struct, frozen=True, tag=True):
    """How the sender wants to be called. The first message of a session; a later one changes it."""

    name: str


# --- files (docs/protocol.md, section 6) -------------------------------------------------------------------------

TransferNumber = Annotated[int, Meta(ge=1, le=2**63 - 1)]
EntryNumber = Annotated[int, Meta(ge=0, le=limits.OFFER_ENTRIES + 1)]
Run = tuple[Annotated[int, Meta(ge=1, le=limits.OFFER_ENTRIES)], Annotated[int, Meta(ge=1, le=limits.OFFER_ENTRIES)]]
Reason = Annotated[str, Meta(pattern=r"^[a-z-]{1,32}\Z")]


class Offer(Struct, frozen=True, tag=True):
    """The sender offers a list of `files` and `folders`, together `size` bytes (None: a stream of one file whose end
    it does not know). `names` are the list's first; `skipped` entries were left out. The list comes on `file`."""

    transfer: TransferNumber
    files: Annotated[int, Meta(ge=0, le=limits.OFFER_ENTRIES)]
    folders: Annotated[int, Meta(ge=0, le=limits.OFFER_ENTRIES)]
    size: Count | None
    names: Annotated[tuple[str, ...], Meta(max_length=limits.OFFER_NAMES)]
    skipped: Count = 0


class Answer(Struct, frozen=True, tag=True):
    """The receiver takes the offer: all of it, or only these runs (first and last number, rising) of its list."""

    transfer: TransferNumber
    runs: Annotated[tuple[Run, ...], Meta(max_length=limits.PART_RANGES)] | None = None


class Stop(Struct, frozen=True, tag=True):
    """Either side ends the transfer: "refused", "cancelled", or what it failed by."""

    transfer: TransferNumber
    reason: Reason
    detail: Annotated[str, Meta(max_length=limits.ERROR_TEXT_CHARACTERS)] = ""


class Missed(Struct, frozen=True, tag=True):
    """The receiver could not keep this entry; the others go on. At most NOTES of them are said."""

    transfer: TransferNumber
    entry: EntryNumber
    reason: Reason


class Done(Struct, frozen=True, tag=True):
    """The receiver has everything that came: so many files and bytes; so many entries that were taken it has not."""

    transfer: TransferNumber
    files: Count
    size: Count
    missed: Count = 0


class Have(Struct, frozen=True, tag=True):
    """What the receiver has. `files` and `size` lie on its disk. On this connection of `file` (its epoch is the one
    that this is said in) the list goes on after entry `listed`, and bytes at `offset` in `block` of `entry`."""

    transfer: TransferNumber
    generation: Annotated[int, Meta(ge=1, lt=2**31)]
    listed: EntryNumber
    entry: EntryNumber
    block: Annotated[int, Meta(ge=0, lt=2**32)]
    offset: Annotated[int, Meta(ge=0, lt=limits.BLOCK_BYTES)]
    files: Count = 0
    size: Count = 0


class DiskWaits(Struct, frozen=True, tag=True):
    """The sayer's disk holds this transfer up, or no longer does."""

    transfer: TransferNumber
    waits: bool


class First(Struct, frozen=True, tag=True):
    """The receiver wants this transfer before the others that are sent to it."""

    transfer: TransferNumber


# --- media (docs/protocol.md, section 7) -------------------------------------------------------------------------

Microseconds = Annotated[int, Meta(ge=0, lt=2**32)]


class MediaTaken(Struct, frozen=True, tag=True):
    """Everything up to this number of a media lane is decoded here, or a newer one took its place. It had waited so
    long since it came; so long took its stages."""

    lane: Annotated[str, Meta(pattern=r"^[a-z0-9]{1,32}\Z")]
    number: Count
    waited_us: Microseconds = 0
    decode_us: Microseconds = 0
    show_us: Microseconds = 0


class Showing(Struct, frozen=True, tag=True):
    """The sayer shows this from now on: "camera", "file", "image", "card", what later versions have, or "" for
    nothing. `name` is a file's."""

    kind: Annotated[str, Meta(pattern=r"^[a-z]{0,32}\Z")]
    name: Annotated[str, Meta(max_length=limits.FILE_NAME_BYTES)] = ""


class Recording(Struct, frozen=True, tag=True):
    """The sayer records what the other shows, or no longer does."""

    on: bool


class Sounding(Struct, frozen=True, tag=True):
    """The sayer's microphone is "off", "on" or "muted", or in a state of later versions; these codecs it can take
    beside "pcm". Whether somebody speaks, the frames say."""

    state: Annotated[str, Meta(pattern=r"^[a-z]{1,32}\Z")]
    codecs: Annotated[tuple[Annotated[str, Meta(pattern=r"^[a-z0-9]{1,32}\Z")], ...], Meta(max_length=16)] = ()


FileControl = Have | DiskWaits | First
FileMessage = Offer | Answer | Stop | Missed | Done
VideoMessage = Showing | Recording
Control = OpenLane | Heartbeat | HaveUpTo | Typing | Hung | Have | DiskWaits | First | MediaTaken
AudioMessage = Sounding
Message = Text | Name | Offer | Answer | Stop | Missed | Done | Showing | Recording | Sounding


class _Tagged(Struct):
    type: str


_UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)  # all that bad JSON raises
_NUMBER: Final = struct.Struct("!Q")
_tags = msgspec.json.Decoder(_Tagged)
_controls: msgspec.json.Decoder[Control] = msgspec.json.Decoder(Control)
_messages: msgspec.json.Decoder[Message] = msgspec.json.Decoder(Message)
_CONTROL_TAGS: Final = frozenset(
    {"OpenLane", "Heartbeat", "HaveUpTo", "Typing", "Hung", "Have", "DiskWaits", "First", "MediaTaken"}
)
_MESSAGE_TAGS: Final = frozenset(
    {"Text", "Name", "Offer", "Answer", "Stop", "Missed", "Done", "Showing", "Recording", "Sounding"}
)


def encode_control(control: Control) -> bytes:
    """Return the payload of a CTL0."""
    return msgspec.json.encode(control)


def decode_control(payload: Payload) -> Control | None:
    """Return the control in a CTL0, None if its tag is unknown. Raises `PeerError`."""
    if not _known(payload, _CONTROL_TAGS):
        return None
    try:
        return _controls.decode(payload)
    except _UNREADABLE as error:
        raise PeerError(f"control: {error}") from None


def encode_message(number: int, message: Message) -> bytes:
    """Return the payload of a MSG0."""
    return _NUMBER.pack(number) + msgspec.json.encode(message)


def decode_message(payload: Payload) -> tuple[int, Message | None]:
    """Return number and message of a MSG0; None for the message if its tag is unknown. Raises `PeerError`."""
    if len(payload) < _NUMBER.size:
        raise PeerError("message without a number")
    number: int = _NUMBER.unpack_from(payload)[0]
    body = payload[_NUMBER.size :]
    if not _known(body, _MESSAGE_TAGS):
        return number, None
    try:
        message = _messages.decode(body)
    except _UNREADABLE as error:
        raise PeerError(f"message: {error}") from None
    if isinstance(message, Text) and len(message.text.encode()) > limits.CHAT_BYTES:
        raise PeerError(f"a text of over {limits.CHAT_BYTES} bytes")
    if isinstance(message, Name) and not 0 < len(message.name) <= limits.NAME_CHARACTERS:
        raise PeerError(f"a name of over {limits.NAME_CHARACTERS} characters")
    return number, message


def _known(payload: Payload, tags: frozenset[str]) -> bool:
    try:
        return _tags.decode(payload).type in tags
    except _UNREADABLE as error:
        raise PeerError(f"not a tagged struct: {error}") from None
