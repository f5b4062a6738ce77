"""One camera that refuses a second opener, and many engines that see through it."""

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import cv2
import numpy as np
import pytest

from actors.children.orders import Failed, Next, Opened, OpenSource, Tune
from actors.sources.camera import open_camera
from actors.sources.sharing import SharedCamera
from actors.sources.source import SourceError
from actors.video.frames import unpack_captured
from relay.wire import Packet
from tests.actors.children.program import ChildProgram
from tests.actors.sources.mjpeg import MjpegCamera, mjpeg_camera
from tests.cards import read_card


@pytest.fixture
def camera() -> Iterator[MjpegCamera]:
    with mjpeg_camera() as camera:
        yield camera


@pytest.fixture
def closing() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def start(camera: MjpegCamera, closing: ExitStack) -> tuple[ChildProgram, Opened]:
    """An engine's capture child that looks at this camera."""
    child = closing.enter_context(ChildProgram("capture"))
    child.tell(OpenSource("camera", camera.address), Tune())
    return child, child.wait(Opened)


def number(child: ChildProgram) -> int:
    """Ask for one more frame; return its number."""
    child.tell(Next())
    jpeg = unpack_captured(child.wait(Packet).payload).jpeg
    return read_card(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR))[0]


def test_the_camera_refuses_a_second_opener(camera: MjpegCamera) -> None:
    first = open_camera(camera.address)
    assert first.read() is not None
    with pytest.raises(SourceError, match="camera-absent"):
        open_camera(camera.address)
    first.close()
    assert (camera.opened, camera.refused) == (1, 1)


@pytest.mark.long
def test_a_second_engine_sees_through_the_first(camera: MjpegCamera, closing: ExitStack) -> None:
    (first, opened), (second, followed) = start(camera, closing), start(camera, closing)
    assert (opened.shared, followed.shared) == (False, True)
    assert (followed.width, followed.height) == (opened.width, opened.height) == (320, 240)
    for child in (first, second):
        numbers = [number(child) for _ in range(5)]
        assert numbers == sorted(set(numbers))
    assert (camera.opened, camera.refused) == (1, 0)


@pytest.mark.long
@pytest.mark.parametrize("how", ["killed", "left"])
def test_when_the_first_goes_another_takes_over_and_the_third_follows_it(
    camera: MjpegCamera, closing: ExitStack, how: str
) -> None:
    first, _ = start(camera, closing)
    others = [start(camera, closing)[0] for _ in range(2)]
    for child in others:
        number(child)
    if how == "killed":
        os.kill(first.process.pid, signal.SIGKILL)
        first.process.wait()
    else:
        first.end()
    seen = [number(child) for child in others for _ in range(2)]
    assert seen[1] > seen[0]
    assert seen[3] > seen[2]
    assert camera.opened == 2


def test_a_camera_that_does_not_open_is_left_to_others(tmp_path: Path) -> None:
    def refuse(*_: object) -> SharedCamera:
        raise SourceError("camera-absent", "9")

    for _ in range(2):
        with pytest.raises(SourceError, match="camera-absent"):
            SharedCamera("9", 0, 0, 0, refuse, tmp_path)


@pytest.mark.long
def test_an_unplugged_camera_ends_all_who_look_with_a_code(camera: MjpegCamera, closing: ExitStack) -> None:
    children = [start(camera, closing)[0] for _ in range(2)]
    for child in children:
        number(child)
    camera.close()
    for child in children:
        assert child.wait(Failed).cause in ("camera-failed", "camera-absent")


def test_a_stale_socket_misleads_nobody(camera: MjpegCamera, tmp_path: Path) -> None:
    first = SharedCamera(camera.address, 0, 0, 0, open_camera, tmp_path)
    (feed,) = tmp_path.glob("*.feed")
    first.close()
    camera.wait_free()
    feed.touch()
    again = SharedCamera(camera.address, 0, 0, 0, open_camera, tmp_path)
    assert not again.shared
    assert again.read() is not None
    again.close()
    assert list(tmp_path.glob("*.feed")) == []
