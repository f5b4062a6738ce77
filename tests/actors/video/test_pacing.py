"""How much video a link takes."""

from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.video.pacing import AIM_SECONDS, GATE_SECONDS, HOLD_SECONDS, STEPS, Pace

ROUND_TRIP = 0.1


class Link:
    """A link of so many bytes a second, that carries frames of a camera at 30 a second as the pace says."""

    def __init__(self, rate: float, full_bytes: float = 100_000) -> None:
        self.pace = Pace()
        self.pace.take_round_trip(ROUND_TRIP, 0)
        self.rate = rate
        self.full_bytes = full_bytes
        self.now = 0.0
        self.number = 0
        self.free_at = 0.0  # when the link has sent what it holds
        self.under_way: list[tuple[float, int, float]] = []  # when it is acknowledged, number, when it was sent
        self.delays: list[float] = []

    @property
    def frame_bytes(self) -> float:
        step = self.pace.step
        return self.full_bytes * step.quality * step.side**2

    def frames(self, seconds: float) -> Iterator[float]:
        """Let so much time pass; yield at each frame of the camera."""
        end = self.now + seconds
        while self.now < end:
            self.now += 1 / (30 * self.pace.step.rate)
            self.acknowledge()
            if self.pace.may_send(self.now):
                self.number += 1
                self.free_at = max(self.free_at, self.now) + self.frame_bytes / self.rate
                self.pace.sent(self.number, self.now, self.pace.mark)
                self.under_way.append((self.free_at + ROUND_TRIP, self.number, self.now))
            yield self.now

    def run(self, seconds: float) -> None:
        for _ in self.frames(seconds):
            pass

    def acknowledge(self) -> None:
        while self.under_way and self.under_way[0][0] <= self.now:
            at, number, sent = self.under_way.pop(0)
            self.delays.append(at - sent - ROUND_TRIP / 2)
            self.pace.taken(number, 0, at)

    def stall(self, seconds: float) -> None:
        self.free_at = self.now + seconds
        self.under_way = [(at + seconds, number, sent) for at, number, sent in self.under_way]


def test_a_fast_link_gets_all_that_the_user_allows() -> None:
    link = Link(rate=1e9)
    link.run(10)
    assert link.pace.step == STEPS[0]
    assert link.number == pytest.approx(300, abs=3)


