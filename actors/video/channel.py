"""The video channel: what is shown here and sent, what comes and who sees it.

commands ─► video ─► Capturing (child) ─► own frames ──► Carrier ─► lane `video` ══
                                              ├─► window, pictures (children) ─► desktop, screens
events   ◄─ video ◄─ peer's frames ◄───────── Carrier ◄─ lane `video` ══
              ▲▼                └─► window, pictures, recorder (children)
         messages and controls on `main`: Showing, Recording, MediaTaken
"""

import logging
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, Protocol, get_args, runtime_checkable

import msgspec
import trio

from actors.children.orders import Shown
from actors.media import Flow, Voice
from actors.messages import (
    CommandRefused,
    Emit,
    PeerVideo,
    PeerVideoChanged,
    PictureTaken,
    PlayVideo,
    RecordVideo,
    ShowVideo,
    ShowWindow,
    StopVideo,
    TakeSnapshot,
    TuneVideo,
    Video,
    VideoChanged,
    VideoCommand,
    VideoKind,
    VideoMeasured,
    VideoPlayed,
    WatchPicture,
    Whose,
    WindowChanged,
)
from actors.news import Film, Joined, Left, RoundTrip, Taken, Told, VideoNews
from actors.peer import MediaTaken, Showing
from actors.peer import Recording as PeerRecording
from actors.reliable import OutboxFullError
from actors.video.capturing import Capturing
from actors.video.carrier import NAME, Carrier
from actors.video.frames import Frame
from actors.video.jpeg import JpegError, size_of
from actors.video.keeping import Keeping
from actors.video.measures import Measures
from actors.video.newest import Newest
from actors.video.pacing import Pace
from actors.video.pictures import Pictures
from actors.video.windows import Window

log = logging.getLogger("visavis.video")

INBOX_ITEMS: Final = 64
_MEASURE_SECONDS: Final = 1.0
_VIEWER_SECONDS: Final = 1.0  # a viewer that showed nothing for so long does not hold the sender back

Asked = tuple[VideoCommand, Emit]


class AnyCarrier(Protocol):
    """How frames go and come: the lane of a session, or what a plain call has in its place (actors/plain_video.py)."""

    pace: Pace

    @property
    def epoch(self) -> int:
        """That the lane is in."""

    def joined(self) -> None:
        """The peer is there."""

    def left(self, epoch: int) -> None:
        """An epoch is over."""

    def send(self, showing: Showing) -> None:
        """This is for the peer to see from now on."""

    def taken(self, control: MediaTaken, now: float) -> float | None:
        """The peer has taken frames: return how long the last was on its way, if that can be told."""

    async def feed(self) -> None:
        """Send the newest frame whenever one may go."""

    async def read(self, arrivals: trio.MemoryReceiveChannel[Any]) -> None:
        """Take what comes, at once."""


@runtime_checkable
class PictureReply(Protocol):
    """How a screen that takes pictures is answered."""

    def picture(self, payload: bytes) -> None:
        """Put a PIC0 into its mailbox."""


async def video(
    inbox: trio.MemoryReceiveChannel[Asked | VideoNews],
    arrivals: trio.MemoryReceiveChannel[Any],
    voice: Voice,
    emit: Emit,
    films: trio.MemorySendChannel[Film],
    make_carrier: Callable[..., AnyCarrier] = Carrier,
) -> None:
    """Show, send, receive and record pictures, until `inbox` is closed; then `films` is closed too.

    Takes commands, each with where its refusal goes, and the session's news through `inbox`; the lane's packets
    through `arrivals`, which it takes at once. Tells `films` what film is shown, and when, for its sound. Emits
    VideoChanged, VideoPlayed, PeerVideoChanged, VideoMeasured (once a second while video flows), WindowChanged,
    RecordingChanged, SnapshotTaken, and to the asker CommandRefused. Starts children for all that is heavy or decodes
    what the peer sent. When `inbox` ends, its children end, a recording is closed properly. Closes neither channel.
    Cancelled, its children end too. Raises nothing of its own.
    """
    with films:
        async with trio.open_nursery() as nursery, trio.open_nursery() as loops:
            channel = _Channel(loops, nursery, voice, emit, films, make_carrier)
            for task in channel.tasks:
                loops.start_soon(task)
            loops.start_soon(channel.carrier.read, arrivals)
            async for item in inbox:
                channel.take(item)
            loops.cancel_scope.cancel()
        channel.end()


@dataclass(slots=True)
class _Stream:
    """One of the two: its newest frame, who looks at it, what it is like."""

    newest: Newest
    measures: Measures
    pictures: Pictures
    window: Window | None = None
    scope: trio.CancelScope | None = None  # of the window


