"""The lane of sound, in virtual time: the voice of the session is a fake, what goes over it are real packets."""

import math

import pytest
import trio
import trio.testing

from actors.audio.carrier import AHEAD_FRAMES, NAME, STILL_SECONDS, WAITING_FRAMES, Arrival, Carrier
from actors.audio.frames import FRAME, PCM_BYTES, SoundFrame, unpack
from actors.lanes import LaneClosed, LaneOpened, LanePacket
from tests.actors.fake_voice import FakeVoice

Far = trio.MemoryReceiveChannel[tuple[bytes, bytes]]


class Rig:
    """A carrier with its two tasks, and the far end of its lane."""

    def __init__(self, nursery: trio.Nursery) -> None:
        self.voice = FakeVoice(NAME)
        self.came: list[int] = []
        self.carrier = Carrier(self.voice, lambda frame: self.came.append(frame.number))
        self._arrivals, reading = trio.open_memory_channel[Arrival](math.inf)
        self._number = 0
        nursery.start_soon(self.carrier.feed)
        nursery.start_soon(self.carrier.read, reading)

    async def arrive(self, *arrivals: Arrival) -> None:
        for arrival in arrivals:
            await self._arrivals.send(arrival)
        await trio.testing.wait_all_tasks_blocked()

    async def open(self, epoch: int = 1, generation: int = 1) -> Far:
        sending, receiving = trio.open_memory_channel[tuple[bytes, bytes]](100)
        await self.arrive(LaneOpened(epoch, generation, sending))  # type: ignore[arg-type]
        return receiving

    async def speak(self, count: int) -> None:
        for _ in range(count):
            self._number += 1
            self.carrier.send(SoundFrame(self._number, 0, bytes(PCM_BYTES)))
            await trio.testing.wait_all_tasks_blocked()


def numbers(far: Far) -> list[int]:
    """What has come over the lane."""
    found = []
    while True:
        try:
            kind, payload = far.receive_nowait()
        except trio.WouldBlock:
            return found
        assert kind == FRAME
        found.append(unpack(payload).number)


async def test_the_lane_opens_with_the_first_frame(nursery: trio.Nursery) -> None:
    rig = Rig(nursery)
    rig.carrier.joined()
    await trio.testing.wait_all_tasks_blocked()
    assert rig.voice.opened == []
    await rig.speak(2)
    assert len(rig.voice.opened) == 1
    assert numbers(await rig.open()) == [1, 2]


async def test_frames_go_in_order_as_far_ahead_as_the_peer_may_be(nursery: trio.Nursery) -> None:
    rig = Rig(nursery)
    rig.carrier.joined()
    far = await rig.open()
    await rig.speak(AHEAD_FRAMES + 3)
    assert numbers(far) == [*range(1, AHEAD_FRAMES + 1)]
    rig.carrier.taken(2)
    await trio.testing.wait_all_tasks_blocked()
    assert numbers(far) == [AHEAD_FRAMES + 1, AHEAD_FRAMES + 2]
    rig.carrier.taken(AHEAD_FRAMES + 2)
    await trio.testing.wait_all_tasks_blocked()
    assert numbers(far) == [AHEAD_FRAMES + 3]


async def test_what_waits_too_long_is_dropped_the_oldest_first(nursery: trio.Nursery) -> None:
    rig = Rig(nursery)
    rig.carrier.joined()
    far = await rig.open()
    await rig.speak(AHEAD_FRAMES + WAITING_FRAMES + 5)
    numbers(far)
    rig.carrier.taken(AHEAD_FRAMES)
    await trio.testing.wait_all_tasks_blocked()
    assert numbers(far)[0] == AHEAD_FRAMES + 6
    assert rig.carrier.dropped == 5


async def test_while_the_peer_is_away_nothing_waits(nursery: trio.Nursery) -> None:
    rig = Rig(nursery)
    await rig.speak(5)
    rig.carrier.joined()
    assert numbers(await rig.open()) == []
    assert rig.carrier.waiting == rig.carrier.dropped == 0


async def test_a_new_epoch_owes_nothing_of_the_old(nursery: trio.Nursery) -> None:
    rig = Rig(nursery)
    rig.carrier.joined()
    await rig.open()
    await rig.speak(AHEAD_FRAMES + 2)
    rig.carrier.left(1)
    rig.carrier.joined()
    far = await rig.open(epoch=2)
    assert numbers(far) == [AHEAD_FRAMES + 1, AHEAD_FRAMES + 2]
    assert rig.carrier.epoch == 2


async def test_a_peer_that_never_says_what_it_took_does_not_silence_us(
    nursery: trio.Nursery, autojump_clock: trio.testing.MockClock
) -> None:
    rig = Rig(nursery)
    rig.carrier.joined()
    far = await rig.open()
    await rig.speak(AHEAD_FRAMES)
    await trio.sleep(STILL_SECONDS + 0.1)
    await rig.speak(1)
    assert numbers(far)[-1] == AHEAD_FRAMES + 1


async def test_a_lost_lane_is_opened_again(nursery: trio.Nursery, autojump_clock: trio.testing.MockClock) -> None:
    rig = Rig(nursery)
    rig.carrier.joined()
    far = await rig.open()
    far.close()
    await rig.arrive(LaneClosed(1, 1, "cut"))
    await rig.speak(1)
    assert rig.voice.opened == []
    await trio.sleep(1)
    assert len(rig.voice.opened) == 1
    assert numbers(await rig.open(generation=2)) == [1]


async def test_what_comes_is_passed_on_and_what_is_no_frame_is_counted(nursery: trio.Nursery) -> None:
    rig = Rig(nursery)
    good = SoundFrame(7, 0, bytes(PCM_BYTES)).pack()
    for kind, payload in ((FRAME, good), (FRAME, good[:-1]), (FRAME, b""), (b"XXX0", good), (FRAME, good + b"x")):
        await rig.arrive(LanePacket(kind, bytearray(payload)))
    assert rig.came == [7]
    assert rig.carrier.refused == 4


@pytest.mark.parametrize("count", [100_000])
async def test_a_flood_is_dropped_as_it_comes(nursery: trio.Nursery, count: int) -> None:
    rig = Rig(nursery)
    rig.carrier.joined()
    await rig.open()
    for number in range(count):
        rig.carrier.send(SoundFrame(number, 0, b""))
    assert rig.carrier.waiting <= WAITING_FRAMES