def test_a_slow_link_gets_smaller_frames_within_two_seconds() -> None:
    link = Link(rate=250_000)
    link.run(2)
    link.delays.clear()
    link.run(60)
    assert sorted(link.delays)[len(link.delays) * 99 // 100] < 0.3
    assert link.number > 62 * 8  # it still moves


def test_a_link_that_was_slow_gets_large_frames_again() -> None:
    link = Link(rate=250_000)
    link.run(10)
    assert link.pace.step != STEPS[0]
    link.rate = 1e9
    link.run(120)
    assert link.pace.step == STEPS[0]


def test_a_step_up_that_had_to_be_taken_back_is_tried_later_each_time() -> None:
    pace, now, number = Pace(), 0.0, 0
    pace.take_round_trip(ROUND_TRIP, 0)

    def exchange(excess: float) -> None:
        nonlocal now, number
        number += 1
        pace.sent(number, now, pace.mark)
        now += ROUND_TRIP + excess
        pace.taken(number, 0, now)

    waits: list[float] = []
    for _ in range(7):
        exchange(AIM_SECONDS * 2.5)
        step, began = pace.step, now
        while pace.step == step:
            exchange(0.01)
        waits.append(now - began)
    assert waits == pytest.approx([2, 4, 8, 16, 32, 32, 32], abs=0.3)


def test_a_stalled_link_gets_no_more_than_a_round_trip_of_frames() -> None:
    link = Link(rate=1e9)
    link.run(5)
    sent = link.number
    link.stall(10)
    link.run(9)
    assert link.number - sent <= (ROUND_TRIP + GATE_SECONDS) * 30 + 2


def test_after_a_stall_frames_are_on_time_within_a_second() -> None:
    link = Link(rate=250_000)
    link.run(20)
    link.stall(10)
    link.run(11)
    link.delays.clear()
    link.run(20)
    assert max(link.delays) < 0.4


def test_what_a_frame_waited_at_the_receiver_is_not_held_against_the_link() -> None:
    pace, now = Pace(), 0.0
    pace.take_round_trip(ROUND_TRIP, 0)
    for number in range(1, 100):
        pace.sent(number, now, pace.mark)
        now += ROUND_TRIP + 2  # a terminal that paints once in two seconds
        assert pace.taken(number, 2.0, now) == pytest.approx(ROUND_TRIP)
    assert pace.step == STEPS[0]


def test_the_later_a_frame_the_more_steps_are_taken_at_once() -> None:
    def steps_after(seconds: float) -> int:
        pace = Pace()
        pace.take_round_trip(ROUND_TRIP, 0)
        pace.sent(1, 0, pace.mark)
        pace.taken(1, 0, ROUND_TRIP + seconds)
        return STEPS.index(pace.step)

    assert [steps_after(AIM_SECONDS * times) for times in (0.9, 1.9, 2.1, 4.1, 10_000)] == [0, 0, 2, 3, 3]


def test_one_frame_that_is_a_little_late_changes_nothing_and_two_running_do() -> None:
    pace, now = Pace(), 0.0
    pace.take_round_trip(ROUND_TRIP, 0)
    for number, times in enumerate((1.5, 0.1, 1.5, 1.5), 1):
        assert pace.step == STEPS[0]
        pace.sent(number, now, pace.mark)
        now += ROUND_TRIP + AIM_SECONDS * times
        pace.taken(number, 0, now)
    assert pace.step == STEPS[1]


def test_frames_of_before_a_change_do_not_change_it_again() -> None:
    pace = Pace()
    pace.take_round_trip(ROUND_TRIP, 0)
    for number in range(1, 4):
        pace.sent(number, 0, pace.mark)
    pace.taken(1, 0, 0.5)
    step = pace.step
    pace.taken(2, 0, 0.9)
    pace.taken(3, 0, 1.2)
    assert pace.step == step != STEPS[0]


def test_a_new_connection_owes_nothing_to_the_last() -> None:
    pace = Pace()
    pace.sent(1, 0, pace.mark)
    assert not pace.may_send(1)
    pace.begin()
    assert pace.may_send(1)
    assert pace.taken(1, 0, 2) is None


def test_before_any_round_trip_is_known_one_frame_goes() -> None:
    pace = Pace()
    assert pace.may_send(0)
    pace.sent(1, 0, pace.mark)
    assert not pace.may_send(GATE_SECONDS + 0.001)


def test_an_idle_round_trip_is_forgotten_after_a_minute() -> None:
    pace = Pace()
    pace.take_round_trip(0.01, 0)
    for second in range(1, 70):
        pace.take_round_trip(0.5, second)
    pace.sent(1, 70, pace.mark)
    assert pace.may_send(70.4)  # the route is another one now


def test_steps_only_go_down_and_end_at_a_quarter_of_each_side() -> None:
    for before, after in pairwise(STEPS):
        assert all(later <= earlier for earlier, later in zip(before, after, strict=True))
    assert STEPS[-1].side == 0.25
    assert HOLD_SECONDS > 1


@given(
    st.lists(
        st.tuples(st.sampled_from(["sent", "taken", "time", "begin"]), st.integers(0, 50), st.floats(0, 100)),
        max_size=60,
    )
)
def test_whatever_the_peer_acknowledges_the_pace_stays_sane(steps: list[tuple[str, int, float]]) -> None:
    pace, now, number = Pace(), 0.0, 0
    for what, value, seconds in steps:
        now += seconds
        if what == "sent":
            number += 1
            pace.sent(number, now, pace.mark)
        elif what == "taken":
            flight = pace.taken(value, seconds, now)
            assert flight is None or (flight >= 0 and value <= number)
        elif what == "begin":
            pace.begin()
        else:
            pace.take_round_trip(seconds, now)
        assert pace.step in STEPS
        assert pace.in_flight <= number
        assert pace.may_send(now) or pace.in_flight
