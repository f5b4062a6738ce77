"""Two honest ends: queue, order, limits, and the end of a transfer from either side, in every state."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from actors.messages import (
    AnswerOffer,
    CancelTransfer,
    CommandRefused,
    ListOffer,
    OfferFiles,
    OfferListed,
    OfferRefused,
    PutFirst,
    TransferChanged,
)
from relay import limits
from relay.wire import Packet
from tests.actors.files.hostile import Honest, honest_pair
from tests.actors.files.support import contents, write
from tests.actors.mallory import CutError, Mallory, pass_on
from tests.support import eventually

pytestmark = pytest.mark.long


OVER = ("done", "refused", "cancelled", "failed")


class Pair:
    """Two ends; `a` offers what is in `source`, `b` takes it into `place`, unless a test says otherwise."""

    def __init__(self, a: Honest, b: Honest, mallory: Mallory, tmp_path: Path) -> None:
        self.a, self.b, self.mallory = a, b, mallory
        self.source, self.place = tmp_path / "source", tmp_path / "place"
        for folder in (self.source, self.place):
            folder.mkdir()

    def file(self, name: str, size: int = 100) -> Path:
        data = (name.encode() * (size // len(name) + 1))[:size]
        return write(self.source / name, data)

    async def offer(self, *names: str, size: int = 100) -> int:
        """A offers these; returns once B was asked."""
        number = await self.a.offer(*(self.file(name, size) for name in names))
        await eventually(lambda: self.b.state(number) == "offered")
        return number

    async def listed(self, end: Honest, number: int) -> OfferListed:
        """Wait until an end has the whole list; return the second and third of its entries."""

        def whole() -> OfferListed | None:
            end.ask(ListOffer(number, 2, 2))
            last = end.replies[-1] if end.replies else None
            return last if isinstance(last, OfferListed) and last.whole else None

        found: OfferListed = await eventually(whole)
        return found

    def accept(self, *numbers: int, **answer: Any) -> None:
        self.b.ask(*(AnswerOffer(number, True, folder=str(self.place), **answer) for number in numbers))

    async def both(self, number: int, *states: str) -> None:
        """Wait until both sides show one of these."""
        await eventually(lambda: {self.a.state(number), self.b.state(number)} <= set(states))

    def ends(self, number: int) -> list[tuple[str, str, str]]:
        return [self.a.end(number), self.b.end(number)]

    async def passes(self) -> None:
        """All is as ever: another transfer passes."""
        number = await self.offer("another")
        self.accept(number)
        await self.both(number, "done")
        assert (self.place / "another").read_bytes() == (self.source / "another").read_bytes()

    def hold_lane(self) -> None:
        """From now on connections of the lane carry nothing that is worth a packet."""

        def meddle(lane: str, sender: int, index: int, packet: Packet) -> bytes:
            if lane.startswith("file") and len(packet.payload) > 1000:
                return b""  # what comes after it cannot be opened: the connection ends
            return pass_on(lane, sender, index, packet)

        self.mallory.meddle = meddle

    def release_lane(self) -> None:
        self.mallory.meddle = pass_on


@pytest.fixture(autouse=True)
def soon_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections that were lost are made again at once."""
    for name in ("RECONNECT_MIN_SECONDS", "RECONNECT_MAX_SECONDS"):
        monkeypatch.setattr(limits, name, 0.02)


@asynccontextmanager
async def pair(tmp_path: Path) -> AsyncIterator[Pair]:
    async with honest_pair(tmp_path) as (a, b, mallory):
        yield Pair(a, b, mallory, tmp_path)
        assert a.over is b.over is None
        assert not a.returned.is_set()
        assert not b.returned.is_set()


async def test_both_sides_offer_at_once_and_both_arrive(tmp_path: Path) -> None:
    async with pair(tmp_path) as one:
        files = [one.file(f"{number}", 300_000) for number in range(8)]
        for number, file in enumerate(files):
            (one.a, one.b)[number % 2].ask(OfferFiles(f"r{number}", (str(file),)))
        for end in (one.a, one.b):
            await eventually(lambda end=end: len([1 for n in end.transfers if end.state(n) == "offered"]) == 8)  # type: ignore[misc]
        assert sorted(one.a.transfers) == sorted(one.b.transfers) == list(range(1, 9))
        for end in (one.a, one.b):
            mine = [now.id for now in end.transfers.values() if not now.mine]
            end.ask(*(AnswerOffer(number, True, folder=str(one.place)) for number in mine))
        for number in range(1, 9):
            await one.both(number, "done")
        assert contents(one.place) == contents(one.source)


async def test_the_same_offer_from_a_screen_that_came_back_is_made_once(tmp_path: Path) -> None:
    async with pair(tmp_path) as one:
        offer = OfferFiles("same", (str(one.file("a")),))
        one.a.ask(offer, offer)
        await eventually(lambda: one.b.state(1) == "offered")
        one.a.ask(offer)
        await one.offer("b")
        assert sorted(one.a.transfers) == [1, 3]


