"""/send, /accept, /refuse, /cancel, /first: what they mean, and what the screen does with them."""

import pytest

from actors.messages import AnswerOffer, CancelTransfer, Ended, OfferFiles, PutFirst, Transfer
from relay import limits
from tests.tui.fake_engine import FakeEngine
from tests.tui.support import calling, eventually, painted, painted_soon, shows
from tui.file_commands import Asked, MisusedError, asked, fitting, meant
from tui.widgets.composer import Composer

pytestmark = pytest.mark.long


def one(number, state="offered", mine=False):
    return Transfer(id=number, mine=mine, state=state, name=f"file-{number}", files=1)


EVERY = [
    one(1, "moving", mine=True),
    one(2),
    one(3, "offered", mine=True),
    one(4, "waiting"),
    one(6, "done"),
    one(7, "listing", mine=True),
]


@pytest.mark.parametrize(
    ("rest", "said"),
    [
        ("", Asked()),
        ("2", Asked(2)),
        ("2 *.pdf", Asked(2, ("*.pdf",))),
        ("*.pdf 'my notes/'", Asked(None, ("*.pdf", "my notes"))),
        ("2 --to ~/in", Asked(2, (), "~/in")),
        ("--to='a b' 4 x", Asked(4, ("x",), "a b")),
        ("2 2", Asked(2, ("2",))),
        ("강의/", Asked(None, ("강의",))),
        ("/ ''", Asked()),
        ("²", Asked(None, ("²",))),
    ],
)
def test_words_behind_a_command(rest, said):
    assert asked(rest) == said


@pytest.mark.parametrize(
    "rest", ["--to", "2 --to ''", "x " * (limits.PART_PATTERNS + 1), "x" * (limits.PATH_BYTES + 1)]
)
def test_words_that_can_not_be_meant(rest):
    with pytest.raises(MisusedError):
        asked(rest)


@pytest.mark.parametrize(
    ("command", "numbers"),
    [("accept", [2]), ("refuse", [2]), ("cancel", [1, 2, 3, 4, 7]), ("first", [4]), ("list", [2])],
)
def test_what_each_command_can_be_about(command, numbers):
    assert [transfer.id for transfer in fitting(command, EVERY)] == numbers


def test_own_offers_are_listed_where_nothing_is_offered_here():
    assert meant("list", None, [one(3, "offered", mine=True)]).id == 3


class TestMeant:
    def test_the_number_may_be_left_out_where_one_fits(self):
        assert meant("accept", None, EVERY).id == 2
        assert meant("first", 1, EVERY).id == 1

    @pytest.mark.parametrize(
        ("command", "number", "words"),
        [
            ("accept", 9, "There is no transfer 9"),
            ("cancel", 6, "There is no transfer 6"),
            ("accept", 1, "1 file-1 does not wait for an answer"),
            ("cancel", None, "Which one? 1 file-1, 2 file-2, 3 file-3, 4 file-4, 7 file-7."),
        ],
    )
    def test_what_can_not_be_meant_says_why(self, command, number, words):
        with pytest.raises(MisusedError) as caught:
            meant(command, number, EVERY)
        assert words in str(caught.value)

    @pytest.mark.parametrize("command", ["accept", "refuse", "cancel", "first", "list"])
    def test_nothing_there_is_a_sentence_too(self, command):
        with pytest.raises(MisusedError):
            meant(command, None, [])


async def enter(pilot, text):
    pilot.app.screen.query_one(Composer).fill(text)
    await pilot.press("enter")


