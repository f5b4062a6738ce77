"""A peer whose lists lie, or are made to write where nothing may be written."""

import os
import unicodedata
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actors.files import packets
from actors.files.packets import BLOCK, END, LIST, SKIP, WHOLE, Entry
from actors.messages import AnswerOffer, CommandRefused
from actors.peer import Answer, Have, Offer
from relay import limits
from tests.actors.files.hostile import OTHER, Call, call, folder, of, offer_of, page, small
from tests.actors.files.support import write
from tests.support import eventually

pytestmark = pytest.mark.long


EVIL = 3

NAMES = {
    "../up": "_/up",
    "../../../../etc/passwd": "_/_/_/_/etc/passwd",
    "a/../../up": "a/_/_/up",
    "/etc/passwd": "etc/passwd",
    "//server/share": "server/share",
    "..": "_",
    "...": "_",
    "a\\..\\b": "a_.._b",
    "C:\\Windows\\x": "C__Windows_x",
    "nul\0byte": "nul_byte",
    "\x1b[2J\x1b]0;title\x07": "_[2J_]0;title_",
    "line\nbreak\r": "line_break_",
    "gpj.\u202eexe": "gpj._exe",
    "CON": "_CON",
    "aux.txt": "_aux.txt",
    "dots...": "dots",
    "spaces   ": "spaces",
    ".bashrc": "_bashrc",
    ".ssh/authorized_keys": "_ssh/authorized_keys",
    "-rf": "_rf",
    "~": "_",
    "x.visavis-part": "x.visavis-par_",
    "한" * 85: "한" * 85,
    "한" * 100 + ".txt": "한" * 83 + ".txt",
}


@pytest.mark.parametrize(("path", "lands"), NAMES.items(), ids=map(ascii, NAMES))
async def test_whatever_a_file_is_called_it_lands_in_the_destination(path: str, lands: str, tmp_path: Path) -> None:
    async with call(tmp_path) as one:
        await one.offered(EVIL, [of(path)])
        await one.hostile.put(small(EVIL, (1, b"ok")))
        assert await one.over(EVIL) == ("done", "", "")
        assert one.arrived[lands] == b"ok"


async def test_names_that_become_equal_all_land(tmp_path: Path) -> None:
    nfd = unicodedata.normalize("NFD", "é")
    paths = ["same", "same", "SAME", "é", nfd, "a:b", "a_b", "a/x", "a//x", "a/./x", "./same", "same."]
    async with call(tmp_path) as one:
        await one.offered(EVIL, [of(path, 1) for path in paths])
        await one.hostile.put(small(EVIL, *((number, b"%x" % number) for number in range(1, len(paths) + 1))))
        assert await one.over(EVIL) == ("done", "", "")
        landed = [data for data in one.arrived.values() if data and len(data) == 1]
        assert sorted(landed) == sorted(b"%x" % number for number in range(1, len(paths) + 1))
        assert {"same", "same (1)", "SAME", "é", "é (1)", "a_b", "a_b (1)"} <= one.arrived.keys()


@pytest.mark.parametrize("path", ["x" * 10_000, "한" * 2000, "/".join("x" * 65), "/", "./.", "//"])
async def test_a_path_that_none_can_be_made_of_ends_the_offer(path: str, tmp_path: Path) -> None:
    async with call(tmp_path, spares=len(path) <= limits.PATH_BYTES) as one:  # else it is no list at all
        one.hostile.say(offer_of(EVIL, [of(path)], names=()))
        await eventually(lambda: one.hostile.of(Have, EVIL))
        await one.hostile.put(page(EVIL, [of(path)]))
        assert (await one.over(EVIL))[:2] == ("failed", "protocol")


