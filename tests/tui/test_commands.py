"""Slash commands: the table, what is offered while one types, and the screen's use of it."""

import pytest

from tests.tui.fake_engine import SIX_WORDS
from tests.tui.support import calling, eventually, painted, painted_soon, shows
from tui import commands
from tui.widgets.command_list import CommandList
from tui.widgets.composer import Composer

pytestmark = pytest.mark.long


@pytest.mark.parametrize(
    ("typed", "names"),
    [
        ("/", [command.name for command in commands.COMMANDS]),
        ("/c", ["cancel", "camera", "card", "codec", "code"]),
        ("/s", ["send", "seek", "size", "snapshot", "speaker"]),
        ("/d", ["devices", "detach"]),
        ("/verify", ["verify"]),
        ("/x", []),
        ("//", []),
        ("text /", []),
        ("", []),
        ("/\n", []),
        ("/help me", []),
    ],
)
def test_what_may_still_become_a_command(typed, names):
    assert [command.name for command in commands.matching(typed)] == names


def test_two_strokes_are_a_text_with_one():
    assert not commands.is_command("//etc/hosts")
    assert commands.as_text("//etc/hosts") == "/etc/hosts"
    assert commands.as_text("a // b") == "a // b"


@pytest.mark.parametrize(
    ("typed", "a_path"),
    [
        ("/send ", True),
        ("/send a b", True),
        ("/send", False),
        ("/accept 2 --to ", True),
        ("/accept --to 'a b", True),
        ("/accept 2 --to in *.p", False),
        ("/video ", True),
        ("/image a b", True),
        ("/accept notes", False),
        ("send a", False),
    ],
)
def test_where_a_path_is_typed(typed, a_path):
    assert commands.takes_paths(typed) == a_path


class TestOnTheScreen:
    async def test_a_stroke_opens_the_list_and_typing_narrows_it(self):
        async with calling() as (_engine, app, pilot):
            await pilot.press("/")
            await painted_soon(pilot, "what can be done here")
            await pilot.press("v", "e")
            await painted_soon(pilot, "six words to compare")
            await eventually(lambda: not shows(app, "what can be done here"))
            await pilot.press("backspace", "backspace", "backspace")
            await eventually(lambda: not app.screen.query_one(CommandList).display)

    async def test_tab_completes_what_the_arrows_chose(self):
        async with calling() as (_engine, app, pilot):
            await pilot.press("/", "v", *["down"] * 3, "tab")
            await eventually(lambda: app.screen.query_one(Composer).text == "/verify")
            await pilot.press("enter")
            await painted_soon(pilot, "otter violin maple")
            assert app.screen.query_one(Composer).text == ""

    async def test_a_click_does_it(self):
        async with calling() as (_engine, _app, pilot):
            await pilot.press("/", "v")
            await painted_soon(pilot, "/verify")
            await pilot.click(CommandList, offset=(3, 3))
            await painted_soon(pilot, "otter violin maple")

    async def test_an_unknown_one_is_a_sentence_and_stays_to_be_corrected(self):
        async with calling(size=(120, 30)) as (engine, app, pilot):
            app.screen.query_one(Composer).fill("/verfy")
            await pilot.press("enter")
            await painted_soon(pilot, "There is no command /verfy.")
            assert app.screen.query_one(Composer).text == "/verfy"
            assert engine.texts() == []

    async def test_enter_takes_the_command_that_is_marked(self):
        async with calling(size=(120, 30)) as (engine, app, pilot):
            await pilot.press(*"/ver", "enter")
            await painted_soon(pilot, " ".join(SIX_WORDS))
            assert app.screen.query_one(Composer).text == ""
            assert engine.texts() == []

    async def test_two_strokes_send_a_text_that_begins_with_one(self):
        async with calling() as (engine, app, pilot):
            app.screen.query_one(Composer).fill("//etc/hosts")
            await pilot.press("enter")
            await eventually(lambda: engine.texts() == ["/etc/hosts"])

    async def test_help_lists_them_all(self):
        async with calling(size=(100, 60)) as (_engine, app, pilot):
            await pilot.press("f1")
            await painted_soon(pilot, "Enter sends")
            for command in (each for each in commands.COMMANDS if each.offered(app)):
                assert shows(app, f"/{command.name}")
                assert shows(app, command.help)

    async def test_code_says_that_none_waits(self):
        async with calling() as (_engine, app, pilot):
            app.screen.query_one(Composer).fill("/code")
            await pilot.press("enter")
            await painted_soon(pilot, "No code waits")

    async def test_the_palette_has_the_same_commands(self):
        async with calling() as (_engine, app, pilot):
            await pilot.press("ctrl+p")
            await painted_soon(pilot, "Search the commands")
            await pilot.press(*"verify")
            await painted_soon(pilot, "six words to compare")
            await pilot.press("enter")
            await eventually(lambda: any("otter violin" in line for line in painted(app)[1:]))
