"""What the engine says to the programs that it starts, and what they say back, beside frames.

    engine ──CMD0 (an order as JSON), VFR0, AFR0──► child ──EVT0 (a report as JSON), VFR0, PIC0, AFR0──► engine

Both are packets as on the wire, over the child's standard input and output. The end of its input ends a child.
"""

from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from actors.audio import frames as sound
from actors.audio.frames import Codec
from actors.audio.gate import USUAL_THRESHOLD, Mode
from actors.shows import FilterName as FilterName
from actors.shows import MediaPath, Quality, Rate, Side
from actors.shows import VideoKind as VideoKind
from actors.sounds import Device, DeviceId, Threshold, Volume
from actors.video import frames
from relay import limits, wire


class Order(Struct, frozen=True, tag=True):
    """From the engine."""


# --- to the capture child


class OpenSource(Order, frozen=True, tag=True):
    """The first order: open a camera (`what`: number, device path, or address of a network camera), a video file, an
    image (`what`: a path), or the test card. `width` x `height` at `rate` is what a camera is asked for; 0: its own.
    Answered by Opened or Failed."""

    kind: VideoKind
    what: MediaPath = ""
    width: Side = 0
    height: Side = 0
    rate: Rate = 0


class Tune(Order, frozen=True, tag=True):
    """From the next frame on: this filter, JPEG quality (10 to 95), a box to shrink into (never enlarged, same
    proportions; 0: as it comes), at most `rate` frames a second (0: as they come). Frames made so carry `mark`."""

    filter: FilterName = "none"
    quality: Quality = 80
    width: Side = 0
    height: Side = 0
    rate: Rate = 0
    mark: Annotated[int, Meta(ge=0, le=255)] = 0


class Play(Order, frozen=True, tag=True):
    """Of a video file: pause or go on, go to this second, begin again at the end. None leaves it as it is."""

    paused: bool | None = None
    seek: Annotated[float, Meta(ge=0)] | None = None
    loop: bool | None = None


class Next(Order, frozen=True, tag=True):
    """Send one more frame, once there is a newer one than the last; one such order stands at a time."""


# --- to a window


class OpenWindow(Order, frozen=True, tag=True):
    """The first order: open a window with this title. Answered by WindowOpened or Failed."""

    title: str


# --- to the pictures


class Watch(Order, frozen=True, tag=True):
    """Draw for `watcher` in so many cells from now on; the next picture is a whole one."""

    watcher: int
    columns: Annotated[int, Meta(ge=1, le=limits.PICTURE_COLUMNS)]
    rows: Annotated[int, Meta(ge=1, le=limits.PICTURE_ROWS)]


class Unwatch(Order, frozen=True, tag=True):
    """The watcher is gone."""

    watcher: int


class Draw(Order, frozen=True, tag=True):
    """The next VFR0 is for these watchers: answered by a PIC0 for each, or one Refused."""

    watchers: tuple[int, ...]


# --- to a recorder


class OpenRecording(Order, frozen=True, tag=True):
    """The first order: write to this new file, with a track for frames of the peer, for our own, or for both. Answered
    by Opened or Failed."""

    path: MediaPath
    peer: bool = True
    own: bool = False


# --- to the microphone and the speaker


class OpenSound(Order, frozen=True, tag=True):
    """The first order: open this device ("": the default), or this file in its place; with `none` neither: a film
    alone is to be heard. Answered by SoundOpened or Failed. A device that goes later is looked for: SoundLost, and
    SoundOpened again."""

    device: DeviceId = ""
    file: MediaPath = ""
    none: bool = False


class TuneMicrophone(Order, frozen=True, tag=True):
    """What is sent from now on (actors/audio/gate.py), and as what."""

    mode: Mode = "voice"
    threshold: Threshold = USUAL_THRESHOLD
    talking: bool = False
    muted: bool = False
    codec: Codec = "pcm"


class TuneSpeaker(Order, frozen=True, tag=True):
    """How loud it is, in percent of how it came."""

    volume: Volume = 100


class PlayFilm(Order, frozen=True, tag=True):
    """Mix in the sound of this video file ("": none), whose second 0 was at `zero` (ns of CLOCK_MONOTONIC), or would
    have been; None while it is paused."""

    path: MediaPath = ""
    zero: int | None = None


# --- from children


class Report(Struct, frozen=True, tag=True):
    """To the engine."""


class Opened(Report, frozen=True, tag=True):
    """A source is open: size in pixels (upright), frames a second (0: unknown, or a still), seconds of a video file,
    and whether another engine's camera is shared. Of a recorder: its file is open."""

    width: int = 0
    height: int = 0
    rate: float = 0
    seconds: float | None = None
    shared: bool = False


class Failed(Report, frozen=True, tag=True):
    """It can't go on, and ends: a code of docs/engine.md, and what goes into the sentence."""

    cause: str
    detail: str = ""


class SourceEnded(Report, frozen=True, tag=True):
    """The video file is at its end; Play(seek=...) goes on."""


