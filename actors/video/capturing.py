"""What is shown here: one source at a time, in a child that captures, filters and encodes."""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import PurePath
from typing import Final

import msgspec
import trio

from actors.child import Child, ChildGoneError, NotInstalledError, start_child
from actors.children.orders import (
    AnyOrder,
    Captured,
    Failed,
    FilmClock,
    Next,
    Opened,
    OpenSource,
    Play,
    Position,
    SourceEnded,
    Tune,
)
from actors.news import Film
from actors.peer import Showing
from actors.shows import PlayVideo, ShowVideo, TuneVideo, Video
from actors.video.frames import Frame, FrameError, unpack_captured
from actors.video.measures import Measures
from actors.video.newest import Newest
from actors.video.pacing import Step
from relay import limits
from relay.visible import cut
from relay.wire import Packet

_SEEN_SMOOTHING: Final = 0.1  # of what each frame says of how late it is seen
_SEEN_STEP: Final = 0.01  # seconds; less is not told
_OPEN_SECONDS: Final = 15.0  # a camera that takes longer to open does not open


async def read_still(path: str) -> bytes | None:
    """Return an image file as one JPEG, made by a child; None if that can't be done."""
    async with trio.open_nursery() as nursery:
        jpeg: bytes | None = None
        with suppress(ChildGoneError, FrameError), trio.move_on_after(_OPEN_SECONDS):
            async with await start_child(nursery, "capture") as child:
                await child.tell(OpenSource("image", path))
                await child.tell(Next())
                while jpeg is None and not isinstance(said := await child.receive(), Failed):
                    if isinstance(said, Packet):
                        jpeg = bytes(unpack_captured(said.payload).jpeg)
    return jpeg


