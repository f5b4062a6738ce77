"""A window on the desktop, by OpenCV, in a process of its own: it shows frames of strangers, and may die of them.

It never imports PyAV: `cv2.imshow` then hangs for ever.
"""

import os
import threading
import time
from typing import Final

from actors.children.orders import Failed, OpenWindow, Refused, Shown, SnapshotAsked, WindowClosed, WindowOpened
from actors.children.pipe import Pipe
from actors.video.frames import Frame, unpack_frame
from actors.video.jpeg import JpegError
from relay.wire import Packet

# Qt looks for fonts beside the wheel, in vain, and says so each time.
os.environ.setdefault("QT_LOGGING_RULES", "*=false")

import cv2
import numpy as np

from actors.children.decode import decode_jpeg
from actors.sources.source import Image

IDLE_SECONDS: Final = 0.03  # between two looks at the keyboard while no frame comes
FIRST_SIZE: Final = (640, 360)  # of a window that has nothing to show yet
MOST_OF_SCREEN: Final = (1280, 720)  # a first frame that is larger is shown at this size
_NAME: Final = "visavis"
_ESCAPE, _QUIT, _FULL, _SNAPSHOT = 27, ord("q"), ord("f"), ord("s")


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
    """The one window of this process."""

    def __init__(self, title: str) -> None:
        self._full = False
        self._sized = False
        cv2.namedWindow(_NAME, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO | cv2.WINDOW_GUI_NORMAL)
        cv2.setWindowTitle(_NAME, title)
        cv2.setMouseCallback(_NAME, self._clicked)
        cv2.resizeWindow(_NAME, *FIRST_SIZE)
        cv2.imshow(_NAME, np.full((FIRST_SIZE[1], FIRST_SIZE[0], 3), 32, np.uint8))

    @property
    def open(self) -> bool:
        """False once its button was pressed."""
        try:
            return cv2.getWindowProperty(_NAME, cv2.WND_PROP_VISIBLE) >= 1
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
            cv2.resizeWindow(_NAME, max(1, round(width * share)), max(1, round(height * share)))
        cv2.imshow(_NAME, image)

    def toggle(self) -> None:
        """Cover the screen, or no longer."""
        self._full = not self._full
        cv2.setWindowProperty(
            _NAME, cv2.WND_PROP_FULLSCREEN, cv2.WINDOW_FULLSCREEN if self._full else cv2.WINDOW_NORMAL
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
    try:
        window = Window(opening.title)
        cv2.pollKey()
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