async def test_accepted_transfers_move_in_the_order_of_their_offers(tmp_path: Path) -> None:
    async with pair(tmp_path) as one:
        numbers = [await one.offer(name, size=3 * limits.BLOCK_BYTES) for name in ("one", "two", "three")]
        one.hold_lane()
        one.accept(*reversed(numbers))
        await eventually(lambda: [one.a.transfers[n].place for n in numbers] == [1, 2, 3])
        one.release_lane()
        for number in numbers:
            await one.both(number, "done")
        assert ends_in_order(one.b) == numbers
        assert [one.a.transfers[n].place for n in numbers] == [0, 0, 0]


@pytest.mark.parametrize("by", ["sender", "receiver"])
async def test_either_side_puts_one_first(by: str, tmp_path: Path) -> None:
    async with pair(tmp_path) as one:
        numbers = [await one.offer(name, size=3 * limits.BLOCK_BYTES) for name in ("one", "two", "three")]
        one.hold_lane()
        one.accept(*numbers)
        await eventually(lambda: [one.a.transfers[n].place for n in numbers] == [1, 2, 3])
        (one.a if by == "sender" else one.b).ask(PutFirst(numbers[2]))
        await eventually(lambda: [one.a.transfers[n].place for n in numbers] == [2, 3, 1])
        one.release_lane()
        for number in numbers:
            await one.both(number, "done")
        assert ends_in_order(one.b) == [numbers[2], numbers[0], numbers[1]]


def ends_in_order(end: Honest) -> list[int]:
    changes = [event.transfer for event in end.events if isinstance(event, TransferChanged)]
    return list(dict.fromkeys(now.id for now in changes if now.state == "done"))


# --- limits and refusals -----------------------------------------------------------------------------------------


async def test_a_seventeenth_offer_is_refused_here(tmp_path: Path) -> None:
    async with pair(tmp_path) as one:
        numbers = [await one.offer(f"{number}") for number in range(limits.OPEN_OFFERS)]
        one.a.ask(OfferFiles("more", (str(one.file("more")),)))
        await eventually(lambda: OfferRefused(id="more", cause="offers-open") in one.a.replies)
        one.b.ask(AnswerOffer(numbers[0], False))
        await one.both(numbers[0], "refused")
        await one.passes()


async def test_a_path_that_is_missing_is_refused(tmp_path: Path) -> None:
    async with pair(tmp_path) as one:
        one.a.ask(OfferFiles("none", (str(one.source / "none"),)))
        await eventually(lambda: one.a.replies)
        assert one.a.replies == [OfferRefused(id="none", cause="path-missing", detail=str(one.source / "none"))]
        assert not one.a.transfers


async def test_commands_for_what_does_not_exist_or_is_over_are_refused(tmp_path: Path) -> None:
    async with pair(tmp_path) as one:
        number = await one.offer("a")
        one.b.ask(AnswerOffer(number, False))
        await one.both(number, "refused")
        for other in (number, 99):
            one.b.ask(CancelTransfer(other), PutFirst(other), AnswerOffer(other, True, folder=str(one.place)))
        await eventually(lambda: len(one.b.replies) == 6)
        assert {type(reply) for reply in one.b.replies} == {CommandRefused}
        assert {reply.cause for reply in one.b.replies if isinstance(reply, CommandRefused)} == {"no-transfer"}
        assert one.ends(number) == [("refused", "refused", "")] * 2


async def test_our_own_offer_can_not_be_accepted_by_us(tmp_path: Path) -> None:
    async with pair(tmp_path) as one:
        number = await one.offer("a")
        one.a.ask(AnswerOffer(number, True, folder=str(one.place)))
        await eventually(lambda: one.a.replies)
        assert one.a.replies == [CommandRefused(cause="no-transfer", detail=str(number), transfer=number)]
        assert one.a.state(number) == "offered"


async def test_accepted_twice_it_comes_once(tmp_path: Path) -> None:
    async with pair(tmp_path) as one:
        number = await one.offer("a", size=500_000)
        one.accept(number, number, number)
        await one.both(number, "done")
        assert contents(one.place) == contents(one.source)


async def test_what_was_refused_can_be_offered_again(tmp_path: Path) -> None:
    async with pair(tmp_path) as one:
        number = await one.offer("a")
        one.b.ask(AnswerOffer(number, False))
        await one.both(number, "refused")
        again = await one.a.offer(one.source / "a")
        assert again == number + 2
        await eventually(lambda: one.b.state(again) == "offered")
        one.accept(again)
        await one.both(again, "done")


async def test_a_list_is_shown_on_both_sides(tmp_path: Path) -> None:
    async with pair(tmp_path) as one:
        number = await one.offer("a", "b", "c")
        for end in (one.a, one.b):
            listed = await one.listed(end, number)
            assert ([entry.path for entry in listed.entries], listed.total) == (["b", "c"], 3)