class TestSend:
    async def test_paths_are_read_as_a_shell_does_from_where_one_started(self, tmp_path, monkeypatch):
        (tmp_path / "notes").mkdir()
        (tmp_path / "강의 영상.mp4").touch()
        monkeypatch.chdir(tmp_path)
        async with calling(size=(100, 30)) as (engine, app, pilot):
            await enter(pilot, "/send notes/ '강의 영상.mp4'")
            [offer] = await eventually(lambda: engine.commands_of(OfferFiles))
            assert offer.paths == (str(tmp_path / "notes"), str(tmp_path / "강의 영상.mp4"))
            assert app.screen.query_one(Composer).text == ""
            await painted_soon(pilot, "You offer notes")
            assert engine.texts() == []

    async def test_each_offer_has_an_id_of_its_own(self, tmp_path):
        async with calling() as (engine, _app, pilot):
            await enter(pilot, f"/send {tmp_path}")
            await enter(pilot, f"/send {tmp_path}")
            first, second = await eventually(lambda: engine.commands_of(OfferFiles)[1:] and engine.commands)
            assert first.id != second.id

    async def test_a_path_that_is_not_there_stays_to_be_corrected(self, tmp_path):
        async with calling(size=(120, 30)) as (engine, app, pilot):
            await enter(pilot, f"/send {tmp_path}/gone")
            await painted_soon(pilot, "is not there, so nothing was offered")
            assert app.screen.query_one(Composer).text == f"/send {tmp_path}/gone"
            assert engine.commands == []

    async def test_what_the_engine_refuses_comes_back(self, tmp_path):
        engine = FakeEngine.in_call()
        engine.refuses[str(tmp_path)] = "offers-open"
        async with calling(engine, size=(100, 30)) as (engine, app, pilot):
            await enter(pilot, f"/send {tmp_path}")
            await painted_soon(pilot, "Too many offers are open already")
            await eventually(lambda: app.screen.query_one(Composer).text == f"/send {tmp_path}")

    async def test_in_a_plain_call_it_goes_at_once(self, tmp_path):
        path = tmp_path / "one.bin"
        path.touch()
        async with calling(FakeEngine(phase="plain", link="joined"), size=(100, 30)) as (engine, app, pilot):
            await pilot.press("/")
            await painted_soon(pilot, "/send")
            assert not shows(app, "/accept")
            await pilot.press("escape")
            await enter(pilot, f"/send {path}")
            [offer] = await eventually(lambda: engine.commands_of(OfferFiles))
            assert offer.paths == (str(path),)

    async def test_after_the_end_nothing_is_offered(self, tmp_path):
        async with calling() as (engine, app, pilot):
            await painted_soon(pilot, "F4 send")
            engine.emit(Ended(cause="peer-hung"))
            await eventually(lambda: not shows(app, "F4 send"))
            await pilot.press("f4")
            assert not app.order("send", str(tmp_path))
            assert engine.commands_of(OfferFiles) == []


class TestAnswers:
    async def test_all_a_part_and_another_folder(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("HOME", "/home/me")
        async with calling(size=(120, 30)) as (engine, _app, pilot):
            engine.files.theirs(2, "a.mp4")
            engine.files.folder(4)
            engine.files.folder(6)
            await painted_soon(pilot, "/accept 6?")
            for typed in ("/accept 2", "/accept 4 *.pdf 'notes/my text' --to in", "/accept --to ~/x"):
                await enter(pilot, typed)
            await eventually(lambda: len(engine.commands_of(AnswerOffer)) == 3)
            assert engine.commands == [
                AnswerOffer(2, True),
                AnswerOffer(4, True, str(tmp_path / "in"), ("*.pdf", "notes/my text")),
                AnswerOffer(6, True, "/home/me/x"),
            ]
            await painted_soon(pilot, "You take a.mp4 (1.2 GB), into /home/me/Downloads")

    async def test_of_several_one_is_named(self):
        async with calling(size=(120, 30)) as (engine, app, pilot):
            engine.files.theirs(2, "a.mp4")
            engine.files.theirs(4, "b.mp4")
            await painted_soon(pilot, "/accept 4?")
            await enter(pilot, "/accept *.pdf")
            await painted_soon(pilot, "Which one? 2 a.mp4, 4 b.mp4.")
            assert app.screen.query_one(Composer).text == "/accept *.pdf"
            await enter(pilot, "/refuse 4")
            await painted_soon(pilot, "You refused b.mp4.")
            assert engine.commands == [AnswerOffer(4, False)]

    async def test_words_that_do_not_belong_there_are_said(self):
        async with calling(size=(120, 30)) as (engine, app, pilot):
            engine.files.theirs(2)
            await painted_soon(pilot, "/accept 2?")
            await enter(pilot, "/refuse 2 really")
            await painted_soon(pilot, "/refuse takes a transfer's number and nothing else.")
            assert engine.commands == []
            assert app.screen.query_one(Composer).text == "/refuse 2 really"


class TestTransfers:
    async def test_cancel_and_first(self):
        async with calling(size=(120, 30)) as (engine, _app, pilot):
            for number in (2, 4, 6):
                engine.files.theirs(number, f"f{number}", state="waiting", place=number // 2)
            engine.files.put(2, state="moving")
            await painted_soon(pilot, "number 3 in line")
            await enter(pilot, "/first 6")
            await painted_soon(pilot, "begins soon")
            await enter(pilot, "/cancel 2")
            await painted_soon(pilot, "You cancelled f2.")
            assert engine.commands == [PutFirst(6), CancelTransfer(2)]

    async def test_help_lists_them_with_what_they_take(self):
        async with calling(size=(120, 50)) as (_engine, app, pilot):
            await enter(pilot, "/help")
            await painted_soon(pilot, "/accept [N] [NAME or *.pdf…] [--to FOLDER]")
            assert shows(app, "/send PATH…")
            assert any("F4" in line for line in painted(app))
