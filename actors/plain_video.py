"""Pictures in a plain call: VID0 is one JPEG, IMG0 one image file. Nobody acknowledges, and nobody says what is shown.

What comes is handed to the video channel as frames of a peer that shows a camera while they come; an image, once it is
in its file, as one frame that a child makes of it. What is shown here goes as fast as the connection takes it.
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

import trio

from actors.media import Silence
from actors.messages import CommandRefused, Emit, ShowVideo
from actors.news import Film, Taken, VideoNews
from actors.peer import MediaTaken, Showing
from actors.video.capturing import read_still
from actors.video.channel import Asked, video
from actors.video.frames import Frame
from actors.video.measures import Measures
from actors.video.newest import Newest
from actors.video.pacing import Pace
from relay import limits, wire

SHOWN_SECONDS: Final = 3.0  # without a frame: nothing is shown any longer
_INBOX_ITEMS: Final = 64

Put = Callable[[bytes], Awaitable[None]]


class PlainCarrier:
    """The video channel's way out and in: VID0 through `put`, which returns once it is with the kernel."""

    def __init__(self, put: Put, newest: Newest, measures: Measures, came: Callable[[Frame], None]) -> None:
        self.pace = Pace()  # stays as it is: nobody acknowledges
        self.epoch = 0
        self._put = put
        self._newest = newest
        self._measures = measures
        self._came = came
        self._sending = False
        self._wake = trio.Event()

    def joined(self) -> None:
        """There are no epochs here."""

    def left(self, epoch: int) -> None:
        """There are no epochs here."""

    def taken(self, control: MediaTaken, now: float) -> float | None:
        """Nobody says so here."""
        return None

    def send(self, showing: Showing) -> None:
        """This is shown from now on; an image goes as a file."""
        self._sending = showing.kind not in ("", "image")
        self._wake.set()

    async def feed(self) -> None:
        """Send the newest frame whenever the last one is with the kernel."""
        last = 0
        while True:
            while not self._sending:
                self._wake = trio.Event()
                await self._wake.wait()
            frame = await self._newest.newer(last)
            self._measures.dropped_queue += max(0, frame.number - last - 1) if last else 0
            last = frame.number
            now = trio.current_time()
            self._measures.took("queue", max(0.0, now * 1e3 - frame.captured / 1e6))
            self._measures.moved(len(frame.jpeg), now)
            await self._put(wire.encode(wire.VIDEO, bytes(frame.jpeg)))

    async def read(self, arrivals: trio.MemoryReceiveChannel[Frame]) -> None:
        """Take what comes."""
        async for frame in arrivals:
            self._came(frame)


class PlainVideo:
    """The video of a plain call. `put_frame` and `put` take packets; what is started is started in `nursery`. `films`
    hears what film is shown."""

    def __init__(
        self, put_frame: Put, put: Put, nursery: trio.Nursery, emit: Emit, films: trio.MemorySendChannel[Film]
    ) -> None:
        self._put = put
        self._nursery = nursery
        self._number = 0
        self._showing = Showing("")
        self._came_at = 0.0
        self._in, inbox = trio.open_memory_channel[Asked | VideoNews](_INBOX_ITEMS)
        self._frames, arrivals = trio.open_memory_channel[Frame](2)
        nursery.start_soon(
            video,
            inbox,
            arrivals,
            Silence(),
            emit,
            films,
            lambda voice, newest, measures, came, sent: PlainCarrier(put_frame, newest, measures, came),
        )
        nursery.start_soon(self._watch)

    async def take_command(self, asked: Asked) -> None:
        """Do what a screen asks for; an image to be seen by both goes as IMG0 too."""
        command, reply = asked
        if isinstance(command, ShowVideo) and command.kind == "image" and command.both:
            self._nursery.start_soon(self._send_image, command.what, reply)
        await self._in.send(asked)

    def take_frame(self, jpeg: bytes) -> None:
        """A VID0 came; one that nobody had looked at makes room."""
        self._came_at = trio.current_time()
        self._show(Showing("camera"))
        self._hand_on(jpeg)

    def take_image(self, path: str, name: str) -> None:
        """An IMG0 came, and is in this file."""
        self._nursery.start_soon(self._show_image, path, name)

    def close(self) -> None:
        """The call is over."""
        self._in.close()

    def _hand_on(self, jpeg: bytes) -> None:
        self._number += 1
        with suppress(trio.WouldBlock, trio.BrokenResourceError):  # never full: each is looked at before the next comes
            self._frames.send_nowait(Frame(self._number, 0, jpeg))

    def _show(self, showing: Showing) -> None:
        if showing != self._showing:
            try:
                self._in.send_nowait(Taken(0, showing))
            except (trio.WouldBlock, trio.ClosedResourceError):
                return  # with the next frame
            self._showing = showing

    async def _watch(self) -> None:
        while True:
            await trio.sleep(SHOWN_SECONDS / 3)
            if self._showing.kind == "camera" and trio.current_time() - self._came_at > SHOWN_SECONDS:
                self._show(Showing(""))

    async def _show_image(self, path: str, name: str) -> None:
        jpeg = await read_still(path)
        if jpeg is not None:
            self._show(Showing("image", name))
            self._hand_on(jpeg)

    async def _send_image(self, path: str, reply: Emit) -> None:
        try:
            data = await trio.to_thread.run_sync(_read, path)
        except OSError as error:
            reply(CommandRefused(cause="not-sent", detail=error.strerror or str(error)))
            return
        if len(data) > limits.PLAIN_IMAGE_BYTES:
            reply(CommandRefused(cause="not-sent", detail=path))
            return
        await self._put(wire.encode(wire.IMAGE, data))


def _read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read(limits.PLAIN_IMAGE_BYTES + 1)
