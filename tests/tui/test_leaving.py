"""Quitting, leaving the engine running, and losing it."""

import asyncio

import pytest

from actors.messages import Hang, MakeCode, SendText, TextQueued
from tests.tui.fake_engine import FakeEngine, running
from tests.tui.support import calling, eventually, painted_soon
from tui import app as app_module
from tui.app import VisavisApp
from tui.widgets.composer import Composer

pytestmark = pytest.mark.long


async def say(pilot, text):
    pilot.app.screen.query_one(Composer).fill(text)
    await pilot.press("enter")


async def test_quit_hangs_up_and_waits_for_the_engine_to_say_so():
    async with calling() as (engine, app, pilot):
        await say(pilot, "/quit")
        await eventually(lambda: app.return_value is not None)
        assert engine.commands == [Hang()]
    assert (app.return_value, app.farewell) == (0, "")


async def test_quit_does_not_wait_for_ever(monkeypatch):
    monkeypatch.setattr(app_module, "ENDED_SECONDS", 0.05)
    engine = FakeEngine.in_call()
    engine.answers_hang = False
    async with calling(engine) as (engine, app, pilot):
        await pilot.press("ctrl+q")
        await eventually(lambda: app.return_value is not None)
        assert engine.commands == [Hang()]
    assert app.return_value == 0


async def test_detach_leaves_the_engine_and_says_how_to_come_back():
    async with calling() as (engine, app, pilot):
        await say(pilot, "last words")
        await say(pilot, "/detach")
        await eventually(lambda: app.return_value is not None)
        assert engine.texts() == ["last words"]
        assert Hang() not in engine.commands
    assert app.return_value == 0
    assert app.farewell == f"The call goes on. Come back with: visavis attach {engine.name}"


async def test_detach_waits_until_the_engine_has_what_was_said():
    engine = FakeEngine.in_call()
    engine.takes_texts = False
    async with calling(engine) as (engine, app, pilot):
        await say(pilot, "last words")
        await eventually(lambda: engine.texts())
        pilot.app.screen.query_one(Composer).fill("/detach")
        await pilot.press("enter")
        assert app.return_value is None
        [text] = [command for command in engine.commands if isinstance(command, SendText)]
        engine.emit(TextQueued(id=text.id, text=text.text, at=1.0))
        await eventually(lambda: app.return_value == 0)


async def test_detach_warns_before_it_leaves_a_text_behind(monkeypatch):
    monkeypatch.setattr(app_module, "ENDED_SECONDS", 0.05)
    engine = FakeEngine.in_call()
    engine.takes_texts = False
    async with calling(engine) as (engine, app, pilot):
        await say(pilot, "last words")
        await say(pilot, "/detach")
        await painted_soon(pilot, "has not taken what you said last")
        assert app.return_value is None
        await say(pilot, "/detach")
        await eventually(lambda: app.return_value == 0)


async def test_quit_right_after_giving_up_still_ends_the_engine():
    async with running(FakeEngine(phase="waiting", code="4821-otter-lamp-fern")) as engine:
        app = VisavisApp(engine=engine.name)
        async with app.run_test() as pilot:
            await painted_soon(pilot, "4821-otter-lamp-fern")
            await pilot.press("escape", "ctrl+q")
            await eventually(lambda: app.return_value == 0)
        assert engine.commands == [Hang()]


async def test_a_demo_is_never_left_running():
    async with calling(demo=True) as (engine, app, pilot):
        await painted_soon(pilot, "This is a demo")
        await say(pilot, "/detach")
        await painted_soon(pilot, "A demo ends with its screen")
        await pilot.press("ctrl+q")
        await eventually(lambda: app.return_value is not None)
        assert engine.commands == [Hang()]


async def test_quit_on_the_start_screen_asks_nothing():
    app = VisavisApp(relay="lab.example:9999")
    async with app.run_test() as pilot:
        await pilot.press("ctrl+q")
        await eventually(lambda: app.return_value == 0)


