"""A peer's list, looked through page by page."""

import pytest

from actors.messages import AnswerOffer, CommandRefused, ListOffer, OfferEntry
from relay import limits
from tests.tui.fake_engine import FakeEngine
from tests.tui.fake_files import notes
from tests.tui.support import calling, eventually, painted, painted_soon, shows, whole_lines_fit
from tui.offer_pages import PAGE_ENTRIES, PAGES_KEPT, Marks, OfferPages
from tui.screens.call import CallScreen
from tui.screens.offer import OfferScreen
from tui.widgets.composer import Composer

pytestmark = pytest.mark.long


MILLION = limits.OFFER_ENTRIES


class TestPages:
    def test_each_page_is_asked_for_once_and_only_what_is_in_view(self):
        pages = OfferPages(MILLION)
        assert pages.missing(0, 20) == [1]
        assert pages.missing(0, 20) == []
        assert pages.missing(190, 210) == [201]
        assert pages.missing(MILLION - 5, MILLION + 5) == [MILLION - 199]
        pages.ask_again()
        assert pages.missing(190, 210) == [1, 201]

    def test_what_came_is_kept_up_to_some_pages(self):
        pages, entries = OfferPages(MILLION), notes(MILLION)
        for page in range(PAGES_KEPT + 1):
            start = page * PAGE_ENTRIES
            pages.take(tuple(entries[start : start + PAGE_ENTRIES]), MILLION, True)
        assert pages.entry(0) is None
        assert pages.entry(PAGE_ENTRIES).number == PAGE_ENTRIES + 1
        assert pages.missing(0, 5) == [1]

    def test_a_page_that_grew_is_asked_for_again(self):
        pages, entries = OfferPages(0), notes(100)
        assert pages.missing(0, 5) == [1]
        pages.take(tuple(entries[:10]), 10, False)
        assert pages.missing(0, 5) == []
        pages.take((), 101, True)
        assert pages.missing(0, 5) == [1]


class TestMarks:
    def test_a_folder_holds_what_is_under_it(self):
        marks = Marks()
        assert marks.toggle("notes/2024/a.pdf")
        assert marks.toggle("notes/2024")
        assert marks.holds("notes/2024/b/c.pdf")
        assert not marks.holds("notes/2024x")
        assert marks.paths == ("notes/2024",)

    def test_the_mark_of_a_folder_is_taken_away_where_the_folder_stands(self):
        marks = Marks()
        assert marks.toggle("notes")
        assert not marks.toggle("notes/a")
        assert marks.paths == ("notes",)
        assert marks.toggle("notes")
        assert marks.paths == ()

    def test_they_are_no_more_than_an_answer_holds(self):
        marks = Marks()
        assert all(marks.toggle(f"f{n}") for n in range(limits.PART_PATTERNS))
        assert not marks.toggle("one more")
        assert len(marks) == limits.PART_PATTERNS


async def opened(pilot, number=2):
    await painted_soon(pilot, f"/accept {number}?")
    await pilot.press("f9")
    await eventually(lambda: isinstance(pilot.app.screen, OfferScreen))


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (120, 40), (200, 60)])
async def test_it_shows_names_sizes_and_keys(size):
    async with calling(size=size) as (engine, app, pilot):
        engine.files.folder(2)
        await opened(pilot)
        await painted_soon(pilot, "notes/page 0000001.pdf")
        assert any("notes/page 0000001.pdf" in line and "1.0 kB" in line for line in painted(app))
        assert shows(app, "2 notes/ · Mina · 318 files, 12 MB")
        for key in ("a take it", "r refuse it", "Space mark", "Esc back"):
            assert shows(app, key)
        assert whole_lines_fit(app)


async def test_a_million_entries_come_in_pages_as_one_scrolls():
    async with calling() as (engine, app, pilot):
        engine.files.folder(2, files=MILLION - 1)
        await opened(pilot)
        await painted_soon(pilot, "page 0000001.pdf")
        assert engine.commands == [ListOffer(2, 1, PAGE_ENTRIES)]
        await pilot.press("end")
        await painted_soon(pilot, f"page {MILLION - 1:07}.pdf")
        await pilot.press("home", "pagedown", "pagedown")
        await painted_soon(pilot, "page 0000030.pdf")
        assert len(engine.commands_of(ListOffer)) <= 3
        assert all(command.count == PAGE_ENTRIES for command in engine.commands)
        app.screen.query_one("OfferEntries").scroll_to(y=500_000, animate=False)
        await painted_soon(pilot, "page 0500001.pdf")


async def test_what_is_marked_is_taken():
    async with calling() as (engine, _app, pilot):
        engine.files.folder(2)
        await opened(pilot)
        await painted_soon(pilot, "page 0000001.pdf")
        await pilot.press("down", "space", "down", "space")
        await painted_soon(pilot, "2 marked")
        await painted_soon(pilot, "✓ notes/page 0000001.pdf")
        await pilot.press("a")
        await eventually(lambda: isinstance(pilot.app.screen, CallScreen))
        [answer] = engine.commands_of(AnswerOffer)
        assert answer == AnswerOffer(2, True, only=("./notes/page 0000001.pdf", "./notes/page 0000003.pdf"))


