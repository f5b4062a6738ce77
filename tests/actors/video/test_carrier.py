"""The lane of pictures, in virtual time: the voice of the session is a fake, what goes over it are real packets."""

import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio
import trio.testing

from actors.lanes import LaneClosed, LaneOpened, LanePacket
from actors.peer import MediaTaken, Showing
from actors.video import frames
from actors.video.carrier import NAME, Arrival, Carrier
from actors.video.frames import Frame, unpack_frame
from actors.video.measures import Measures
from actors.video.newest import Newest
from relay import limits
from tests.actors.fake_voice import FakeVoice

Clock = trio.testing.MockClock


class Rig:
    """A carrier with its two tasks, the far end of its lane, and what came and went."""

    def __init__(self) -> None:
        self.voice, self.newest, self.measures = FakeVoice(NAME), Newest(), Measures()
        self.came: list[int] = []
        self.went: list[int] = []
        self.carrier = Carrier(
            self.voice,
            self.newest,
            self.measures,
            lambda frame: self.came.append(frame.number),
            lambda frame: self.went.append(frame.number),
        )
        self.arrivals, self.reading = trio.open_memory_channel[Arrival](math.inf)
        self.number = 0

    async def open(self, epoch: int = 1, generation: int = 0) -> trio.MemoryReceiveChannel[tuple[bytes, bytes]]:
        sending, receiving = trio.open_memory_channel[tuple[bytes, bytes]](0)
        await self.arrivals.send(LaneOpened(epoch, generation, sending))  # type: ignore[arg-type]
        await trio.testing.wait_all_tasks_blocked()
        return receiving

    async def showing(self, kind: str = "card") -> trio.MemoryReceiveChannel[tuple[bytes, bytes]]:
        """The peer is there, and there is something for it to see: return the lane's far end."""
        self.carrier.joined()
        self.carrier.send(Showing(kind))
        return await self.open()

    def put(self, count: int = 1) -> None:
        for _ in range(count):
            self.number += 1
            self.newest.put(Frame(self.number, int(trio.current_time() * 1e9), b"jpeg"))

    def take(self, number: int, waited: float = 0.0) -> float | None:
        return self.carrier.taken(MediaTaken(NAME, number, int(waited * 1e6)), trio.current_time())


@asynccontextmanager
async def rig() -> AsyncIterator[Rig]:
    made = Rig()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(made.carrier.feed)
        nursery.start_soon(made.carrier.read, made.reading)
        yield made
        nursery.cancel_scope.cancel()


async def number_in(lane: trio.MemoryReceiveChannel[tuple[bytes, bytes]]) -> int:
    inner_type, payload = await lane.receive()
    assert inner_type == frames.FRAME
    return unpack_frame(payload).number


async def test_the_lane_is_opened_when_there_is_something_to_see_and_the_peer_is_there(autojump_clock: Clock) -> None:
    async with rig() as it:
        it.carrier.send(Showing("card"))
        await trio.testing.wait_all_tasks_blocked()
        assert it.voice.opened == []
        it.carrier.joined()
        await trio.testing.wait_all_tasks_blocked()
        assert len(it.voice.opened) == 1
        lane = await it.open()
        it.put()
        assert await number_in(lane) == 1
        await trio.testing.wait_all_tasks_blocked()
        assert len(it.voice.opened) == 1


async def test_who_shows_nothing_opens_nothing(autojump_clock: Clock) -> None:
    async with rig() as it:
        it.carrier.joined()
        it.put()
        await trio.testing.wait_all_tasks_blocked()
        assert it.voice.opened == []


async def test_behind_a_full_lane_only_the_newest_frame_waits(autojump_clock: Clock) -> None:
    async with rig() as it:
        lane = await it.showing()
        it.put()
        await trio.testing.wait_all_tasks_blocked()  # the first is under way and not taken
        it.put(5)
        assert await number_in(lane) == 1
        it.take(1)
        assert await number_in(lane) == 6
        assert it.went == [1, 6]
        assert it.measures.dropped_queue == 4


async def test_a_peer_that_acknowledges_nothing_gets_no_more_after_the_first_ones(autojump_clock: Clock) -> None:
    async with rig() as it:
        lane = await it.showing()
        got = []
        for _ in range(300):
            it.put()
            with trio.move_on_after(0.033):
                got.append(await number_in(lane))
                await trio.sleep(0.033)
        assert got == list(range(1, len(got) + 1))
        assert len(got) < 10
        it.take(got[-1], waited=9)
        it.put()
        assert await number_in(lane) == it.number


async def test_what_stands_still_is_shown_again_on_the_next_lane(autojump_clock: Clock) -> None:
    async with rig() as it:
        lane = await it.showing("image")
        it.put()
        assert await number_in(lane) == 1
        await it.arrivals.send(LaneClosed(1, 0, "cut"))
        await trio.testing.wait_all_tasks_blocked()
        assert await number_in(await it.open(1, 1)) == 1


async def test_a_lane_that_is_cut_is_opened_again_later_each_time(autojump_clock: Clock) -> None:
    async with rig() as it:
        it.carrier.joined()
        it.carrier.send(Showing("card"))
        waits = []
        for generation in range(8):
            await it.open(1, generation)
            cut = trio.current_time()
            await it.arrivals.send(LaneClosed(1, generation, "cut"))
            await trio.sleep(limits.RECONNECT_MAX_SECONDS + 1)
            waits.append(it.voice.opened[-1] - cut)
        assert waits == pytest.approx([min(0.25 * 2**turn, limits.RECONNECT_MAX_SECONDS) for turn in range(8)])


async def test_an_old_lane_that_comes_late_is_closed_not_used(autojump_clock: Clock) -> None:
    async with rig() as it:
        it.carrier.joined()
        it.carrier.left(3)
        lane = await it.open(3)
        with pytest.raises(trio.EndOfChannel):
            await lane.receive()


async def test_the_end_of_an_older_connection_leaves_the_newer_one(autojump_clock: Clock) -> None:
    async with rig() as it:
        it.carrier.joined()
        it.carrier.send(Showing("card"))
        lane = await it.open(1, 2)
        await it.arrivals.send(LaneClosed(1, 1, "cut"))
        await trio.testing.wait_all_tasks_blocked()
        it.put()
        assert await number_in(lane) == 1


async def test_what_comes_is_passed_on_and_what_is_unknown_is_counted(autojump_clock: Clock) -> None:
    async with rig() as it:
        whole = bytearray(Frame(9, 0, b"jpeg").pack())
        for packet in (
            LanePacket(frames.FRAME, whole),
            LanePacket(b"NEW0", whole),
            LanePacket(frames.FRAME, whole[:9]),
        ):
            await it.arrivals.send(packet)
        await trio.testing.wait_all_tasks_blocked()
        assert (it.came, it.carrier.skipped) == ([9], 2)


async def test_of_what_was_sent_the_flight_is_known_once(autojump_clock: Clock) -> None:
    async with rig() as it:
        lane = await it.showing()
        it.put()
        await number_in(lane)
        await trio.sleep(0.1)
        assert it.take(1, waited=0.04) == pytest.approx(0.06, abs=0.001)
        assert it.take(1) is None
        assert it.take(77) is None
