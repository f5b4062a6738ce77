"""The child that captures, as its engine has it."""

import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from actors.children.capture import Studio, encode, shrink
from actors.children.orders import Captured, Failed, Next, Opened, OpenSource, Play, Position, SourceEnded, Tune
from actors.sources.card import draw_card
from actors.sources.source import Still
from actors.video.frames import CapturedFrame, unpack_captured
from relay import limits
from relay.wire import Packet
from tests.actors.children.program import ChildProgram
from tests.cards import read_card
from tests.films import make_video


def frame(child: ChildProgram) -> CapturedFrame:
    child.tell(Next())
    return unpack_captured(child.wait(Packet).payload)


def number_of(captured: CapturedFrame) -> int:
    return read_card(cv2.imdecode(np.frombuffer(captured.jpeg, np.uint8), cv2.IMREAD_COLOR))[0]


@pytest.fixture
def film(tmp_path: Path) -> Path:
    return make_video(tmp_path / "film.mp4", 60, size=(320, 180))


def still(at: float) -> Still:
    return Still(np.zeros((2, 2, 3), np.uint8), round(at * 1e9), 0)


# --- which frame -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("rate", "wanted"), [(30, 30), (15, 15), (10, 10), (1, 1), (0, 30), (120, 30)])
def test_a_lower_rate_is_picked_evenly(rate: float, wanted: int) -> None:
    studio, taken = Studio(), []
    studio.tune = Tune(rate=rate)
    for number in range(300):
        before = studio.still
        studio.captured(still(100 + number / 30 + (number % 3) * 0.002))
        if studio.still is not before:
            taken.append(number)
    assert len(taken) == pytest.approx(wanted * 10, abs=2)
    gaps = np.diff(taken)
    assert gaps.max() - gaps.min() <= 1
    assert studio.frames == 300


def test_the_newest_frame_wins_and_the_others_are_counted() -> None:
    studio = Studio()
    for at in range(5):
        studio.captured(still(at))
    studio.ask()
    assert studio.next()[0].captured == 4 * 10**9
    assert (studio.frames, studio.dropped) == (5, 4)


def test_a_picture_is_shrunk_into_its_box_and_never_enlarged() -> None:
    image = np.zeros((720, 1280, 3), np.uint8)
    assert shrink(image, 640, 0).shape == (360, 640, 3)
    assert shrink(image, 0, 90).shape == (90, 160, 3)
    assert shrink(image, 640, 90).shape == (90, 160, 3)
    assert shrink(image, 4000, 4000) is image
    assert shrink(np.zeros((1, 500, 3), np.uint8), 10, 10).shape == (1, 10, 3)


def test_a_jpeg_that_is_too_large_gets_a_lower_quality(monkeypatch: pytest.MonkeyPatch) -> None:
    image = np.random.default_rng(1).integers(0, 256, (200, 200, 3), np.uint8)
    large = len(encode(image, 95))
    monkeypatch.setattr(limits, "VIDEO_FRAME_BYTES", large // 2)
    assert len(encode(image, 95)) <= large // 2


# --- the child -------------------------------------------------------------------------------------------------------


@pytest.mark.long
def test_frames_come_when_they_are_asked_for_as_they_are_tuned() -> None:
    with ChildProgram("capture") as child:
        child.tell(OpenSource("card", width=320, height=180, rate=60), Tune(quality=90))
        assert child.wait(Opened).width == 320
        first, second = frame(child), frame(child)
        assert number_of(second) >= number_of(first)  # the same, if the tuning came in between
        assert (first.number, second.number) == (1, 2)
        child.tell(Tune(quality=10, width=160, filter="mirror", mark=7))
        small = next(made for made in iter(lambda: frame(child), None) if made.mark == 7)
        assert (small.width, small.height) == (160, 90)
        image = cv2.imdecode(np.frombuffer(small.jpeg, np.uint8), cv2.IMREAD_COLOR)
        assert read_card(image[:, ::-1])[0] >= number_of(second)  # the same, made anew
        assert child.wait(Captured).frames > 0
        assert child.end() == 0


def test_a_still_comes_once_and_again_when_it_is_to_look_otherwise(tmp_path: Path) -> None:
    path = tmp_path / "그림 1.png"
    path.write_bytes(cv2.imencode(".png", draw_card(5, 200, 100))[1].tobytes())
    with ChildProgram("capture") as child:
        child.tell(OpenSource("image", str(path)), Tune())
        assert child.wait(Opened).rate == 0
        assert number_of(frame(child)) == 5
        child.tell(Next(), Tune(quality=30))
        assert unpack_captured(child.wait(Packet).payload).number == 2


@pytest.mark.long
def test_a_film_plays_pauses_and_is_gone_back_in(film: Path) -> None:
    with ChildProgram("capture") as child:
        child.tell(OpenSource("file", str(film)), Tune())
        opened = child.wait(Opened)
        assert (opened.width, opened.height, opened.rate, opened.seconds) == (320, 180, 30, 2)
        numbers = [number_of(frame(child)) for _ in range(10)]
        assert numbers == sorted(set(numbers))
        child.tell(Play(paused=True), Play(seek=1.5))
        child.wait(Position)
        while (number := number_of(frame(child))) != 45:
            assert number < 45  # that was under way
        child.tell(Next(), Tune(filter="gray"))  # paused: made anew
        assert unpack_captured(child.wait(Packet).payload).number > 10
        child.tell(Play(paused=False), Tune())
        child.wait(SourceEnded)
        child.tell(Play(seek=0.0, loop=True))
        while number_of(frame(child)) > 20:
            pass


@pytest.mark.parametrize(
    ("kind", "cause"), [("file", "source-missing"), ("image", "source-missing"), ("camera", "camera-absent")]
)
def test_what_can_not_be_opened_is_a_code(kind: str, cause: str) -> None:
    with ChildProgram("capture") as child:
        child.tell(OpenSource(kind, "/nowhere/at all"))  # type: ignore[arg-type]
        assert child.wait(Failed).cause == cause
        assert child.receive() is None


def test_it_ends_with_its_input_even_while_nothing_was_asked() -> None:
    with ChildProgram("capture") as child:
        assert child.end() == 0
    began = time.monotonic()
    with ChildProgram("capture") as child:
        child.tell(OpenSource("card"))
        child.wait(Opened)
        child.process.kill()
    assert time.monotonic() - began < 20
