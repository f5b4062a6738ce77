"""The original's pieces of sound."""

from itertools import pairwise

import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st

from actors.audio.carrier import WAITING_FRAMES
from actors.audio.frames import PCM_BYTES, SoundFrame
from actors.plain_audio import PIECE_BYTES, QUIET_SECONDS, Pieces, PlainCarrier
from relay import wire


def test_the_originals_pieces_become_frames_in_their_order() -> None:
    pieces, sound = Pieces(), bytes(range(256)) * 80
    frames = []
    for number in range(10):
        frames += pieces.take(sound[number * 2048 : (number + 1) * 2048], 5 + number * 0.064)
    assert b"".join(bytes(frame.sound) for frame in frames) == sound[: len(frames) * PCM_BYTES]
    assert len(frames) == 10 * 2048 // PCM_BYTES
    first = frames[0].number
    assert [frame.number for frame in frames] == [*range(first, first + len(frames))]
    gaps = {after.captured - before.captured for before, after in pairwise(frames)}
    assert max(gaps) < 25_000_000


@given(st.lists(st.binary(max_size=5000), max_size=20))
def test_whatever_its_pieces_are_cut_to_no_sample_is_torn(cut: list[bytes]) -> None:
    pieces = Pieces()
    frames = [frame for number, piece in enumerate(cut) for frame in pieces.take(piece, 1 + number * 0.01)]
    whole = b"".join(cut)
    assert b"".join(bytes(frame.sound) for frame in frames) == whole[: len(whole) // PCM_BYTES * PCM_BYTES]


def test_after_a_pause_it_is_a_new_spurt() -> None:
    pieces = Pieces()
    before = pieces.take(bytes(2048), 1.0)[-1].number
    after = pieces.take(bytes(2048), 1.0 + QUIET_SECONDS + 0.1)[0].number
    assert after > before + WAITING_FRAMES


def test_a_clock_near_zero_is_no_trouble() -> None:
    assert all(frame.captured >= 0 for frame in Pieces().take(bytes(65536), 0.1))


class Rig:
    """A carrier, and what it put on the wire while `open` is set."""

    def __init__(self, nursery: trio.Nursery) -> None:
        self.wire: list[bytes] = []
        self.open = trio.Event()
        self.carrier = PlainCarrier(self._put, lambda frame: None)
        nursery.start_soon(self.carrier.feed)

    async def _put(self, packet: bytes) -> None:
        await self.open.wait()
        self.wire.append(packet)

    async def speak(self, count: int) -> None:
        for number in range(count):
            self.carrier.send(SoundFrame(number, 0, bytes([number % 256]) * PCM_BYTES))
            await trio.testing.wait_all_tasks_blocked()


async def test_what_is_said_goes_in_the_originals_pieces(nursery: trio.Nursery) -> None:
    rig = Rig(nursery)
    rig.open.set()
    await rig.speak(16)
    assert [len(packet) - wire.HEADER.size for packet in rig.wire] == [PIECE_BYTES] * 5
    assert {packet[:4] for packet in rig.wire} == {wire.AUDIO}
    said = b"".join(bytes([number]) * PCM_BYTES for number in range(16))
    assert b"".join(packet[wire.HEADER.size :] for packet in rig.wire) == said[: 5 * PIECE_BYTES]


async def test_what_the_connection_does_not_take_is_dropped_the_oldest_first(nursery: trio.Nursery) -> None:
    rig = Rig(nursery)
    await rig.speak(100)
    assert rig.carrier.dropped > 80
    rig.open.set()
    await trio.testing.wait_all_tasks_blocked()
    assert len(rig.wire) <= 1 + WAITING_FRAMES
