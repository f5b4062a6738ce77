"""When sound was captured, told from when it came."""

from itertools import pairwise

import pytest

from actors.audio.frames import FRAME_SECONDS
from actors.audio.stamps import LOST_SECONDS, Stamps


def test_an_even_device_is_taken_at_its_word() -> None:
    stamps = Stamps(FRAME_SECONDS)
    for number in range(1, 100):
        assert stamps.of(number * FRAME_SECONDS) == pytest.approx((number - 1) * FRAME_SECONDS)


def test_bursts_are_spread_over_their_time() -> None:
    stamps, told = Stamps(FRAME_SECONDS), []
    for burst in range(200):
        told += [stamps.of((burst + 1) * 5 * FRAME_SECONDS) for _ in range(5)]
    gaps = [after - before for before, after in pairwise(told[500:])]
    assert min(gaps) >= FRAME_SECONDS - 0.001
    assert max(gaps) <= FRAME_SECONDS + 0.001


def test_a_thread_that_wakes_late_moves_nothing() -> None:
    stamps = Stamps(FRAME_SECONDS)
    told = [stamps.of(number * FRAME_SECONDS + (0.015 if number % 7 == 3 else 0)) for number in range(1, 500)]
    for number, at in enumerate(told):
        assert at == pytest.approx(number * FRAME_SECONDS, abs=0.0005)


def test_nothing_is_stamped_later_than_it_was_there() -> None:
    stamps = Stamps(FRAME_SECONDS)
    for number in range(1, 500):
        came = number * FRAME_SECONDS + (number * 7919 % 13) / 1000
        assert stamps.of(came) <= came - FRAME_SECONDS + 1e-9


@pytest.mark.parametrize("drift", [-0.001, 0.001])
def test_a_card_whose_clock_is_wrong_is_followed(drift: float) -> None:
    stamps = Stamps(FRAME_SECONDS)
    period = FRAME_SECONDS * (1 + drift)
    told = [stamps.of(number * period) for number in range(1, 50 * 600)]
    assert told[-1] == pytest.approx((len(told)) * period - FRAME_SECONDS, abs=0.006)


def test_a_device_that_stood_still_counts_anew() -> None:
    stamps = Stamps(FRAME_SECONDS)
    stamps.of(1.0)
    assert stamps.of(1.0 + FRAME_SECONDS + LOST_SECONDS + 0.1) == pytest.approx(1.0 + LOST_SECONDS + 0.1)
