"""How fast a transfer goes, as it is shown."""

import pytest

from actors.files.pace import Pace
from relay import limits


def steady(rate: int, seconds: float, *, start: float = 100.0) -> Pace:
    """A pace that took `rate` bytes a second for so long, told five times a second."""
    pace = Pace()
    pace.begin(start)
    for step in range(1, round(seconds * 5) + 1):
        pace.take(start + step / 5, step * rate // 5)
    return pace


@pytest.mark.parametrize("seconds", [0.6, 1, 4, 5, 60])
def test_a_steady_transfer_shows_its_rate(seconds: float) -> None:
    assert steady(1000, seconds).rate(100 + seconds) == pytest.approx(1000)


def test_before_anything_moved_there_is_no_rate() -> None:
    pace = Pace()
    assert pace.rate(0) == 0
    pace.begin(0)
    assert pace.rate(0) == 0
    assert pace.rate(1) == 0


def test_the_first_moment_makes_no_wild_figure() -> None:
    pace = Pace()
    pace.begin(0)
    pace.take(0.001, 1000)
    assert pace.rate(0.001) == 2000  # as if half a second had gone by


def test_a_change_is_seen_within_five_seconds() -> None:
    pace = steady(1000, 10)
    rates = {}
    for step in range(1, 26):
        pace.take(110 + step / 5, 10_000 + step * 400)
        rates[step] = pace.rate(110 + step / 5)
    assert rates[5] == pytest.approx(1200)  # four seconds of the old, one of the new
    assert rates[25] == pytest.approx(2000)


def test_a_stall_brings_the_rate_down_to_nothing() -> None:
    pace = steady(1000, 10)
    assert pace.rate(112) == pytest.approx(600)  # three seconds of five
    assert pace.rate(115) == 0
    assert pace.rate(200) == 0


def test_it_is_a_stall_after_three_seconds_without_a_byte() -> None:
    pace = steady(1000, 10)
    assert not pace.stalled(110 + limits.STALL_SECONDS - 0.1)
    assert pace.stalled(110 + limits.STALL_SECONDS)
    pace.take(120, 10_000)  # the same again is not a byte
    assert pace.stalled(120)
    pace.take(120, 10_001)
    assert not pace.stalled(120)


def test_a_transfer_whose_first_byte_never_comes_stalls_too() -> None:
    pace = Pace()
    assert not pace.stalled(1000)
    pace.begin(1000)
    assert not pace.stalled(1001)
    assert pace.stalled(1000 + limits.STALL_SECONDS)


def test_time_spent_waiting_does_not_count() -> None:
    pace = steady(1000, 10)
    pace.pause(110)
    assert not pace.stalled(1000)
    assert pace.rate(1000) == pytest.approx(1000)
    pace.begin(1000)
    assert pace.rate(1000) == pytest.approx(1000)
    assert not pace.stalled(1000 + limits.STALL_SECONDS - 0.1)
    assert pace.stalled(1000 + limits.STALL_SECONDS)
    assert pace.rate(1005) == 0


def test_a_stall_before_the_wait_does_not_go_on_after_it() -> None:
    pace = steady(1000, 10)
    pace.pause(112.9)
    pace.begin(200)
    assert not pace.stalled(200.2)
    assert pace.stalled(203)


def test_to_begin_or_to_pause_twice_changes_nothing() -> None:
    pace = steady(1000, 2)
    pace.begin(101.5)
    assert pace.rate(102) == pytest.approx(1000)
    pace.pause(102)
    pace.pause(150)
    assert pace.rate(150) == pytest.approx(1000)


def test_what_was_there_already_is_not_speed() -> None:
    pace = Pace(moved=5_000_000)
    pace.begin(0)
    pace.take(1, 5_001_000)
    assert pace.rate(1) == 1000


def test_what_moved_never_goes_back() -> None:
    pace = steady(1000, 10)
    pace.take(110, 3)
    assert pace.rate(110) == pytest.approx(1000)
    pace.take(111, 11_000)
    assert pace.rate(111) == pytest.approx(1000)


@pytest.mark.parametrize(("left", "seconds"), [(0, 0), (1000, 1), (3_600_000, 3600), (None, None)])
def test_the_time_left_is_what_is_left_at_this_rate(left: int | None, seconds: float | None) -> None:
    found = steady(1000, 10).seconds_left(110, left)
    assert found == (seconds if seconds is None else pytest.approx(seconds))


def test_nobody_knows_how_long_it_takes_when_nothing_moves() -> None:
    pace = steady(1000, 10)
    assert pace.seconds_left(130, 1000) is None
    assert pace.seconds_left(130, 0) == 0


def test_bytes_that_come_very_often_are_not_all_remembered() -> None:
    pace = Pace()
    pace.begin(0)
    for step in range(1, 20_001):
        pace.take(step / 1000, step * 100)
    assert pace.rate(20) == pytest.approx(100_000, rel=0.01)
    assert len(pace._points) < 60
