"""Cameras: a real network camera of our own; what only a device does is told by a fake of OpenCV's capture."""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from actors.sources import camera
from actors.sources.camera import open_camera
from actors.sources.source import SourceError
from tests.actors.sources.mjpeg import MjpegCamera, mjpeg_camera
from tests.cards import read_card


class Device:
    """Stands in for cv2.VideoCapture of a device node: no V4L2 here. Gives the frames that it is told to."""

    def __init__(self, frames: list[np.ndarray | None], *, opens: bool = True) -> None:
        self.frames, self.opens, self.released, self.asked = frames, opens, False, {}

    def isOpened(self) -> bool:  # noqa: N802 - OpenCV's name
        return self.opens and not self.released

    def read(self) -> tuple[bool, np.ndarray | None]:
        frame = self.frames.pop(0) if self.frames else None
        return frame is not None, frame

    def set(self, name: int, value: float) -> bool:
        self.asked[name] = value
        return True

    def get(self, name: int) -> float:
        return {cv2.CAP_PROP_FRAME_WIDTH: 640.0, cv2.CAP_PROP_FRAME_HEIGHT: 480.0}.get(name, -1.0)

    def release(self) -> None:
        self.released = True


@pytest.fixture
def node(tmp_path: Path) -> str:
    path = tmp_path / "video0"
    path.write_bytes(b"")
    return str(path)


@pytest.fixture
def network() -> Iterator[MjpegCamera]:
    with mjpeg_camera() as served:
        yield served


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> Device:
    image = np.full((480, 640, 3), 9, np.uint8)
    made = Device([image, image, image])
    monkeypatch.setattr(cv2, "VideoCapture", lambda *_: made)
    return made


def cause_of(what: str) -> str:
    with pytest.raises(SourceError) as caught:
        open_camera(what)
    assert caught.value.detail == what
    return caught.value.cause


def test_a_network_camera_gives_its_pictures(network: MjpegCamera) -> None:
    source = open_camera(network.address)
    assert (source.width, source.height) == (320, 240)
    read = [source.read() for _ in range(3)]
    numbers = [read_card(still.image)[0] for still in read if still is not None]
    assert numbers == sorted(set(numbers))
    source.close()


def test_one_that_is_unplugged_fails_with_its_name(network: MjpegCamera) -> None:
    source = open_camera(network.address)
    network.unplug()
    with pytest.raises(SourceError, match="camera-failed"):
        list(iter(source.read, None))


def test_what_is_not_there_is_absent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(camera, "_is_there", lambda device: Path(device).exists())
    assert cause_of(str(tmp_path / "video7")) == "camera-absent"
    assert cause_of("97") == "camera-absent"
    assert cause_of("http://127.0.0.1:1/nothing.mjpg") == "camera-absent"


def test_a_device_is_asked_for_what_was_asked_and_for_little_delay(device: Device, node: str) -> None:
    source = open_camera(node, 1920, 1080, 60)
    asked = device.asked
    assert (asked[cv2.CAP_PROP_FRAME_WIDTH], asked[cv2.CAP_PROP_FRAME_HEIGHT]) == (1920, 1080)
    assert (asked[cv2.CAP_PROP_FPS], asked[cv2.CAP_PROP_BUFFERSIZE]) == (60, 1)
    assert (source.width, source.height, source.rate) == (640, 480, 0)  # it has no other, and tells no rate


def test_a_black_picture_is_a_picture(device: Device, node: str) -> None:
    device.frames[:] = [np.zeros((480, 640, 3), np.uint8)] * 3
    still = open_camera(node).read()
    assert still is not None
    assert not still.image.any()


def test_one_that_opens_and_gives_nothing_is_in_use(device: Device, node: str) -> None:
    device.frames.clear()
    assert cause_of(node) == "camera-busy"
    assert device.released


def test_one_that_does_not_open_says_why_as_the_system_does(
    device: Device, node: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    device.opens = False
    for number, cause in ((13, "camera-forbidden"), (16, "camera-busy"), (19, "camera-absent"), (5, "camera-failed")):

        def refuse(*_: object, number: int = number) -> int:
            raise OSError(number, "no")

        monkeypatch.setattr("os.open", refuse)
        assert cause_of(node) == cause


def test_one_that_stalls_is_waited_for_and_then_given_up(
    device: Device, node: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [10.0]
    monkeypatch.setattr(camera.time, "monotonic_ns", lambda: int(now[0] * 1e9))
    monkeypatch.setattr(camera.time, "sleep", lambda seconds: now.__setitem__(0, now[0] + seconds))
    source = open_camera(node)
    device.frames[:] = [None] * 100 + [np.full((480, 640, 3), 9, np.uint8)]
    assert source.read() is not None  # one second later
    with pytest.raises(SourceError, match="camera-failed"):
        source.read()
    assert 16 <= now[0] < 17


def test_one_whose_node_is_gone_is_given_up_at_once(device: Device, node: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(camera, "_is_there", lambda device: Path(device).exists())
    source = open_camera(node)
    device.frames.clear()
    Path(node).unlink()
    with pytest.raises(SourceError, match="camera-failed"):
        source.read()
