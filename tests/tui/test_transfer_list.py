"""The transfers on the screen: beside the conversation or under it, and gone when there are none."""

import pytest

from actors.messages import LinkChanged
from tests.tui.fake_engine import FakeEngine
from tests.tui.support import calling, eventually, painted, painted_soon, shows, whole_lines_fit
from tui import state as state_module
from tui.widgets.conversation import ConversationView
from tui.widgets.transfers import TransferList

pytestmark = pytest.mark.long


SIZES = [(60, 20), (80, 24), (120, 40), (200, 60)]
KOREAN = "강의 영상 자료 모음.tar.gz"


def busy(engine):
    """One comes, one goes and stands still."""
    engine.files.theirs(2, "lecture.mp4", state="moving", place=1, folder="/d", path="/d/lecture.mp4")
    engine.files.progress(2, 744_000_000)
    engine.files.theirs(1, KOREAN, 3_000_000_000, mine=True, state="moving", place=1)
    engine.files.progress(1, 999_000_000, stall="peer-disk")


def row_of(app, name):
    return next(line for line in painted(app) if name in line and "%" in line)


@pytest.mark.parametrize("size", SIZES)
async def test_each_has_a_row_with_its_number_its_bar_and_its_figures(size):
    async with calling(size=size) as (engine, app, pilot):
        busy(engine)
        await painted_soon(pilot, "‖ their disk")
        assert "2 ▼ lecture" in row_of(app, "▼")
        assert "62 %  41 MB/s   12 s" in row_of(app, "▼")
        assert "1 ▲ 강의 영" in row_of(app, "▲")
        assert "33 % ‖ their disk" in row_of(app, "▲")
        assert whole_lines_fit(app)


@pytest.mark.parametrize("size", SIZES)
async def test_without_transfers_the_screen_is_as_it_was(size):
    async with calling(size=size) as (engine, app, pilot):
        engine.hear("just talking")
        await painted_soon(pilot, "just talking")
        before = painted(app)
        engine.emit(LinkChanged(link="joined", since=1.0))
        await pilot.pause()
        assert painted(app) == before
        view = app.screen.query_one(ConversationView)
        assert (view.size.width, view.size.height) == (size[0] - 2, size[1] - 4)
        assert not app.screen.query_one(TransferList).display


async def test_in_a_wide_terminal_they_stand_beside_the_conversation():
    async with calling(size=(120, 40)) as (engine, app, pilot):
        engine.hear("left of it")
        busy(engine)
        await painted_soon(pilot, "‖ their disk")
        title = next(line for line in painted(app) if "transfers" in line)
        assert title.index("│") == 120 - 54
        assert whole_lines_fit(app)


async def test_in_a_narrow_one_four_rows_at_most_and_the_conversation_stays():
    async with calling(size=(60, 20)) as (engine, app, pilot):
        for number in range(2, 20, 2):
            engine.files.theirs(number, f"file {number}.bin", state="waiting", place=number)
        engine.files.put(8, state="moving")
        await painted_soon(pilot, "+7 more")
        rows = [line for line in painted(app) if "▼" in line]
        assert len(rows) == 2
        assert any("file 8.bin" in line for line in rows)
        engine.hear("still readable")
        await painted_soon(pilot, "still readable")
        assert whole_lines_fit(app)


async def test_one_that_is_over_stays_for_a_moment(monkeypatch):
    async with calling(size=(80, 24)) as (engine, app, pilot):
        engine.files.theirs(2, state="moving")
        engine.files.put(2, state="done")
        await painted_soon(pilot, "✓ done, 1.2 GB")
        monkeypatch.setattr(state_module, "ENDED_SHOWN_SECONDS", 0.0)
        app.screen._grow_old()
        await eventually(lambda: not shows(app, "✓ done, 1.2 GB"))


async def test_what_was_over_before_the_screen_came_is_not_shown():
    engine = FakeEngine.in_call()
    engine.files.theirs(2, state="done")
    engine.files.theirs(4, "open.bin", state="moving")
    async with calling(engine, size=(80, 24)) as (engine, app, pilot):
        await painted_soon(pilot, "4 ▼ open.bin")
        assert not shows(app, "2 ▼")


async def test_a_resize_moves_them_under_and_back():
    async with calling(size=(120, 40)) as (engine, app, pilot):
        busy(engine)
        await painted_soon(pilot, "transfers")
        await pilot.resize_terminal(80, 24)
        await eventually(lambda: not shows(app, "transfers"))
        await painted_soon(pilot, "2 ▼ lecture.mp4")
        assert whole_lines_fit(app)
        await pilot.resize_terminal(120, 40)
        await painted_soon(pilot, "transfers")
        assert whole_lines_fit(app)


async def test_names_of_strangers_do_nothing():
    async with calling(size=(80, 24)) as (engine, app, pilot):
        engine.files.theirs(2, "\x1b[2J[red]\u202eexe", state="moving")
        await painted_soon(pilot, "␛[2J[red]‹U+202E›exe")
        assert whole_lines_fit(app)
        assert not any(ord(char) < 32 for line in painted(app) for char in line)


async def test_a_plain_call_shows_them_alike():
    async with calling(FakeEngine(phase="plain", link="joined")) as (engine, _app, pilot):
        engine.files.theirs(2, state="moving")
        engine.files.progress(2, 600_000_000)
        await painted_soon(pilot, "50 %  41 MB/s")
        engine.emit(LinkChanged(link="out", since=1.0))
        engine.files.progress(2, 600_000_000, stall="relay")
        await painted_soon(pilot, "‖ no relay")
