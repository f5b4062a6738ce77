"""The file picker: F4, or /send without a path."""

import os
import subprocess
import sys

import pytest

from actors.messages import OfferFiles
from tests.tui.support import calling, eventually, painted, painted_soon, shows, whole_lines_fit
from tui.screens.call import CallScreen
from tui.widgets.composer import Composer

pytestmark = pytest.mark.long


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "page.txt").write_text("12345")
    (tmp_path / "강의 영상.mp4").write_bytes(b"x" * 1_500_000)
    (tmp_path / "b.txt").touch()
    (tmp_path / ".hidden").touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


async def opened(pilot):
    await pilot.press("f4")
    await painted_soon(pilot, "b.txt")


@pytest.mark.parametrize("size", [(60, 20), (120, 40)])
async def test_f4_shows_what_is_here_with_sizes(folder, size):
    async with calling(size=size) as (_engine, app, pilot):
        await opened(pilot)
        assert any("강의 영상.mp4" in line and "1.5 MB" in line for line in painted(app))
        assert any(" notes/ " in line for line in painted(app))
        assert not shows(app, ".hidden")
        assert whole_lines_fit(app)
        for key in ("Space mark", "o offer", "⌫ up", "Esc back"):
            assert shows(app, key)


async def test_send_without_a_path_opens_it_too_and_escape_leaves_it(folder):
    async with calling() as (engine, app, pilot):
        app.screen.query_one(Composer).fill("/send")
        await pilot.press("enter")
        await painted_soon(pilot, "b.txt")
        await pilot.press("escape")
        await eventually(lambda: isinstance(app.screen, CallScreen))
        assert engine.commands_of(OfferFiles) == []


async def offered(engine, app):
    [offer] = await eventually(lambda: engine.commands_of(OfferFiles))
    await eventually(lambda: isinstance(app.screen, CallScreen))
    return offer.paths


async def test_enter_opens_a_folder_and_offers_a_file(folder):
    async with calling() as (engine, app, pilot):
        await opened(pilot)
        await pilot.press("down", "enter")
        await painted_soon(pilot, "page.txt")
        await pilot.press("down", "enter")
        assert await offered(engine, app) == (str(folder / "notes" / "page.txt"),)


async def test_several_are_marked_also_from_two_folders(folder):
    async with calling(size=(100, 30)) as (engine, app, pilot):
        await opened(pilot)
        await pilot.press("down", "down", "space")
        await painted_soon(pilot, "1 marked: b.txt")
        await painted_soon(pilot, "✓ b.txt")
        await pilot.press("home", "down", "enter")
        await painted_soon(pilot, "page.txt")
        await pilot.press("down", "space")
        await painted_soon(pilot, "2 marked: page.txt, b.txt")
        await pilot.press("o")
        assert await offered(engine, app) == (str(folder / "b.txt"), str(folder / "notes" / "page.txt"))


async def test_at_a_file_enter_offers_what_is_marked_and_nothing_else(folder):
    async with calling(size=(100, 30)) as (engine, app, pilot):
        await opened(pilot)
        await pilot.press("down", "down", "space")
        await painted_soon(pilot, "1 marked: b.txt")
        await pilot.press("home", "down", "enter")
        await painted_soon(pilot, "page.txt")
        await pilot.press("down", "enter")
        assert await offered(engine, app) == (str(folder / "b.txt"),)


async def test_a_folder_is_offered_as_one(folder):
    async with calling() as (engine, app, pilot):
        await opened(pilot)
        await pilot.press("down", "o")
        assert await offered(engine, app) == (str(folder / "notes"),)


async def test_the_way_up_is_no_file(folder):
    async with calling(size=(100, 30)) as (engine, app, pilot):
        await opened(pilot)
        await pilot.press("space", "o")
        await painted_soon(pilot, "b.txt")
        assert not shows(app, "marked:")
        assert engine.commands_of(OfferFiles) == []
        await pilot.press("backspace")
        await painted_soon(pilot, f"{folder.name}/")


async def test_hidden_files_show_on_a_dot(folder):
    async with calling() as (_engine, app, pilot):
        await opened(pilot)
        await pilot.press("full_stop")
        await painted_soon(pilot, ".hidden")
        await pilot.press("full_stop")
        await eventually(lambda: not shows(app, ".hidden"))


async def test_names_that_would_move_the_cursor_are_made_visible(folder):
    (folder / "\x1b[2Jevil\u202e").touch()
    (folder / "loop").symlink_to("loop")
    with open(os.fsencode(folder) + b"/bad\xff", "w"):
        pass
    async with calling(size=(100, 30)) as (engine, app, pilot):
        await opened(pilot)
        await painted_soon(pilot, "␛[2Jevil‹U+202E›")
        await pilot.press("down", "down", "down", "down", "space", "o")
        await painted_soon(pilot, "has a name that is no text")
        assert engine.commands_of(OfferFiles) == []
        assert isinstance(app.screen, CallScreen)


async def test_a_folder_that_vanished_is_said(folder):
    async with calling(size=(100, 30)) as (_engine, app, pilot):
        await opened(pilot)
        (folder / "notes" / "page.txt").unlink()
        (folder / "notes").rmdir()
        await pilot.press("down", "space")
        app.screen.query_one("Folder").location = folder / "notes"
        await painted_soon(pilot, "This folder can't be read.")


def test_the_library_is_loaded_only_when_it_is_wanted():
    program = "import sys, tui.app; print(sorted(name for name in sys.modules if 'fspicker' in name))"
    done = subprocess.run([sys.executable, "-P", "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
