"""When a speaker's buffer is too short for its machine."""

from actors.children.speaker import Dryness

BLOCK, HOLDS = 0.02, 0.02


def told(gaps: list[float]) -> list[int]:
    """After which writes it says so; `gaps` are the seconds between them."""
    dryness, now, said = Dryness(), 100.0, []
    for number, gap in enumerate([0.0, *gaps]):
        now += gap
        if dryness.too_often(BLOCK, HOLDS, now):
            said.append(number)
    return said


def test_a_device_that_is_written_in_time_never_runs_dry() -> None:
    assert told([0.02, 0.039, 0.001, 0.03] * 1000) == []


def test_four_gaps_in_ten_seconds_are_too_often() -> None:
    assert told([0.02, 0.05, 0.05, 0.05, 0.05]) == [5]


def test_now_and_then_is_not() -> None:
    assert told([0.05, *[0.02] * 200] * 20) == []


def test_it_is_said_once_for_each_four() -> None:
    assert told([0.05] * 12) == [4, 8, 12]


def test_what_passes_before_the_first_write_is_no_gap() -> None:
    assert Dryness().too_often(BLOCK, HOLDS, 1e9) is False
