"""Takes in what is said here: a microphone, a file in its place, and the sound of a film, in a process of its own.

device ──thread──► newest blocks ──thread──► film, level, gate, codec ──► engine
orders ──main thread──► what is sent
"""

import os
import queue
import threading
import time
from contextlib import suppress
from functools import partial
from typing import Any, Final

import numpy as np

from actors.audio.frames import FRAME, FRAME_SECONDS, Codec, SoundFrame
from actors.audio.gate import Gate
from actors.audio.stamps import Stamps
from actors.children.film_sound import FilmSound
from actors.children.levels import as_int16, bands_of, level_of
from actors.children.orders import (
    Failed,
    OpenSound,
    PlayFilm,
    SoundLost,
    SoundOpened,
    SourceEnded,
    Spoke,
    TuneMicrophone,
)
from actors.children.pipe import Pipe
from actors.children.portaudio import DeviceError, hurry, opened_again
from actors.sources.sound import Samples, Silence, SoundSource
from actors.sources.source import SourceError

_BLOCKS: Final = 5  # between the two threads; then the oldest goes
_TELL_FRAMES: Final = 5  # between two words on the level: ten a second


def open_source(order: OpenSound) -> SoundSource:
    """Return what is asked for. Raises `DeviceError`, `SourceError`."""
    if order.none:
        return Silence()
    if order.file:
        from actors.sources.audio_file import AudioFile

        return AudioFile(order.file)
    from actors.sources.microphone import Microphone

    return Microphone(order.device)


class Studio:
    """Makes frames of blocks."""

    def __init__(self, pipe: Pipe) -> None:
        self.film = FilmSound()
        self.gate = Gate()
        self.codec: Codec = "pcm"
        self._pipe = pipe
        self._encoder: Any = None
        self._number = 0
        self._loudest, self._loud = -np.inf, np.zeros(0, np.int16)  # of the last frames

    def take(self, samples: Samples, captured: float) -> None:
        """Mix, judge and send these 20 ms, captured at this time (s of CLOCK_MONOTONIC)."""
        self._number += 1
        level = level_of(samples)
        film = self.film.next(captured, len(samples))
        sends, quiet, last = self.gate.take(level, film=film is not None)
        if sends:
            mixed = samples if self.gate.heard else np.zeros_like(samples)
            if film is not None:
                mixed = as_int16(mixed.astype(np.float32) + film)
            codec = self.codec  # the main thread may change it
            frame = SoundFrame(self._number, int(captured * 1e9), self._encode(mixed, codec), codec, quiet, last)
            self._pipe.send(FRAME, frame.pack())
        if level > self._loudest:
            self._loudest, self._loud = level, samples
        if self._number % _TELL_FRAMES == 0:
            self._pipe.report(Spoke(round(self._loudest), bands_of(self._loud), self.gate.sending))
            self._loudest = -np.inf

    def _encode(self, samples: Samples, codec: Codec) -> bytes:
        if codec == "pcm":
            return samples.astype("<i2").tobytes()
        from actors.codecs.opus import Encoder  # loaded when it is wanted

        self._encoder = self._encoder or Encoder()
        return bytes(self._encoder.encode(samples))


def main() -> None:
    """Serve the engine until it closes the pipe, the source fails, or a file ends."""
    hurry()
    pipe = Pipe()
    orders = iter(pipe)
    opening = next(orders, None)
    if not isinstance(opening, OpenSound):
        return
    try:
        source = open_source(opening)
    except (DeviceError, SourceError) as error:
        pipe.report(Failed(error.cause, error.detail))
        return
    studio = Studio(pipe)
    blocks: queue.Queue[tuple[Samples, float] | None] = queue.Queue(_BLOCKS)
    pipe.report(SoundOpened(source.name))
    threading.Thread(target=_read, args=(pipe, opening, source, blocks), daemon=True).start()
    threading.Thread(target=_send, args=(pipe, studio, blocks), daemon=True).start()
    for order in orders:
        match order:
            case TuneMicrophone():
                studio.gate.mode, studio.gate.threshold = order.mode, order.threshold
                studio.gate.talking, studio.gate.muted = order.talking, order.muted
                studio.codec = order.codec
            case PlayFilm():
                studio.film.play(order)
            case _:
                pass
    os._exit(0)  # what blocks in a driver is not waited for


def _read(
    pipe: Pipe, opening: OpenSound, source: SoundSource, blocks: "queue.Queue[tuple[Samples, float] | None]"
) -> None:
    """Read the device, and nothing else; one that goes is looked for."""
    while True:
        try:
            while (samples := source.read()) is not None:
                _put(blocks, (samples, time.monotonic()))
            _put(blocks, None)
            return
        except DeviceError as error:
            pipe.report(SoundLost(error.detail))
        source.close()
        source = opened_again(partial(open_source, opening))
        pipe.report(SoundOpened(source.name))


def _put(blocks: "queue.Queue[tuple[Samples, float] | None]", block: tuple[Samples, float] | None) -> None:
    while True:
        try:
            blocks.put_nowait(block)
            return
        except queue.Full:
            with suppress(queue.Empty):
                blocks.get_nowait()


def _send(pipe: Pipe, studio: Studio, blocks: "queue.Queue[tuple[Samples, float] | None]") -> None:
    stamps = Stamps(FRAME_SECONDS)
    while (block := blocks.get()) is not None:
        samples, came = block
        studio.take(samples, stamps.of(came))
    pipe.report(SourceEnded())


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        main()
