"""Two people see each other through a real relay: in a window, in the terminal, from a file, sealed."""

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from actors.messages import (
    Attach,
    CodeMade,
    LinkChanged,
    MakeCode,
    PeerVideoChanged,
    PlayVideo,
    RecordingChanged,
    RecordVideo,
    ShowVideo,
    ShowWindow,
    SnapshotTaken,
    StopVideo,
    TakeSnapshot,
    TuneVideo,
    VideoChanged,
    VideoMeasured,
    WindowChanged,
)
from actors.sources.card import draw_card
from tests.cards import NoCardError, mark_of, read_card
from tests.display import Display, desktop, picture_in
from tests.e2e.programs import MARK, Engine, Relay, Terminal, marked_processes, wait_until
from tests.films import make_video
from tests.halves import pixels

Pair = tuple[Engine, Engine]


def read_two(look: Callable[[], NDArray[np.uint8]]) -> tuple[int, int]:
    """Read the card twice, later and later, and see that its mark is where its number says."""
    read: list[int] = []

    def find() -> bool:
        time.sleep(0.1)  # a screenshot stops the desktop: let it paint between two
        try:
            number, mark = read_card(look())
        except (NoCardError, AssertionError):
            return False
        if abs(mark - mark_of(number)) < 0.06 and (not read or number > read[-1]):
            read.append(number)
        return len(read) == 2

    wait_until(find, lambda: read)
    return read[0], read[1]


@pytest.fixture
def display(monkeypatch: pytest.MonkeyPatch) -> Iterator[Display]:
    with desktop() as display:
        monkeypatch.setenv("DISPLAY", display.name)
        monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
        yield display


@pytest.fixture
def film(tmp_path: Path) -> Path:
    return make_video(tmp_path / "영상 하나.mp4", 900)


@pytest.fixture
def seeing(display: Display, pair: Pair) -> Pair:
    """Two engines in a call on a desktop; of the second a window shows what the first shows."""
    mina, jun = pair
    jun.tell(ShowWindow())
    jun.wait_event(WindowChanged, lambda event: event.open)
    return mina, jun


def children(name: str) -> list[int]:
    """The processes that run `actors.children.NAME` in this test."""
    found = marked_processes(os.environ[MARK]).items()
    return [process for process, line in found if f"actors.children.{name}" in line]


def wait_shown(engine: Engine, frames: int) -> None:
    """Wait until so many more frames of the peer's have been on the screen."""
    before = max((event.peer.shown for event in engine.all_events(VideoMeasured)), default=0)
    engine.wait_event(VideoMeasured, lambda event: event.peer.shown >= before + frames)