@pytest.mark.parametrize("raw", [b'["\\ud800","file",0,0]', b'["\xff","file",0,0]', b'["","file",0,0]'])
async def test_a_name_that_is_no_text_is_no_list(raw: bytes, tmp_path: Path) -> None:
    async with call(tmp_path, spares=False) as one:
        one.hostile.say(offer_of(EVIL, [of("x", 0)]))
        await eventually(lambda: one.hostile.of(Have, EVIL))
        await one.hostile.put((LIST, packets.encode_list(EVIL, 1, [raw], whole=True)))
        assert (await one.over(EVIL))[:2] == ("failed", "protocol")


# --- what stands in the way --------------------------------------------------------------------------------------

TREE = [folder("tree"), of("tree/one"), folder("tree/in"), of("tree/in/two"), of("tree/three")]


async def send_tree(one: Call) -> None:
    await one.hostile.put(small(EVIL, (2, b"11"), (4, b"22"), (5, b"33")))
    assert await one.over(EVIL) == ("done", "", "")


async def test_a_link_where_a_folder_should_be_is_not_followed(tmp_path: Path) -> None:
    async with call(tmp_path) as one:
        await one.offered(EVIL, TREE)
        (one.place / "tree" / "in").symlink_to(one.ground / "outside")
        await send_tree(one)
        (one.place / "tree" / "in").unlink()
        assert ("tree/in/two", "not-folder") in one.honest.notes(EVIL)
        assert one.arrived["tree/one"] == b"11"
        assert one.arrived["tree/three"] == b"33"
        assert os.listdir(one.ground / "outside") == ["precious.txt"]


async def test_a_link_in_the_place_of_the_top_is_not_followed(tmp_path: Path) -> None:
    async with call(tmp_path) as one:
        await one.offered(EVIL, [folder("tree"), of("tree/one", 2), of("alone", 2)])
        await eventually(lambda: (one.place / "tree").is_dir())
        (one.place / "tree").rename(one.place / "moved")
        (one.place / "tree").symlink_to(one.ground / "outside")
        await one.hostile.put(small(EVIL, (2, b"11"), (3, b"33")))
        assert await one.over(EVIL) == ("done", "", "")
        (one.place / "tree").unlink()
        assert one.arrived["alone"] == b"33"
        assert os.listdir(one.ground / "outside") == ["precious.txt"]


async def test_a_folder_where_a_file_should_be_and_a_link_stay_as_they_are(tmp_path: Path) -> None:
    async with call(tmp_path) as one:
        await one.offered(EVIL, [of("dir"), of("link"), of("dangling")])
        write(one.place / "dir" / "kept", "kept")
        (one.place / "link").symlink_to(one.ground / "outside" / "precious.txt")
        (one.place / "dangling").symlink_to(one.ground / "outside" / "new.txt")
        await one.hostile.put(small(EVIL, (1, b"11"), (2, b"22"), (3, b"33")))
        assert await one.over(EVIL) == ("done", "", "")
        for name in ("link", "dangling"):
            assert (one.place / name).is_symlink()
            (one.place / name).unlink()
        arrived = one.arrived
        assert (arrived["dir/kept"], arrived["dir (1)"]) == (b"kept", b"11")
        assert (arrived["link (1)"], arrived["dangling (1)"]) == (b"22", b"33")


async def test_a_file_that_the_list_uses_as_a_folder_is_passed_over(tmp_path: Path) -> None:
    async with call(tmp_path) as one:
        await one.offered(EVIL, [folder("t"), of("t/file"), of("t/file/inner"), of("t/after")])
        await one.hostile.put(small(EVIL, (2, b"11"), (3, b"22"), (4, b"33")))
        assert await one.over(EVIL) == ("done", "", "")
        assert one.honest.notes(EVIL) == [("t/file/inner", "not-folder")]
        assert (one.arrived["t/file"], one.arrived["t/after"]) == (b"11", b"33")


async def test_a_destination_that_is_gone_when_it_is_answered_keeps_the_offer_open(tmp_path: Path) -> None:
    async with call(tmp_path) as one:
        await one.hostile.offer(EVIL, TREE)
        await eventually(lambda: one.honest.state(EVIL) == "offered")
        one.honest.ask(AnswerOffer(EVIL, True, folder=str(one.ground / "nowhere")))
        refused = await eventually(lambda: [e for e in one.honest.replies if isinstance(e, CommandRefused)])
        assert refused[0].cause == "folder-missing"
        await one.accepted(EVIL)
        await send_tree(one)