class _Channel:
    """The state of the video channel. `nursery` has what outlives the loops: a recording, till its file is closed."""

    def __init__(
        self,
        loops: trio.Nursery,
        nursery: trio.Nursery,
        voice: Voice,
        emit: Emit,
        films: trio.MemorySendChannel[Film],
        make_carrier: Callable[..., AnyCarrier],
    ) -> None:
        self._loops = loops
        self._voice = voice
        self._emit = emit
        self._films = films
        self._capturing = Capturing(loops, self._video_changed, lambda at: emit(VideoPlayed(at=at)), self._film_played)
        own, peer = self._capturing.newest, Newest()
        self.carrier = make_carrier(voice, own, self._capturing.measures, self._came, self._sent)
        pictures = Pictures(own, lambda frame, decode_us: None, lambda frame: None)
        self._own = _Stream(own, self._capturing.measures, pictures)
        self._peer = _Stream(peer, Measures(), Pictures(peer, self._drawn, self._refused))
        self._peer_video = PeerVideo()
        self._arrived: deque[tuple[int, float]] = deque(maxlen=64)  # number of a frame, and when it came
        self._acknowledged = 0
        self._flow = Flow(NAME, voice)
        self._viewed_at = -_VIEWER_SECONDS  # when one was last shown
        self._offset = 0  # the peer's clock less ours, ns
        self._said = Showing("")
        self._unsaid: list[Showing | PeerRecording] = []
        self._keeping = Keeping(nursery, emit, lambda records: self._say(PeerRecording(records)))
        self.tasks: tuple[Callable[[], Awaitable[None]], ...] = (
            self.carrier.feed,
            self._own.pictures.run,
            self._peer.pictures.run,
            self._measure,
            self._flow.run,
        )

    def end(self) -> None:
        """The call is over: close the recording."""
        self._keeping.end()

    # --- commands and news ---------------------------------------------------------------------------------------

    def take(self, item: Asked | VideoNews) -> None:
        """Take a command or news, in their order."""
        match item:
            case Joined():
                self.carrier.joined()
            case Left(epoch=epoch):
                self.carrier.left(epoch)
            case RoundTrip(seconds=seconds, offset=offset):
                self._offset = offset
                self.carrier.pace.take_round_trip(seconds, trio.current_time())
            case Told(control=MediaTaken(lane=lane) as control) if lane == NAME:
                self._take_taken(control)
            case Taken(message=Showing() as showing):
                self._take_showing(showing)
            case Taken(message=PeerRecording(on=on)):
                self._change_peer(msgspec.structs.replace(self._peer_video, records=on))
            case Taken() | Told():
                pass
            case (command, reply):
                self._take_command(command, reply)

    def _take_command(self, command: VideoCommand, reply: Emit) -> None:
        match command:
            case ShowVideo():
                self._capturing.show(command)
            case StopVideo():
                self._capturing.stop()
            case TuneVideo():
                self._capturing.tune(command)
            case PlayVideo():
                if not self._capturing.play(command):
                    reply(CommandRefused(cause="no-video"))
            case ShowWindow(of=of, open=True, title=title):
                self._open_window(of, title)
            case ShowWindow(of=of):
                stream = self._stream(of)
                if stream.scope is not None:
                    stream.scope.cancel()
            case RecordVideo():
                self._keeping.record(command, reply)
            case TakeSnapshot(of=of):
                self._snapshot(of, reply)
            case WatchPicture():
                self._watch(command, reply)
            case PictureTaken():
                self._own.pictures.taken(reply)
                self._peer.pictures.taken(reply)

    def _watch(self, command: WatchPicture, screen: object) -> None:
        if isinstance(screen, PictureReply):
            for stream in (self._own, self._peer):
                wanted = stream is self._stream(command.of)
                columns, rows = (command.columns, command.rows) if wanted else (0, 0)
                stream.pictures.watch(screen, screen.picture, columns, rows)

    def _stream(self, of: Whose) -> _Stream:
        return self._own if of == "own" else self._peer

    # --- ours ----------------------------------------------------------------------------------------------------

    def _video_changed(self, video: Video) -> None:
        self._emit(VideoChanged(video=video))
        showing = self._capturing.showing
        if showing != self._said:
            self._said = showing
            self._say(showing)
        self.carrier.send(showing)

    def _film_played(self, film: Film) -> None:
        with suppress(trio.WouldBlock, trio.BrokenResourceError):  # never full: the audio channel waits for nothing
            self._films.send_nowait(film)

    def _sent(self, frame: Frame) -> None:
        self._flow.moved()
        self._keeping.take(frame, own=True)

    def _take_taken(self, control: MediaTaken) -> None:
        now, measures = trio.current_time(), self._own.measures
        if (flight := self.carrier.taken(control, now)) is not None:
            measures.shown += 1
            measures.took("network", flight * 1000)
            measures.took("wait", control.waited_us / 1000)
            self._capturing.seen(flight - self.carrier.pace.idle / 2 + control.waited_us / 1e6)
            if control.decode_us:
                measures.took("decode", control.decode_us / 1000)
                measures.took("show", control.show_us / 1000)
        self._capturing.pace(self.carrier.pace.step, self.carrier.pace.mark)

    # --- the peer's ----------------------------------------------------------------------------------------------

    def _take_showing(self, showing: Showing) -> None:
        kind = showing.kind if showing.kind in get_args(VideoKind) else "camera"
        if not showing.kind:
            self._peer.newest.clear()
        self._change_peer(
            PeerVideo(
                showing=bool(showing.kind),
                kind=kind,  # type: ignore[arg-type]
                name=showing.name,
                records=self._peer_video.records,
            )
        )

    def _change_peer(self, video: PeerVideo) -> None:
        if video != self._peer_video:
            self._peer_video = video
            self._emit(PeerVideoChanged(video=video))

    def _came(self, frame: Frame) -> None:
        now, measures = trio.current_time(), self._peer.measures
        self._flow.moved()
        measures.moved(len(frame.jpeg), now)
        if frame.captured:  # in a plain call nobody says
            measures.took("network", max(0.0, now * 1e3 - (frame.captured - self._offset) / 1e6))
        newest = self._peer.newest
        try:
            measures.width, measures.height = size_of(frame.jpeg)
        except JpegError:
            measures.refused += 1
            self._acknowledge(frame.number)
            return
        if newest.frame is not None and frame.number <= newest.frame.number:
            newest.clear()  # the peer began to count anew, or never learnt to
            self._arrived.clear()
            self._acknowledged = 0
        self._arrived.append((frame.number, now))
        viewed = newest.waiting or now - self._viewed_at < _VIEWER_SECONDS
        newest.put(frame)
        self._keeping.take(frame, own=False)
        if not viewed:
            self._acknowledge(frame.number)

    def _drawn(self, frame: Frame, decode_us: int) -> None:
        self._viewed(frame, decode_us, 0)

    def _shown(self, frame: Frame, shown: Shown) -> None:
        self._viewed(frame, shown.decode_us, shown.show_us)

    def _viewed(self, frame: Frame, decode_us: int, show_us: int) -> None:
        now, measures = trio.current_time(), self._peer.measures
        self._viewed_at = now
        if frame.number <= self._acknowledged:
            return  # another viewer was first
        while self._arrived and self._arrived[0][0] < frame.number:
            self._arrived.popleft()
            measures.dropped_queue += 1
        came = self._arrived.popleft()[1] if self._arrived and self._arrived[0][0] == frame.number else now
        waited = max(0.0, now - came)
        measures.shown += 1
        measures.took("wait", max(0.0, waited * 1e3 - (decode_us + show_us) / 1e3))
        measures.took("decode", decode_us / 1e3)
        measures.took("show", show_us / 1e3)
        if frame.captured:
            measures.took("all", max(0.0, now * 1e3 - (frame.captured - self._offset) / 1e6))
        self._acknowledge(frame.number, waited, decode_us, show_us)

    def _refused(self, frame: Frame) -> None:
        self._peer.measures.refused += 1
        self._viewed_at = trio.current_time()
        self._acknowledge(frame.number)

    def _acknowledge(self, number: int, waited: float = 0.0, decode_us: int = 0, show_us: int = 0) -> None:
        if number > self._acknowledged:
            self._acknowledged = number
            waited_us = min(round(waited * 1e6), 2**32 - 1)
            self._voice.tell(MediaTaken(NAME, number, waited_us, decode_us, show_us), self.carrier.epoch)

    # --- windows, snapshots --------------------------------------------------------------------------------------

    def _open_window(self, of: Whose, title: str) -> None:
        stream = self._stream(of)
        if stream.scope is None:
            stream.scope = trio.CancelScope()
            self._loops.start_soon(self._run_window, of, title, stream, stream.scope)

    async def _run_window(self, of: Whose, title: str, stream: _Stream, scope: trio.CancelScope) -> None:
        def tell(is_open: bool, cause: str, detail: str) -> None:
            self._emit(WindowChanged(of=of, open=is_open, cause=cause, detail=detail))

        shown = self._shown if of == "peer" else lambda frame, shown: None
        refused = self._refused if of == "peer" else lambda frame: None
        with scope:
            await Window(title, stream.newest, tell, shown, refused, lambda: self._snapshot(of, self._emit)).run()
        stream.scope = None
        if scope.cancelled_caught:
            self._emit(WindowChanged(of=of, open=False))

    def _snapshot(self, of: Whose, reply: Emit) -> None:
        self._keeping.snapshot(of, self._stream(of).newest.frame, reply)

    # --- now and then --------------------------------------------------------------------------------------------

    def _say(self, message: Showing | PeerRecording) -> None:
        """Say it now, or as soon as the outbox has room; of each kind only the newest."""
        self._unsaid = [each for each in self._unsaid if type(each) is not type(message)]
        self._unsaid.append(message)
        with suppress(OutboxFullError):
            while self._unsaid:
                self._voice.say(self._unsaid[0])
                self._unsaid.pop(0)

    async def _measure(self) -> None:
        told = False
        while True:
            await trio.sleep(_MEASURE_SECONDS)
            now = trio.current_time()
            flows = self._flow.look(now)
            newest = self._peer.newest.frame
            if newest is not None and now - self._viewed_at >= _VIEWER_SECONDS:
                self._acknowledge(newest.number, now - self._flow.at)  # whoever had it is gone, or hangs
            if self._unsaid:
                self._say(self._unsaid[-1])
            watched = self._capturing.video.state == "on"
            if flows or watched or told:
                told = flows or watched
                self._emit(VideoMeasured(own=self._own.measures.flow(now), peer=self._peer.measures.flow(now)))
