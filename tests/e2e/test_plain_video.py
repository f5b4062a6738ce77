"""Pictures between ours and the original's programs: shown here, and sent as they expect them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from actors.messages import LinkChanged, OpenPlain, PeerVideoChanged, ShowVideo, ShowWindow, StopVideo, WindowChanged
from actors.sources.card import draw_card
from relay.wire import format_address
from tests.actors.original import Client, Server, open_client, open_server
from tests.cards import read_card
from tests.display import Display, desktop, picture_in
from tests.e2e.programs import Engine, wait_until

pytestmark = pytest.mark.device


@pytest.fixture
def display(monkeypatch: pytest.MonkeyPatch) -> Iterator[Display]:
    with desktop() as display:
        monkeypatch.setenv("DISPLAY", display.name)
        monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
        yield display


@pytest.fixture
def server() -> Iterator[Server]:
    with open_server() as server:
        yield server


@pytest.fixture
def original(server: Server) -> Iterator[Client]:
    with open_client(server.address) as client:
        yield client


@pytest.fixture
def ours(display: Display, server: Server, original: Client, start_engine: Callable[[str], Engine]) -> Engine:
    """Our engine in a plain call with an original client, with a window open."""
    engine = start_engine("Mina")
    engine.tell(OpenPlain(format_address(*server.address)))
    engine.wait_event(LinkChanged)
    wait_until(lambda: server.seated() == 2)
    engine.tell(ShowWindow())
    engine.wait_event(WindowChanged, lambda event: event.open)
    return engine


def jpeg(number: int) -> bytes:
    return cv2.imencode(".jpg", draw_card(number, 640, 480))[1].tobytes()


def test_frames_of_an_original_are_shown_and_ours_are_sent(ours: Engine, original: Client, display: Display) -> None:
    def look() -> int:
        original.send(b"VID0", jpeg(4242))
        return read_card(picture_in(display.shot()))[0] if len(np.unique(display.shot())) > 2 else 0

    wait_until(lambda: look() == 4242)
    assert ours.wait_event(PeerVideoChanged).video.showing
    ours.tell(ShowVideo("card"))
    wait_until(lambda: original.counts[b"VID0"] > 20)
    numbers = [read_card(cv2.imdecode(np.frombuffer(frame, np.uint8), 1))[0] for frame in original.frames]
    assert numbers == sorted(set(numbers))
    ours.say("beside it")
    wait_until(lambda: "beside it" in original.texts)
    ours.tell(StopVideo())
    ours.wait_event(PeerVideoChanged, lambda event: not event.video.showing)  # 3 s without a frame


def test_an_image_goes_both_ways(ours: Engine, original: Client, display: Display, tmp_path: Path) -> None:
    original.send(b"IMG0", cv2.imencode(".png", draw_card(99, 400, 300))[1].tobytes())
    wait_until(lambda: ours.all_events(PeerVideoChanged))
    assert ours.all_events(PeerVideoChanged)[-1].video.name == "image.png"
    wait_until(lambda: read_card(picture_in(display.shot()))[0] == 99)
    path = tmp_path / "내 사진.png"
    path.write_bytes(cv2.imencode(".png", draw_card(7, 64, 48))[1].tobytes())
    ours.tell(ShowVideo("image", str(path)))
    wait_until(lambda: original.images == [path.read_bytes()])
    assert original.counts[b"VID0"] == 0
