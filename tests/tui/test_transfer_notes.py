"""What the conversation says of files."""

import pytest

from actors.messages import CommandRefused, Ended, EntryNoted, OfferRefused, Transfer
from tests.tui.fake_engine import FakeEngine
from tests.tui.support import calling, eventually, painted, painted_soon, shows
from tui.screens.call import CallScreen
from tui.transfer_notes import ENTRIES_TOLD, entries_note, entry_note, transfer_notes


def one(state, number=2, **facts):
    base = {"name": "a.bin", "names": ("a.bin",), "files": 1, "size": 1_200_000_000, "mine": False}
    return Transfer(**{**base, "id": number, "state": state, **facts})


def notes(transfer, before=None):
    return transfer_notes(transfer, before, "Mina")


def test_in_a_plain_call_nobody_is_said_to_have_what_was_sent():
    moving = one("moving", mine=True)
    assert transfer_notes(moving, None, "Mina", plain=True) == ["You send a.bin (1.2 GB)."]
    (said,) = transfer_notes(one("done", mine=True), moving, "Mina", plain=True)
    assert "Mina" not in said
    assert "nobody says whether it arrived" in said


def test_where_a_part_is_kept_is_said_once_it_is_known():
    over = one("cancelled", detail="here")
    kept = one("cancelled", detail="here", partial="/in/.a.bin.c0ffee.visavis-part")
    (said,) = transfer_notes(kept, over, "Mina")
    assert "/in/.a.bin.c0ffee.visavis-part" in said
    assert transfer_notes(kept, kept, "Mina") == []


FOLDER = {
    "name": "notes",
    "names": ("notes", "notes/a.pdf", "notes/b.pdf"),
    "files": 318,
    "folders": 1,
    "size": 12_000_000,
}


@pytest.mark.parametrize(
    ("transfer", "before", "said"),
    [
        (one("listing", mine=True), None, []),
        (one("offered"), None, ["Mina offers a.bin (1.2 GB): /accept 2 takes it, /refuse 2 does not."]),
        (
            one("offered", **FOLDER, skipped=2),
            None,
            [
                "Mina offers notes/ (318 files, 12 MB): /accept 2 takes it, /accept 2 *.pdf a part, /list 2 shows all, "
                "/refuse 2 takes nothing. Entries that can't be sent and were left out: 2.\n"
                "notes/a.pdf, notes/b.pdf and 316 more"
            ],
        ),
        (
            one("offered", mine=True),
            one("listing", mine=True),
            ["You offer a.bin (1.2 GB). It waits for Mina; /cancel 2 takes it back."],
        ),
        (one("waiting", mine=True), one("offered", mine=True), ["Mina takes a.bin."]),
        (
            one("waiting", mine=True, **FOLDER | {"files": 3, "size": 99}),
            one("offered", mine=True, **FOLDER),
            ["Mina takes a part of notes/: 3 files, 99 B."],
        ),
        (one("waiting", folder="/home/me/in"), one("offered"), ["You take a.bin (1.2 GB), into /home/me/in"]),
        (one("moving", folder="/home/me/in"), one("waiting"), []),
        (one("moving"), one("moving"), []),
        (one("done", mine=True), one("moving", mine=True), ["Mina has a.bin (1.2 GB)."]),
        (
            one("done", path="/home/me/in/a (1).bin", folder="/home/me/in"),
            one("moving"),
            ["a.bin is here (1.2 GB).\n/home/me/in/a (1).bin"],
        ),
        (
            one("done", path="/home/me/in/a.bin", folder="/home/me/in", files=2, names=("a.bin", "b.bin"), missed=1),
            one("moving"),
            ["a.bin and 1 more is here (2 files, 1.2 GB). Entries that did not make it: 1.\n/home/me/in"],
        ),
        (one("refused", mine=True), one("offered", mine=True), ["Mina refused a.bin."]),
        (one("refused"), one("offered"), ["You refused a.bin."]),
        (one("cancelled", detail="here"), one("moving"), ["You cancelled a.bin."]),
        (
            one("cancelled", detail="there", partial="/home/me/in/.a.bin.part"),
            one("moving"),
            ["Mina cancelled a.bin.\nWhat came in part is kept:\n/home/me/in/.a.bin.part"],
        ),
        (
            one("failed", cause="disk-full"),
            one("moving"),
            ["a.bin failed. The disk is full. Make room, and have it offered again."],
        ),
    ],
)
def test_each_change_of_state_is_a_sentence(transfer, before, said):
    assert notes(transfer, before) == said


