"""The window child, as its engine has it, on a desktop that nobody sees."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import cv2
import numpy as np
import pytest

from actors.children.orders import Failed, OpenWindow, Refused, Shown, SnapshotAsked, WindowClosed, WindowOpened
from actors.sources.card import draw_card
from actors.video.frames import FRAME, Frame
from tests.actors.children.program import ChildProgram
from tests.cards import NoCardError, read_card
from tests.display import SIZE, Display, desktop, managed_desktop, picture_in
from tests.e2e.programs import wait_until

pytestmark = pytest.mark.device


def frame(number: int, size: tuple[int, int] = (640, 360), jpeg: bytes | None = None) -> bytes:
    made = cv2.imencode(".jpg", draw_card(number, *size))[1].tobytes()
    return Frame(number, 0, made if jpeg is None else jpeg).pack()


@pytest.fixture
def display() -> Iterator[Display]:
    with desktop() as display:
        yield display


@contextmanager
def opened(display: Display) -> Iterator[ChildProgram]:
    with ChildProgram("window", DISPLAY=display.name) as child:
        child.tell(OpenWindow("영상, of Jun"))
        child.wait(WindowOpened)
        yield child


@pytest.fixture
def window(display: Display) -> Iterator[ChildProgram]:
    with opened(display) as child:
        yield child


def _is_title(row: np.ndarray) -> np.ndarray:
    """Where a row of the screen is of the bright blue of JWM's titles."""
    return (row[:, 0] > 180) & (row[:, 2] < 60)


def title_of(display: Display) -> int:
    """How high the title over the window is; 0 if there is none."""
    column = display.shot()[:60, 300]
    return int(_is_title(column).sum())


def covered(display: Display, number: int) -> bool:
    """Whether the frame of this number is as wide as the screen, with nothing over or beside it."""
    shot = display.shot()
    height = SIZE[0] * 9 // 16
    top = (SIZE[1] - height) // 2
    try:
        return read_card(shot[top : top + height])[0] == number
    except NoCardError:
        return False


def shown(child: ChildProgram, number: int, size: tuple[int, int] = (640, 360)) -> None:
    child.send(FRAME, frame(number, size))
    assert child.wait(Shown).number == number


def seen(display: Display, number: int) -> Callable[[], bool]:
    def look() -> bool:
        try:
            return read_card(picture_in(display.shot()))[0] == number
        except NoCardError:
            return False

    return look


def test_a_frame_is_on_the_screen_when_it_is_said_to_be(window: ChildProgram, display: Display) -> None:
    for number in (1, 4660, 65535):
        shown(window, number)
        assert read_card(picture_in(display.shot()))[0] == number
    assert "영상, of Jun" in display.titles()


def test_a_large_picture_fits_the_screen_and_the_next_size_fits_the_window(
    window: ChildProgram, display: Display
) -> None:
    shown(window, 1, (3840, 2160))
    wait_until(seen(display, 1))
    height, width = picture_in(display.shot()).shape[:2]
    assert width <= SIZE[0]
    assert height <= SIZE[1]
    shown(window, 2, (320, 180))
    wait_until(seen(display, 2))
    assert picture_in(display.shot()).shape[1] == pytest.approx(width, abs=20)


def test_f_covers_the_screen_and_escape_leaves_that_before_it_closes() -> None:
    with managed_desktop() as display, opened(display) as child:
        shown(child, 1)
        wait_until(lambda: title_of(display) > 10)
        display.press("f")
        shown(child, 2)
        wait_until(lambda: covered(display, 2))
        display.press("Escape")
        shown(child, 3)
        wait_until(lambda: title_of(display) > 10)
        display.press("Escape")
        child.wait(WindowClosed)
        assert child.process.wait(10) == 0


def test_the_button_of_its_title_closes_it() -> None:
    with managed_desktop() as display, opened(display) as child:
        shown(child, 1)
        wait_until(lambda: title_of(display) > 10)
        blue = np.flatnonzero(_is_title(display.shot()[4]))
        display.click(int(blue[-1]) - 12, 14)
        child.wait(WindowClosed)
        assert child.process.wait(10) == 0


@contextmanager
def busy(processes: int) -> Iterator[None]:
    """So many processes want the processor all the time."""
    with ExitStack() as stack:
        for _ in range(processes):
            process = stack.enter_context(subprocess.Popen([sys.executable, "-c", "while True: pass"]))
            stack.callback(process.kill)
        yield


def test_a_window_that_opens_on_a_busy_machine_is_painted(display: Display) -> None:
    """One in five was not, before the child listened to what Qt hears of X."""
    with busy(2 * (os.cpu_count() or 1)):
        for number in range(10):
            with opened(display) as child:
                shown(child, number)
                wait_until(seen(display, number))


def test_s_asks_for_a_snapshot(window: ChildProgram, display: Display) -> None:
    shown(window, 1)
    display.press("s")
    window.wait(SnapshotAsked)


def test_what_can_not_be_decoded_is_refused_and_the_last_picture_stays(window: ChildProgram, display: Display) -> None:
    shown(window, 7)
    for number, jpeg in ((8, b"no jpeg"), (9, b"\xff\xd8\xff\xc0\x00\x11\x08\xff\xff\xff\xff\x03" + bytes(9))):
        window.send(FRAME, frame(number, jpeg=jpeg))
        assert window.wait(Refused).number == number
    wait_until(seen(display, 7))
    shown(window, 10)


@pytest.mark.parametrize("size", [(1, 1), (1, 400), (400, 1), (7680, 4320)])
def test_any_size_is_shown(window: ChildProgram, size: tuple[int, int]) -> None:
    shown(window, 1, size)
    shown(window, 2)


def test_it_goes_with_its_engine(window: ChildProgram, display: Display) -> None:
    shown(window, 1)
    assert window.end() == 0
    wait_until(lambda: "영상, of Jun" not in display.titles())


def test_it_goes_when_the_desktop_does(display: Display) -> None:
    """By Qt, with a status that is not 0: the engine tells it from one that was closed."""
    with desktop() as other, ChildProgram("window", DISPLAY=other.name) as child:
        child.tell(OpenWindow("x"))
        child.wait(WindowOpened)
        os.kill(other.process, signal.SIGKILL)
        said = None
        while (said := child.receive()) is not None:
            assert not isinstance(said, Failed)
        assert child.process.wait(10) != 0
