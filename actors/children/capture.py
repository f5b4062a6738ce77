"""Captures, filters and encodes: what is shown here, in a process of its own.

source ──thread──► newest frame ──main thread──► filter, shrink, JPEG ──► engine, when it asks for one
orders ──thread──► tuning, pause, seek, credit
"""

import os
import threading
import time
from contextlib import suppress
from typing import Final

import cv2

from actors.children.filters import FILTERS
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
from actors.children.pipe import Pipe
from actors.sources.open import open_source
from actors.sources.source import Image, Source, SourceError, Still
from actors.video.frames import FRAME, CapturedFrame
from relay import limits

_POSITION_SECONDS: Final = 0.5
_COUNT_SECONDS: Final = 1.0
_MOVED_NS: Final = 5_000_000  # of a film's second 0: from then on its sound is told
_EARLY: Final = 0.5  # of the source's frame time: of two frames about their turn, the nearer is taken


class Studio:
    """What the threads share: the newest frame, what it is to become, and whether one is wanted."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.tune = Tune()
        self.still: Still | None = None
        self.fresh = False  # `still`, or what it is to become, is not what was sent last
        self.wanted = False
        self.over: SourceError | None = None
        self.frames = self.dropped = 0
        self._clock = threading.Lock()
        self._zero: int | None = None
        self._due = self._before = 0.0

    def captured(self, still: Still) -> None:
        """The source has a frame: the newest takes the place; at a lower rate than the source's, every so many."""
        with self.changed:
            self.frames += 1
            if not self._is_due(still.captured / 1e9):
                self.dropped += 1
                return
            self.dropped += self.fresh and self.still is not None
            self.still, self.fresh = still, True
            self.changed.notify()

    def tuned(self, tune: Tune) -> None:
        """From the next frame on it is to become this; one that stands still is made anew."""
        with self.changed:
            self.fresh = self.fresh or (self.still is not None and tune != self.tune)
            self.tune = tune
            self.changed.notify()

    def ask(self) -> None:
        """One more frame is wanted."""
        with self.changed:
            self.wanted = True
            self.changed.notify()

    def fail(self, error: SourceError) -> None:
        """No more frames will come."""
        with self.changed:
            self.over = error
            self.changed.notify()

    def tell_clock(self, pipe: Pipe, zero: int | None) -> None:
        """The film's second 0 was then; say so if that is new."""
        with self._clock:
            told = self._zero
            if zero != told and (zero is None or told is None or abs(zero - told) > _MOVED_NS):
                self._zero = zero
                pipe.report(FilmClock(zero))

    def next(self) -> tuple[Still, Tune]:
        """Wait for a frame that is wanted. Raises `SourceError` when the source has failed."""
        with self.changed:
            self.changed.wait_for(lambda: self.over is not None or (self.wanted and self.fresh))
            if self.over is not None:
                raise self.over
            assert self.still is not None
            self.wanted = self.fresh = False
            return self.still, self.tune

    def _is_due(self, at: float) -> bool:
        early = (at - self._before) * _EARLY
        self._before = at
        if not self.tune.rate:
            return True
        step = 1 / self.tune.rate
        if at < self._due - min(early, step * _EARLY):
            return False
        self._due = self._due + step if at - self._due < step else at + step
        return True


def main() -> None:
    """Serve the engine until it closes the pipe or the source fails."""
    cv2.setNumThreads(1)  # one core a call is what a weak PC has to give
    pipe = Pipe()
    orders = iter(pipe)
    opening = next(orders, None)
    if not isinstance(opening, OpenSource):
        return
    studio = Studio()
    try:
        source = open_source(opening)
    except SourceError as error:
        pipe.report(Failed(error.cause, error.detail))
        return
    _tell_opened(pipe, source)
    threading.Thread(target=_read, args=(pipe, source, studio), daemon=True).start()
    threading.Thread(target=_send, args=(pipe, studio), daemon=True).start()
    for order in orders:
        if isinstance(order, AnyOrder):
            _obey(pipe, source, studio, order)
    os._exit(0)  # what blocks in a driver is not waited for


def _tell_opened(pipe: Pipe, source: Source) -> None:
    pipe.report(Opened(source.width, source.height, source.rate, source.seconds, source.shared))


def _obey(pipe: Pipe, source: Source, studio: Studio, order: AnyOrder) -> None:
    match order:
        case Tune():
            studio.tuned(order)
        case Next():
            studio.ask()
        case Play():
            at = source.play(order)
            if order.paused:
                studio.tell_clock(pipe, None)
            if at is not None and order.seek is not None:
                pipe.report(Position(at))
        case _:
            pass


def _read(pipe: Pipe, source: Source, studio: Studio) -> None:
    told = placed = time.monotonic()
    ended, shared = False, source.shared
    try:
        while True:
            still = source.read()
            now = time.monotonic()
            if still is None:
                if not ended:
                    pipe.report(SourceEnded())
                    studio.tell_clock(pipe, None)
                ended = True
                continue
            ended = False
            studio.captured(still)
            studio.tell_clock(pipe, source.zero)
            if source.shared != shared:  # who had the camera has left it
                shared = source.shared
                _tell_opened(pipe, source)
            if now - told >= _COUNT_SECONDS:
                told = now
                pipe.report(Captured(studio.frames, studio.dropped))
            if source.seconds is not None and now - placed >= _POSITION_SECONDS:
                placed = now
                at = source.play(Play())
                if at is not None:
                    pipe.report(Position(at))
    except SourceError as error:
        source.close()  # a camera that failed here may serve another
        studio.fail(error)


def _send(pipe: Pipe, studio: Studio) -> None:
    number = 0
    try:
        while True:
            still, tune = studio.next()
            number += 1
            pipe.send(FRAME, make_frame(number, still, tune).pack())
    except SourceError as error:
        pipe.report(Failed(error.cause, error.detail))  # the engine closes the pipe then


def make_frame(number: int, still: Still, tune: Tune) -> CapturedFrame:
    """Return the frame that `still` becomes: shrunk, filtered, encoded."""
    began = time.monotonic_ns()
    image = FILTERS[tune.filter](shrink(still.image, tune.width, tune.height))
    filtered = time.monotonic_ns()
    jpeg = encode(image, tune.quality)
    encoded = time.monotonic_ns()
    height, width = image.shape[:2]
    return CapturedFrame(
        number,
        still.captured,
        still.capture_us,
        (filtered - began) // 1000,
        (encoded - filtered) // 1000,
        width,
        height,
        tune.mark,
        jpeg,
    )


def shrink(image: Image, width: int, height: int) -> Image:
    """Return the image in a box of so many pixels, proportions kept, never enlarged; 0 is no bound."""
    has_height, has_width = image.shape[:2]
    share = min(1.0, (width or has_width) / has_width, (height or has_height) / has_height)
    if share == 1.0:
        return image
    size = (max(1, round(has_width * share)), max(1, round(has_height * share)))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)


def encode(image: Image, quality: int) -> bytes:
    """Return a JPEG of this quality, or of a lower one if it would be larger than a frame may be."""
    while True:
        done, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
        assert done
        if len(data) <= limits.VIDEO_FRAME_BYTES or quality <= limits.QUALITY_MIN:
            return data.tobytes()
        quality = max(limits.QUALITY_MIN, quality - 10)


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        main()
