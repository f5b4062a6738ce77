"""A peer that sends what can't come: its own transfer fails with a cause, and nothing else is hurt."""

from pathlib import Path
from typing import Any

import pytest

from actors.files.packets import Entry
from actors.messages import AnswerOffer
from actors.peer import Done, Offer, Stop
from relay import limits
from tests.actors.files.hostile import (
    BYSTANDER,
    Call,
    Packet,
    call,
    end,
    of,
    offer_of,
    page,
    piece,
    skip,
    small,
)
from tests.actors.files.support import tree_hash
from tests.support import eventually

pytestmark = pytest.mark.long


EVIL = 3  # the number of its transfer
BIG = bytes(range(200)) * 25_000  # 5 MB: a block and a part of one
BLOCK = limits.BLOCK_BYTES
LIST = [of("a"), of("big", len(BIG)), of("c")]
A = small(EVIL, (1, b"aa"))
FIRST_BLOCK = [piece(EVIL, 2, BIG[at : at + 1_000_000], 0, at) for at in range(0, 4_000_000, 1_000_000)]
FIRST_BLOCK.append(piece(EVIL, 2, BIG[4_000_000:BLOCK], 0, 4_000_000))
SECOND_BLOCK = piece(EVIL, 2, BIG[BLOCK:], 1)
WHOLE_BIG = [*FIRST_BLOCK, SECOND_BLOCK, end(EVIL, 2, len(BIG), tree_hash(BIG))]
C = small(EVIL, (3, b"cc"))


async def accept_list(one: Call, *, listed: list[Entry] | None = None) -> None:
    await one.offered(EVIL, listed or LIST)


OUT_OF_STEP: dict[str, list[Packet]] = {
    "a small file before its turn": [C],
    "a small file twice": [A, A],
    "a file twice in one packet": [small(EVIL, (1, b"aa"), (1, b"aa"))],
    "two files in the wrong order": [small(EVIL, (3, b"cc"), (1, b"aa"))],
    "a small file that is longer than its list says": [small(EVIL, (1, b"aaa"))],
    "a small file that is shorter": [small(EVIL, (1, b"a"))],
    "a small file as a block": [piece(EVIL, 1, b"aa")],
    "a large file among small ones": [A, small(EVIL, (2, b"big"))],
    "entry 0": [small(EVIL, (0, b""))],
    "an entry that no list has": [piece(EVIL, 4, b"more")],
    "the greatest entry there is": [piece(EVIL, 2**32 - 1, b"more")],
    "a block before its turn": [A, SECOND_BLOCK],
    "the greatest block there is": [A, piece(EVIL, 2, b"x", 2**32 - 1, 2**32 - 1)],
    "a piece that leaves a gap": [A, piece(EVIL, 2, BIG[:10]), piece(EVIL, 2, BIG[11:20], 0, 11)],
    "a piece twice": [A, piece(EVIL, 2, BIG[:10]), piece(EVIL, 2, BIG[:10])],
    "a piece that begins in the one before": [A, piece(EVIL, 2, BIG[:10]), piece(EVIL, 2, BIG[9:20], 0, 9)],
    "a piece without bytes": [A, piece(EVIL, 2, b"")],
    "a piece that reaches into the next block": [A, *FIRST_BLOCK[:4], piece(EVIL, 2, bytes(200_000), 0, 4_000_000)],
    "a piece beyond the end of the file": [A, *FIRST_BLOCK, piece(EVIL, 2, bytes(len(BIG) - BLOCK + 1), 1)],
    "one more block than there are": [A, *FIRST_BLOCK, SECOND_BLOCK, piece(EVIL, 2, b"x", 2)],
    "an end after the first block": [A, *FIRST_BLOCK, end(EVIL, 2, len(BIG), tree_hash(BIG))],
    "an end within a block": [A, FIRST_BLOCK[0], end(EVIL, 2, 1_000_000, tree_hash(BIG[:1_000_000]))],
    "an end with another size": [A, *FIRST_BLOCK, SECOND_BLOCK, end(EVIL, 2, len(BIG) - 1, tree_hash(BIG))],
    "an end with the greatest size there is": [A, *FIRST_BLOCK, SECOND_BLOCK, end(EVIL, 2, 2**64 - 1)],
    "an end of a small file": [end(EVIL, 1, 2, tree_hash(b"aa"))],
    "an end of another file": [A, end(EVIL, 3, 2, tree_hash(b"cc"))],
    "a skip of another file": [skip(EVIL, 2)],
    "a skip twice": [skip(EVIL, 1), skip(EVIL, 1)],
    "a skip of what has come": [A, skip(EVIL, 1)],
}


