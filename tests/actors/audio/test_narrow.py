"""When PCM is too much for a link."""

from itertools import pairwise

from actors.audio.narrow import HOLD_MOST_SECONDS, HOLD_SECONDS, WAITED_SECONDS, WAITING, Narrowness

TICK = 0.1


def run(narrowness: Narrowness, begin: float, seconds: float, waiting: int) -> float:
    """Let time pass while so many frames wait; return when it is over."""
    for tick in range(round(seconds / TICK)):
        narrowness.observe(waiting, begin + tick * TICK)
    return begin + seconds


def test_a_hiccup_changes_nothing() -> None:
    narrowness = Narrowness()
    now = run(narrowness, 0, 10, WAITING - 1)
    now = run(narrowness, now, WAITED_SECONDS - TICK, 10)
    now = run(narrowness, now, 1, 0)
    run(narrowness, now, WAITED_SECONDS - TICK, 10)
    assert not narrowness.narrow


def test_what_waits_for_half_a_second_makes_it_narrow() -> None:
    narrowness = Narrowness()
    run(narrowness, 0, WAITED_SECONDS + 2 * TICK, WAITING)
    assert narrowness.narrow


def test_pcm_is_tried_again_later_each_time_that_it_did_not_go() -> None:
    narrowness, held = Narrowness(), []
    now = run(narrowness, 0, 1, 10)
    for _ in range(7):
        began = now
        while narrowness.narrow:
            now = run(narrowness, now, TICK, 0)
        held.append(now - began)
        now = run(narrowness, now, 1, 10)
    assert held[0] < HOLD_SECONDS + 1
    assert all(after > 1.8 * before for before, after in pairwise(held[:4]))
    assert max(held) <= HOLD_MOST_SECONDS + 1


def test_a_link_that_was_wide_for_long_is_tried_soon_again() -> None:
    narrowness = Narrowness()
    now = run(narrowness, 0, 1, 10)
    now = run(narrowness, now, HOLD_SECONDS + 1, 0)
    assert not narrowness.narrow
    now = run(narrowness, now, 300, 0)
    now = run(narrowness, now, 1, 10)
    run(narrowness, now, HOLD_SECONDS + 1, 0)
    assert not narrowness.narrow
