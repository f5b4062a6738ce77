"""The child that records, as its engine has it."""

import contextlib
import os
import signal
from pathlib import Path

import av
import cv2
import pytest

from actors.children import recorder
from actors.children.orders import Failed, Opened, OpenRecording, Written
from actors.children.recorder import Recording
from actors.sources.card import draw_card
from actors.video.frames import FRAME, OWN_FRAME, Frame
from tests.actors.children.program import ChildProgram
from tests.cards import read_card


def jpeg(number: int, size: tuple[int, int] = (320, 180)) -> bytes:
    return cv2.imencode(".jpg", draw_card(number, *size))[1].tobytes()


def frame(number: int) -> bytes:
    return Frame(number, 0, jpeg(number)).pack()


def read(path: Path) -> dict[str, list[int]]:
    """The numbers of each track, by its title."""
    with av.open(str(path)) as container:
        titles = {stream.index: stream.metadata["title"] for stream in container.streams.video}
        numbers: dict[str, list[int]] = {title: [] for title in titles.values()}
        with contextlib.suppress(av.error.InvalidDataError):  # of a killed writer, the last frame may be cut
            for packet in container.demux():
                for image in packet.decode():
                    numbers[titles[packet.stream_index]].append(read_card(image.to_ndarray(format="bgr24"))[0])
    return numbers


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    seconds = [100.0]
    monkeypatch.setattr(recorder.time, "monotonic", lambda: seconds[0])
    return seconds


# --- the file ---------------------------------------------------------------------------------------------------------


def test_frames_stand_at_the_time_when_they_came(tmp_path: Path, now: list[float]) -> None:
    path = tmp_path / "녹화.mkv"
    recording = Recording(str(path), ("peer",))
    for at in (100.0, 100.04, 101.5, 101.5):  # two in one millisecond stand beside each other
        now[0] = at
        recording.add("peer", jpeg(7))
    recording.close()
    with av.open(str(path)) as container:
        times = [round(image.time * 1000) for image in container.decode(video=0)]
    assert times == [0, 40, 1500, 1501]


def test_a_size_that_changes_is_kept_frame_for_frame(tmp_path: Path) -> None:
    path = tmp_path / "sizes.mkv"
    recording = Recording(str(path), ("peer",))
    sizes = [(320, 180), (160, 90), (640, 360), (320, 180)]
    for size in sizes:
        recording.add("peer", jpeg(3, size))
    recording.close()
    with av.open(str(path)) as container:
        assert [(image.width, image.height) for image in container.decode(video=0)] == sizes


def test_a_side_that_shows_nothing_does_not_hold_the_other_up(tmp_path: Path, now: list[float]) -> None:
    path = tmp_path / "one.mkv"
    recording = Recording(str(path), ("peer", "me"))
    recording.add("me", jpeg(1))
    now[0] += recorder.WAIT_SECONDS
    recording.add("me", jpeg(2))
    now[0] += 1
    recording.add("peer", jpeg(10))
    recording.add("elsewhere", jpeg(99))
    recording.close()
    assert read(path) == {"me": [1, 2], "peer": [10]}


def test_what_is_no_jpeg_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "some.mkv"
    recording = Recording(str(path), ("peer",))
    for data in (b"", b"nothing", jpeg(5), b"\xff\xd8\xff\xd9"):
        recording.add("peer", data)
    recording.close()
    assert (recording.frames, recording.skipped) == (1, 3)
    assert read(path) == {"peer": [5]}


def test_a_recording_of_nothing_leaves_no_file(tmp_path: Path) -> None:
    path = tmp_path / "nothing.mkv"
    Recording(str(path), ("peer", "me")).close()
    assert not path.exists()


# --- the child --------------------------------------------------------------------------------------------------------


def test_both_sides_are_recorded_until_its_input_ends(tmp_path: Path) -> None:
    path = tmp_path / "both.mkv"
    with ChildProgram("recorder") as child:
        child.tell(OpenRecording(str(path), peer=True, own=True))
        child.wait(Opened)
        for number in range(10):
            child.send(FRAME, frame(number))
            child.send(OWN_FRAME, frame(100 + number))
        assert child.end() == 0
    assert read(path) == {"peer": list(range(10)), "me": list(range(100, 110))}


@pytest.mark.long
def test_killed_it_leaves_what_was_written_a_moment_before(tmp_path: Path) -> None:
    path = tmp_path / "killed.mkv"
    with ChildProgram("recorder") as child:
        child.tell(OpenRecording(str(path)))
        child.wait(Opened)
        number = 0
        while True:
            child.send(FRAME, frame(number))
            number += 1
            if number % 50 == 0 and path.stat().st_size > 500_000:
                break
        os.kill(child.process.pid, signal.SIGKILL)
        child.process.wait()
    kept = read(path)["peer"]
    assert len(kept) > 20
    assert kept == list(range(len(kept)))


@pytest.mark.long
def test_it_tells_how_much_is_written(tmp_path: Path) -> None:
    with ChildProgram("recorder") as child:
        child.tell(OpenRecording(str(tmp_path / "a.mkv")))
        child.wait(Opened)
        told = None
        while told is None:
            child.send(FRAME, frame(1))
            with contextlib.suppress(AssertionError):
                told = child.wait(Written, within=0.02)
        assert told.frames > 0
        assert told.seconds >= 1


def test_it_never_writes_over_a_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.mkv"
    path.write_bytes(b"mine")
    with ChildProgram("recorder") as child:
        child.tell(OpenRecording(str(path)))
        assert child.wait(Failed).cause == "record-exists"
    assert path.read_bytes() == b"mine"


def test_a_folder_that_is_not_there_and_a_full_disk_are_codes(tmp_path: Path) -> None:
    with ChildProgram("recorder") as child:
        child.tell(OpenRecording(str(tmp_path / "nowhere" / "a.mkv")))
        assert child.wait(Failed).cause == "record-unwritable"
