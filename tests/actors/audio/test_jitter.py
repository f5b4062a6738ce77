"""How long sound waits, over seconds that nobody waits for."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.audio.frames import FRAME_SECONDS, SoundFrame
from actors.audio.jitter import CAP_FRAMES, CAP_SECONDS, FASTEST, SLACK_SECONDS, JitterBuffer

Delay = Callable[[int], float]  # of the frame of this number, in seconds
OFFSET = 1000.0  # of the sender's clock


def sound(number: int, captured: float, quiet: bool = False, last: bool = False) -> SoundFrame:
    return SoundFrame(number, round(captured * 1e9), b"", quiet=quiet, last=last)


@dataclass
class Playing:
    """A sender, a way with delays in which nothing overtakes, and a speaker whose clock may go wrong."""

    delay: Delay
    drift: float = 0.0  # of the speaker's clock: 0.001 takes a thousandth more often
    speaks: Callable[[int], bool] = lambda number: True
    quiet: Callable[[int], bool] = lambda number: False
    buffer: JitterBuffer = field(default_factory=JitterBuffer)
    heard: list[tuple[float, SoundFrame | None]] = field(default_factory=list)  # when it was taken, what

    def run(self, seconds: float, *, stretches: bool = True) -> "Playing":
        """`stretches` is whether the speaker plays as fast as the buffer says."""
        arriving = self._arrivals(round(seconds / FRAME_SECONDS))
        came = next(arriving, None)
        now = 0.0071
        while now < seconds:
            while came is not None and came[0] <= now:
                self.buffer.put(came[1], came[0])
                came = next(arriving, None)
            self.heard.append((now, self.buffer.take(now)))
            speed = self.buffer.speed if stretches else 1.0
            now += FRAME_SECONDS / (1 + self.drift) / speed
        return self

    def _arrivals(self, frames: int) -> Iterable[tuple[float, SoundFrame]]:
        last = 0.0
        for number in range(frames):
            if self.speaks(number):
                end = (number + 1) * FRAME_SECONDS
                last = max(last, end + self.delay(number))
                spurt_ends = not self.speaks(number + 1)
                yield last, sound(number, end + OFFSET, self.quiet(number), spurt_ends)

    def ages(self, first: float, last: float) -> list[float]:
        """How old the ends of frames were when they were taken in these seconds."""
        return [at - (sound.captured / 1e9 - OFFSET) for at, sound in self.heard if sound and first <= at < last]

    def gaps(self, first: float, last: float) -> int:
        """How often there was silence in these seconds."""
        return sum(sound is None for at, sound in self.heard if first <= at < last)

    def numbers(self) -> list[int]:
        return [sound.number for _, sound in self.heard if sound]


def steady(number: int) -> float:
    return 0.01


def every(period: int, held: float) -> Delay:
    """Of so many frames the first is held up for so long, and those behind it with it."""
    return lambda number: 0.01 + (held if number % period == 0 else 0.0)


def test_on_a_level_way_it_waits_for_one_frame_and_misses_none() -> None:
    playing = Playing(steady).run(20)
    assert playing.buffer.target == pytest.approx(SLACK_SECONDS)
    assert playing.gaps(1, 20) == 0
    assert max(playing.ages(5, 20)) < 0.01 + 2 * FRAME_SECONDS
    assert playing.numbers() == sorted(set(playing.numbers()))


@pytest.mark.parametrize("held", [0.03, 0.05, 0.09, 0.15])
def test_it_waits_as_long_as_frames_are_late_again_and_again(held: float) -> None:
    playing = Playing(every(10, held)).run(60)
    assert playing.gaps(20, 60) <= 2
    assert max(playing.ages(20, 60)) < 0.01 + held + 3 * FRAME_SECONDS


def test_a_bad_time_is_forgotten_and_the_wait_is_short_again() -> None:
    playing = Playing(lambda number: every(10, 0.12)(number) if number < 500 else 0.01, quiet=lambda n: n % 50 < 5)
    playing.run(40)
    assert min(playing.ages(8, 10)) > 0.05
    assert max(playing.ages(25, 40)) < 0.01 + 3 * FRAME_SECONDS


def test_a_wait_that_is_too_long_is_played_off_where_nobody_ever_pauses() -> None:
    playing = Playing(lambda number: every(10, 0.12)(number) if number < 500 else 0.01).run(60)
    assert max(playing.ages(50, 60)) < 0.01 + 2 * FRAME_SECONDS
    assert playing.gaps(20, 60) == 0
    assert len(playing.ages(20, 60)) > 40 / FRAME_SECONDS  # played off, not left out


@pytest.mark.parametrize("stall", [0.2, 0.5, 2.0, 10.0])
def test_a_second_after_a_stall_it_is_where_it_was(stall: float) -> None:
    held = 500  # frame: at 10 s
    until = held + round(stall / FRAME_SECONDS)
    playing = Playing(lambda number: 0.01 + max(0, until - number) * FRAME_SECONDS * (number >= held)).run(30 + stall)
    over = (held + 1) * FRAME_SECONDS + stall
    assert max(playing.ages(over + 1, 30 + stall)) < 0.01 + 4 * FRAME_SECONDS
    assert playing.gaps(over + 1, 30 + stall) == 0


@pytest.mark.parametrize("drift", [0.001, -0.001, 0.002, -0.002])
@pytest.mark.long
def test_clocks_that_differ_neither_let_it_grow_nor_run_dry(drift: float) -> None:
    playing = Playing(steady, drift).run(240)
    assert playing.gaps(5, 240) == 0
    assert playing.buffer.counts.dropped == 0
    first, last = playing.ages(60, 120), playing.ages(180, 240)
    assert abs(sum(first) / len(first) - sum(last) / len(last)) < 0.005
    assert max(playing.ages(20, 240)) < 0.01 + 4 * FRAME_SECONDS


@pytest.mark.long
def test_without_stretching_such_clocks_do_lead_to_gaps() -> None:
    assert Playing(steady, 0.001).run(600, stretches=False).gaps(5, 600) > 3


def test_spurts_are_heard_whole_however_short_and_silence_is_no_lack() -> None:
    spurts = {(0, 3), (200, 201), (400, 450), (600, 1000)}
    playing = Playing(steady, speaks=lambda number: any(first <= number < last for first, last in spurts)).run(25)
    expected = [number for first, last in sorted(spurts) for number in range(first, last)]
    assert playing.numbers() == expected
    assert playing.buffer.counts.dry == 0
    assert max(playing.ages(0, 25)) < 0.01 + 4 * FRAME_SECONDS


def test_more_than_the_cap_never_waits() -> None:
    buffer = JitterBuffer()
    for number in range(100_000):
        buffer.put(sound(number, OFFSET), 1.0)
        assert buffer.waiting <= CAP_FRAMES
    assert buffer.counts.dropped > 99_000


def test_a_frame_that_came_before_or_too_late_is_dropped_whole() -> None:
    buffer = JitterBuffer()
    for number in (5, 6, 7, 6, 7, 8):
        buffer.put(sound(number, number * FRAME_SECONDS), number * FRAME_SECONDS)
    assert buffer.counts.late == 2
    assert buffer.take(0.165) == sound(7, 7 * FRAME_SECONDS)
    buffer.put(sound(6, 6 * FRAME_SECONDS), 0.17)
    assert buffer.counts.late == 3
    assert buffer.take(0.185) == sound(8, 8 * FRAME_SECONDS)


def test_a_sender_that_begins_to_count_anew_is_heard() -> None:
    buffer = JitterBuffer()
    heard: list[SoundFrame | None] = []
    for turn, number in enumerate((*range(1000, 1010), *range(10))):
        now = turn * FRAME_SECONDS
        buffer.put(sound(number, number * FRAME_SECONDS), now)
        heard.append(buffer.take(now + 0.015))
    assert [sound.number for sound in heard if sound] == [*range(1000, 1010), *range(10)]


@settings(max_examples=100)
@given(
    st.lists(
        st.one_of(
            st.none(),
            st.tuples(
                st.integers(0, 2**64 - 1) | st.integers(0, 40),
                st.floats(-1e9, 1e9),
                st.booleans(),
                st.booleans(),
            ),
        ),
        max_size=100,
    )
)
def test_whatever_comes_the_wait_is_capped_and_nothing_is_heard_twice(
    happens: list[tuple[int, float, bool, bool] | None],
) -> None:
    buffer, now = JitterBuffer(), 0.0
    last = newest = -1
    for each in happens:
        now += 0.007
        if each is None:
            taken = buffer.take(now)
            if taken is not None:
                assert taken.number > last
                last = taken.number
        else:
            number, captured, quiet, ends = each
            if number < newest - CAP_FRAMES:  # it counts anew
                last = newest = -1
            newest = max(newest, number)
            buffer.put(sound(number, captured, quiet, ends), now)
        assert buffer.waiting <= CAP_FRAMES
        assert SLACK_SECONDS <= buffer.target < CAP_SECONDS
        assert 1 - FASTEST <= buffer.speed <= 1 + FASTEST