async def test_a_marked_folder_is_its_path_and_shows_on_what_is_under_it():
    async with calling() as (engine, _app, pilot):
        engine.files.folder(2)
        await opened(pilot)
        await painted_soon(pilot, "page 0000001.pdf")
        await pilot.press("space")
        await painted_soon(pilot, "✓ notes/page 0000005.pdf")
        await pilot.press("a")
        await eventually(lambda: engine.commands_of(AnswerOffer) == [AnswerOffer(2, True, only=("./notes",))])


async def test_with_nothing_marked_all_is_taken():
    async with calling() as (engine, _app, pilot):
        engine.files.folder(2)
        await opened(pilot)
        await pilot.press("a", "a")
        await eventually(lambda: isinstance(pilot.app.screen, CallScreen))
        assert engine.commands_of(AnswerOffer) == [AnswerOffer(2, True)]


async def test_it_can_be_refused_or_left_as_it_is():
    async with calling(size=(100, 30)) as (engine, app, pilot):
        engine.files.folder(2)
        await opened(pilot)
        await pilot.press("escape")
        await eventually(lambda: isinstance(app.screen, CallScreen))
        assert engine.commands_of(AnswerOffer) == []
        app.screen.query_one(Composer).fill("/list 2")
        await pilot.press("enter")
        await eventually(lambda: isinstance(app.screen, OfferScreen))
        await pilot.press("r")
        await painted_soon(pilot, "You refused notes/.")
        assert isinstance(app.screen, CallScreen)


async def test_an_answer_that_can_not_be_is_said_and_the_offer_stays():
    async with calling(size=(100, 30)) as (engine, app, pilot):
        engine.files.folder(2)
        await opened(pilot)
        await painted_soon(pilot, "page 0000001.pdf")
        engine.emit(CommandRefused(cause="no-space", detail="5000000 4000000", transfer=2))
        await painted_soon(pilot, "5.0 MB are needed, 4.0 MB are free")
        assert isinstance(app.screen, OfferScreen)
        await pilot.press("a")
        await eventually(lambda: engine.commands_of(AnswerOffer))


async def test_it_closes_when_the_peer_takes_the_offer_back():
    async with calling() as (engine, app, pilot):
        engine.files.folder(2)
        await opened(pilot)
        engine.files.put(2, state="cancelled", cause="cancelled", detail="there")
        await eventually(lambda: isinstance(app.screen, CallScreen))
        await painted_soon(pilot, "Mina cancelled notes/.")


async def test_a_list_that_still_comes_grows_without_a_key():
    async with calling() as (engine, _app, pilot):
        engine.files.folder(2, files=3)
        engine.files.listed_so_far[2] = 2
        await opened(pilot)
        await painted_soon(pilot, "page 0000001.pdf")
        engine.files.listed_so_far.clear()
        await painted_soon(pilot, "page 0000003.pdf")


async def test_an_answer_lost_with_the_link_is_asked_for_again():
    async with calling() as (engine, app, pilot):
        engine.files.folder(2)
        await opened(pilot)
        await painted_soon(pilot, "page 0000001.pdf")
        engine.let_go()
        await eventually(lambda: app.state.attached and len(engine.attaches) == 2)
        await pilot.press("end")
        await painted_soon(pilot, "page 0000318.pdf")


async def test_names_of_strangers_do_nothing_and_long_ones_keep_their_end():
    engine = FakeEngine.in_call()
    async with calling(engine, size=(60, 20)) as (engine, app, pilot):
        engine.files.folder(2, files=2)
        deep = "가" * 40 + "/" + "b" * 40 + "/end.pdf"
        engine.files.lists[2] = [
            OfferEntry(1, "\x1b[2J\u202e[red]evil", 5),
            OfferEntry(2, deep, None),
            OfferEntry(3, "x" * 300, 7),
        ]
        await opened(pilot)
        await painted_soon(pilot, "␛[2J‹U+202E›[red]evil")
        assert shows(app, "…/end.pdf")
        assert whole_lines_fit(app)


async def test_our_own_offer_can_only_be_looked_at(tmp_path):
    async with calling(size=(100, 30)) as (engine, app, pilot):
        engine.files.folder(3, mine=True)
        await painted_soon(pilot, "offered, 318 files")
        app.screen.query_one(Composer).fill("/list 3")
        await pilot.press("enter")
        await painted_soon(pilot, "page 0000001.pdf")
        assert not shows(app, "take it")
        await pilot.press("space", "a")
        assert engine.commands_of(AnswerOffer) == []
        assert not shows(app, "✓")
