"""The sound of the film that is shown, at the second that its pictures are at."""

import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

import numpy as np
from numpy.typing import NDArray

from actors.audio.frames import RATE
from actors.children.orders import PlayFilm
from actors.sources.audio_file import SoundTrack
from actors.sources.source import SourceError

Samples = NDArray[np.int16]

_AHEAD: Final = RATE  # samples decoded before they are due: a second
_OFF_SECONDS: Final = 0.02  # from where it should be: it goes there
_NONE: Final = np.zeros(0, np.int16)


class FilmSound:
    """Decodes in a thread of its own; `next` never waits for it."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._film = PlayFilm()
        self._wanted: float | None = None  # second to decode from, anew
        self._ended = False  # no more comes from where it is
        self._samples: Samples = _NONE
        self._at = 0.0  # second that they begin at
        self._path = ""  # of the track; the thread's own, as the next two
        self._track: SoundTrack | None = None
        self._pieces: Iterator[Samples] = iter(())
        self._runs = False

    @property
    def plays(self) -> bool:
        """Whether there is a film, and it does not stand still."""
        return bool(self._film.path) and self._film.zero is not None

    def play(self, film: PlayFilm) -> None:
        """From now on this film, or nothing."""
        with self._changed:
            if film.path != self._film.path:
                self._go_to(0.0)
            self._film = film
            if film.path and not self._runs:
                self._runs = True
                threading.Thread(target=self._decode, daemon=True).start()
            self._changed.notify()

    def next(self, at: float, count: int) -> Samples | None:
        """Return the `count` samples from `at` on (s of CLOCK_MONOTONIC); None while there are none."""
        with self._changed:
            if self._film.zero is None or not self.plays or self._wanted is not None:
                return None
            second = at - self._film.zero / 1e9
            ahead = round((second - self._at) * RATE)
            if abs(ahead) > _OFF_SECONDS * RATE:
                if 0 < ahead < len(self._samples):
                    self._samples, self._at = self._samples[ahead:], second
                elif second >= 0 and not (self._ended and ahead > 0):
                    self._go_to(second)
                    return None
                else:
                    return None
            if len(self._samples) < count:
                return None
            block, self._samples = self._samples[:count], self._samples[count:]
            self._at += count / RATE
            self._changed.notify()
            return block

    def _go_to(self, second: float) -> None:
        self._samples, self._at, self._wanted, self._ended = _NONE, second, second, False
        self._changed.notify()

    # --- the thread

    def _decode(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(self._hungry)
                path, wanted = self._film.path, self._wanted
            if path != self._path:
                self._open(path)
            if wanted is not None:
                self._pieces = self._track.samples_from(wanted) if self._track is not None else iter(())
            piece = next(self._pieces, None)
            with self._changed:
                if self._film.path != path or self._wanted not in (wanted, None):
                    continue  # something else is wanted by now
                self._wanted = None
                self._ended = piece is None
                if piece is not None:
                    self._samples = np.concatenate([self._samples, piece])

    def _hungry(self) -> bool:
        if self._film.path != self._path or self._wanted is not None:
            return True
        return not self._ended and len(self._samples) < _AHEAD

    def _open(self, path: str) -> None:
        if self._track is not None:
            self._track.close()
        self._path, self._track, self._pieces = path, None, iter(())
        with suppress(SourceError):  # a film without sound; what is wrong with its pictures, others say
            self._track = SoundTrack(path) if path else None