@pytest.mark.device
def test_a_video_file_is_seen_in_a_window_and_in_the_terminal(
    display: Display,
    film: Path,
    relay: Relay,
    start_engine: Callable[[str], Engine],
    open_terminal: Callable[..., Terminal],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLORTERM", "truecolor")
    mina = start_engine("Mina")
    mina.tell(MakeCode(relay.address))
    code = mina.wait_event(CodeMade).code
    jun = open_terminal(100, 36, "call", code, "--relay", relay.address)
    mina.wait_event(LinkChanged, lambda event: event.link == "joined")
    mina.tell(ShowVideo("file", str(film)))
    jun.wait_for("shows 영상 하나.mp4")
    read_two(lambda: picture_in(pixels(jun.cells, 100)[2:-12, 50:]))
    jun.say("/window")
    wait_until(lambda: children("window"))  # a screenshot stops the desktop, which is to answer within a second
    read_two(lambda: picture_in(display.shot()))
    jun.press("C-q")
    assert jun.wait_exit() == 0


@pytest.mark.device
def test_the_call_goes_on_whatever_is_shown(seeing: Pair, display: Display, film: Path, tmp_path: Path) -> None:
    mina, jun = seeing
    mina.tell(ShowVideo("card"))
    wait_shown(jun, 20)
    mina.tell(ShowVideo("file", str(tmp_path / "nowhere.mp4")))
    failed = mina.wait_event(VideoChanged, lambda event: event.video.state == "failed")
    assert failed.video.cause == "source-missing"
    jun.wait_event(PeerVideoChanged, lambda event: not event.video.showing)
    mina.tell(ShowVideo("camera", "/dev/video97"))
    mina.wait_event(VideoChanged, lambda event: event.video.cause == "camera-absent")
    mina.say("still here")
    assert jun.wait_heard(1) == ["still here"]
    mina.tell(ShowVideo("file", str(film)))
    read_two(lambda: picture_in(display.shot()))
    mina.tell(StopVideo())
    jun.wait_event(PeerVideoChanged, lambda event: not event.video.showing, after=jun.last_seq)


@pytest.mark.device
def test_an_image_is_shown_at_both_ends_for_as_long_as_it_is_there(
    seeing: Pair, display: Display, tmp_path: Path
) -> None:
    mina, jun = seeing
    image = tmp_path / "사진 1.png"
    image.write_bytes(cv2.imencode(".png", draw_card(777, 400, 300))[1].tobytes())
    mina.tell(ShowVideo("image", str(image)))
    wait_until(lambda: read_card(picture_in(display.shot()))[0] == 777 if jun.all_events(VideoMeasured) else False)
    jun.tell(TakeSnapshot())
    kept = Path(jun.wait_event(SnapshotTaken).path)
    assert read_card(cv2.imread(str(kept)))[0] == 777
    mina.tell(TuneVideo(filter="mirror"))
    wait_until(lambda: read_card(picture_in(display.shot())[:, ::-1])[0] == 777)


@pytest.mark.device
def test_a_window_that_is_killed_comes_back_and_one_that_dies_often_does_not(
    seeing: Pair, display: Display, film: Path
) -> None:
    mina, jun = seeing
    mina.tell(ShowVideo("file", str(film)))
    read_two(lambda: picture_in(display.shot()))
    (first,) = children("window")
    wait_shown(jun, 90)  # it has lived for over two seconds
    os.kill(first, signal.SIGKILL)
    (second,) = wait_until(lambda: [pid for pid in children("window") if pid != first])
    read_two(lambda: picture_in(display.shot()))
    os.kill(second, signal.SIGKILL)  # at once
    died = jun.wait_event(WindowChanged, lambda event: event.cause == "window-died")
    assert not died.open
    mina.say("still here")
    jun.wait_heard(1)
    came = max(event.peer.sent for event in jun.all_events(VideoMeasured))
    jun.wait_event(VideoMeasured, lambda event: event.peer.sent > came + 30)  # what it had does not hold them up
    jun.tell(ShowWindow())
    jun.wait_event(WindowChanged, lambda event: event.open, after=jun.last_seq)
    read_two(lambda: picture_in(display.shot()))


@pytest.mark.device
def test_without_a_desktop_there_is_no_window_and_a_sentence(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    _, jun = pair
    jun.tell(Attach(environment={"DISPLAY": ":97"}))
    jun.tell(ShowWindow())
    assert jun.wait_event(WindowChanged).cause == "display-missing"


@pytest.mark.device
def test_closing_the_window_in_the_window_is_told(seeing: Pair, display: Display) -> None:
    mina, jun = seeing
    mina.tell(ShowVideo("card"))
    wait_shown(jun, 5)
    display.press("s")
    assert jun.wait_event(SnapshotTaken).of == "peer"
    display.press("q")
    assert jun.wait_event(WindowChanged, lambda event: not event.open).cause == "closed"


@pytest.mark.device
def test_pictures_go_on_after_the_relay_was_killed(seeing: Pair, relay: Relay, display: Display, film: Path) -> None:
    mina, jun = seeing
    mina.tell(ShowVideo("file", str(film)))
    mina.wait_event(VideoChanged, lambda event: event.video.state == "on")
    mina.tell(PlayVideo(loop=True))
    read_two(lambda: picture_in(display.shot()))
    relay.kill()
    for engine in seeing:
        engine.wait_event(LinkChanged, lambda event: event.link == "out")
    relay.start()
    jun.wait_event(LinkChanged, lambda event: event.link == "joined", after=jun.last_seq)
    read_two(lambda: picture_in(display.shot()))


@pytest.mark.device
def test_a_recording_plays_to_its_last_second_though_its_engine_was_killed(seeing: Pair, film: Path) -> None:
    mina, jun = seeing
    mina.tell(ShowVideo("file", str(film)))
    wait_shown(jun, 10)
    jun.tell(RecordVideo("peer"))
    path = jun.wait_event(RecordingChanged).recording.path
    assert mina.wait_event(PeerVideoChanged, lambda event: event.video.records)
    wait_shown(jun, 100)
    jun.kill()
    wait_until(lambda: not children("recorder"))
    numbers: list[int] = []
    with av.open(path) as container, contextlib.suppress(av.error.InvalidDataError):  # its last frame may be cut
        numbers.extend(read_card(frame.to_ndarray(format="bgr24"))[0] for frame in container.decode(video=0))
    assert len(numbers) > 60
    assert numbers == sorted(set(numbers))


@pytest.mark.device
def test_both_sides_are_recorded_beside_each_other(seeing: Pair, film: Path) -> None:
    mina, jun = seeing
    mina.tell(ShowVideo("file", str(film)))
    jun.tell(ShowVideo("card"))
    wait_shown(jun, 10)
    jun.tell(RecordVideo("both"))
    path = jun.wait_event(RecordingChanged).recording.path
    wait_shown(jun, 30)
    jun.tell(RecordVideo(""))
    assert jun.wait_event(RecordingChanged, lambda event: not event.recording.what).recording.seconds >= 0
    with av.open(path) as container:
        titles = [stream.metadata["title"] for stream in container.streams.video]
        cards: dict[int, list[int]] = {0: [], 1: []}
        for packet in container.demux():
            for frame in packet.decode():
                cards[packet.stream_index].append(read_card(frame.to_ndarray(format="bgr24"))[0])
    assert titles == ["peer", "me"]
    assert all(len(numbers) > 10 and numbers == sorted(numbers) for numbers in cards.values())


@pytest.mark.device
def test_the_pictures_of_a_killed_child_come_back(
    film: Path,
    relay: Relay,
    start_engine: Callable[[str], Engine],
    open_terminal: Callable[..., Terminal],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLORTERM", "truecolor")
    mina = start_engine("Mina")
    mina.tell(MakeCode(relay.address))
    jun = open_terminal(80, 24, "call", mina.wait_event(CodeMade).code, "--relay", relay.address)
    mina.wait_event(LinkChanged, lambda event: event.link == "joined")
    mina.tell(ShowVideo("file", str(film)))
    jun.wait_for("shows 영상 하나.mp4")

    def look() -> NDArray[np.uint8]:
        return picture_in(pixels(jun.cells, 80)[2:22])

    read_two(look)
    (child,) = children("pictures")
    os.kill(child, signal.SIGKILL)
    wait_until(lambda: [pid for pid in children("pictures") if pid != child])
    read_two(look)
    for columns in (*range(60, 120, 3), 100):
        jun.resize(columns, 30)
    wait_until(lambda: len(jun.cells) == 30)
    read_two(lambda: picture_in(pixels(jun.cells, 100)[2:-12, 50:]))
    jun.say("typed beside it")
    jun.wait_for("you typed beside it")
