"""Video, as screens ask for it and are told of it: what is shown to whom. Part of messages.py."""

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from actors.structs import Command, Event
from relay import limits

VideoKind = Literal["camera", "file", "image", "card"]
FilterName = Literal["none", "gray", "edges", "inverse", "blur", "faces", "mirror"]
Whose = Literal["peer", "own"]  # what the peer shows; what is shown here
Recorded = Literal["", "peer", "own", "both"]
# opening: the source is not there yet. on: it gives frames. ended: a file came to its end, and can be gone back in.
VideoState = Literal["off", "opening", "on", "ended", "failed"]
Side = Annotated[int, Meta(ge=0, le=limits.VIDEO_SIDE)]
Quality = Annotated[int, Meta(ge=limits.QUALITY_MIN, le=limits.QUALITY_MAX)]
Rate = Annotated[float, Meta(ge=0, le=limits.VIDEO_RATE)]
MediaPath = Annotated[str, Meta(max_length=limits.PATH_BYTES, pattern=r"^[^\0]*\Z")]
USUAL_QUALITY: Final = 80


# --- commands --------------------------------------------------------------------------------------------------


class ShowVideo(Command, frozen=True, tag=True):
    """Show this from now on, in the place of what was shown: a camera (`what`: number, device path, or the address of
    a network camera; "" is 0), a video file or an image (absolute path), or the test card. With `both`, to the peer
    too; without, here alone."""

    kind: VideoKind
    what: MediaPath = ""
    both: bool = True


class StopVideo(Command, frozen=True, tag=True):
    """Show nothing any longer, and let go of the camera or file."""


class TuneVideo(Command, frozen=True, tag=True):
    """Change how our video is made, at once: the filter, and the most that is sent (quality of a JPEG, 10 to 95; a box
    that the picture is shrunk into; frames a second; 0: as the source has it). None leaves it as it is."""

    filter: FilterName | None = None
    quality: Quality | None = None
    width: Side | None = None
    height: Side | None = None
    rate: Rate | None = None


class PlayVideo(Command, frozen=True, tag=True):
    """Of a video file: pause it or go on, go to a second of it, begin again at its end. None leaves it as it is."""

    paused: bool | None = None
    seek: Annotated[float, Meta(ge=0)] | None = None
    loop: bool | None = None


class ShowWindow(Command, frozen=True, tag=True):
    """Open or close a window of the desktop, with this title, for what the peer shows, or for what is shown here."""

    of: Whose = "peer"
    open: bool = True
    title: Annotated[str, Meta(min_length=1, max_length=200)] = "Visavis"


class RecordVideo(Command, frozen=True, tag=True):
    """Record what the peer shows, what is sent, or both, to a new file in the download folder; "" ends it."""

    what: Recorded = ""


class TakeSnapshot(Command, frozen=True, tag=True):
    """Keep the frame on show as a JPEG in the download folder, as it came: answered by SnapshotTaken."""

    of: Whose = "peer"


class WatchPicture(Command, frozen=True, tag=True):
    """Of a screen on the local socket: draw this in at most so many cells (and PICTURE_CELLS in all) from now on, as
    PIC0 packets; 0: no longer. Each picture is answered by PictureTaken before the next comes."""

    of: Whose = "peer"
    columns: Annotated[int, Meta(ge=0, le=limits.PICTURE_COLUMNS)] = 0
    rows: Annotated[int, Meta(ge=0, le=limits.PICTURE_ROWS)] = 0


class PictureTaken(Command, frozen=True, tag=True):
    """The screen has painted the last picture: the next may come."""


# --- events ----------------------------------------------------------------------------------------------------


class Video(Struct, frozen=True, kw_only=True):
    """What is shown here. `width`, `height`, `rate`, `quality` are the most that is sent, as asked for; `source_…` is
    what the source gives."""

    state: VideoState = "off"
    kind: VideoKind = "camera"
    what: str = ""
    both: bool = True  # the peer sees it
    filter: FilterName = "none"
    quality: int = USUAL_QUALITY
    width: int = 0  # pixels; 0: as the source has it
    height: int = 0
    rate: float = 0.0  # frames a second
    source_width: int = 0
    source_height: int = 0
    source_rate: float = 0.0
    seconds: float | None = None  # how long a file is
    at: float = 0.0  # where in it
    paused: bool = False
    loop: bool = False
    shared: bool = False  # another engine here has the camera, and passes its pictures on
    cause: str = ""  # of "failed": a code of docs/engine.md
    detail: str = ""


class PeerVideo(Struct, frozen=True, kw_only=True):
    """What the peer shows, and whether it records what we show. `name` as it came."""

    showing: bool = False
    kind: VideoKind = "camera"
    name: str = ""  # of a file
    records: bool = False


class Recording(Struct, frozen=True, kw_only=True):
    """What is being recorded here, where to; or why it ended."""

    what: Recorded = ""
    path: str = ""
    seconds: float = 0.0
    cause: str = ""
    detail: str = ""


class Stage(Struct, frozen=True):
    """How long one stage took of late, in milliseconds: half of the frames, 99 of 100."""

    name: Literal["capture", "filter", "encode", "queue", "network", "wait", "decode", "show", "all"]
    p50: float
    p99: float


class Flow(Struct, frozen=True, kw_only=True):
    """One direction of video: frames since it began, where they were dropped, and what it is like of late.

    Ours: `captured` by the source, dropped there (`dropped_source`) or because a newer one was there before the lane
    was free (`dropped_queue`), `encoded`, `sent`, `shown` by the peer. The peer's: `sent` is what came, `refused` could
    not be decoded, `dropped_queue` a newer one replaced before it was shown, `shown` here.
    """

    captured: int = 0
    dropped_source: int = 0
    encoded: int = 0
    dropped_queue: int = 0
    sent: int = 0
    refused: int = 0
    shown: int = 0
    size: int = 0  # bytes, of those sent
    rate: float = 0.0  # frames a second
    bytes_a_second: float = 0.0
    quality: int = 0  # of the last frame; 0: not known
    width: int = 0
    height: int = 0
    stages: tuple[Stage, ...] = ()


class VideoChanged(Event, frozen=True, kw_only=True, tag=True):
    """What is shown here changed."""

    video: Video


class VideoPlayed(Event, frozen=True, kw_only=True, tag=True):
    """A video file is at this second; coalesced."""

    at: float


class PeerVideoChanged(Event, frozen=True, kw_only=True, tag=True):
    """The peer shows something, or no longer; or it began to record, or ended."""

    video: PeerVideo


class VideoMeasured(Event, frozen=True, kw_only=True, tag=True):
    """About once a second while video flows; coalesced."""

    own: Flow
    peer: Flow


class WindowChanged(Event, frozen=True, kw_only=True, tag=True):
    """A window opened, or closed: "" (asked to), "closed" (in the window), or why it can't be."""

    of: Whose
    open: bool
    cause: str = ""
    detail: str = ""


class RecordingChanged(Event, frozen=True, kw_only=True, tag=True):
    """A recording began or ended here."""

    recording: Recording


class SnapshotTaken(Event, frozen=True, kw_only=True, tag=True):
    """A frame was kept: the full path of its file."""

    of: Whose
    path: str


VideoCommand = (
    ShowVideo
    | StopVideo
    | TuneVideo
    | PlayVideo
    | ShowWindow
    | RecordVideo
    | TakeSnapshot
    | WatchPicture
    | PictureTaken
)
VideoEvent = (
    VideoChanged | VideoPlayed | PeerVideoChanged | VideoMeasured | WindowChanged | RecordingChanged | SnapshotTaken
)
