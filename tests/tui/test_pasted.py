"""Paths as terminals paste them when files are dragged in; anything else stays a text."""

import pytest
from textual import events

from actors.messages import OfferFiles
from tests.tui.support import calling, eventually, painted_soon, shows
from tui.pasted import as_arguments, pasted_arguments, pasted_paths
from tui.widgets.composer import Composer

pytestmark = pytest.mark.long


DISK = {
    "/home/me/a",
    "/home/me/b",
    "/home/me/My File.pdf",
    "/home/me/it's.txt",
    "/home/me/강의 영상",
    '/home/me/say "hi".txt',
    "/home/me/two\nlines",
    "/home/me/100% #1?.txt",
    "/mnt/c/Users/me/a b.txt",
    "/mnt/c/a",
    "/",
}

GNOME = "'/home/me/My File.pdf' "
KONSOLE = "'/home/me/My File.pdf' '/home/me/a'"
ITERM = r"/home/me/My\ File.pdf /home/me/it\'s.txt "
KITTY = "file:///home/me/My%20File.pdf\r\nfile:///home/me/a\r\n"


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("/home/me/a", ("/home/me/a",)),
        ("  /home/me/a\n", ("/home/me/a",)),
        (GNOME, ("/home/me/My File.pdf",)),
        (r"'/home/me/it'\''s.txt' ", ("/home/me/it's.txt",)),
        (KONSOLE, ("/home/me/My File.pdf", "/home/me/a")),
        (ITERM, ("/home/me/My File.pdf", "/home/me/it's.txt")),
        (r"/home/me/say\ \"hi\".txt", ('/home/me/say "hi".txt',)),
        (KITTY, ("/home/me/My File.pdf", "/home/me/a")),
        ("file://localhost/home/me/%EA%B0%95%EC%9D%98%20%EC%98%81%EC%83%81", ("/home/me/강의 영상",)),
        ("file:///home/me/100%25 #1?.txt", ("/home/me/100% #1?.txt",)),
        ("# from a file manager\nfile:///home/me/b", ("/home/me/b",)),
        ("/home/me/My File.pdf", ("/home/me/My File.pdf",)),
        ("/home/me/강의 영상", ("/home/me/강의 영상",)),
        ("/home/me/My File.pdf\n/home/me/b", ("/home/me/My File.pdf", "/home/me/b")),
        ("/home/me/a /home/me/b /home/me/a", ("/home/me/a", "/home/me/b")),
        ("'/home/me/two\nlines'", ("/home/me/two\nlines",)),
        (r'"C:\Users\me\a b.txt"', ("/mnt/c/Users/me/a b.txt",)),
        (r'C:\a "C:\Users\me\a b.txt"', ("/mnt/c/a", "/mnt/c/Users/me/a b.txt")),
        (r"'/mnt/c/Users/me/a b.txt'", ("/mnt/c/Users/me/a b.txt",)),
        (r"\\wsl.localhost\Ubuntu\home\me\a", ("/home/me/a",)),
    ],
)
def test_what_terminals_paste_is_read(text, paths):
    assert pasted_paths(text, DISK.__contains__) == paths


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "/",
        "hello",
        "home/me/a",
        "/home/me/gone",
        "/home/me/a and a word",
        "look at /home/me/a",
        "/home/me/a /home/me/gone",
        "file:///home/me/gone",
        "file:///home/me/%FF%00",
        "https://example.org/home/me/a",
        "/home/me/a\0",
        r"C:\gone",
        "/home/me/a " * 20_000,
    ],
)
def test_anything_else_is_a_text(text):
    assert pasted_paths(text, DISK.__contains__) is None


def test_paths_come_back_from_arguments(tmp_path):
    names = ["plain", "with space", "it's", 'say "hi"', "back\\slash", "강의", "#hash", "-dash"]
    for name in names:
        (tmp_path / name).touch()
    paths = tuple(str(tmp_path / name) for name in names)
    assert pasted_paths(as_arguments(paths)) == paths
    assert pasted_arguments("no path") is None


