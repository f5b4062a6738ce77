"""Where one writes."""

import pytest
from textual import events
from textual.app import App

from tests.tui.support import eventually
from tui.widgets.composer import PASTE_CHARACTERS, Composer, whole

pytestmark = pytest.mark.long


class Desk(App):
    CSS = "Composer { height: auto; max-height: 8; border: none; padding: 0; }"

    def __init__(self):
        super().__init__()
        self.submitted, self.refused = [], []

    def compose(self):
        yield Composer("write", self.submit)

    def submit(self, text):
        self.submitted.append(text)
        return text != "stay"

    def on_composer_paste_refused(self, event):
        self.refused.append(event.characters)

    @property
    def composer(self):
        return self.query_one(Composer)


async def test_enter_sends_and_other_enters_begin_a_line():
    async with Desk().run_test() as pilot:
        await pilot.press("a", "ctrl+j", "b", "alt+enter", "c", "shift+enter", "d", "enter")
        assert pilot.app.submitted == ["a\nb\nc\nd"]
        assert pilot.app.composer.text == ""


async def test_what_is_not_taken_stays():
    async with Desk().run_test() as pilot:
        await pilot.press(*"stay", "enter")
        assert pilot.app.submitted == ["stay"]
        assert pilot.app.composer.text == "stay"


async def test_keys_that_come_in_one_burst_are_all_kept():
    async with Desk().run_test() as pilot:
        for key in ("a", "enter", "b"):
            pilot.app.composer.post_message(events.Key(key, key if len(key) == 1 else "\r"))
        await eventually(lambda: pilot.app.composer.text == "b")
        assert pilot.app.submitted == ["a"]


async def test_it_grows_with_its_lines_up_to_some():
    async with Desk().run_test(size=(40, 20)) as pilot:
        assert pilot.app.composer.size.height == 1
        await pilot.press("ctrl+j", "ctrl+j")
        await pilot.pause()
        assert pilot.app.composer.size.height == 3
        await pilot.press(*["ctrl+j"] * 12)
        await pilot.pause()
        assert pilot.app.composer.size.height == 8


async def test_a_paste_of_several_lines_is_one_message():
    async with Desk().run_test() as pilot:
        pilot.app.composer.post_message(events.Paste("one\r\ntwo\rthree\n"))
        await eventually(lambda: pilot.app.composer.text)
        await pilot.press("enter")
        assert pilot.app.submitted == ["one\ntwo\nthree\n"]


@pytest.mark.parametrize(("characters", "kept"), [(PASTE_CHARACTERS, True), (PASTE_CHARACTERS + 1, False)])
async def test_a_paste_that_could_never_be_sent_is_not_put_in(characters, kept):
    async with Desk().run_test() as pilot:
        pilot.app.composer.post_message(events.Paste("x" * characters))
        await eventually(lambda: pilot.app.refused or pilot.app.composer.text)
        assert pilot.app.refused == ([] if kept else [characters])
        assert bool(pilot.app.composer.text) == kept


async def test_up_in_an_empty_field_brings_back_what_was_sent():
    async with Desk().run_test() as pilot:
        composer = pilot.app.composer
        await pilot.press("a", "enter", "b", "enter", "up")
        assert composer.text == "b"
        await pilot.press("up")
        assert composer.text == "a"
        await pilot.press("up")
        assert composer.text == "a"
        await pilot.press("down", "down")
        assert composer.text == ""


async def test_up_in_a_text_only_moves_the_cursor():
    async with Desk().run_test() as pilot:
        await pilot.press("a", "enter", "b", "ctrl+j", "c", "up")
        assert pilot.app.composer.text == "b\nc"
        assert pilot.app.composer.cursor_location[0] == 0
        await pilot.press("up")
        assert pilot.app.composer.text == "b\nc"


async def test_a_text_is_put_back_only_where_nothing_stands():
    async with Desk().run_test() as pilot:
        assert pilot.app.composer.put_back("refused")
        assert pilot.app.composer.text == "refused"
        assert not pilot.app.composer.put_back("another")
        assert pilot.app.composer.text == "refused"


async def test_lone_surrogates_become_replacement_characters():
    async with Desk().run_test() as pilot:
        pilot.app.composer.post_message(events.Paste("a\ud800b"))
        await eventually(lambda: pilot.app.composer.text)
        await pilot.press("enter")
        assert pilot.app.submitted == ["a\ufffdb"]


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("plain", "plain"),
        ("\ud83d\ude00", "😀"),
        ("\ude00\ud83d", "\ufffd\ufffd"),
        ("한글", "한글"),
        ("\ud800", "\ufffd"),
    ],
)
def test_whole_text_always_encodes(text, result):
    assert whole(text) == result
    result.encode()


async def test_joiners_are_letters():
    async with Desk().run_test() as pilot:
        for char in "می\u200cخواهم":
            pilot.app.composer.post_message(events.Key("x", char))
        await eventually(lambda: pilot.app.composer.text == "می\u200cخواهم")


async def test_wide_characters_keep_the_cursor_where_the_next_one_goes():
    async with Desk().run_test(size=(40, 10)) as pilot:
        pilot.app.composer.post_message(events.Paste("한글"))
        await eventually(lambda: pilot.app.composer.text)
        await pilot.pause()
        assert pilot.app.composer.cursor_screen_offset.x == 4


async def test_an_arrow_in_a_burst_is_not_overtaken_by_the_letter_behind_it():
    async with Desk().run_test() as pilot:
        for key, character in (
            ("a", "a"),
            ("b", "b"),
            ("left", None),
            ("backspace", "\x7f"),
            ("c", "c"),
            ("end", None),
            ("d", "d"),
        ):
            pilot.app.post_message(events.Key(key, character))
        await eventually(lambda: "d" in pilot.app.composer.text)
        assert pilot.app.composer.text == "cbd"
