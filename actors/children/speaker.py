"""Gives what the peer says, and the sound of a film: to a speaker, or a file in its place, in a process of its own.

frames, orders ──main thread──► playout ──thread──► film, volume ──► device
                                                      └─► what is heard ──► engine
"""

import math
import os
import threading
import time
from collections import deque
from contextlib import suppress
from functools import partial
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from actors.audio.frames import FRAME, FRAME_SECONDS, RATE, FrameError, unpack
from actors.children.film_sound import FilmSound
from actors.children.levels import as_int16, bands_of, level_of
from actors.children.orders import AnyOrder, Failed, Heard, OpenSound, PlayFilm, SoundLost, SoundOpened, TuneSpeaker
from actors.children.pipe import Pipe
from actors.children.playout import Playout
from actors.children.portaudio import DeviceError, hurry, opened_again
from relay.wire import Packet

_TELL_SAMPLES: Final = RATE // 10  # between two words on what is heard: ten a second
_CAME: Final = 64  # frames whose coming is remembered
_DRY: Final = 4  # times that a device runs dry, in _DRY_SECONDS
_DRY_SECONDS: Final = 10.0
_BUFFER_MOST: Final = 0.08  # seconds of a device's buffer
_NOTHING: Final = np.zeros(0, np.int16)


class Sink(Protocol):
    """Where sound goes. `latency`: seconds from the end of a `write` until its last sample is in the air."""

    name: str
    latency: float

    def write(self, samples: NDArray[np.int16]) -> None:
        """Block till there is room for these samples, and give them. Raises `DeviceError`."""

    def close(self) -> None:
        """Let go of it."""


def open_sink(order: OpenSound, buffer: float = 0.0) -> Sink:
    """Return what is asked for, a device with a buffer of so many seconds (0: the usual). Raises `DeviceError`."""
    if order.file:
        from actors.sinks.wave_file import WaveFile

        return WaveFile(order.file)
    from actors.sinks.speaker import Speaker

    return Speaker(order.device, buffer)


class Dryness:
    """Whether a device runs dry too often: it does when the next samples come later than what it holds lasts. Times in
    seconds by whatever clock."""

    def __init__(self) -> None:
        self._wrote_at = math.inf
        self._dry: deque[float] = deque(maxlen=_DRY)

    def too_often(self, seconds: float, latency: float, now: float) -> bool:
        """So many seconds of sound were just written to a device that holds `latency`: tell, once, when it has run dry
        _DRY times in _DRY_SECONDS."""
        late, self._wrote_at = now - self._wrote_at > latency + seconds, now
        if not late:
            return False
        self._dry.append(now)
        if len(self._dry) < _DRY or now - self._dry[0] > _DRY_SECONDS:
            return False
        self._dry.clear()
        return True


class Room:
    """What the threads share."""

    def __init__(self) -> None:
        self.film = FilmSound()
        self.volume = 1.0
        self._playout = Playout()
        self._lock = threading.Lock()
        self._refused = 0
        self._came: deque[tuple[int, float]] = deque(maxlen=_CAME)  # numbers, and when
        self._untold = 0  # samples
        self._loudest, self._loud = -np.inf, _NOTHING  # of the last frames
        self._last = 0  # number of the frame that was told of

    def put(self, packet: Packet) -> None:
        """A frame came."""
        try:
            frame = unpack(packet.payload)
        except FrameError:
            self._refused += 1
            return
        with self._lock:
            now = time.monotonic()
            self._came.append((frame.number, now))
            self._playout.put(frame, now)

    def next(self, latency: float) -> NDArray[np.int16]:
        """Return the next samples, for a device that takes so many seconds to play them."""
        now = time.monotonic()
        with self._lock:
            samples = self._playout.next(now)
        samples = samples * self.volume
        voice = as_int16(samples)
        if (level := level_of(voice)) > self._loudest:
            self._loudest, self._loud = level, voice
        self._untold += len(samples)
        film = self.film.next(now + latency, len(samples))
        if film is not None:
            samples = samples + film
        return as_int16(samples)

    def heard(self, latency: float) -> Heard | None:
        """Return what is to be told now that the last samples were given to the device, if anything."""
        if self._untold < _TELL_SAMPLES:
            return None
        self._untold = 0
        with self._lock:
            counts, buffer, last = self._playout.buffer.counts, self._playout.buffer, self._playout.last
            played = last is not None and last.number != self._last
            self._last = last.number if last is not None else 0
            at = time.monotonic() + latency - FRAME_SECONDS
            came = next((came for number, came in self._came if last is not None and number == last.number), at)
            report = Heard(
                round(self._loudest),
                bands_of(self._loud),
                self._playout.sounds,
                buffer.taken,
                last.captured if last is not None and played else 0,
                round(at * 1e9),
                max(0, round((at - came) * 1e6)),
                round(buffer.target * 1000, 1),
                counts.late,
                counts.dropped,
                counts.dry,
                self._refused + self._playout.refused,
            )
        self._loudest, self._loud = -np.inf, _NOTHING  # of the last frames
        return report


def main() -> None:
    """Serve the engine until it closes the pipe or the device can't be opened."""
    hurry()
    pipe = Pipe()
    orders = iter(pipe)
    opening = next(orders, None)
    if not isinstance(opening, OpenSound):
        return
    try:
        sink = open_sink(opening)
    except DeviceError as error:
        pipe.report(Failed(error.cause, error.detail))
        return
    room = Room()
    pipe.report(SoundOpened(sink.name))
    threading.Thread(target=_write, args=(pipe, opening, sink, room), daemon=True).start()
    for order in orders:
        _obey(room, order)
    os._exit(0)  # what blocks in a driver is not waited for


def _obey(room: Room, order: AnyOrder | Packet) -> None:
    match order:
        case Packet(type=kind) if kind == FRAME:
            room.put(order)
        case TuneSpeaker(volume=volume):
            room.volume = volume / 100
        case PlayFilm():
            room.film.play(order)
        case _:
            pass


def _write(pipe: Pipe, opening: OpenSound, sink: Sink, room: Room) -> None:
    """Feed the device; one that goes is looked for, one that runs dry again and again gets a longer buffer: each gap
    costs more delay than that."""
    buffer = 0.0
    while True:
        try:
            _feed(pipe, sink, room)
            buffer = min(2 * sink.latency, _BUFFER_MOST)
        except DeviceError as error:
            if opening.file:
                pipe.report(Failed(error.cause, error.detail))
                return
            pipe.report(SoundLost(error.detail))
        sink.close()
        sink = opened_again(partial(open_sink, opening, buffer))
        pipe.report(SoundOpened(sink.name))


def _feed(pipe: Pipe, sink: Sink, room: Room) -> None:
    """Write until the device runs dry too often, if a longer buffer would help. Raises `DeviceError`."""
    dryness, may_grow = Dryness(), 0 < sink.latency < _BUFFER_MOST
    while True:
        samples = room.next(sink.latency)
        sink.write(samples)
        if dryness.too_often(len(samples) / RATE, sink.latency, time.monotonic()) and may_grow:
            return
        report = room.heard(sink.latency)
        if report is not None:
            pipe.report(report)


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        main()