class Capturing:
    """Our video. `changed` is told of every new state, `played` of the second that a file is at, `film` of
    what film is shown, and when it began."""

    def __init__(
        self,
        nursery: trio.Nursery,
        changed: Callable[[Video], None],
        played: Callable[[float], None],
        film: Callable[[Film], None],
    ) -> None:
        self.newest = Newest()
        self.measures = Measures()
        self.video = Video()
        self._nursery = nursery
        self._changed = changed
        self._played = played
        self._film = film
        self._film_said = Film()
        self._seen = 0.0  # seconds after it was sent the peer sees a frame
        self._step, self._mark = Step(1, 1, 1), 0
        self._scope = trio.CancelScope()
        self._orders: trio.MemorySendChannel[AnyOrder] | None = None
        self._number = 0
        self._told = Tune()
        # Children stamp by CLOCK_MONOTONIC; the peer is told Trio's time, which heartbeats are in.
        self._clock = round(trio.current_time() * 1e9) - time.monotonic_ns()

    @property
    def showing(self) -> Showing:
        """What the peer is to know of it."""
        if not self.video.both or self.video.state not in ("on", "ended"):
            return Showing("")
        named = self.video.kind in ("file", "image")
        return Showing(
            self.video.kind, cut(PurePath(self.video.what).name, limits.FILE_NAME_BYTES // 4) if named else ""
        )

    def show(self, command: ShowVideo) -> None:
        """Show this instead of what is shown."""
        self._scope.cancel()
        self.newest.clear()
        kept = {name: getattr(self.video, name) for name in ("filter", "quality", "width", "height", "rate", "loop")}
        self._change(Video(state="opening", kind=command.kind, what=command.what, both=command.both, **kept))
        self._scope = trio.CancelScope()
        self._nursery.start_soon(self._run, self._scope)

    def stop(self) -> None:
        """Show nothing."""
        self._scope.cancel()
        self.newest.clear()
        if self.video.state != "off":
            self._update(state="off", what="", seconds=None, at=0.0, paused=False, shared=False, cause="", detail="")

    def tune(self, command: TuneVideo) -> None:
        """Change filter and ceilings."""
        given = {name: value for name in command.__struct_fields__ if (value := getattr(command, name)) is not None}
        self._update(**given)
        self._retune()

    def pace(self, step: Step, mark: int) -> None:
        """So much is what the link takes; frames made so are to carry `mark`."""
        if step != self._step:
            self._step, self._mark = step, mark
            self._retune()

    def play(self, command: PlayVideo) -> bool:
        """Pause, seek or loop; False if there is nothing to play."""
        if self.video.kind != "file" or self.video.state not in ("on", "ended"):
            return False
        self._order(Play(command.paused, command.seek, command.loop))
        paused = self.video.paused if command.paused is None else command.paused
        loop = self.video.loop if command.loop is None else command.loop
        self._update(state="on" if command.seek is not None else self.video.state, paused=paused, loop=loop)
        return True

    # --- the child

    async def _run(self, scope: trio.CancelScope) -> None:
        video = self.video
        with scope:
            async with trio.open_nursery() as nursery:
                cause, detail = "capture-died", ""
                try:
                    async with await start_child(nursery, "capture") as child:
                        await child.tell(OpenSource(video.kind, video.what, video.width, video.height, video.rate))
                        self._told = self._tune()
                        await child.tell(self._told)
                        if video.loop:
                            await child.tell(Play(loop=True))
                        cause, detail = await self._follow(child)
                except NotInstalledError:
                    cause = "video-missing"
                except ChildGoneError as error:
                    detail = cut(str(error), limits.ERROR_TEXT_CHARACTERS)
                self.newest.clear()
                self._update(state="failed", cause=cause, detail=detail)

    async def _follow(self, child: Child) -> tuple[str, str]:
        """Move frames and orders until the source fails; return why. Raises `ChildGoneError`."""
        ends: list[tuple[str, str] | ChildGoneError] = []
        arrived = trio.Event()

        async def receive() -> None:
            nonlocal arrived
            try:
                with trio.move_on_after(_OPEN_SECONDS) as opening:
                    while True:
                        said = await child.receive()
                        if isinstance(said, Failed):
                            ends.append((said.cause, said.detail))
                            break
                        opening.deadline = float("inf")
                        if isinstance(said, Packet):
                            self._take_frame(said)
                            arrived.set()
                            arrived = trio.Event()
                        else:
                            self._take_report(said)
                if opening.cancelled_caught:
                    ends.append(("source-silent", ""))
            except ChildGoneError as error:
                ends.append(error)
            nursery.cancel_scope.cancel()

        async def ask() -> None:
            with suppress(ChildGoneError):  # the receiver says so
                while True:
                    await self.newest.wanted()
                    came = arrived
                    await child.tell(Next())
                    await came.wait()

        async def order(orders: trio.MemoryReceiveChannel[AnyOrder]) -> None:
            with suppress(ChildGoneError):
                async for each in orders:
                    await child.tell(each)

        sending, orders = trio.open_memory_channel[AnyOrder](64)
        with sending, orders:
            self._orders = sending
            self._retune()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(receive)
                nursery.start_soon(ask)
                nursery.start_soon(order, orders)
        if isinstance(ends[0], ChildGoneError):
            raise ends[0]
        return ends[0]

    def _take_frame(self, packet: Packet) -> None:
        try:
            frame = unpack_captured(packet.payload)
        except FrameError as error:
            raise ChildGoneError(str(error)) from None
        measures = self.measures
        measures.encoded += 1
        measures.width, measures.height, measures.quality = frame.width, frame.height, self._told.quality
        measures.took("capture", frame.capture_us / 1000)
        measures.took("filter", frame.filter_us / 1000)
        measures.took("encode", frame.encode_us / 1000)
        self._number += 1
        self.newest.put(Frame(self._number, max(0, frame.captured + self._clock), frame.jpeg, frame.mark))

    def _take_report(self, said: object) -> None:
        match said:
            case Opened():
                self._update(
                    state="on",
                    source_width=said.width,
                    source_height=said.height,
                    source_rate=said.rate,
                    seconds=said.seconds,
                    shared=said.shared,
                )
                self._retune()
            case Position():
                if self.video.state == "ended":
                    self._update(state="on")
                self.video = msgspec.structs.replace(self.video, at=said.seconds)
                self._played(said.seconds)
            case FilmClock(zero=zero):
                self._say_film(Film(self.video.what, self.video.both, zero, self._seen))
            case SourceEnded():
                self._update(state="ended", at=self.video.seconds or self.video.at)
            case Captured():
                self.measures.captured, self.measures.dropped_source = said.frames, said.dropped
            case _:
                pass

    def seen(self, seconds: float) -> None:
        """The peer saw a frame so long after it was sent."""
        self._seen += _SEEN_SMOOTHING * (seconds - self._seen)
        said = self._film_said
        if said.path and abs(self._seen - said.seen) > _SEEN_STEP:
            self._say_film(replace(said, seen=self._seen))

    def _say_film(self, film: Film) -> None:
        if film != self._film_said:
            self._film_said = film
            self._film(film)

    # --- how it is made

    def _tune(self) -> Tune:
        video, step = self.video, self._step
        width, height = video.width, video.height
        if step.side < 1 and video.source_width:
            width = min(width or limits.VIDEO_SIDE, video.source_width)
            height = min(height or limits.VIDEO_SIDE, video.source_height)
        rate = video.rate
        if step.rate < 1:
            rate = (video.rate or video.source_rate or 30.0) * step.rate
        return Tune(
            filter=video.filter,
            quality=max(limits.QUALITY_MIN, round(video.quality * step.quality)),
            width=max(1, round(width * step.side)) if width else 0,
            height=max(1, round(height * step.side)) if height else 0,
            rate=rate,
            mark=self._mark,
        )

    def _retune(self) -> None:
        tune = self._tune()
        if tune != self._told:
            self._told = tune
            self._order(tune)

    def _order(self, order: AnyOrder) -> None:
        if self._orders is not None:
            with suppress(trio.WouldBlock, trio.BrokenResourceError, trio.ClosedResourceError):
                self._orders.send_nowait(order)

    def _update(self, **fields: object) -> None:
        self._change(msgspec.structs.replace(self.video, **fields))

    def _change(self, video: Video) -> None:
        if video != self.video:
            self.video = video
            self._changed(video)
            if video.kind != "file" or video.state in ("off", "opening", "failed"):
                self._say_film(Film())