# --- lists that lie ----------------------------------------------------------------------------------------------

LIES = {
    "too many": ([of("a"), of("b")], {"files": 1}),
    "too few": ([of("a")], {"files": 2}),
    "larger": ([of("a", 3)], {"size": 2}),
    "smaller": ([of("a", 1)], {"size": 2}),
    "folders for files": ([folder("a")], {"folders": 0, "files": 1}),
    "sizes that overflow": ([of(f"{n}", limits.FILE_BYTES) for n in range(3)], {"size": 2**63 - 1}),
    "a stream that was none": ([Entry("a", "stream", None, 0)], {"size": 7}),
    "a file that was a stream": ([of("a")], {"size": None}),
    "nothing": ([], {"files": 1}),
}


@pytest.mark.parametrize(("entries", "lies"), LIES.values(), ids=LIES)
async def test_a_list_that_is_not_what_was_offered_ends_it(
    entries: list[Entry], lies: dict[str, int], tmp_path: Path
) -> None:
    async with call(tmp_path) as one:
        await one.hostile.offer(EVIL, entries, **lies)
        assert (await one.over(EVIL))[:2] == ("failed", "list-differs")
        await eventually(lambda: one.hostile.stops(EVIL) == ["list-differs"])


@pytest.mark.parametrize(
    "entry", [Entry("a", "stream", 5, 0), Entry("a", "file", None, 0), Entry("a", "folder", 5, 0)], ids=str
)
async def test_an_entry_that_contradicts_itself_ends_it(entry: Entry, tmp_path: Path) -> None:
    async with call(tmp_path) as one:
        await one.hostile.offer(EVIL, [entry])
        assert (await one.over(EVIL))[:2] == ("failed", "protocol")


@pytest.mark.parametrize("raw", [b'["a","file",-1,0]', b'["a","file",4611686018427387904,0]', b'["a","door",1,0]'])
async def test_an_entry_that_no_list_has_is_no_list(raw: bytes, tmp_path: Path) -> None:
    async with call(tmp_path, spares=False) as one:
        one.hostile.say(offer_of(EVIL, [of("a")]))
        await eventually(lambda: one.hostile.of(Have, EVIL))
        await one.hostile.put((LIST, packets.encode_list(EVIL, 1, [raw], whole=True)))
        assert (await one.over(EVIL))[:2] == ("failed", "protocol")


@pytest.mark.parametrize("first", [0, 2, 2**32 - 1])
async def test_a_page_that_does_not_come_next_ends_it(first: int, tmp_path: Path) -> None:
    async with call(tmp_path) as one:
        one.hostile.say(offer_of(EVIL, TREE))
        await eventually(lambda: one.hostile.of(Have, EVIL))
        await one.hostile.put(page(EVIL, TREE, first))
        assert (await one.over(EVIL))[:2] == ("failed", "protocol")


@pytest.mark.parametrize("accepted", [False, True])
async def test_the_list_again_ends_it(accepted: bool, tmp_path: Path) -> None:
    async with call(tmp_path) as one:
        await one.hostile.offer(EVIL, TREE)
        if accepted:
            await one.accepted(EVIL)
        await one.hostile.put(page(EVIL, TREE))
        assert (await one.over(EVIL))[:2] == ("failed", "protocol")


async def test_a_list_that_never_comes_waits_and_can_be_refused(tmp_path: Path) -> None:
    async with call(tmp_path) as one:
        one.hostile.say(offer_of(EVIL, TREE))
        await eventually(lambda: one.hostile.of(Have, EVIL))
        await one.hostile.put(*[page(EVIL, [], whole=False)] * 100)
        one.honest.ask(AnswerOffer(EVIL, True, folder=str(one.place)))
        await one.settle()
        assert not one.hostile.of(Answer, EVIL)
        one.honest.ask(AnswerOffer(EVIL, False))
        assert await one.over(EVIL) == ("refused", "refused", "")


