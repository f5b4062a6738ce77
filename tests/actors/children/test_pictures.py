"""The child that draws frames in cells, as its engine has it."""

import os
import signal
import struct
from pathlib import Path

import cv2
import numpy as np
import pytest

from actors.children.orders import Draw, Next, Opened, OpenSource, Refused, Tune, Unwatch, Watch
from actors.sources.card import draw_card
from actors.video.frames import FRAME, Frame, Picture, unpack_captured, unpack_picture
from relay import limits
from relay.wire import Packet
from tests.actors.children.program import ChildProgram
from tests.cards import read_card


def frame(number: int, jpeg: bytes | None = None, size: tuple[int, int] = (320, 180)) -> bytes:
    made = cv2.imencode(".jpg", draw_card(number, *size))[1].tobytes()
    return Frame(number, 0, made if jpeg is None else jpeg).pack()


def picture(child: ChildProgram) -> Picture:
    return unpack_picture(child.wait(Packet).payload)


def pixels(drawn: Picture) -> np.ndarray:
    """The cells as an image, two pixels in each."""
    cells = np.frombuffer(drawn.cells, "<u2").reshape(drawn.rows, drawn.columns, 2)
    halves = cells.transpose(0, 2, 1).reshape(2 * drawn.rows, drawn.columns)
    return np.stack([(halves >> shift & 31) * 8 for shift in (0, 5, 10)], axis=2).astype(np.uint8)


def test_each_watcher_gets_the_picture_in_its_own_size() -> None:
    with ChildProgram("pictures") as child:
        child.tell(Watch(1, 96, 30), Watch(2, 400, 200), Draw((1, 2)))
        child.send(FRAME, frame(4660))
        drawn = [picture(child), picture(child)]
        assert [each.watcher for each in drawn] == [1, 2]
        assert [(each.columns, each.rows) for each in drawn] == [(96, 27), (400, 112)]  # proportions kept
        assert {read_card(pixels(each))[0] for each in drawn} == {4660}


def test_only_who_is_named_and_still_watches_gets_one() -> None:
    with ChildProgram("pictures") as child:
        child.tell(Watch(1, 80, 24), Watch(2, 80, 24), Watch(3, 80, 24), Unwatch(2), Draw((2, 3, 9)))
        child.send(FRAME, frame(1))
        child.tell(Watch(3, 40, 12), Draw((3,)))
        child.send(FRAME, frame(2))
        first, second = picture(child), picture(child)
        assert [(each.watcher, each.number, each.columns) for each in (first, second)] == [(3, 1, 80), (3, 2, 40)]


@pytest.mark.long
@pytest.mark.parametrize("size", [(1, 1), (3, 500), (500, 3), (7680, 4320)])
def test_any_size_from_one_pixel_to_8k_is_drawn(size: tuple[int, int]) -> None:
    with ChildProgram("pictures") as child:
        child.tell(Watch(1, 80, 24), Draw((1,)))
        child.send(FRAME, frame(5, size=size))
        drawn = picture(child)
        assert 1 <= drawn.columns <= 80
        assert 1 <= drawn.rows <= 24


def test_what_can_not_be_decoded_is_refused_and_the_next_is_drawn() -> None:
    whole = cv2.imencode(".jpg", draw_card(1, 320, 180))[1].tobytes()
    at = whole.index(b"\xff\xc0") + 5
    lies = whole[:at] + struct.pack("!HH", limits.VIDEO_SIDE + 1, 8) + whole[at + 4 :]
    png = cv2.imencode(".png", np.zeros((4, 4, 3), np.uint8))[1].tobytes()
    with ChildProgram("pictures") as child:
        child.tell(Watch(1, 80, 24))
        for number, (jpeg, cause) in enumerate([(lies, "too-large"), (png, "not-jpeg"), (b"\xff\xd8\xff", "broken")]):
            child.tell(Draw((1,)))
            child.send(FRAME, frame(number, jpeg))
            assert child.wait(Refused) == Refused(number, cause)
        child.tell(Draw((1,)))
        child.send(FRAME, frame(77))
        assert picture(child).number == 77


def test_it_ends_with_its_input() -> None:
    with ChildProgram("pictures") as child:
        assert child.end() == 0


@pytest.mark.long
def test_an_8k_image_goes_all_the_way(tmp_path: Path) -> None:
    path = tmp_path / "8k.png"
    path.write_bytes(cv2.imencode(".png", draw_card(4321, 7680, 4320))[1].tobytes())
    with ChildProgram("capture") as capture, ChildProgram("pictures") as pictures:
        capture.tell(OpenSource("image", str(path)), Tune(quality=95))
        assert capture.wait(Opened).width == 7680
        capture.tell(Next())
        captured = unpack_captured(capture.wait(Packet).payload)
        assert (captured.width, captured.height) == (7680, 4320)
        pictures.tell(Watch(1, 96, 30), Draw((1,)))
        pictures.send(FRAME, Frame(1, 0, bytes(captured.jpeg)).pack())
        assert read_card(pixels(picture(pictures)))[0] == 4321


def test_one_that_is_killed_says_nothing_more() -> None:
    with ChildProgram("pictures") as child:
        child.tell(Watch(1, 80, 24))
        os.kill(child.process.pid, signal.SIGKILL)
        assert child.receive() is None