async def test_quit_while_a_code_waits_drops_it(monkeypatch):
    async with running(FakeEngine(phase="waiting", code="4821-otter-lamp-fern")) as engine:
        app = VisavisApp(engine=engine.name)
        async with app.run_test() as pilot:
            await painted_soon(pilot, "4821-otter-lamp-fern")
            await pilot.press("ctrl+q")
            await eventually(lambda: app.return_value == 0)
        assert engine.commands == [Hang()]


async def test_an_engine_that_comes_up_after_one_gave_up_is_not_used(monkeypatch):
    go = asyncio.Event()

    async with running(FakeEngine()) as engine:

        async def launch(name):
            await go.wait()
            return engine.name

        monkeypatch.setattr(app_module, "start_engine_async", launch)
        app = VisavisApp(relay="lab.example:9999", start=MakeCode("lab.example:9999"))
        async with app.run_test() as pilot:
            await painted_soon(pilot, "Starting")
            await pilot.press("escape")
            await painted_soon(pilot, "Make a code")
            go.set()
            await pilot.pause()
            assert engine.attaches == []


class TestAStalledEngine:
    async def test_is_said_and_what_one_sends_is_kept(self):
        async with calling() as (engine, app, pilot):
            await engine.refuse_connections()
            await painted_soon(pilot, "The engine does not answer")
            await say(pilot, "kept for later")
            await engine.start()
            await painted_soon(pilot, "kept for later")
            await eventually(lambda: engine.texts() == ["kept for later"])
            await eventually(lambda: app.state.attached)

    async def test_coming_back_doubles_no_line(self):
        engine = FakeEngine.in_call()
        engine.keep_lines(20)
        async with calling(engine) as (engine, app, pilot):
            engine.hear("before it")
            await painted_soon(pilot, "before it")
            engine.let_go()
            engine.hear("while away")
            await painted_soon(pilot, "while away")
            await eventually(lambda: len(engine.attaches) == 2)
            texts = [entry.text for entry in app.conversation.entries if entry.kind in ("mine", "peer")]
            assert len(texts) == len(set(texts)) == 22


class TestWhileSomethingMoves:
    async def test_quit_asks_once(self):
        async with calling(size=(120, 30)) as (engine, app, pilot):
            engine.files.theirs(2, state="moving")
            await painted_soon(pilot, "▼ lecture.mp4")
            await pilot.press("ctrl+q")
            await painted_soon(pilot, "A transfer is not finished.")
            assert (engine.commands, app.return_value) == ([], None)
            await pilot.press("ctrl+q")
            await eventually(lambda: app.return_value == 0)
            assert engine.commands == [Hang()]

    async def test_a_list_in_front_does_not_hide_the_question(self):
        async with calling(size=(120, 30)) as (engine, app, pilot):
            engine.files.theirs(4, state="moving")
            engine.files.folder(2)
            await painted_soon(pilot, "/accept 2?")
            await pilot.press("f9")
            await painted_soon(pilot, "take it")
            await pilot.press("ctrl+q")
            await painted_soon(pilot, "A transfer is not finished.")
            assert app.return_value is None

    async def test_an_offer_that_waits_does_not_keep_one(self):
        async with calling() as (engine, app, pilot):
            engine.files.theirs(2)
            await painted_soon(pilot, "/accept 2?")
            await say(pilot, "/quit")
            await eventually(lambda: app.return_value == 0)

    async def test_once_all_is_done_nothing_is_asked(self):
        async with calling() as (engine, app, pilot):
            engine.files.theirs(2, state="moving")
            engine.files.put(2, state="done")
            await painted_soon(pilot, "✓ done")
            await pilot.press("ctrl+q")
            await eventually(lambda: app.return_value == 0)

    async def test_a_question_of_long_ago_is_asked_again(self, monkeypatch):
        monkeypatch.setattr(app_module, "QUIT_SECONDS", 0.0)
        async with calling(size=(120, 30)) as (engine, app, pilot):
            engine.files.theirs(2, state="moving")
            await painted_soon(pilot, "▼ lecture.mp4")
            await pilot.press("ctrl+q", "ctrl+q")
            await painted_soon(pilot, "A transfer is not finished.")
            assert (engine.commands, app.return_value) == ([], None)
