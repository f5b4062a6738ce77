"""What is recorded, as the channel has it: a real child, real files."""

from collections.abc import Callable
from pathlib import Path

import av
import cv2
import pytest
import trio

from actors.shows import Recorded, Recording
from actors.sources.card import draw_card
from actors.video.frames import Frame
from actors.video.recording import WAITING, Recorder
from tests.support import eventually

JPEG = cv2.imencode(".jpg", draw_card(1, 320, 180))[1].tobytes()


def frame(number: int) -> Frame:
    return Frame(number, 0, JPEG)


@pytest.fixture
def heard() -> list[Recording]:
    return []


async def record(
    nursery: trio.Nursery, heard: list[Recording], what: Recorded, path: Path
) -> tuple[Recorder, Callable[[], Recording]]:
    recorder = Recorder(what, str(path), heard.append)
    nursery.start_soon(recorder.run)
    await eventually(lambda: bool(heard))
    return recorder, lambda: heard[-1]


def counted(path: Path) -> dict[str, int]:
    with av.open(str(path)) as container:
        names = {stream.index: stream.metadata["title"] for stream in container.streams.video}
        counts = dict.fromkeys(names.values(), 0)
        for packet in container.demux():
            if packet.size:
                counts[names[packet.stream_index]] += 1
    return counts


@pytest.mark.parametrize(
    ("what", "tracks"), [("peer", {"peer": 3}), ("own", {"me": 2}), ("both", {"peer": 3, "me": 2})]
)
async def test_only_what_was_asked_for_is_recorded(
    nursery: trio.Nursery, heard: list[Recording], tmp_path: Path, what: Recorded, tracks: dict[str, int]
) -> None:
    path = tmp_path / "녹화.mkv"
    recorder, last = await record(nursery, heard, what, path)
    assert last() == Recording(what=what, path=str(path))
    for number in range(3):
        recorder.take(frame(number), own=False)
        if number:
            recorder.take(frame(number), own=True)
    recorder.stop()
    await eventually(lambda: not last().what)
    assert (last().path, last().cause) == (str(path), "")
    assert counted(path) == tracks
    nursery.cancel_scope.cancel()


async def test_of_nothing_no_file_is_left_and_it_is_said(
    nursery: trio.Nursery, heard: list[Recording], tmp_path: Path
) -> None:
    recorder, last = await record(nursery, heard, "peer", tmp_path / "a.mkv")
    recorder.stop()
    await eventually(lambda: not last().what)
    assert (last().path, last().cause) == ("", "record-empty")
    assert list(tmp_path.iterdir()) == []
    nursery.cancel_scope.cancel()


async def test_what_can_not_be_written_is_said_without_a_path(
    nursery: trio.Nursery, heard: list[Recording], tmp_path: Path
) -> None:
    _, last = await record(nursery, heard, "peer", tmp_path / "nowhere" / "a.mkv")
    assert (last().what, last().path, last().cause) == ("", "", "record-unwritable")
    mine = tmp_path / "mine.mkv"
    mine.write_bytes(b"mine")
    heard.clear()
    _, last = await record(nursery, heard, "peer", mine)
    assert (last().path, last().cause) == ("", "record-exists")
    assert mine.read_bytes() == b"mine"
    nursery.cancel_scope.cancel()


async def test_a_slow_disk_costs_frames_not_memory() -> None:
    recorder = Recorder("both", "/nowhere", lambda recording: None)
    for number in range(WAITING + 5):
        recorder.take(frame(number), own=bool(number % 2))
    assert recorder.left_out == 5
    recorder.stop()


async def test_cancelled_the_file_is_closed(nursery: trio.Nursery, heard: list[Recording], tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    async with trio.open_nursery() as inner:
        recorder, _ = await record(inner, heard, "peer", path)
        for number in range(5):
            recorder.take(frame(number), own=False)
        await eventually(lambda: recorder._waiting.statistics().current_buffer_used == 0)
        inner.cancel_scope.cancel()
    assert counted(path) == {"peer": 5}
    nursery.cancel_scope.cancel()
