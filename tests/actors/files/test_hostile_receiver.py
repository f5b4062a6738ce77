"""A peer that misbehaves as the receiver of our offers: nothing but its own transfer is hurt."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from actors.files.packets import FileEnd, ListPage, SmallFiles
from actors.messages import CancelTransfer
from actors.peer import Answer, DiskWaits, Done, First, Missed, Offer, Stop
from relay import limits
from tests.actors.files.hostile import Call, call
from tests.actors.files.support import write
from tests.support import eventually

pytestmark = pytest.mark.long


BIG = bytes(range(200)) * 25_000  # 5 MB: a block and a part of one


@asynccontextmanager
async def offering(tmp_path: Path, **kinds: bool) -> AsyncIterator[tuple[Call, int]]:
    """Our offer of a folder with a, big, c. Afterwards another offer of ours passes as ever."""
    write(tmp_path / "outside" / "tree" / "a", b"aa")
    write(tmp_path / "outside" / "tree" / "big", BIG)
    write(tmp_path / "outside" / "tree" / "c", b"cc")
    async with call(tmp_path, **kinds) as one:
        number = await one.honest.offer(tmp_path / "outside" / "tree")
        yield one, number
        if kinds.get("goes_on", True):
            other = await one.honest.offer(tmp_path / "outside" / "precious.txt")
            await one.hostile.receive(other)
            assert await one.over(other) == ("done", "", "")


def sent(one: Call, number: int) -> list[Any]:
    """What came of files."""
    return [said for said in one.hostile.came if said.transfer == number and not isinstance(said, ListPage)]


async def test_nothing_is_sent_before_have_nor_files_before_the_answer(tmp_path: Path) -> None:
    async with offering(tmp_path) as (one, number):
        await eventually(lambda: one.hostile.of(Offer, number) and one.hostile.lane)
        await one.settle()
        assert not [said for said in one.hostile.came if said.transfer == number]
        assert [entry.path for entry in await one.hostile.take_list(number)] == ["tree", "tree/a", "tree/big", "tree/c"]
        await one.settle()
        assert sent(one, number) == []


# --- answers -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("runs", [((2, 1),), ((1, 2), (2, 3)), ((3, 3), (1, 1)), ((1, 1), (1, 1))])
async def test_runs_that_do_not_rise_end_the_transfer(runs: tuple[tuple[int, int], ...], tmp_path: Path) -> None:
    async with offering(tmp_path) as (one, number):
        await one.hostile.take_list(number)
        one.hostile.say(Answer(number, runs))
        assert await one.over(number) == ("failed", "protocol", "runs")
        await eventually(lambda: one.hostile.stops(number) == ["protocol"])
        assert sent(one, number) == []


async def test_runs_beyond_the_list_bring_nothing(tmp_path: Path) -> None:
    async with offering(tmp_path) as (one, number):
        await one.hostile.take_list(number)
        one.hostile.say(Answer(number, ((4, 4), (5, limits.OFFER_ENTRIES))))
        await eventually(lambda: sent(one, number))
        await one.settle()
        assert [[small.entry for small in said.files] for said in sent(one, number)] == [[4]]
        one.hostile.say(Done(number, 1, 2))
        assert await one.over(number) == ("done", "", "")


@pytest.mark.parametrize("runs", [((0, 1),), ((1, limits.OFFER_ENTRIES + 1),), ((-1, 1),), ((1, 1),) * 20_001])
async def test_an_answer_that_no_visavis_gives_ends_the_call_with_a_cause(
    runs: tuple[tuple[int, int], ...], tmp_path: Path
) -> None:
    async with offering(tmp_path, goes_on=False) as (one, number):
        one.hostile.say(Answer(number, runs))
        await eventually(lambda: one.honest.over)
        assert one.honest.over is not None
        assert one.honest.over.cause == "protocol"
        await eventually(one.honest.returned.is_set)
        assert one.honest.end(number) == ("failed", "call-over", "")


async def test_a_second_answer_counts_for_nothing(tmp_path: Path) -> None:
    async with offering(tmp_path) as (one, number):
        await one.hostile.take_list(number)
        one.hostile.say(Answer(number, ((2, 2),)), Answer(number), Answer(number, ((2, 1),)))
        await eventually(lambda: sent(one, number))
        await one.settle()
        assert [[small.entry for small in said.files] for said in sent(one, number)] == [[2]]
        one.hostile.say(Done(number, 1, 2))
        assert await one.over(number) == ("done", "", "")


async def test_an_answer_after_the_end_counts_for_nothing(tmp_path: Path) -> None:
    async with offering(tmp_path) as (one, number):
        await one.hostile.take_list(number)
        one.hostile.say(Stop(number, "refused"), Answer(number))
        assert await one.over(number) == ("refused", "refused", "")
        await one.settle()
        assert sent(one, number) == []
        assert one.honest.state(number) == "refused"


async def test_an_answer_before_the_list_was_asked_for_is_taken(tmp_path: Path) -> None:
    async with offering(tmp_path) as (one, number):
        one.hostile.say(Answer(number))
        await one.hostile.receive(number)
        assert await one.over(number) == ("done", "", "")


async def test_answers_to_offers_that_do_not_exist_count_for_nothing(tmp_path: Path) -> None:
    async with offering(tmp_path) as (one, number):
        for wrong in (number + 2, 1, 3, 2**63 - 1):
            one.hostile.say(Answer(wrong), Missed(wrong, 1, "hash"), Stop(wrong + 2**62 if wrong < 9 else wrong, "x"))
        await one.settle()
        assert one.honest.state(number) == "offered"


# --- done, missed, stop ------------------------------------------------------------------------------------------


async def test_done_before_the_answer_counts_for_nothing(tmp_path: Path) -> None:
    async with offering(tmp_path) as (one, number):
        await eventually(lambda: one.hostile.of(Offer, number))
        one.hostile.say(Done(number, 3, 5_000_004))
        await one.settle()
        assert one.honest.state(number) == "offered"
        await one.hostile.receive(number)
        assert await one.over(number) == ("done", "", "")


async def test_done_before_anything_was_sent_is_believed_as_far_as_it_can_be(tmp_path: Path) -> None:
    async with offering(tmp_path) as (one, number):
        await one.hostile.take_list(number)
        one.hostile.say(Answer(number), Done(number, 2**63 - 1, 2**63 - 1, 2**63 - 1))
        assert await one.over(number) == ("done", "", "")
        now = one.honest.transfers[number]
        assert (now.moved_files, now.moved, now.missed) == (3, len(BIG) + 4, 4)


async def test_done_after_we_cancelled_counts_and_once_more_changes_nothing(tmp_path: Path) -> None:
    async with offering(tmp_path) as (one, number):
        await one.hostile.take_list(number)
        one.hostile.say(Answer(number))
        await eventually(lambda: one.hostile.of(SmallFiles, number))
        one.honest.ask(CancelTransfer(number))
        await eventually(lambda: one.hostile.stops(number) == ["cancelled"])
        one.hostile.say(Done(number, 3, len(BIG) + 4), Done(number, 1, 1, 2), Stop(number, "cancelled"))
        await eventually(lambda: one.honest.state(number) == "done")
        await one.settle()
        assert one.honest.end(number) == ("done", "", "")
        assert one.honest.transfers[number].moved_files == 3


async def test_missed_ten_thousand_times_is_told_a_hundred_times(tmp_path: Path) -> None:
    async with offering(tmp_path) as (one, number):
        await one.hostile.take_list(number)
        one.hostile.say(Answer(number))
        for _ in range(20):
            for entry in range(500):
                one.hostile.say(Missed(number, (0, 2, 3, limits.OFFER_ENTRIES + 1)[entry % 4], "aliens"))
            await eventually(
                lambda: one.hostile.session._kept.outbox.last == one.hostile.session._kept.outbox.delivered
            )
        await one.settle()
        assert len(one.honest.notes(number)) == limits.NOTES
        assert set(one.honest.notes(number)) == {("tree/a", "aliens"), ("tree/big", "aliens")}
        one.hostile.say(Done(number, 3, len(BIG) + 4))
        assert await one.over(number) == ("done", "", "")


@pytest.mark.parametrize("reason", ["refused", "cancelled", "aliens", "disk-full"])
@pytest.mark.parametrize("answered", [False, True])
async def test_why_the_receiver_stops_is_shown_as_it_says(reason: str, answered: bool, tmp_path: Path) -> None:
    async with offering(tmp_path) as (one, number):
        await one.hostile.take_list(number)
        if answered:
            one.hostile.say(Answer(number))
        one.hostile.say(Stop(number, reason, "said"), Stop(number, "again"))
        state, cause, detail = await one.over(number)
        assert (state, cause) == ({"refused": "refused", "cancelled": "cancelled"}.get(reason, "failed"), reason)
        assert detail == {"refused": "", "cancelled": "there"}.get(reason, "said")
        await one.settle()
        assert one.honest.end(number) == (state, cause, detail)


@pytest.mark.parametrize("reason", ["", "Refused", "a b", "x" * 33, "\x1b[2J"])
async def test_a_reason_that_is_no_code_ends_the_call_with_a_cause(reason: str, tmp_path: Path) -> None:
    async with offering(tmp_path, goes_on=False) as (one, number):
        one.hostile.say(Stop(number, reason))
        await eventually(lambda: one.honest.over)
        assert one.honest.over is not None
        assert one.honest.over.cause == "protocol"


# --- have --------------------------------------------------------------------------------------------------------

ABSURD = [
    {"entry": limits.OFFER_ENTRIES + 1},
    {"entry": limits.OFFER_ENTRIES + 1, "block": 2**32 - 1, "offset": limits.BLOCK_BYTES - 1},
    {"entry": 3, "block": 2**32 - 1},
    {"entry": 3, "block": 1, "offset": limits.BLOCK_BYTES - 1},
    {"entry": 3, "block": 2, "offset": 7},
    {"entry": 2, "block": 1},
    {"entry": 1, "block": 5},
    {"entry": 0, "block": 9, "offset": 9},
    {"listed": limits.OFFER_ENTRIES + 1},
    {"files": 2**63 - 1, "size": 2**63 - 1},
]


@pytest.mark.parametrize("wrong", ABSURD)
async def test_absurd_numbers_in_have_hurt_nobody_but_who_says_them(wrong: dict[str, int], tmp_path: Path) -> None:
    async with offering(tmp_path) as (one, number):
        await one.hostile.take_list(number)
        one.hostile.say(Answer(number))
        await eventually(lambda: one.hostile.of(FileEnd, number))
        await one.hostile.open_lane()
        await one.hostile.have(number, **{"listed": 4, **wrong})
        await one.settle()
        assert one.honest.state(number) == "moving"
        one.hostile.say(Stop(number, "cancelled"))
        assert await one.over(number) == ("cancelled", "cancelled", "there")
        for each in [one.honest.transfers[number], *one.honest.progress(number)]:
            assert 0 <= each.moved <= len(BIG) + 4
            assert 0 <= each.moved_files <= 3


async def test_have_that_goes_backwards_sends_it_again(tmp_path: Path) -> None:
    async with offering(tmp_path) as (one, number):
        await one.hostile.take_list(number)
        one.hostile.say(Answer(number))
        for times in range(1, 4):
            await eventually(lambda times=times: len(one.hostile.of(FileEnd, number)) == times)  # type: ignore[misc]
            await one.hostile.have(number, files=3, size=len(BIG))  # on this connection it changes nothing
            await one.settle()
            assert len(one.hostile.of(FileEnd, number)) == times
            await one.hostile.open_lane()
            await one.hostile.have(number, listed=4, entry=3, block=0, files=0, size=0)
        one.hostile.say(Done(number, 3, len(BIG) + 4))
        assert await one.over(number) == ("done", "", "")


async def test_have_of_another_generation_sends_nothing_and_the_next_transfer_goes_on(tmp_path: Path) -> None:
    async with offering(tmp_path) as (one, number):
        await eventually(lambda: one.hostile.of(Offer, number) and one.hostile.lane)
        one.hostile.say(Answer(number))
        for generation in (2, 7, 2**31 - 1):
            await one.hostile.have(number, generation=generation)
        await one.settle()
        assert not [said for said in one.hostile.came if said.transfer == number]


async def test_have_before_the_offer_and_of_nothing_count_for_nothing(tmp_path: Path) -> None:
    async with offering(tmp_path) as (one, number):
        for wrong in (number + 2, 1, 3, 2**63 - 1):
            await one.hostile.have(wrong, listed=1000, entry=1000)
        await one.hostile.receive(number)
        assert await one.over(number) == ("done", "", "")


async def test_first_and_disk_waits_again_and_again_change_nothing_for_others(tmp_path: Path) -> None:
    async with offering(tmp_path) as (one, number):
        refused = await one.honest.offer(tmp_path / "outside" / "precious.txt")
        await one.hostile.take_list(number)
        one.hostile.say(Answer(number), Stop(refused, "refused"))
        await eventually(lambda: one.honest.state(number) == "moving" and one.honest.state(refused) == "refused")
        before = len(one.honest.events)
        for at in range(300):
            await one.hostile.tell(First((refused, 1, 999)[at % 3]))
            await one.hostile.tell(DiskWaits((number, 1, 999)[at % 3], at % 2 == 0))
        await one.settle()
        told = [event for event in one.honest.events[before:] if getattr(event, "transfer", None)]
        assert not [event for event in told if event.transfer.id in (number, refused)]
        one.hostile.say(Done(number, 3, len(BIG) + 4))
        assert await one.over(number) == ("done", "", "")


# --- the lane ----------------------------------------------------------------------------------------------------


async def test_garbage_on_the_lane_does_not_touch_what_we_send(tmp_path: Path) -> None:
    async with offering(tmp_path, spares=False) as (one, number):
        await one.hostile.take_list(number)
        await one.hostile.put((b"BLK0", b"short"))
        await eventually(lambda: one.honest.state(1) == "failed")
        await one.hostile.receive(number)
        assert await one.over(number) == ("done", "", "")


async def test_a_lane_that_is_replaced_again_and_again_carries_on_in_the_end(tmp_path: Path) -> None:
    async with offering(tmp_path) as (one, number):
        await one.hostile.take_list(number)
        one.hostile.say(Answer(number))
        for _ in range(10):
            await one.hostile.open_lane()
        await one.hostile.have(number, listed=4)
        await eventually(lambda: one.hostile.of(FileEnd, number))
        one.hostile.say(Done(number, 3, len(BIG) + 4))
        assert await one.over(number) == ("done", "", "")


async def test_a_lane_that_the_peer_closes_again_and_again_is_opened_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "RECONNECT_MAX_SECONDS", 0.05)
    async with offering(tmp_path) as (one, number):
        await one.hostile.take_list(number)
        one.hostile.say(Answer(number))
        for _ in range(5):
            lane = await eventually(lambda: one.hostile.lane)
            lane.outgoing.close()
            await eventually(lambda lane=lane: one.hostile.lane is not lane)  # type: ignore[misc]
        await eventually(lambda: one.hostile.lane)
        await one.hostile.have(number, listed=4)
        await eventually(lambda: one.hostile.of(FileEnd, number))
        one.hostile.say(Done(number, 3, len(BIG) + 4))
        assert await one.over(number) == ("done", "", "")