@pytest.mark.parametrize("sent", OUT_OF_STEP.values(), ids=OUT_OF_STEP)
async def test_what_is_out_of_step_ends_its_own_transfer(sent: list[Packet], tmp_path: Path) -> None:
    async with call(tmp_path) as one:
        await accept_list(one)
        await one.hostile.put(*sent)
        assert (await one.over(EVIL))[:2] == ("failed", "out-of-step")
        assert one.honest.end(EVIL)[2], "says what came"
        await eventually(lambda: one.hostile.stops(EVIL) == ["out-of-step"])
        assert one.arrived.get("a", b"aa") == b"aa"
        assert not {"big", "c"} & one.arrived.keys()


async def test_what_was_whole_before_the_fault_stays_and_the_part_is_named(tmp_path: Path) -> None:
    async with call(tmp_path) as one:
        await accept_list(one)
        await one.hostile.put(A, *FIRST_BLOCK)
        await one.written("big")
        await one.hostile.put(C)
        assert (await one.over(EVIL))[:2] == ("failed", "out-of-step")
        partial = await eventually(lambda: one.honest.transfers[EVIL].partial)
        assert Path(partial).parent == one.place
        assert Path(partial).name.endswith(".visavis-part")
        assert BIG.startswith(Path(partial).read_bytes())


@pytest.mark.parametrize("sent", [A, piece(EVIL, 2, b"x"), end(EVIL, 1, 2), skip(EVIL, 1)], ids=["W", "B", "E", "S"])
async def test_files_before_the_answer_end_the_offer(sent: Packet, tmp_path: Path) -> None:
    async with call(tmp_path) as one:
        await one.hostile.offer(EVIL, LIST)
        await one.hostile.put(sent)
        assert await one.over(EVIL) == ("failed", "out-of-step", "before the answer")
        await eventually(lambda: one.hostile.stops(EVIL) == ["out-of-step"])


@pytest.mark.parametrize("sent", [A, piece(EVIL, 2, b"x"), end(EVIL, 1, 2), skip(EVIL, 1), page(EVIL, LIST)])
async def test_packets_of_a_transfer_that_nobody_knows_are_passed_over(sent: Packet, tmp_path: Path) -> None:
    async with call(tmp_path) as one:
        await one.hostile.put(sent)
        await one.hostile.put((sent[0], (2).to_bytes(8, "big") + sent[1][8:]), (sent[0], b"\xff" * 8 + sent[1][8:]))


async def test_packets_after_done_change_nothing(tmp_path: Path) -> None:
    async with call(tmp_path) as one:
        await accept_list(one)
        await one.hostile.put(A, *WHOLE_BIG, C)
        assert await one.over(EVIL) == ("done", "", "")
        await one.hostile.put(A, C, piece(EVIL, 2, b"x"), end(EVIL, 3, 2), skip(EVIL, 3), page(EVIL, LIST))
        one.hostile.say(Stop(EVIL, "cancelled"), Done(EVIL, 99, 99))
        await one.check()
        assert one.honest.end(EVIL) == ("done", "", "")
        assert (one.arrived["a"], one.arrived["big"], one.arrived["c"]) == (b"aa", BIG, b"cc")
        assert one.hostile.of(Done, EVIL) == [Done(EVIL, 3, len(BIG) + 4)]
        assert one.hostile.stops(EVIL) == []


