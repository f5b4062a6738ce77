"""The start screen by keyboard: making a code, entering one, coming back, and everything that may go wrong there."""

import json
from contextlib import asynccontextmanager

import pytest
from textual.widgets import Button, Input

from actors.messages import (
    CodeBurned,
    CodeMade,
    EnterCode,
    Failed,
    Hang,
    LinkChanged,
    MakeCode,
    OpenPlain,
    PeerNamed,
    PhaseChanged,
    SessionOpened,
)
from tests.tui.fake_engine import SIX_WORDS, FakeEngine, running
from tests.tui.support import eventually, painted, painted_soon, shows, whole_lines_fit
from tui import app as app_module
from tui.app import VisavisApp
from tui.launch import LaunchError
from tui.screens.call import CallScreen
from tui.screens.start import StartScreen
from tui.settings import settings_path

pytestmark = pytest.mark.long


RELAY = "lab.example:9999"
CODE = "4821-otter-lamp-fern"


@asynccontextmanager
async def starting(monkeypatch, relay=RELAY, size=(80, 24), start=None):
    """A start screen whose engines are `engine`, once it is asked for one."""
    async with running(FakeEngine()) as engine:
        launched = []

        async def launch(name):
            launched.append(name)
            return engine.name

        monkeypatch.setattr(app_module, "start_engine_async", launch)
        engine.launched = launched
        app = VisavisApp(relay=relay, start=start)
        async with app.run_test(size=size) as pilot:
            await eventually(lambda: isinstance(app.screen, StartScreen) and app.screen.query("#relay"))
            await pilot.pause()
            yield engine, app, pilot


def let_wait(engine, because=""):
    engine.emit(PhaseChanged(phase="waiting", relay=RELAY))
    engine.emit(CodeMade(code=CODE, because=because))


class TestMakingACode:
    @pytest.mark.parametrize("size", [(60, 20), (120, 40), (200, 60)])
    async def test_one_key_makes_it_and_shows_what_the_friend_types(self, monkeypatch, size):
        async with starting(monkeypatch, size=size) as (engine, app, pilot):
            await pilot.press("enter")
            await eventually(lambda: engine.commands == [MakeCode(RELAY)])
            let_wait(engine)
            await painted_soon(pilot, f"  {CODE}")
            assert f"visavis call {CODE} --relay {RELAY}" in " ".join(line.strip() for line in painted(app))
            assert whole_lines_fit(app)

    async def test_the_call_opens_when_the_friend_joins(self, monkeypatch):
        async with starting(monkeypatch) as (engine, app, pilot):
            await pilot.press("enter")
            await eventually(lambda: engine.commands)
            let_wait(engine)
            engine.emit(PhaseChanged(phase="pairing"))
            await painted_soon(pilot, "Proving the words")
            engine.emit(SessionOpened(verification=SIX_WORDS))
            engine.emit(PhaseChanged(phase="call", relay=RELAY))
            engine.emit(LinkChanged(link="joined", since=1.0))
            await eventually(lambda: isinstance(app.screen, CallScreen))
            await painted_soon(pilot, "sealed")
            engine.emit(PeerNamed(name="미나"))
            await painted_soon(pilot, "미나 is here.")

    async def test_a_relay_that_worked_is_remembered(self, monkeypatch):
        async with starting(monkeypatch) as (engine, _app, pilot):
            assert not settings_path().exists()
            await pilot.press("enter")
            await eventually(lambda: engine.commands)
            assert not settings_path().exists()
            let_wait(engine)
            await eventually(lambda: settings_path().exists())
            assert json.loads(settings_path().read_text())["relay"] == RELAY

    async def test_the_line_can_be_copied_by_a_key(self, monkeypatch):
        async with starting(monkeypatch) as (engine, app, pilot):
            await pilot.press("enter")
            await eventually(lambda: engine.commands)
            let_wait(engine)
            await painted_soon(pilot, CODE)
            await pilot.press("c")
            assert app.clipboard == f"visavis call {CODE} --relay {RELAY}"

    async def test_a_code_the_relay_forgot_is_replaced_and_said(self, monkeypatch):
        async with starting(monkeypatch) as (engine, _app, pilot):
            await pilot.press("enter")
            await eventually(lambda: engine.commands)
            let_wait(engine, because="unknown")
            await painted_soon(pilot, "forgot the earlier code")

    async def test_a_relay_that_goes_while_the_code_waits_is_said(self, monkeypatch):
        async with starting(monkeypatch) as (engine, app, pilot):
            await pilot.press("enter")
            await eventually(lambda: engine.commands)
            let_wait(engine)
            engine.emit(LinkChanged(link="out", since=1.0, cause="relay-refused"))
            await painted_soon(pilot, "Reconnecting since")
            assert shows(app, CODE)
            engine.emit(LinkChanged(link="none", since=2.0))
            await eventually(lambda: not shows(app, "Reconnecting since"))

    @pytest.mark.parametrize(("cause", "words"), [("words", "wrong words"), ("tries", "Five tries")])
    async def test_a_burned_code_says_why_and_enter_makes_a_new_one(self, monkeypatch, cause, words):
        async with starting(monkeypatch) as (engine, app, pilot):
            await pilot.press("enter")
            await eventually(lambda: engine.commands)
            let_wait(engine)
            await painted_soon(pilot, CODE)
            engine.emit(CodeBurned(cause=cause))
            engine.emit(PhaseChanged(phase="idle"))
            await painted_soon(pilot, words)
            assert not shows(app, CODE)
            await pilot.press("enter")
            await eventually(lambda: engine.commands == [MakeCode(RELAY)] * 2)

    async def test_back_drops_a_code_that_waits(self, monkeypatch):
        async with starting(monkeypatch) as (engine, app, pilot):
            await pilot.press("enter")
            await eventually(lambda: engine.commands)
            let_wait(engine)
            await painted_soon(pilot, CODE)
            await pilot.press("escape")
            await eventually(lambda: engine.commands[-1:] == [Hang()])
            await painted_soon(pilot, "Make a code")
            assert app.link is None
            assert app.screen.query_one("#make", Button).has_focus