class TestInTheComposer:
    @staticmethod
    def paste(app, text):
        app.screen.query_one(Composer).post_message(events.Paste(text))

    async def test_a_dragged_file_is_offered_by_enter_and_not_before(self, tmp_path):
        path = tmp_path / "강의 영상.mp4"
        path.write_bytes(b"12345")
        async with calling(size=(100, 30)) as (engine, app, pilot):
            composer = app.screen.query_one(Composer)
            self.paste(app, f"'{path}' ")
            await eventually(lambda: composer.text.startswith("/send "))
            await painted_soon(pilot, "Enter offers this.")
            assert engine.commands_of(OfferFiles) == []
            await pilot.press("enter")
            [offer] = await eventually(lambda: engine.commands_of(OfferFiles))
            assert offer.paths == (str(path),)
            assert composer.text == ""
            await painted_soon(pilot, "You offer 강의 영상.mp4 (5 B)")
            assert not shows(app, "Enter offers this.")

    @pytest.mark.parametrize(("keys", "after"), [(["escape"], ""), (["!"], "!"), (["space", "x"], " x")])
    async def test_escape_or_writing_on_makes_it_text_again(self, tmp_path, keys, after):
        async with calling(size=(100, 30)) as (_engine, app, pilot):
            composer = app.screen.query_one(Composer)
            self.paste(app, str(tmp_path))
            await eventually(lambda: composer.text == f"/send {tmp_path}")
            await pilot.press(*keys)
            await eventually(lambda: composer.text == f"{tmp_path}{after}")
            await eventually(lambda: not shows(app, "Enter offers this."))

    async def test_backspace_takes_the_last_letter_of_the_text(self, tmp_path):
        async with calling() as (_engine, app, pilot):
            composer = app.screen.query_one(Composer)
            self.paste(app, str(tmp_path))
            await eventually(lambda: composer.holds_paths)
            await pilot.press("backspace")
            await eventually(lambda: composer.text == str(tmp_path)[:-1])

    async def test_a_second_one_joins_the_first(self, tmp_path):
        for name in ("a", "b c"):
            (tmp_path / name).touch()
        async with calling() as (engine, app, pilot):
            composer = app.screen.query_one(Composer)
            self.paste(app, f"{tmp_path}/a ")
            self.paste(app, f"'{tmp_path}/b c' ")
            await eventually(lambda: composer.text == f"/send {tmp_path}/a {tmp_path}/b\\ c")
            await pilot.press("enter")
            [offer] = await eventually(lambda: engine.commands_of(OfferFiles))
            assert offer.paths == (f"{tmp_path}/a", f"{tmp_path}/b c")

    async def test_behind_send_it_is_put_in_as_an_argument(self, tmp_path):
        (tmp_path / "b c").touch()
        async with calling() as (_engine, app, pilot):
            composer = app.screen.query_one(Composer)
            await pilot.press(*"/send ")
            self.paste(app, f"'{tmp_path}/b c'")
            await eventually(lambda: composer.text == f"/send {tmp_path}/b\\ c ")

    async def test_inside_a_text_it_is_text(self, tmp_path):
        async with calling() as (_engine, app, pilot):
            composer = app.screen.query_one(Composer)
            await pilot.press(*"see ")
            self.paste(app, str(tmp_path))
            await eventually(lambda: composer.text == f"see {tmp_path}")

    async def test_keys_of_one_burst_do_not_overtake_it(self, tmp_path):
        async with calling() as (engine, app, _pilot):
            composer = app.screen.query_one(Composer)
            self.paste(app, str(tmp_path))
            composer.post_message(events.Key("enter", "\r"))
            [offer] = await eventually(lambda: engine.commands_of(OfferFiles))
            assert offer.paths == (str(tmp_path),)