async def test_files_with_a_wrong_hash_are_not_kept_and_the_others_are(tmp_path: Path) -> None:
    async with call(tmp_path) as one:
        await accept_list(one)
        await one.hostile.put(small(EVIL, (1, b"aa"), wrong=True), *WHOLE_BIG[:-1], end(EVIL, 2, len(BIG)), C)
        assert await one.over(EVIL) == ("done", "", "")
        assert one.honest.notes(EVIL) == [("a", "hash"), ("big", "hash")]
        assert one.honest.transfers[EVIL].missed == 2
        await eventually(lambda: one.hostile.of(Done, EVIL))
        assert one.hostile.of(Done, EVIL)[0].missed == 2
        assert not {"a", "big"} & one.arrived.keys()
        assert one.arrived["c"] == b"cc"


@pytest.mark.parametrize(
    "sent", [small(EVIL, (1, b"aa"), (3, b"cc")), FIRST_BLOCK[0], skip(EVIL, 3)], ids=["W", "B", "S"]
)
async def test_files_that_were_not_taken_may_not_come(sent: Packet, tmp_path: Path) -> None:
    async with call(tmp_path) as one:
        await one.hostile.offer(EVIL, LIST)
        await one.accepted(EVIL, only=("a",))
        await one.hostile.put(sent)
        assert (await one.over(EVIL))[:2] == ("failed", "out-of-step")
        assert "c" not in one.arrived


async def test_what_is_out_of_step_in_one_transfer_leaves_the_others_alone(tmp_path: Path) -> None:
    async with call(tmp_path, spares=False) as one:
        await accept_list(one)
        await one.hostile.put(A, FIRST_BLOCK[0], piece(BYSTANDER, 1, b"x"))
        assert (await one.over(BYSTANDER))[:2] == ("failed", "out-of-step")
        await one.hostile.put(*FIRST_BLOCK[1:], *WHOLE_BIG[len(FIRST_BLOCK) :], C)
        assert await one.over(EVIL) == ("done", "", "")


async def test_a_reason_that_nobody_knows_counts_as_unreadable(tmp_path: Path) -> None:
    async with call(tmp_path) as one:
        await accept_list(one)
        await one.hostile.put(skip(EVIL, 1, "aliens"), skip(EVIL, 2, "changed"), C)
        assert await one.over(EVIL) == ("done", "", "")
        assert one.honest.notes(EVIL) == [("a", "unreadable"), ("big", "changed")]


async def test_a_stream_whose_end_is_wrong_is_not_kept(tmp_path: Path) -> None:
    async with call(tmp_path) as one:
        await accept_list(one, listed=[Entry("stdin", "stream", None, 0)])
        await one.hostile.put(piece(EVIL, 1, b"hello"), end(EVIL, 1, 4, tree_hash(b"hello")))
        assert await one.over(EVIL) == ("done", "", "")
        assert one.honest.notes(EVIL) == [("stdin", "hash")]
        assert "stdin" not in one.arrived


# --- offers ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [2, 4, 2**62])
async def test_an_offer_with_a_number_of_ours_is_refused(number: int, tmp_path: Path) -> None:
    async with call(tmp_path) as one:
        one.hostile.say(offer_of(number, LIST))
        await eventually(lambda: one.hostile.stops(number) == ["protocol"])
        assert number not in one.honest.transfers


async def test_an_offer_with_a_number_of_ours_does_not_touch_the_one_that_has_it(tmp_path: Path) -> None:
    async with call(tmp_path) as one:
        number = await one.honest.offer(one.ground / "outside")
        one.hostile.say(offer_of(number, LIST))
        await eventually(lambda: one.hostile.stops(number))
        assert one.honest.transfers[number].mine
        assert one.honest.state(number) == "offered"


async def test_an_offer_with_a_known_number_is_refused_and_the_first_goes_on(tmp_path: Path) -> None:
    async with call(tmp_path) as one:
        await accept_list(one)
        one.hostile.say(offer_of(EVIL, LIST))
        await eventually(lambda: one.hostile.stops(EVIL) == ["protocol"])
        await one.hostile.put(A, *WHOLE_BIG, C)
        assert await one.over(EVIL) == ("done", "", "")


