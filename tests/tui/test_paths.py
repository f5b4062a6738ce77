"""Paths as they are typed: what they name, and what Tab makes of them."""

import os
import unicodedata

import pytest

from actors.messages import AnswerOffer
from tests.tui.support import calling, eventually, painted, painted_soon, shows
from tui.paths import MissingPathError, absolute, complete, ends_in_path, existing, put
from tui.shell_words import escaped, open_word, split_words
from tui.widgets.command_list import CommandList
from tui.widgets.composer import Composer

pytestmark = pytest.mark.long


@pytest.fixture
def folder(tmp_path):
    for name in ("alpha one", "alpha two", "beta.txt", ".hidden", "강의 영상.mp4", "강의 자료.pdf", "it's", "~odd"):
        (tmp_path / name).touch()
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "page 1.txt").touch()
    return tmp_path


class TestWords:
    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("", []),
            ("a  b", ["a", "b"]),
            ("'a b' \"c d\" e\\ f", ["a b", "c d", "e f"]),
            ("'a b", ["a b"]),
            ('"a b', ["a b"]),
            ("a\\", ["a\\"]),
            ("#a it\\'s", ["#a", "it's"]),
            ("''", [""]),
            ("강의 '영상 자료'", ["강의", "영상 자료"]),
        ],
    )
    def test_are_those_of_a_shell(self, text, words):
        assert split_words(text) == words

    @pytest.mark.parametrize(
        ("text", "start", "said"),
        [
            ("/send ", 6, ""),
            ("/send a", 6, "a"),
            ("/send a b", 8, "b"),
            ("/send a\\ b", 6, "a b"),
            ("/send 'a b", 6, "a b"),
            ("/send 'a'' b'c", 6, "a bc"),
            ('/send "a\\"b', 6, 'a"b'),
            ("/send 'a' ", 10, ""),
        ],
    )
    def test_the_one_being_typed_is_known_by_where_it_starts(self, text, start, said):
        word = open_word(text)
        assert (word.start, word.text) == (start, said)

    @pytest.mark.parametrize("word", ["a", "a b", "it's", 'say "hi"', "back\\slash", "강의 영상", "new\nline", ""])
    def test_an_escaped_one_is_read_as_itself(self, word):
        assert split_words(escaped(word)) == [word]


class TestExisting:
    def test_relative_absolute_home_and_patterns(self, folder, monkeypatch):
        monkeypatch.setenv("HOME", str(folder))
        words = ["beta.txt", f"{folder}/notes/", "~/it's", "alpha*", "beta.txt", "."]
        names = ["beta.txt", "notes", "it's", "alpha one", "alpha two"]
        assert existing(words, folder) == (*(str(folder / name) for name in names), str(folder))

    @pytest.mark.parametrize("word", ["gone", "gone*", "notes/gone", "a\0b"])
    def test_what_names_nothing_is_named(self, folder, word):
        with pytest.raises(MissingPathError) as caught:
            existing(["beta.txt", word], folder)
        assert caught.value.path == word

    def test_a_name_with_signs_of_a_pattern_is_itself_first(self, folder):
        (folder / "[1].txt").touch()
        assert existing(["[1].txt"], folder) == (str(folder / "[1].txt"),)

    def test_a_broken_link_is_there(self, folder):
        (folder / "link").symlink_to("gone")
        assert existing(["link"], folder) == (str(folder / "link"),)
        assert ends_in_path("/send link", folder)
        assert not ends_in_path("/send gone", folder)
        assert absolute("notes/../beta.txt", folder) == str(folder / "beta.txt")