class TestEnteringACode:
    async def test_by_keyboard_alone(self, monkeypatch):
        async with starting(monkeypatch, relay="") as (engine, app, pilot):
            assert app.screen.query_one("#relay", Input).has_focus
            app.screen.query_one("#relay", Input).value = RELAY
            await pilot.press("tab")
            app.screen.query_one("#code", Input).value = CODE
            await pilot.press("enter")
            await eventually(lambda: engine.commands == [EnterCode(RELAY, CODE)])
            await painted_soon(pilot, "Reaching the relay")

    async def test_a_code_may_be_typed_at_once(self, monkeypatch):
        async with starting(monkeypatch) as (_engine, app, pilot):
            await eventually(lambda: isinstance(app.focused, Button))
            await pilot.press(*"4821-otter")
            assert app.screen.query_one("#code", Input).value == "4821-otter"

    async def test_a_plain_call_that_can_not_be_made_ends_with_its_sentence(self, monkeypatch):
        async with starting(monkeypatch, start=OpenPlain(RELAY)) as (engine, app, _pilot):
            await eventually(lambda: engine.commands)
            engine.emit(Failed(cause="relay-refused"))
            await eventually(lambda: app.return_value == 1)
            assert engine.commands[-1] == Hang()  # none is left behind
        assert "Nothing listens there" in app.farewell

    async def test_a_wrong_code_is_a_sentence_and_the_screen_stays_usable(self, monkeypatch):
        async with starting(monkeypatch) as (engine, app, pilot):
            await pilot.press("shift+tab")
            app.screen.query_one("#code", Input).value = "4821-oter-lamp-fern"
            await pilot.press("enter")
            await eventually(lambda: engine.commands)
            engine.emit(Failed(cause="code-word", detail="otter\x1b[0m"))
            await painted_soon(pilot, "the nearest is otter␛[0m.")
            field = app.screen.query_one("#code", Input)
            assert field.value == "4821-oter-lamp-fern"
            await eventually(lambda: app.focused is field)  # to be mended
            field.value = CODE
            field.focus()
            await pilot.press("enter")
            await eventually(lambda: engine.commands[-1] == EnterCode(RELAY, CODE))
            assert len(engine.launched) == 1  # the engine that failed is used again

    async def test_no_code_is_asked_for(self, monkeypatch):
        async with starting(monkeypatch) as (engine, _app, pilot):
            await pilot.press("tab", "enter")
            await painted_soon(pilot, "Type the code your friend gave you")
            assert engine.launched == []

    async def test_lone_surrogates_do_not_reach_the_engine(self, monkeypatch):
        async with starting(monkeypatch) as (engine, app, pilot):
            app.screen.query_one("#code", Input).value = "4821-\ud800"
            await pilot.press("tab", "enter")
            await eventually(lambda: engine.commands == [EnterCode(RELAY, "4821-\ufffd")])