async def test_an_offer_with_the_number_of_one_that_is_over_is_refused(tmp_path: Path) -> None:
    async with call(tmp_path) as one:
        await one.hostile.offer(EVIL, LIST)
        one.hostile.say(Stop(EVIL, "cancelled"))
        assert await one.over(EVIL) == ("cancelled", "cancelled", "there")
        one.hostile.say(offer_of(EVIL, LIST))
        await eventually(lambda: one.hostile.stops(EVIL) == ["protocol"])
        assert one.honest.end(EVIL) == ("cancelled", "cancelled", "there")


async def test_an_offer_may_be_late_but_no_number_comes_twice(tmp_path: Path) -> None:
    async with call(tmp_path) as one:
        one.hostile.say(*(offer_of(number, LIST) for number in (2**30 + 1, 2**30 - 1, 2**30 - 1, 2**30 + 1, EVIL)))
        await eventually(lambda: one.hostile.stops(2**30 - 1) == one.hostile.stops(2**30 + 1) == ["protocol"])
        await eventually(lambda: one.hostile.stops(EVIL) == ["protocol"])  # so late comes none
        assert one.honest.state(2**30 + 1) == one.honest.state(2**30 - 1) == "offered"
        assert EVIL not in one.honest.transfers


async def test_a_seventeenth_offer_is_refused(tmp_path: Path) -> None:
    async with call(tmp_path) as one:
        numbers = range(EVIL, EVIL + 2 * limits.OPEN_OFFERS + 2, 2)
        one.hostile.say(*(offer_of(number, LIST) for number in numbers))
        await eventually(lambda: one.hostile.stops(numbers[-1]) == ["offers-open"])
        assert numbers[-1] not in one.honest.transfers
        assert all(one.honest.state(number) == "offered" for number in numbers[:-1])
        one.honest.ask(*(AnswerOffer(number, False) for number in numbers[:-1]))
        await eventually(lambda: all(one.hostile.stops(number) == ["refused"] for number in numbers[:-1]))


async def test_a_sixty_fifth_transfer_that_is_not_over_is_refused(tmp_path: Path) -> None:
    async with call(tmp_path) as one:
        numbers = range(EVIL, EVIL + 2 * limits.OPEN_TRANSFERS, 2)  # the one under way counts
        for number in numbers[:-1]:
            await one.offered(number, [of(f"file-{number}")])
        one.hostile.say(offer_of(numbers[-1], LIST))
        await eventually(lambda: one.hostile.stops(numbers[-1]) == ["offers-open"])
        for number in numbers[:-1]:
            await one.hostile.put(small(number, (1, b"ok")))
        await eventually(lambda: all(one.honest.state(number) == "done" for number in numbers[:-1]))


async def test_an_offer_of_nothing_is_taken_for_what_it_is(tmp_path: Path) -> None:
    async with call(tmp_path) as one:
        await one.offered(EVIL, [])
        assert await one.over(EVIL) == ("done", "", "")


@pytest.mark.parametrize("reason", ["refused", "cancelled", "aliens", "disk-full", "call-over"])
async def test_why_the_sender_stops_is_shown_as_it_says(reason: str, tmp_path: Path) -> None:
    async with call(tmp_path) as one:
        await accept_list(one)
        one.hostile.say(Stop(EVIL, reason, "said \x1b[2J"))
        state, cause, detail = await one.over(EVIL)
        assert (state, cause) == ("cancelled" if reason == "cancelled" else "failed", reason)
        assert detail == ("there" if reason == "cancelled" else "said \x1b[2J")


@pytest.mark.parametrize(
    "wrong", [{"files": -1}, {"files": 2**20}, {"size": -1}, {"size": 2**64}, {"names": ("x",) * 101}, {"folders": "1"}]
)
async def test_an_offer_that_no_visavis_makes_ends_the_call_with_a_cause(wrong: Any, tmp_path: Path) -> None:
    async with call(tmp_path, goes_on=False) as one:
        one.hostile.say(Offer(**{"transfer": EVIL, "files": 1, "folders": 0, "size": 1, "names": (), **wrong}))
        await eventually(lambda: one.honest.over)
        assert one.honest.over is not None
        assert one.honest.over.cause == "protocol"
        await eventually(one.honest.returned.is_set)
        assert one.honest.end(1) == ("failed", "call-over", "")
