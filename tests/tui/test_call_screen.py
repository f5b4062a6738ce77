"""The call screen, driven by keys, in front of an engine that does what the test says."""

import time

import pytest

from actors.messages import (
    Ended,
    Hang,
    LinkChanged,
    PeerNamed,
    PeerTyped,
    RoundTripMeasured,
    SendText,
    SetTyping,
    TextDelivered,
    TextQueued,
    TextRefused,
    TextSent,
)
from relay import limits
from tests.tui.fake_engine import SIX_WORDS, FakeEngine
from tests.tui.support import calling, eventually, painted, painted_soon, shows, whole_lines_fit
from tui.widgets.composer import Composer
from tui.widgets.conversation import ConversationView

pytestmark = pytest.mark.long


SIZES = [(60, 20), (120, 40), (200, 60)]


async def write(pilot, text):
    """Have `text` in the composer and press Enter."""
    pilot.app.screen.query_one(Composer).fill(text)
    await pilot.press("enter")


class TestSayingAndHearing:
    @pytest.mark.parametrize("size", SIZES)
    async def test_what_is_typed_is_sent_and_what_is_said_is_shown(self, size):
        async with calling(size=size) as (engine, app, pilot):
            await pilot.press("h", "i", "space", "y", "o", "u", "enter")
            await eventually(lambda: engine.texts() == ["hi you"])
            engine.hear("hi, I hear you")
            await painted_soon(pilot, "hi, I hear you")
            assert shows(app, "you   hi you")
            assert whole_lines_fit(app)
            assert app.screen.query_one(Composer).text == ""

    async def test_marks_follow_a_line_from_queued_to_delivered(self):
        async with calling() as (engine, app, pilot):
            engine.emit(TextQueued(id="a", text="on its way", at=time.time()))
            await painted_soon(pilot, "…")
            engine.emit(TextSent(id="a"))
            await painted_soon(pilot, "✓")
            assert not shows(app, "✓✓")
            engine.emit(TextDelivered(id="a"))
            await painted_soon(pilot, "✓✓")

    async def test_a_message_of_several_lines_stays_one(self):
        async with calling() as (engine, _app, pilot):
            await pilot.press("a", "ctrl+j", "b", "alt+enter", "c", "shift+enter", "d", "enter")
            await eventually(lambda: engine.texts() == ["a\nb\nc\nd"])
            await painted_soon(pilot, "       d")

    async def test_korean_and_wide_lines_wrap_inside_the_screen(self):
        async with calling(size=(60, 20)) as (engine, app, pilot):
            engine.hear("강의 영상도 보내 주세요 " * 10)
            engine.hear("👨‍👩‍👧 👍🏽 ❤️ 1️⃣ " * 20)
            await painted_soon(pilot, "강의 영상도")
            assert whole_lines_fit(app)

    async def test_a_text_the_engine_refuses_comes_back(self):
        engine = FakeEngine.in_call()
        engine.refuses["too many"] = "queue-full"
        async with calling(engine) as (_engine, app, pilot):
            await write(pilot, "too many")
            await eventually(lambda: app.screen.query_one(Composer).text == "too many")
            await painted_soon(pilot, "too much waits for the other side")

    async def test_a_refused_text_is_shown_if_something_else_is_being_written(self):
        engine = FakeEngine.in_call()
        engine.takes_texts = False
        async with calling(engine) as (engine, app, pilot):
            await write(pilot, "first")
            await pilot.press(*"second")
            sent = await eventually(lambda: [one for one in engine.commands if isinstance(one, SendText)])
            engine.emit(TextRefused(id=sent[0].id, cause="no-call"))
            await painted_soon(pilot, "first")
            assert app.screen.query_one(Composer).text == "second"

    async def test_over_64_kib_is_a_sentence_and_the_text_stays(self):
        async with calling() as (engine, app, pilot):
            composer = app.screen.query_one(Composer)
            composer.fill("é" * (limits.CHAT_BYTES // 2) + "e")
            await pilot.press("enter")
            await painted_soon(pilot, "one message holds 64 KiB")
            assert len(composer.text) == limits.CHAT_BYTES // 2 + 1
            composer.fill("é" * (limits.CHAT_BYTES // 2))
            await pilot.press("enter")
            await eventually(lambda: [len(text.encode()) for text in engine.texts()] == [limits.CHAT_BYTES])
            assert composer.text == ""

    async def test_blank_text_is_not_sent(self):
        async with calling() as (engine, _app, pilot):
            await pilot.press("space", "enter", "x", "enter")
            await eventually(lambda: engine.texts())
            assert engine.texts() == [" x"]

    async def test_a_letter_typed_while_the_conversation_has_the_keys_is_not_lost(self):
        async with calling() as (engine, app, pilot):
            engine.hear("click me")
            await painted_soon(pilot, "click me")
            await pilot.click(ConversationView)
            assert not app.screen.query_one(Composer).has_focus
            await pilot.press("h", "i", "enter")
            await eventually(lambda: engine.texts() == ["hi"])


class TestHostileText:
    async def test_it_does_nothing(self):
        async with calling(size=(100, 30)) as (engine, app, pilot):
            engine.emit(PeerNamed(name="\x1b[2J[red]Eve\u202e\x00"))
            engine.hear("\x1b]0;title\x07 \x1b[31mred\x1b[0m NUL\x00 [red]markup[/red] {0} {say}")
            engine.hear("\u202eright to left\u202c\u2028 and \u0007 bell")
            await painted_soon(pilot, "bell")
            text = "\n".join(painted(app))
            assert "␛[31mred␛[0m NUL␀ [red]markup[/red] {0} {say}" in text
            assert "‹U+202E›right to left‹U+202C›‹U+2028› and ␇ bell" in text
            assert "␛[2J[red]Eve‹U+202E›␀" in text
            assert not any(ord(char) < 32 for line in painted(app) for char in line)
            assert whole_lines_fit(app)


class TestStatus:
    @pytest.mark.parametrize("size", SIZES)
    async def test_it_says_who_how_safe_where_and_how_far(self, size):
        async with calling(size=size) as (engine, app, pilot):
            engine.emit(RoundTripMeasured(ms=34.4))
            await painted_soon(pilot, "34 ms")
            top = painted(app)[0]
            for words in ("Mina", "sealed", "here", "lab.example:9999"):
                assert words in top
            assert (" ".join(SIX_WORDS) in top) == (size[0] >= 120)

    async def test_a_figure_that_changes_moves_nothing(self):
        async with calling(size=(120, 40)) as (engine, app, pilot):
            engine.emit(RoundTripMeasured(ms=7.0))
            await painted_soon(pilot, "7 ms")
            before = painted(app)[0]
            engine.emit(RoundTripMeasured(ms=1234.0))
            await painted_soon(pilot, "1234 ms")
            assert painted(app)[0].replace("1234", "   7") == before

    async def test_a_peer_that_is_gone_is_said_with_its_time_and_why(self):
        async with calling(size=(100, 24)) as (engine, app, pilot):
            at = time.time()
            engine.emit(LinkChanged(link="alone", since=at, cause="silent"))
            clock = time.strftime("%H:%M", time.localtime(at))
            await painted_soon(pilot, f"gone since {clock}. Nothing was heard for 20 s.")
            assert f"gone since {clock}" in painted(app)[0]
            engine.emit(LinkChanged(link="out", since=at, cause="relay-refused"))
            await painted_soon(pilot, f"Reconnecting since {clock}. Nothing listens there.")
            engine.joined()
            await painted_soon(pilot, "Mina is here.")
            assert "gone" not in painted(app)[0]

    async def test_typing_is_shown_while_it_lasts(self):
        async with calling() as (engine, app, pilot):
            engine.emit(PeerTyped(typing=True))
            await painted_soon(pilot, "Mina is typing…")
            engine.emit(PeerTyped(typing=False))
            await eventually(lambda: not shows(app, "Mina is typing…"))

    async def test_a_new_name_is_said(self):
        async with calling() as (engine, app, pilot):
            engine.hear("it is me")
            engine.emit(PeerNamed(name="미나"))
            await painted_soon(pilot, "The other side is now called 미나.")
            assert "미나" in painted(app)[0]
            assert shows(app, "미나  it is me")


class TestPlain:
    async def test_it_always_says_that_nothing_is_encrypted(self):
        for size in SIZES:
            engine = FakeEngine(phase="plain", link="joined", skipped={"VID0": 3, "AUD0": 12})
            async with calling(engine, size=size) as (engine, app, pilot):
                top = painted(app)[0]
                assert "NOT ENCRYPTED" in top
                assert ("15 not shown" if size[0] == 60 else "3 video, 12 audio packets not shown") in top
                await write(pilot, "/verify")
                await painted_soon(pilot, "encrypted here, so there is")
                assert "sealed" not in top


class TestScrolling:
    async def test_it_follows_the_end_unless_one_has_scrolled_up(self):
        async with calling() as (engine, app, pilot):
            for n in range(100):
                engine.hear(f"line number {n}")
            await painted_soon(pilot, "line number 99")
            await pilot.press("pageup")
            await pilot.pause()
            assert not shows(app, "line number 99")
            engine.hear("came below")
            await painted_soon(pilot, "↓ 1 new below")
            assert not shows(app, "came below")
            await pilot.press("ctrl+end")
            await painted_soon(pilot, "came below")
            assert not shows(app, "new below")
            engine.hear("and followed again")
            await painted_soon(pilot, "and followed again")

    async def test_the_ends_are_reached_by_keys(self):
        engine = FakeEngine.in_call()
        engine.keep_lines(60)
        async with calling(engine) as (_engine, app, pilot):
            await painted_soon(pilot, "line 59 of many")
            await pilot.press("ctrl+home")
            await painted_soon(pilot, "line 0 of many")
            for _ in range(5):
                await pilot.press("pagedown")
            await painted_soon(pilot, "line 59 of many")
            assert app.screen.query_one(ConversationView).following

    async def test_five_thousand_lines_are_replayed_and_keep_a_resize_in_place(self):
        engine = FakeEngine.in_call()
        engine.keep_lines(5000, "line {n} with some more words, so that narrow screens wrap it")
        async with calling(engine, size=(120, 40)) as (_engine, app, pilot):
            await painted_soon(pilot, "line 4999 with")
            view = app.screen.query_one(ConversationView)
            view.scroll_to(y=2000, animate=False)
            await painted_soon(pilot, "line 2000 with")
            await pilot.resize_terminal(60, 20)
            await painted_soon(pilot, "line 2000 with")
            assert whole_lines_fit(app)
            await pilot.press("ctrl+end")
            await pilot.resize_terminal(200, 60)
            await painted_soon(pilot, "line 4999 with")

    async def test_lines_the_engine_no_longer_keeps_are_said(self):
        engine = FakeEngine.in_call(lines_dropped=1234)
        engine.keep_lines(3)
        async with calling(engine) as (_engine, _app, pilot):
            await painted_soon(pilot, "1,234 earlier lines are no longer kept")


class TestCopying:
    async def test_marked_text_is_copied_as_it_was_said(self):
        async with calling(size=(60, 20)) as (engine, app, pilot):
            said = "a line that is longer than the screen is wide, and so it is wrapped here"
            engine.hear(said)
            await painted_soon(pilot, "a line that is longer")
            app.screen.query_one(ConversationView).text_select_all()
            await pilot.pause()
            await pilot.press("ctrl+c")
            assert app.clipboard.endswith(said)

    async def test_a_part_of_a_line_is_marked_with_the_mouse(self):
        async with calling() as (engine, app, pilot):
            engine.hear("alpha beta gamma")
            await painted_soon(pilot, "alpha beta gamma")
            row = next(y for y, line in enumerate(painted(app)) if "alpha" in line)
            start = painted(app)[row].index("beta")
            await pilot.mouse_down(offset=(start, row))
            await pilot.hover(offset=(start + 4, row))
            await pilot.mouse_up(offset=(start + 4, row))
            await pilot.pause()
            await pilot.press("ctrl+c")
            assert app.clipboard == "beta"


class TestTellingThatOneTypes:
    async def test_begun_with_the_first_key_and_over_when_sent(self):
        async with calling() as (engine, _app, pilot):
            await pilot.press("h", "i")
            await eventually(lambda: SetTyping(True) in engine.commands)
            await pilot.press("enter")
            await eventually(lambda: SetTyping(False) in engine.commands)
            marks = [command for command in engine.commands if isinstance(command, SetTyping)]
            assert marks == [SetTyping(True), SetTyping(False)]

    async def test_over_after_a_while_without_a_key(self, monkeypatch):
        monkeypatch.setattr("tui.screens.call.TYPING_SECONDS", 0.05)
        async with calling() as (engine, _app, pilot):
            await pilot.press("h")
            await eventually(lambda: engine.commands[-1:] == [SetTyping(False)])

    async def test_a_command_is_nobody_elses_business(self):
        async with calling() as (engine, _app, pilot):
            await write(pilot, "/verify")
            await painted_soon(pilot, "otter violin maple thunder pencil harbour")
            assert engine.commands == []


class TestEnding:
    @pytest.fixture(autouse=True)
    def no_pause(self, monkeypatch):
        monkeypatch.setattr("tui.screens.call.CLOSING_SECONDS", 0.0)

    async def test_the_keys_of_a_sentence_that_was_being_written_do_not_close(self, monkeypatch):
        async with calling() as (engine, app, pilot):
            await pilot.press(*"I was just")
            engine.emit(Ended(cause="peer-hung"))
            await painted_soon(pilot, "The other side hung up.")
            await pilot.press("q", "enter")
            assert app.is_running
        async with calling() as (engine, app, pilot):
            monkeypatch.setattr("tui.screens.call.CLOSING_SECONDS", 60.0)
            engine.emit(Ended(cause="peer-hung"))
            await painted_soon(pilot, "The other side hung up.")
            await pilot.press("q", "enter")
            assert app.is_running

    async def test_lines_that_were_not_delivered_are_told_when_one_leaves(self):
        async with calling() as (engine, app, pilot):
            engine.answers_hang = False
            await pilot.press("ctrl+q")
            await eventually(lambda: Hang() in engine.commands)
            engine.emit(Ended(cause="hung-early", detail="2"))
            await eventually(lambda: app.return_value is not None)
        assert "not delivered: 2" in app.farewell

    async def test_a_call_that_was_hung_up_over_there_is_said_and_enter_closes(self):
        async with calling() as (engine, app, pilot):
            engine.emit(Ended(cause="peer-hung"))
            await painted_soon(pilot, "The other side hung up.")
            assert "ended" in painted(app)[0]
            await pilot.press("enter")
        assert app.return_value == 0

    async def test_an_error_that_ends_it_is_the_exit_code(self):
        async with calling() as (engine, app, pilot):
            engine.emit(Ended(cause="counter"))
            await painted_soon(pilot, "do not add up")
            await pilot.press("q")
        assert app.return_value == 1

    async def test_an_engine_that_dies_is_said(self):
        async with calling() as (engine, app, pilot):
            await engine.stop()
            await painted_soon(pilot, "The engine is gone")
            await pilot.press("ctrl+q")
        assert app.return_value == 1

    async def test_what_was_being_written_can_still_be_copied(self):
        async with calling() as (engine, app, pilot):
            await pilot.press(*"unsent")
            engine.emit(Ended(cause="peer-hung"))
            await painted_soon(pilot, "The other side hung up.")
            assert app.screen.query_one(Composer).text == "unsent"
