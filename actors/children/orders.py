"""What the engine says to the programs that it starts, and what they say back, beside frames.

    engine ──CMD0 (an order as JSON), VFR0──► child ──EVT0 (a report as JSON), VFR0, PIC0──► engine

Both are packets as on the wire, over the child's standard input and output. The end of its input ends a child.
"""

from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from actors.shows import FilterName as FilterName
from actors.shows import MediaPath, Quality, Rate, Side
from actors.shows import VideoKind as VideoKind
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


class Written(Report, frozen=True, tag=True):
    """So much is in the recording."""

    frames: int
    seconds: float


AnyOrder = OpenSource | Tune | Play | Next | OpenWindow | Watch | Unwatch | Draw | OpenRecording
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
)

TO_CHILD: Final = {
    wire.COMMAND: limits.CONTROL_BYTES,
    frames.FRAME: frames.FRAME_LIMIT,
    frames.OWN_FRAME: frames.FRAME_LIMIT,
}
FROM_CHILD: Final = {
    wire.EVENT: limits.CONTROL_BYTES,
    frames.FRAME: frames.FRAME_LIMIT,
    frames.PICTURE: frames.PICTURE_LIMIT,
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
