"""Sound in a plain call: AUD0 is PCM of 16 bit, 16 kHz, one channel, in pieces of any size; the original sends 1024
samples. Nobody acknowledges, and nobody says whether a microphone is on.

What comes is cut into frames of 20 ms and handed to the audio channel; what is said here is sent in the original's
pieces as fast as the connection takes it, and what waits longer than a lane would let it is dropped.
"""

import time
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

import trio

from actors.audio.carrier import WAITING_FRAMES
from actors.audio.channel import Asked, audio
from actors.audio.frames import PCM_BYTES, RATE, SAMPLE_BYTES, SoundFrame
from actors.audio.jitter import CAP_FRAMES
from actors.media import Silence
from actors.messages import Emit
from actors.news import AudioNews, Film
from relay import wire

PIECE_BYTES: Final = 1024 * SAMPLE_BYTES  # what the original's player is made for
QUIET_SECONDS: Final = 0.3  # without a piece: what comes then is a new spurt
_INBOX_ITEMS: Final = 64
_ARRIVALS: Final = 64  # frames that wait to be looked at: they are taken at once

Put = Callable[[bytes], Awaitable[None]]


class Pieces:
    """Makes frames of the original's pieces: whole samples, numbered, stamped by when they came. No I/O, no clock."""

    def __init__(self) -> None:
        self._rest = bytearray()
        self._number = 0
        self._captured = 0.0  # when the next frame was, in seconds
        self._came = float("-inf")

    def take(self, data: bytes, now: float) -> list[SoundFrame]:
        """Return the frames that are whole now that this came. A byte that is half a sample is kept for the next."""
        seconds = len(data) / SAMPLE_BYTES / RATE
        if now - self._came > QUIET_SECONDS:
            self._number += 2 * WAITING_FRAMES  # a gap, so that nothing seems to be missing
            self._rest.clear()
            self._captured = now - seconds
        self._captured = max(self._captured, now - seconds - QUIET_SECONDS)
        self._came = now
        self._rest += data
        frames = []
        for at in range(0, len(self._rest) - PCM_BYTES + 1, PCM_BYTES):
            self._number += 1
            sound = bytes(self._rest[at : at + PCM_BYTES])
            frames.append(SoundFrame(self._number, round(max(0.0, self._captured) * 1e9), sound))
            self._captured += PCM_BYTES / SAMPLE_BYTES / RATE
        del self._rest[: len(frames) * PCM_BYTES]
        return frames


class PlainCarrier:
    """The audio channel's way out and in: AUD0 through `put`, which returns once it is with the kernel."""

    epoch = 0

    def __init__(self, put: Put, came: Callable[[SoundFrame], None]) -> None:
        self.sent = self.dropped = self.refused = 0
        self._put = put
        self._came = came
        self._waiting: deque[bytes] = deque()
        self._wake = trio.Event()

    @property
    def waiting(self) -> int:
        """It says nothing of the link: no other codec is understood there."""
        return 0

    def joined(self) -> None:
        """There are no epochs here."""

    def left(self, epoch: int) -> None:
        """There are no epochs here."""

    def taken(self, number: int) -> None:
        """Nobody says so here."""

    def send(self, frame: SoundFrame) -> None:
        """Send this frame in its turn."""
        self._waiting.append(bytes(frame.sound))
        if len(self._waiting) > WAITING_FRAMES:
            self._waiting.popleft()
            self.dropped += 1
        self._wake.set()

    async def feed(self) -> None:
        """Send the original's pieces, each once it is whole."""
        piece = b""
        while True:
            while not self._waiting:
                self._wake = trio.Event()
                await self._wake.wait()
            piece += self._waiting.popleft()
            self.sent += 1
            if len(piece) >= PIECE_BYTES:
                whole, piece = piece[:PIECE_BYTES], piece[PIECE_BYTES:]
                await self._put(wire.encode(wire.AUDIO, whole))

    async def read(self, arrivals: trio.MemoryReceiveChannel[SoundFrame]) -> None:
        """Take what comes."""
        async for frame in arrivals:
            self._came(frame)


class PlainAudio:
    """The sound of a plain call. `put` takes packets; what is started is started in `nursery`. `films` is where the
    video channel says what is shown."""

    def __init__(self, put: Put, nursery: trio.Nursery, emit: Emit) -> None:
        self._pieces = Pieces()
        self._in, inbox = trio.open_memory_channel[Asked | AudioNews](_INBOX_ITEMS)
        self.films: trio.MemorySendChannel[Film] = self._in.clone()
        self._frames, arrivals = trio.open_memory_channel[SoundFrame](_ARRIVALS)
        nursery.start_soon(audio, inbox, arrivals, Silence(), emit, lambda voice, came: PlainCarrier(put, came))

    async def take_command(self, asked: Asked) -> None:
        """Do what a screen asks for."""
        await self._in.send(asked)

    def take(self, data: bytes) -> None:
        """An AUD0 came."""
        for frame in self._pieces.take(data, time.monotonic())[-CAP_FRAMES:]:  # of two seconds at once, the newest
            with suppress(trio.WouldBlock, trio.BrokenResourceError):
                self._frames.send_nowait(frame)

    def close(self) -> None:
        """The call is over."""
        self._in.close()
