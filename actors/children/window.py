"""A window on the desktop, by OpenCV, in a process of its own: it shows frames of strangers, and may die of them.

It never imports PyAV: `cv2.imshow` then hangs for ever.
"""

import threading
import time
from collections.abc import Callable
from typing import Final

import cv2
import numpy as np

from actors.children.decode import decode_jpeg
from actors.children.orders import Failed, OpenWindow, Refused, Shown, SnapshotAsked, WindowClosed, WindowOpened
from actors.children.pipe import Pipe
from actors.children.qt_events import QtEvents
from actors.sources.source import Image
from actors.video.frames import Frame, unpack_frame
from actors.video.jpeg import JpegError
from relay.wire import Packet

IDLE_SECONDS: Final = 0.03  # between two looks at the keyboard while no frame comes
FIRST_SIZE: Final = (640, 360)  # of a window that has nothing to show yet
MOST_OF_SCREEN: Final = (1280, 720)  # a first frame that is larger is shown at this size
ATTEMPTS: Final = 6  # to open a window in which Qt paints
MAPPED_SECONDS: Final = 0.5  # until it must have heard that the window is on the screen
EXPOSED_SECONDS: Final = 0.3  # until the window, grown, is to be painted if it is on the screen
_ESCAPE, _QUIT, _FULL, _SNAPSHOT = 27, ord("q"), ord("f"), ord("s")


def _wait(condition: Callable[[], bool], seconds: float) -> bool:
    """Let Qt work until the condition holds, or so long; tell whether it does."""
    deadline = time.monotonic() + seconds
    while not (holds := condition()) and time.monotonic() < deadline:
        cv2.pollKey()
    return holds


class Mailbox:
    """The newest frame, put by the thread that reads the pipe."""

    def __init__(self) -> None:
        self._came = threading.Condition()
        self._frame: Frame | None = None
        self.over = False

    def put(self, frame: Frame) -> None:
        """Take a frame in the place of one that was not shown."""
        with self._came:
            self._frame = frame
            self._came.notify()

    def end(self) -> None:
        """Nothing more comes."""
        with self._came:
            self.over = True
            self._came.notify()

    def take(self, seconds: float) -> Frame | None:
        """Return the newest frame, waiting so long for one."""
        with self._came:
            if self._frame is None and not self.over:
                self._came.wait(seconds)
            frame, self._frame = self._frame, None
            return frame


class Window:
    """The one window of this process, on the screen. Raises `cv2.error` if the desktop gives none."""

    def __init__(self, title: str, events: QtEvents) -> None:
        self._full = False
        self._sized = False
        self._name = ""
        for attempt in range(ATTEMPTS):
            last, self._name = self._name, f"visavis-{attempt}"
            maps = events.count("MAP_NOTIFY")
            self._create(title)
            if last:
                cv2.destroyWindow(last)
            if self._paints(events, maps):
                break

    def _create(self, title: str) -> None:
        cv2.namedWindow(self._name, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO | cv2.WINDOW_GUI_NORMAL)
        cv2.setWindowTitle(self._name, title)
        cv2.setMouseCallback(self._name, self._clicked)
        cv2.resizeWindow(self._name, *FIRST_SIZE)
        cv2.imshow(self._name, np.full((FIRST_SIZE[1], FIRST_SIZE[0], 3), 32, np.uint8))

    def _paints(self, events: QtEvents, maps: int) -> bool:
        """False if it is on the screen and Qt does not know; a desktop may also keep it from the screen for now."""

        def mapped() -> bool:
            return events.count("MAP_NOTIFY") > maps

        if _wait(mapped, MAPPED_SECONDS) or not events.of_x:
            return True
        exposures = events.count("EXPOSE")
        cv2.resizeWindow(self._name, FIRST_SIZE[0] + 1, FIRST_SIZE[1] + 1)
        _wait(lambda: events.count("EXPOSE") > exposures, EXPOSED_SECONDS)
        return mapped() or events.count("EXPOSE") == exposures

    @property
    def open(self) -> bool:
        """False once its button was pressed."""
        try:
            return cv2.getWindowProperty(self._name, cv2.WND_PROP_VISIBLE) >= 1
        except cv2.error:  # with its last window Qt is gone too
            return False

    @property
    def full(self) -> bool:
        """Whether it covers the screen."""
        return self._full

    def show(self, image: Image) -> None:
        """Put the image on the screen."""
        if not self._sized:
            self._sized = True
            height, width = image.shape[:2]
            share = min(1.0, MOST_OF_SCREEN[0] / width, MOST_OF_SCREEN[1] / height)
            cv2.resizeWindow(self._name, max(1, round(width * share)), max(1, round(height * share)))
        cv2.imshow(self._name, image)

    def toggle(self) -> None:
        """Cover the screen, or no longer."""
        self._full = not self._full
        cv2.setWindowProperty(
            self._name, cv2.WND_PROP_FULLSCREEN, cv2.WINDOW_FULLSCREEN if self._full else cv2.WINDOW_NORMAL
        )

    def _clicked(self, event: int, x: int, y: int, flags: int, data: object) -> None:
        if event == cv2.EVENT_LBUTTONDBLCLK:
            self.toggle()


def main() -> None:
    """Show what comes on standard input until that ends or the window is closed."""
    pipe = Pipe()
    said = iter(pipe)
    opening = next(said, None)
    if not isinstance(opening, OpenWindow):
        return
    with QtEvents() as events:
        try:
            window = Window(opening.title, events)
        except cv2.error as error:
            pipe.report(Failed("window-failed", str(error.err)[:200]))
            return
        pipe.report(WindowOpened())
        mailbox = Mailbox()

        def read() -> None:
            for item in said:
                if isinstance(item, Packet):
                    mailbox.put(unpack_frame(item.payload))
            mailbox.end()

        threading.Thread(target=read, daemon=True).start()
        while not mailbox.over:
            frame = mailbox.take(IDLE_SECONDS)
            key = cv2.pollKey() if frame is None else _show(pipe, window, frame)
            if not _handle_key(pipe, window, key) or not window.open:
                pipe.report(WindowClosed())
                break
        cv2.destroyAllWindows()


def _show(pipe: Pipe, window: Window, frame: Frame) -> int:
    """Show a frame, and tell the engine; return the key that was pressed, -1 for none."""
    began = time.monotonic_ns()
    try:
        image = decode_jpeg(frame.jpeg)
    except JpegError as error:
        pipe.report(Refused(frame.number, error.cause))
        return cv2.pollKey()
    decoded = time.monotonic_ns()
    window.show(image)
    key = cv2.pollKey()  # this is what paints
    shown = time.monotonic_ns()
    pipe.report(Shown(frame.number, shown, (decoded - began) // 1000, (shown - decoded) // 1000))
    return key


def _handle_key(pipe: Pipe, window: Window, key: int) -> bool:
    """Do what the key says; False if that is to close."""
    if key in (_QUIT, _ESCAPE):
        if key == _QUIT or not window.full:
            return False
        window.toggle()
    elif key == _FULL:
        window.toggle()
    elif key == _SNAPSHOT:
        pipe.report(SnapshotAsked())
    return True


if __name__ == "__main__":
    main()