def test_entries_are_told_one_by_one_then_counted():
    event = EntryNoted(transfer=2, path="notes/\x1b[2J", cause="skipped-unreadable", detail="Permission denied")
    assert entry_note(event, ENTRIES_TOLD) == "notes/␛[2J: left out, it can't be read (Permission denied)."
    assert entry_note(event, ENTRIES_TOLD + 1) == ""
    assert entries_note(one("offered"), ENTRIES_TOLD) == ""
    assert entries_note(one("offered"), ENTRIES_TOLD + 4) == "There are notes like these on 4 more entries of a.bin."
    assert "perhaps" in entries_note(one("offered"), 100)


@pytest.mark.long
class TestOnTheScreen:
    async def test_an_offer_says_what_to_type(self):
        async with calling(size=(120, 30)) as (engine, _app, pilot):
            engine.files.folder(2)
            await painted_soon(pilot, "Mina offers notes/ (318 files, 12 MB)")

    async def test_many_entries_make_few_notes(self):
        async with calling(size=(160, 40)) as (engine, app, pilot):
            engine.files.put(1, mine=True, state="listing", name="home", files=0)
            for n in range(50):
                engine.emit(EntryNoted(transfer=1, path=f"link {n}", cause="skipped-link"))
            engine.files.put(1, state="offered", files=3, size=5)
            await painted_soon(pilot, "47 more entries of home")
            assert sum("symbolic link" in line for line in painted(app)) == ENTRIES_TOLD
            await painted_soon(pilot, "You offer home (3 files, 5 B)")

    async def test_a_stall_is_said_once_with_why(self):
        async with calling(size=(160, 40)) as (engine, app, pilot):
            engine.files.theirs(2, state="moving")
            for stall in ("own-disk", "", "own-disk", "", "link"):
                engine.files.progress(2, 5, stall=stall)
            await painted_soon(pilot, "stands still: the network lets nothing through")
            assert sum("the disk here does not keep up" in line for line in painted(app)) == 1

    async def test_the_path_of_what_came_stands_on_its_own_line_to_be_copied(self):
        async with calling(size=(160, 40)) as (engine, app, pilot):
            engine.files.theirs(2, state="moving", folder="/home/me/내려받기")
            engine.files.put(2, state="done", path="/home/me/내려받기/lecture (1).mp4")
            await painted_soon(pilot, "lecture.mp4 is here (1.2 GB).")
            assert any(line[:90].strip("│ ") == "/home/me/내려받기/lecture (1).mp4" for line in painted(app))

    async def test_refusals_of_the_engine_are_sentences(self):
        async with calling(size=(160, 40)) as (engine, _app, pilot):
            engine.files.theirs(2)
            engine.emit(CommandRefused(cause="no-space", detail="1200000000 300000000", transfer=2))
            await painted_soon(pilot, "1.2 GB are needed, 300 MB")
            engine.emit(OfferRefused(id="someone else's", cause="offers-open"))
            await painted_soon(pilot, "Nothing was offered. Too many offers are open already.")

    async def test_a_screen_that_comes_later_is_told_what_is_open_and_what_ended_last(self):
        engine = FakeEngine.in_call()
        engine.keep_lines(3)
        for number in range(2, 20, 2):
            engine.files.theirs(number, f"file-{number}", state="done", path=f"/d/file-{number}")
        engine.files.theirs(20, "new.mp4")
        async with calling(engine, size=(160, 40)) as (_engine, app, pilot):
            await painted_soon(pilot, "Mina offers new.mp4")
            lines = [entry.text.split("\n")[0] for entry in app.conversation.entries]
            assert lines[:3] == [f"line {n} of many" for n in range(3)]
            assert [line for line in lines if "is here" in line] == [
                f"file-{n} is here (1.2 GB)." for n in (14, 16, 18)
            ]

    async def test_what_ended_while_the_link_was_gone_is_told_once(self):
        async with calling(size=(160, 40)) as (engine, app, pilot):
            engine.files.theirs(2, state="moving")
            await painted_soon(pilot, "▼ lecture.mp4")
            engine.let_go()
            engine.files.put(2, state="done", path="/d/lecture.mp4")
            await painted_soon(pilot, "is here (1.2 GB)")
            await eventually(lambda: len(engine.attaches) == 2)
            assert isinstance(app.screen, CallScreen)
            assert sum("is here" in line for line in painted(app)) == 1
            assert shows(app, "✓ done")

    async def test_what_the_end_of_the_call_cut_off_is_named(self):
        async with calling(size=(160, 40)) as (engine, app, pilot):
            engine.files.theirs(2, state="moving")
            engine.files.theirs(4, "never answered")
            await painted_soon(pilot, "▼ lecture.mp4")
            engine.emit(Ended(cause="peer-hung"))
            await painted_soon(pilot, "lecture.mp4 failed. The call ended first.")
            assert not any("never answered failed" in line for line in painted(app))
            assert shows(app, "✗ failed")
