"""A transfer over connections that break: it goes on at the byte, and nothing is lost while the peer is away."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import trio

from actors.files.channel import FilesOf, files
from actors.messages import AnswerOffer, CancelTransfer, LinkChanged, OfferFiles, OfferRefused, TransferChanged
from actors.news import Taken
from actors.peer import FileControl, Message, Offer, Stop, Text
from actors.reliable import OutboxFullError
from relay import limits
from relay.wire import Packet
from tests.actors.files.support import contents, write
from tests.actors.files.test_channel import Pair, bring_to, pair, soon_again
from tests.actors.mallory import CutError, pass_on
from tests.support import eventually

pytestmark = pytest.mark.long


__all__ = ["soon_again"]

Meddle = Callable[[str, int, int, Packet], bytes]


def cut_file_every(packets: int) -> tuple[Meddle, list[int]]:
    """Cut the lane after so many of its packets, and one more each time; returns also what it has carried."""
    carried: list[int] = []
    left = [packets, packets]

    def meddle(lane: str, sender: int, index: int, packet: Packet) -> bytes:
        if lane.startswith("file"):
            left[0] -= 1
            if left[0] < 0:
                left[1] += 1
                left[0] = left[1]
                raise CutError
            carried.append(len(packet.payload))
        return pass_on(lane, sender, index, packet)

    return meddle, carried


async def passes(one: Pair, *paths: Path) -> None:
    number = await one.a.offer(*paths)
    await eventually(lambda: one.b.state(number) == "offered")
    one.accept(number)
    await one.both(number, "done")
    assert one.b.transfers[number].missed == 0
    for path in paths:
        arrived = one.place / path.name
        assert contents(arrived) == contents(path) if path.is_dir() else arrived.read_bytes() == path.read_bytes()


async def test_a_lane_that_breaks_within_blocks_goes_on_at_the_byte(tmp_path: Path) -> None:
    async with pair(tmp_path) as one:
        size = 9_000_001
        path = one.file("big", size)
        one.mallory.meddle, carried = cut_file_every(12)
        await passes(one, path)
        assert len([hello for hello in one.mallory.hellos if hello.lane.startswith("file")]) >= 6
        assert sum(carried) < 2.2 * size  # what is on its way when it breaks is sent again, and no more


async def test_a_lane_that_breaks_within_lists_goes_on_with_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "LIST_PAGE_BYTES", 500)
    async with pair(tmp_path) as one:
        for number in range(200):
            write(one.source / "tree" / f"folder {number % 7}" / f"{number}", f"{number}")
        one.mallory.meddle, _ = cut_file_every(5)
        await passes(one, one.source / "tree")


async def test_a_lane_that_breaks_among_small_files_loses_none_and_brings_none_twice(tmp_path: Path) -> None:
    async with pair(tmp_path) as one:
        for number in range(120):
            write(one.source / "tree" / f"{number}", bytes([number]) * 20_000)
        one.mallory.meddle, _ = cut_file_every(3)
        await passes(one, one.source / "tree")
        assert len(contents(one.place)) == 121


@pytest.mark.parametrize("after", [3, 9, 20])
async def test_a_new_epoch_in_the_middle_goes_on_at_the_byte(after: int, tmp_path: Path) -> None:
    async with pair(tmp_path) as one:
        left = after

        def meddle(lane: str, sender: int, index: int, packet: Packet) -> bytes:
            nonlocal left
            if lane.startswith("file"):
                left -= 1
                if left == 0:
                    one.mallory.cut_all()
                    raise CutError
            return pass_on(lane, sender, index, packet)

        one.mallory.meddle = meddle
        for number in range(40):
            write(one.source / "tree" / f"{number:02}", bytes([number]) * 40_000)
        write(one.source / "tree" / "big", bytes(range(200)) * 25_000)
        await passes(one, one.source / "tree")
        assert [e.link for e in one.a.events if isinstance(e, LinkChanged)].count("joined") == 2


async def test_both_directions_go_on_after_every_break(tmp_path: Path) -> None:
    async with pair(tmp_path) as one:
        path = one.file("from-a", 2_000_000)
        back = write(tmp_path / "back" / "from-b", bytes(range(250)) * 8000)
        one.mallory.meddle, _ = cut_file_every(8)
        await one.b.offer(back)
        await eventually(lambda: one.a.state(2) == "offered")
        one.a.ask(AnswerOffer(2, True, folder=str(one.place)))
        await passes(one, path)
        await one.both(2, "done")
        assert (one.place / "from-b").read_bytes() == back.read_bytes()


async def test_what_is_said_while_the_peer_is_away_and_the_outbox_full_is_said_later(tmp_path: Path) -> None:
    async with pair(tmp_path) as one:
        first = await one.offer("first")
        await one.listed(one.b, first)
        one.mallory.unreachable = True
        one.mallory.cut_all()
        await eventually(lambda: one.a.link == one.b.link == "out")
        for number in range(limits.OUTBOX_MESSAGES):
            one.a.session.say(Text(f"{number}"))
            one.b.session.say(Text(f"{number}"))
        one.accept(first)
        await eventually(lambda: one.b.state(first) == "waiting")
        second = await one.a.offer(one.file("second"))
        third = await one.a.offer(one.file("third"))
        one.a.ask(CancelTransfer(third))
        await eventually(lambda: one.a.state(third) == "cancelled")
        one.mallory.unreachable = False
        await one.both(first, "done")
        await eventually(lambda: one.b.state(second) == "offered")
        await eventually(lambda: one.b.state(third) == "cancelled")
        one.accept(second)
        await one.both(second, "done")
        assert len(one.a.heard) == len(one.b.heard) == limits.OUTBOX_MESSAGES


class Deaf:
    """A session whose peer acknowledges nothing, until it does."""

    def __init__(self) -> None:
        self.full = True
        self.said: list[Message] = []

    def say(self, message: Message) -> int:
        if self.full:
            raise OutboxFullError
        self.said.append(message)
        return len(self.said)

    def tell(self, control: FileControl, epoch: int = 0) -> None:
        """Nobody hears it."""

    def open_lane(self, name: str) -> bool:
        return False


async def test_a_flood_of_offers_by_a_peer_that_acknowledges_nothing_is_not_kept(
    tmp_path: Path, nursery: trio.Nursery
) -> None:
    voice = Deaf()
    sending, inbox = trio.open_memory_channel(0)
    arriving, arrivals = trio.open_memory_channel(0)
    events: list[object] = []
    facts = FilesOf("A", "room", tmp_path / "visavis.db", lambda: "joined")
    nursery.start_soon(files, inbox, arrivals, voice, events.append, facts)
    with sending, arriving:
        for number in range(3 * limits.OUTBOX_MESSAGES):
            await sending.send(Taken(number + 1, Offer(2 * number + 1, 1, 0, 1, ("x",))))
        voice.full = False
        await eventually(lambda: voice.said)
        for _ in range(3):
            await trio.lowlevel.checkpoint()
        assert len(voice.said) <= limits.OUTBOX_MESSAGES
        assert voice.said[0] == Stop(1, "protocol")
    assert events == []


async def test_an_offer_made_as_the_call_ends_does_not_stay_open(tmp_path: Path, nursery: trio.Nursery) -> None:
    path = write(tmp_path / "a", b"a")
    for turn in range(30):
        sending, inbox = trio.open_memory_channel(4)
        arriving, arrivals = trio.open_memory_channel(0)
        events: list[object] = []
        facts = FilesOf("A", "room", tmp_path / "visavis.db", lambda: "joined")
        voice = Deaf()
        voice.full = False
        done = trio.Event()

        async def act(inbox=inbox, arrivals=arrivals, voice=voice, events=events, facts=facts, done=done) -> None:  # type: ignore[no-untyped-def]
            await files(inbox, arrivals, voice, events.append, facts)
            done.set()

        nursery.start_soon(act)
        with sending, arriving:
            await sending.send((OfferFiles("request", (str(path),)), events.append))
            for _ in range(turn * 3):
                await trio.lowlevel.checkpoint()
        await done.wait()
        last = [event.transfer for event in events if isinstance(event, TransferChanged)][-1:]
        assert [(now.state, now.cause) for now in last] in ([], [("failed", "call-over")])
        assert last or not events or isinstance(events[-1], OfferRefused)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
async def test_cancelled_in_the_middle_it_closes_every_file(tmp_path: Path) -> None:
    def of_this_test() -> list[str]:
        targets = [os.readlink(link) for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
        return [target for target in targets if target.startswith(str(tmp_path))]

    async with pair(tmp_path) as one:
        number = await bring_to(one, "moving")
        assert of_this_test()
        await one.both(number, "moving")
    await eventually(lambda: of_this_test() == [])  # a thread that is at work ends its turn first