async def test_a_thousand_equal_names_end_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "NAME_TRIES", 20)
    async with call(tmp_path) as one:
        await one.hostile.offer(EVIL, [folder("t"), *(of("t/same") for _ in range(21))])
        assert await one.over(EVIL) == ("failed", "protocol", "the same name again and again")


async def test_too_many_names_at_the_top_end_it(tmp_path: Path) -> None:
    async with call(tmp_path) as one:
        await one.hostile.offer(EVIL, [of(f"{number}") for number in range(limits.OFFER_PATHS + 1)])
        assert (await one.over(EVIL))[:2] == ("failed", "protocol")


async def test_lists_take_no_more_of_the_disk_than_they_may(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "LISTS_BYTES", 100_000)
    async with call(tmp_path) as one:
        entries = [folder("t"), *(of(f"t/{number:0100}") for number in range(200))]
        await one.hostile.offer(EVIL, entries)
        await eventually(lambda: one.honest.state(EVIL) == "offered")
        one.hostile.say(offer_of(EVIL + 2, entries), offer_of(EVIL + 4, entries))
        for number in (EVIL + 2, EVIL + 4):
            await eventually(lambda number=number: one.hostile.of(Have, number))  # type: ignore[misc]
            await one.hostile.put(page(number, entries))
        await eventually(lambda: "failed" in (one.honest.state(EVIL + 2), one.honest.state(EVIL + 4)))
        assert "too-many" in (one.honest.transfers[EVIL + 2].cause, one.honest.transfers[EVIL + 4].cause)
        await one.accepted(EVIL)  # what was offered before counts still
        one.honest.ask(*(AnswerOffer(number, False) for number in (EVIL + 2, EVIL + 4)))


async def test_two_hundred_thousand_entries_are_taken(tmp_path: Path) -> None:
    count, each = 200_000, 4000
    async with call(tmp_path) as one:
        one.hostile.say(Offer(EVIL, count, 1, 0, ("t/",)))
        await eventually(lambda: one.hostile.of(Have, EVIL))
        await one.hostile.put(page(EVIL, [folder("t")], whole=False))
        for first in range(2, count + 2, each):
            entries = [of(f"t/{number}", 0) for number in range(first, min(first + each, count + 2))]
            await one.hostile.put(page(EVIL, entries, first, whole=first + each >= count + 2))
        one.honest.ask(AnswerOffer(EVIL, True, folder=str(one.place), only=("t/77",)))
        await eventually(lambda: one.hostile.of(Answer, EVIL))
        await one.hostile.put(small(EVIL, (77, b"")))
        assert await one.over(EVIL) == ("done", "", "")
        assert one.arrived["t/77"] == b""


# --- garbage -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [LIST, BLOCK, WHOLE, END, SKIP, b"NEW0", b"\xff\xff\xff\xff"])
async def test_garbage_ends_what_comes_from_that_side_or_nothing(kind: bytes, tmp_path: Path) -> None:
    async with call(tmp_path, spares=False) as one:

        @given(st.lists(st.binary(max_size=200) | st.binary(max_size=60).map(lambda end: bytes(7) + b"\x01" + end)))
        @settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
        def make(some: list[bytes]) -> None:
            garbage.extend((kind, each) for each in some)

        garbage: list[tuple[bytes, bytes]] = [(kind, b""), (kind, bytes(7)), (kind, b"\xff" * 100)]
        make()
        await one.hostile.put(*garbage)
        await one.settle()
        if kind in (LIST, BLOCK, WHOLE, END, SKIP):
            assert (await one.over(1))[:2] == ("failed", "protocol")
            partial = await eventually(lambda: one.honest.transfers[1].partial)
            assert Path(partial).read_bytes() == OTHER[:100_000]  # what came is kept, and named
        else:
            await one.finish_bystander()
