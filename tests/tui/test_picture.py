"""The picture on the screen: asked for, painted, told of, and out of the way."""

import re

import pytest

from actors.messages import (
    Flow,
    PeerVideo,
    PeerVideoChanged,
    PictureTaken,
    Recording,
    RecordingChanged,
    SnapshotTaken,
    Stage,
    Video,
    VideoChanged,
    VideoMeasured,
    WatchPicture,
    WindowChanged,
)
from actors.video.frames import Picture
from relay import wire
from tests.tui.support import calling, eventually, painted, painted_soon, shows
from tui.screens.video_panel import VideoPanel
from tui.widgets.composer import Composer
from tui.widgets.picture import PictureView
from tui.widgets.picture_pane import PicturePane
from tui.widgets.slider import Slider

pytestmark = pytest.mark.long

SHOWING = PeerVideoChanged(video=PeerVideo(showing=True, kind="file", name="영상\x1b.mp4"))


@pytest.fixture(autouse=True)
def colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)


def watched(engine) -> list[WatchPicture]:
    return [command for command in engine.commands if isinstance(command, WatchPicture)]


def picture(columns: int, rows: int, cell: int = 0x7FFF_0000) -> bytes:
    return Picture(1, 5, columns, rows, 10, cell.to_bytes(4, "little") * columns * rows).pack()


async def test_as_many_cells_are_asked_for_as_there_are_and_a_picture_is_painted() -> None:
    async with calling(size=(120, 40)) as (engine, app, _pilot):
        engine.emit(SHOWING)
        await eventually(lambda: watched(engine))
        asked = watched(engine)[-1]
        assert (asked.of, asked.columns) == ("peer", 60)
        assert 20 < asked.rows < 40
        engine.draw(picture(40, 12))
        await eventually(lambda: any(line.count("▀") == 40 for line in painted(app)))
        assert sum(line.count("▀") == 40 for line in painted(app)) == 12
        await eventually(lambda: any(isinstance(command, PictureTaken) for command in engine.commands))


async def test_without_anything_to_see_there_is_no_picture_and_nothing_is_asked_for() -> None:
    async with calling(size=(120, 40)) as (engine, app, _pilot):
        assert not app.screen.query_one(PicturePane).display
        engine.emit(SHOWING)
        await eventually(lambda: watched(engine))
        engine.emit(PeerVideoChanged(video=PeerVideo()))
        await eventually(lambda: watched(engine)[-1] == WatchPicture())
        assert not app.screen.query_one(PicturePane).display


async def test_it_is_said_what_is_shown_and_strangers_write_nothing_on_the_terminal() -> None:
    async with calling(size=(120, 40)) as (engine, app, pilot):
        engine.emit(SHOWING)
        await painted_soon(pilot, "shows 영상")
        await painted_soon(pilot, "Mina: 영상")
        stages = (Stage("all", 12, 20),)
        flow = Flow(sent=5, shown=5, rate=29.6, bytes_a_second=700_000, width=1280, height=720, stages=stages)
        engine.emit(VideoMeasured(own=Flow(), peer=flow))
        await painted_soon(pilot, "1280 x 720 · 30/s, 700 kB/s · 12 ms")
        assert "\x1b" not in "".join(painted(app))
        await pilot.press("f7")
        await painted_soon(pilot, "came: 5")
        await painted_soon(pilot, "in all 12.0/20.0")


async def test_f6_looks_at_the_other_and_hides_it() -> None:
    async with calling(size=(120, 40)) as (engine, app, pilot):
        engine.emit(SHOWING)
        engine.emit(VideoChanged(video=Video(state="on", kind="card")))
        await eventually(lambda: watched(engine) and watched(engine)[-1].of == "peer")
        await pilot.press("f6", "f6")
        await eventually(lambda: watched(engine)[-1].of == "own")
        await pilot.press("f6")
        await eventually(lambda: not app.screen.query_one(PicturePane).display)
        await pilot.press("f6")
        await eventually(lambda: app.screen.query_one(PicturePane).display)