class Position(Report, frozen=True, tag=True):
    """The video file is at this second; said about twice a second while it plays, and after a seek."""

    seconds: float


class Captured(Report, frozen=True, tag=True):
    """So far: frames that the source gave, and those that a newer one replaced before anyone wanted them."""

    frames: int
    dropped: int


class WindowOpened(Report, frozen=True, tag=True):
    """The window is on the screen."""


class Shown(Report, frozen=True, tag=True):
    """The frame of this number is on the screen since `at` (ns of CLOCK_MONOTONIC); it took so long to decode, to
    show. Another frame may come."""

    number: int
    at: int
    decode_us: int
    show_us: int


class Refused(Report, frozen=True, tag=True):
    """The frame of this number was not decoded: "not-jpeg", "too-large", "broken". Another frame may come."""

    number: int
    cause: str


class WindowClosed(Report, frozen=True, tag=True):
    """Someone closed the window, by its button or by q or Esc; the child ends."""


class SnapshotAsked(Report, frozen=True, tag=True):
    """Someone pressed s in the window."""


class FilmClock(Report, frozen=True, tag=True):
    """The video file's second 0 was at this time (ns of CLOCK_MONOTONIC), or would have been; None: it stands still."""

    zero: int | None


class SoundOpened(Report, frozen=True, tag=True):
    """The device or file is open. `name` is what people call it."""

    name: str = ""


class SoundLost(Report, frozen=True, tag=True):
    """The device is gone; it is looked for."""

    detail: str = ""


class Spoke(Report, frozen=True, tag=True):
    """What the microphone takes in, about ten times a second: its level in dBFS, in all and by pitch; whether it is
    sent."""

    level: int
    bands: tuple[int, ...]
    speaks: bool


class Heard(Report, frozen=True, tag=True):
    """What the speaker gives, about ten times a second: level in dBFS, in all and by pitch, whether somebody speaks.
    Everything up to `number` was played or left out. The last that was played was captured at `captured` (the peer's
    ns; 0: none since the last report), and is to reach the air at `at` (ns of CLOCK_MONOTONIC), `waited_us` after it
    came; `waits_ms` is how long a frame that was not late waits. Counts as in jitter.py."""

    level: int
    bands: tuple[int, ...]
    speaks: bool
    number: int
    captured: int = 0
    at: int = 0
    waited_us: int = 0
    waits_ms: float = 0.0
    late: int = 0
    dropped: int = 0
    dry: int = 0
    refused: int = 0


class DevicesFound(Report, frozen=True, tag=True):
    """What there is, the defaults first."""

    microphones: tuple[Device, ...] = ()
    speakers: tuple[Device, ...] = ()


class Written(Report, frozen=True, tag=True):
    """So much is in the recording."""

    frames: int
    seconds: float


AnyOrder = (
    OpenSource
    | Tune
    | Play
    | Next
    | OpenWindow
    | Watch
    | Unwatch
    | Draw
    | OpenRecording
    | OpenSound
    | TuneMicrophone
    | TuneSpeaker
    | PlayFilm
)
AnyReport = (
    Opened
    | Failed
    | SourceEnded
    | Position
    | Captured
    | WindowOpened
    | Shown
    | Refused
    | WindowClosed
    | SnapshotAsked
    | Written
    | FilmClock
    | SoundOpened
    | SoundLost
    | Spoke
    | Heard
    | DevicesFound
)

TO_CHILD: Final = {
    wire.COMMAND: limits.CONTROL_BYTES,
    frames.FRAME: frames.FRAME_LIMIT,
    frames.OWN_FRAME: frames.FRAME_LIMIT,
    sound.FRAME: sound.FRAME_LIMIT,
}
FROM_CHILD: Final = {
    wire.EVENT: limits.CONTROL_BYTES,
    frames.FRAME: frames.FRAME_LIMIT,
    frames.PICTURE: frames.PICTURE_LIMIT,
    sound.FRAME: sound.FRAME_LIMIT,
}

_encoder = msgspec.json.Encoder()
_orders: msgspec.json.Decoder[AnyOrder] = msgspec.json.Decoder(AnyOrder)
_reports: msgspec.json.Decoder[AnyReport] = msgspec.json.Decoder(AnyReport)


def encode_order(order: AnyOrder) -> bytes:
    """Return the packet of an order."""
    return wire.encode(wire.COMMAND, _encoder.encode(order))


def encode_report(report: AnyReport) -> bytes:
    """Return the packet of a report."""
    return wire.encode(wire.EVENT, _encoder.encode(report))


def decode_order(payload: bytes | bytearray) -> AnyOrder:
    """Return the order. Raises `ValueError`: engine and children are of one version."""
    return _orders.decode(payload)


def decode_report(payload: bytes | bytearray) -> AnyReport:
    """Return the report. Raises `ValueError`: a child that a picture has taken over may say anything."""
    try:
        return _reports.decode(payload)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(str(error)) from None