class TestComplete:
    @pytest.mark.parametrize(
        ("typed", "text", "candidates"),
        [
            ("/send be", "/send beta.txt ", ()),
            ("/send no", "/send notes/", ()),
            ("/send notes/", "/send notes/page\\ 1.txt ", ()),
            ("/send al", "/send alpha\\ ", ("alpha one", "alpha two")),
            ("/send alpha\\ ", "/send alpha\\ ", ("alpha one", "alpha two")),
            ("/send 'alpha t", "/send alpha\\ two ", ()),
            ("/send beta.txt .", "/send beta.txt .hidden ", ()),
            ("/send 강", "/send 강의\\ ", ("강의 영상.mp4", "강의 자료.pdf")),
            ("/send it", "/send it\\'s ", ()),
            ("/send ~o", "/send ./~odd ", ()),
            ("/send x", "/send x", ()),
            ("/send notes/x/y", "/send notes/x/y", ()),
            ("/send ~", "/send ~/", ()),
        ],
    )
    def test_tab_adds_what_all_names_agree_on(self, folder, typed, text, candidates):
        completion = complete(typed, folder)
        assert (completion.text, completion.candidates) == (text, candidates)

    def test_nothing_typed_lists_all_but_what_is_hidden(self, folder):
        completion = complete("/send ", folder)
        assert completion.text == "/send "
        assert ".hidden" not in completion.candidates
        assert "notes/" in completion.candidates

    def test_home_stays_as_it_was_typed(self, folder, monkeypatch):
        monkeypatch.setenv("HOME", str(folder))
        assert complete("/send ~/be", folder / "notes").text == "/send ~/beta.txt "

    def test_a_composed_letter_finds_a_decomposed_name(self, tmp_path):
        name = unicodedata.normalize("NFD", "한글.txt")
        (tmp_path / name).touch()
        assert complete("/send 한", tmp_path).text == f"/send {name} "

    def test_names_that_are_no_text_are_passed_over(self, tmp_path):
        with open(os.fsencode(tmp_path) + b"/bad\xff", "w"):
            pass
        (tmp_path / "bag").touch()
        assert complete("/send ba", tmp_path).text == "/send bag "

    def test_a_folder_that_can_not_be_read_is_empty(self, tmp_path):
        assert complete(f"/send {tmp_path}/gone/a", tmp_path).candidates == ()

    def test_a_chosen_name_takes_the_place_of_the_last_part(self):
        assert put("/send notes/pa", "page 1.txt") == "/send notes/page\\ 1.txt "
        assert put("/send x no", "notes/") == "/send x notes/"
        assert put("/send ", "~odd") == "/send ./~odd "


class TestOnTheScreen:
    async def test_tab_completes_then_lists_then_takes_the_marked_one(self, folder, monkeypatch):
        monkeypatch.chdir(folder)
        async with calling(size=(60, 20)) as (_engine, app, pilot):
            composer = app.screen.query_one(Composer)
            await pilot.press(*"/send al", "tab")
            assert composer.text == "/send alpha\\ "
            await painted_soon(pilot, "› alpha one")
            await pilot.press("down")
            await painted_soon(pilot, "› alpha two")
            await pilot.press("tab")
            assert composer.text == "/send alpha\\ two "
            await eventually(lambda: not app.screen.query_one(CommandList).display)

    async def test_a_full_folder_shows_a_few_names_and_counts_the_others(self, tmp_path, monkeypatch):
        for n in range(60):
            (tmp_path / f"file {n:02}").touch()
        monkeypatch.chdir(tmp_path)
        async with calling(size=(60, 20)) as (engine, app, pilot):
            engine.hear("still there")
            await pilot.press(*"/send ", "tab")
            assert app.screen.query_one(Composer).text == "/send file\\ "
            await painted_soon(pilot, "52 more")
            assert shows(app, "still there")
            await pilot.press("up")
            await painted_soon(pilot, "› file 59")

    async def test_typing_on_closes_the_list(self, folder, monkeypatch):
        monkeypatch.chdir(folder)
        async with calling() as (_engine, app, pilot):
            await pilot.press(*"/send al", "tab")
            await painted_soon(pilot, "› alpha one")
            await pilot.press("o")
            await eventually(lambda: not shows(app, "› alpha one"))
            await pilot.press("tab")
            assert app.screen.query_one(Composer).text == "/send alpha\\ one "

    async def test_enter_takes_the_marked_name_of_a_path_that_is_not_there(self, folder, monkeypatch):
        monkeypatch.chdir(folder)
        async with calling() as (engine, app, pilot):
            await pilot.press(*"/send al", "tab", "enter")
            assert app.screen.query_one(Composer).text == "/send alpha\\ one "
            assert engine.commands == []

    async def test_the_folder_to_receive_into_is_completed_too(self, folder, monkeypatch):
        monkeypatch.chdir(folder)
        async with calling() as (engine, app, pilot):
            engine.files.theirs(2)
            await painted_soon(pilot, "/accept 2?")
            await pilot.press(*"/accept --to no", "tab", "enter")
            [answer] = await eventually(lambda: engine.commands_of(AnswerOffer))
            assert answer == AnswerOffer(2, True, str(folder / "notes"))
            assert app.screen.query_one(Composer).text == ""

    async def test_a_click_takes_a_name(self, folder, monkeypatch):
        monkeypatch.chdir(folder)
        async with calling() as (_engine, app, pilot):
            await pilot.press(*"/send 강", "tab")
            await painted_soon(pilot, "› 강의 영상.mp4")
            await pilot.click(CommandList, offset=(4, 1))
            assert app.screen.query_one(Composer).text == "/send 강의\\ 자료.pdf "
            assert not any("›" in line for line in painted(app))