async def test_a_narrow_terminal_has_it_above_and_one_can_still_write() -> None:
    async with calling(size=(60, 24)) as (engine, app, pilot):
        engine.emit(SHOWING)
        await eventually(lambda: watched(engine))
        engine.draw(picture(20, 6))
        await eventually(lambda: any("▀" * 20 in line for line in painted(app)))
        rows = [row for row, line in enumerate(painted(app)) if "▀" in line]
        assert max(rows) < 14
        await pilot.press(*"hello", "enter")
        await eventually(lambda: engine.texts() == ["hello"])


async def test_twenty_sizes_a_second_are_asked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui.widgets.picture.SETTLED_SECONDS", 1.0)  # a busy machine is no terminal at rest
    async with calling(size=(120, 40)) as (engine, _app, pilot):
        engine.emit(SHOWING)
        await eventually(lambda: watched(engine))
        before = len(watched(engine))
        for width in range(90, 110):
            await pilot.resize_terminal(width, 40)
        await eventually(lambda: watched(engine)[-1].columns == 54)
        assert len(watched(engine)) - before == 1


async def test_a_picture_of_lies_is_passed_over_and_the_next_one_may_come() -> None:
    async with calling(size=(120, 40)) as (engine, app, _pilot):
        engine.emit(SHOWING)
        await eventually(lambda: watched(engine))
        engine.draw(b"\x00" * 25)
        await eventually(lambda: any(isinstance(command, PictureTaken) for command in engine.commands))
        engine.draw(picture(10, 5))
        await eventually(lambda: any("▀" * 10 in line for line in painted(app)))
        app.screen.query_one(PictureView).clear()
        await eventually(lambda: not any("▀" in line for line in painted(app)))


async def test_what_happens_to_windows_recordings_and_pictures_is_told() -> None:
    async with calling(size=(120, 40)) as (engine, _app, pilot):
        engine.emit(WindowChanged(of="peer", open=False, cause="display-missing"))
        await painted_soon(pilot, "No desktop answers here")
        engine.emit(RecordingChanged(recording=Recording(what="peer", path="/a b.mkv")))
        await painted_soon(pilot, "Recording what the other side shows to /a b.mkv")
        engine.emit(RecordingChanged(recording=Recording(path="/a b.mkv", cause="record-no-space")))
        await painted_soon(pilot, "The disk is full")
        engine.emit(SnapshotTaken(of="peer", path="/pictures/one.jpg"))
        await painted_soon(pilot, "/pictures/one.jpg")
        engine.emit(PeerVideoChanged(video=PeerVideo(records=True)))
        await painted_soon(pilot, "records what you show")
        engine.emit(VideoChanged(video=Video(state="failed", cause="camera-absent", detail="7")))
        await painted_soon(pilot, "There is no camera 7.")


async def test_the_panel_sets_quality_by_mouse_and_keys() -> None:
    async with calling(size=(120, 40)) as (engine, app, pilot):
        await pilot.press("f8")
        await eventually(lambda: isinstance(app.screen, VideoPanel))
        slider = app.screen.query_one(Slider)
        slider.focus()
        await pilot.press("right")
        await eventually(lambda: any(getattr(command, "quality", None) == 81 for command in engine.commands))
        await pilot.click(Slider, offset=(4, 0))
        await eventually(lambda: any(getattr(command, "quality", None) == 10 for command in engine.commands))
        assert shows(app, "You show nothing.")
        await pilot.press("escape")
        await eventually(lambda: not isinstance(app.screen, VideoPanel))
        assert app.screen.query_one(Composer).has_focus


def test_the_type_of_a_picture_is_that_of_the_wire() -> None:
    assert re.fullmatch(rb"[A-Z0-9]{4}", wire.PICTURE)