class TestTheRelay:
    async def test_an_address_that_is_none_is_said_before_anything_is_started(self, monkeypatch):
        async with starting(monkeypatch) as (engine, app, pilot):
            for relay in ("lab.example:port", "lab example", "lab.example:0", "http://lab.example"):
                app.screen.query_one("#relay", Input).value = relay
                app.screen.query_one("#make", Button).press()
                await painted_soon(pilot, f"{relay} is not a relay's address")
            assert engine.launched == []

    async def test_none_is_asked_for(self, monkeypatch):
        async with starting(monkeypatch, relay="") as (_engine, app, pilot):
            await pilot.press("enter")
            await painted_soon(pilot, "Which relay?")
            assert app.screen.query_one("#relay", Input).has_focus

    async def test_what_is_wrong_with_it_is_four_different_sentences(self, monkeypatch):
        async with starting(monkeypatch, start=MakeCode(RELAY)) as (engine, app, pilot):
            for cause, words in (
                ("relay-unknown-host", "No machine of that name"),
                ("relay-refused", "Nothing listens there"),
                ("relay-not-visavis", "not a Visavis relay"),
                ("relay-version", "another version of the protocol"),
            ):
                await eventually(lambda: engine.commands)
                engine.commands.clear()
                engine.emit(Failed(cause=cause))
                engine.emit(PhaseChanged(phase="idle"))
                await painted_soon(pilot, words)
                await painted_soon(pilot, "Make a code")
                app.screen.query_one("#make", Button).press()


class TestBeginningAtOnce:
    @pytest.mark.parametrize("start", [MakeCode(RELAY), EnterCode(RELAY, CODE), OpenPlain(RELAY)])
    async def test_a_start_from_the_command_line_is_sent_by_itself(self, monkeypatch, start):
        async with starting(monkeypatch, start=start) as (engine, _app, _pilot):
            await eventually(lambda: engine.commands == [start])

    async def test_an_engine_that_does_not_start_is_a_sentence(self, monkeypatch):
        async def launch(name):
            raise LaunchError("died")

        monkeypatch.setattr(app_module, "start_engine_async", launch)
        app = VisavisApp(relay=RELAY, start=MakeCode(RELAY))
        async with app.run_test() as pilot:
            await painted_soon(pilot, "The engine ended while it started")
            await painted_soon(pilot, "Make a code")


class TestComingBack:
    async def test_to_an_engine_that_runs_by_keyboard(self, monkeypatch):
        running_engine = FakeEngine.in_call()
        running_engine.keep_lines(3)
        async with running(running_engine):
            app = VisavisApp(relay=RELAY)
            async with app.run_test() as pilot:
                await painted_soon(pilot, f"Come back to call {running_engine.name}")
                await pilot.press("tab", "tab", "enter")
                await painted_soon(pilot, "line 2 of many")

    async def test_by_mouse(self, monkeypatch):
        async with running(FakeEngine.in_call()):
            app = VisavisApp(relay=RELAY)
            async with app.run_test() as pilot:
                await painted_soon(pilot, "Come back to call")
                await pilot.click(".engine")
                await eventually(lambda: isinstance(app.screen, CallScreen))

    async def test_to_an_engine_whose_code_still_waits(self):
        async with running(FakeEngine(phase="waiting", code=CODE)) as engine:
            app = VisavisApp(engine=engine.name)
            async with app.run_test() as pilot:
                await painted_soon(pilot, CODE)

    async def test_to_an_engine_of_another_version_is_a_sentence(self):
        async with running(FakeEngine(version=2)) as engine:
            app = VisavisApp(engine=engine.name)
            async with app.run_test() as pilot:
                await painted_soon(pilot, "another version than this screen")

    async def test_to_an_engine_that_is_gone_is_a_sentence(self):
        app = VisavisApp(engine="7")
        async with app.run_test() as pilot:
            await painted_soon(pilot, "The engine is gone")
            await painted_soon(pilot, "Make a code")