# --- the end, in every state -------------------------------------------------------------------------------------


async def bring_to(one: Pair, state: str) -> int:
    """Have a transfer in this state on both sides, as far as both know it."""
    number = await one.offer("big", size=6_000_000)
    if state == "offered":
        return number
    one.hold_lane()
    one.accept(number)
    await eventually(lambda: one.b.state(number) == "waiting" and one.a.state(number) in ("waiting", "moving"))
    if state == "moving":
        one.mallory.meddle = after_lane_packets(6, one.mallory)
        await one.both(number, "moving")
    return number


def after_lane_packets(count: int, mallory: Mallory) -> Any:
    """Let a connection of the lane carry so many packets of one side, then cut it; each time anew."""

    def meddle(lane: str, sender: int, index: int, packet: Packet) -> bytes:
        if lane.startswith("file") and index >= count:
            raise CutError
        return pass_on(lane, sender, index, packet)

    return meddle


@pytest.mark.parametrize("by", ["sender", "receiver"])
@pytest.mark.parametrize("state", ["offered", "waiting", "moving"])
async def test_either_side_cancels_in_every_state(state: str, by: str, tmp_path: Path) -> None:
    async with pair(tmp_path) as one:
        number = await bring_to(one, state)
        (one.a if by == "sender" else one.b).ask(CancelTransfer(number))
        await one.both(number, "cancelled")
        here, there = ("cancelled", "cancelled", "here"), ("cancelled", "cancelled", "there")
        assert one.ends(number) == ([here, there] if by == "sender" else [there, here])
        one.release_lane()
        await one.passes()
        assert "big" not in contents(one.place)
        assert one.ends(number) == ([here, there] if by == "sender" else [there, here])


@pytest.mark.parametrize("by", ["both", "twice"])
async def test_cancelled_by_both_or_twice_it_is_over_once(by: str, tmp_path: Path) -> None:
    async with pair(tmp_path) as one:
        number = await bring_to(one, "moving")
        one.a.ask(CancelTransfer(number))
        (one.b if by == "both" else one.a).ask(CancelTransfer(number))
        await one.both(number, "cancelled")
        one.release_lane()
        await one.passes()
        assert {state for state, _, _ in one.ends(number)} == {"cancelled"}


async def test_a_stop_that_crosses_done_comes_too_late(tmp_path: Path) -> None:
    async with pair(tmp_path) as one:
        number = await one.offer("a")
        held: list[Packet] = []

        def meddle(lane: str, sender: int, index: int, packet: Packet) -> bytes:
            if lane == "main.0" and one.b.state(number) == "done":
                held.append(packet)  # B has it; A does not hear so in this epoch
                return b""
            return pass_on(lane, sender, index, packet)

        one.mallory.meddle = meddle
        one.accept(number)
        await eventually(lambda: one.b.state(number) == "done" and held)
        if one.a.state(number) not in OVER:
            one.a.ask(CancelTransfer(number))
            await eventually(lambda: one.a.state(number) == "cancelled")
        one.release_lane()
        one.mallory.cut_all()
        await one.both(number, "done")
        assert one.ends(number) == [("done", "", ""), ("done", "", "")]
        await one.passes()


async def test_cancelled_while_the_list_is_made_it_is_never_offered(tmp_path: Path) -> None:
    async with pair(tmp_path) as one:
        for number in range(3000):
            write(one.source / "many" / f"{number}")
        one.a.ask(OfferFiles("many", (str(one.source / "many"),)))
        await eventually(lambda: one.a.state(1) == "listing")
        one.a.ask(CancelTransfer(1))
        await eventually(lambda: one.a.state(1) == "cancelled")
        await one.passes()
        assert one.a.end(1) == ("cancelled", "cancelled", "here")
        assert 1 not in one.b.transfers


@pytest.mark.parametrize("state", ["listing", "offered", "waiting", "moving"])
async def test_when_the_call_is_over_so_is_every_transfer(state: str, tmp_path: Path) -> None:
    async with honest_pair(tmp_path) as (a, b, mallory):
        one = Pair(a, b, mallory, tmp_path)
        if state == "listing":
            for number in range(3000):
                write(one.source / "many" / f"{number}")
            a.ask(OfferFiles("many", (str(one.source / "many"),)))
        else:
            await bring_to(one, state)
        one.release_lane()
        a.session.hang()
        await eventually(lambda: a.returned.is_set() and b.returned.is_set())
        for end in (a, b):
            assert {now.state for now in end.transfers.values()} <= {"failed", "done"}
            assert {now.cause for now in end.transfers.values()} <= {"call-over", ""}
        if state in ("offered", "waiting"):
            assert one.ends(1) == [("failed", "call-over", "")] * 2
