"""One transfer as screens see it."""

import math

import pytest
import trio
from trio.testing import MockClock

from actors.files.shown import Shown
from actors.messages import EntryNoted, Event, Transfer, TransferChanged, TransferProgressed
from relay import limits


class Screen:
    """What a screen is told of a transfer of 1,000 bytes."""

    def __init__(self, size: int | None = 1000) -> None:
        self.told: list[Event] = []
        self.shown = Shown(Transfer(id=7, mine=True, state="waiting", files=2, size=size), self.told.append)

    def new(self) -> list[Event]:
        """What it was told since it was asked last."""
        new, self.told[:] = list(self.told), []
        return new


def progress(event: Event) -> TransferProgressed:
    assert isinstance(event, TransferProgressed)
    return event


async def test_a_transfer_is_told_at_once() -> None:
    screen = Screen()
    assert screen.new() == [TransferChanged(transfer=screen.shown.now)]
    assert not screen.shown.over


async def test_every_change_is_told_and_nothing_that_is_none() -> None:
    screen = Screen()
    screen.new()
    screen.shown.change(place=1)
    screen.shown.change(place=1)
    screen.shown.change()
    screen.shown.change(state="moving", place=2)
    told = screen.new()
    assert [(event.transfer.state, event.transfer.place) for event in told if isinstance(event, TransferChanged)] == [
        ("waiting", 1),
        ("moving", 2),
    ]
    assert len(told) == 2


@pytest.mark.parametrize(
    ("state", "over"),
    [
        ("listing", False),
        ("offered", False),
        ("waiting", False),
        ("moving", False),
        ("done", True),
        ("refused", True),
        ("cancelled", True),
        ("failed", True),
    ],
)
async def test_it_is_over_when_nothing_more_will_happen(state: str, over: bool) -> None:
    screen = Screen()
    screen.shown.change(state=state)
    assert screen.shown.over == over


async def test_what_is_over_has_no_place_any_more() -> None:
    screen = Screen()
    screen.shown.change(place=2)
    screen.shown.change(state="cancelled")
    assert screen.shown.now.place == 0


@pytest.mark.parametrize("over", ["done", "refused", "cancelled", "failed"])
@pytest.mark.parametrize("state", ["listing", "offered", "waiting", "moving", "done", "cancelled", "failed"])
async def test_what_is_over_does_not_come_to_life_again(over: str, state: str) -> None:
    screen = Screen()
    screen.shown.change(state=over, cause="first")
    ended = screen.shown.now
    screen.new()
    screen.shown.change(state=state, cause="second", path="/elsewhere")
    assert screen.shown.now == ended
    assert screen.new() == []


async def test_what_is_over_may_still_be_told_what_was_kept_and_missed() -> None:
    screen = Screen()
    screen.shown.change(state="cancelled")
    screen.shown.change(partial="/a/part", missed=3)
    now = screen.shown.now
    assert (now.state, now.partial, now.missed) == ("cancelled", "/a/part", 3)
    assert screen.new()[-1] == TransferChanged(transfer=now)


async def test_what_was_done_after_all_is_settled() -> None:
    screen = Screen()
    screen.shown.change(state="cancelled", cause="cancelled", detail="here", place=1)
    screen.shown.settle(state="done", cause="", detail="", missed=1)
    now = screen.shown.now
    assert (now.state, now.cause, now.detail, now.missed, now.place) == ("done", "", "", 1, 0)
    assert screen.new()[-1] == TransferChanged(transfer=now)


async def test_of_names_no_more_is_told_than_the_limit() -> None:
    name = "가" * 64  # 192 bytes
    fitting = limits.SHOWN_NAMES_BYTES // 192
    for names, told in ((fitting, fitting), (fitting + 5, fitting)):
        shown = Shown(Transfer(id=7, mine=False, state="offered", names=(name,) * names), lambda event: None)
        assert shown.now.names == (name,) * told


async def test_what_a_peer_can_make_long_is_cut() -> None:
    screen = Screen()
    screen.shown.change(name="x" * 255, detail="x" * 300)
    assert (screen.shown.now.name, screen.shown.now.detail) == ("x" * 255, "x" * 300)
    screen.shown.change(name="x" * 256, detail="x" * 301)
    assert (screen.shown.now.name, screen.shown.now.detail) == ("x" * 254 + "…", "x" * 299 + "…")


# --- progress -------------------------------------------------------------------------------------------------------


async def test_what_moved_is_told_with_the_next_tick(autojump_clock: MockClock) -> None:
    screen = Screen()
    screen.shown.change(state="moving")
    screen.new()
    await trio.sleep(1)
    screen.shown.moved(100, 1)
    assert screen.new() == []
    screen.shown.tick("")
    assert screen.new() == [TransferProgressed(id=7, moved=100, moved_files=1, rate=100, seconds_left=9.0, stall="")]
    assert screen.shown.now.moved == 100
    assert screen.shown.now.rate == 100
    assert screen.shown.now.seconds_left == 9


async def test_a_tick_without_progress_is_not_told(autojump_clock: MockClock) -> None:
    screen = Screen()
    screen.shown.change(state="moving")
    screen.shown.tick("")
    screen.new()
    screen.shown.tick("")
    assert screen.new() == []
    screen.shown.tick("link")
    screen.shown.tick("link")
    (stall,) = screen.new()
    assert progress(stall).stall == "link"


@pytest.mark.parametrize("state", ["listing", "offered", "waiting", "done", "failed"])
async def test_what_does_not_move_has_no_progress(state: str, autojump_clock: MockClock) -> None:
    screen = Screen()
    screen.shown.change(state=state)
    screen.shown.moved(100, 1)
    screen.new()
    screen.shown.tick("peer-disk")
    assert screen.new() == []
    assert not screen.shown.stalled


async def test_of_a_stream_nobody_knows_when_it_ends(autojump_clock: MockClock) -> None:
    screen = Screen(size=None)
    screen.shown.change(state="moving")
    await trio.sleep(1)
    screen.shown.moved(100, 0)
    screen.shown.tick("")
    last = progress(screen.new()[-1])
    assert (last.rate, last.seconds_left) == (100, None)


async def test_more_than_was_offered_leaves_nothing_and_not_less(autojump_clock: MockClock) -> None:
    screen = Screen()
    screen.shown.change(state="moving")
    await trio.sleep(1)
    screen.shown.moved(2000, 2)
    screen.shown.tick("")
    assert progress(screen.new()[-1]).seconds_left == 0


async def test_rate_and_stall_end_with_the_moving(autojump_clock: MockClock) -> None:
    screen = Screen()
    screen.shown.change(state="moving")
    await trio.sleep(1)
    screen.shown.moved(100, 1)
    screen.shown.tick("peer-disk")
    screen.shown.change(state="failed", cause="disk-full")
    now = screen.shown.now
    assert (now.rate, now.seconds_left, now.stall) == (0, None, "")
    assert (now.moved, now.moved_files, now.cause) == (100, 1, "disk-full")
    assert screen.new()[-1] == TransferChanged(transfer=now)


async def test_it_stalls_when_nothing_moves_for_a_while(autojump_clock: MockClock) -> None:
    screen = Screen()
    screen.shown.change(state="moving")
    await trio.sleep(math.nextafter(limits.STALL_SECONDS, 0) - 0.01)
    assert not screen.shown.stalled
    await trio.sleep(0.02)
    assert screen.shown.stalled
    screen.shown.moved(1, 0)
    assert not screen.shown.stalled


async def test_it_knows_since_when_it_stands_still(autojump_clock: MockClock) -> None:
    screen = Screen()
    screen.shown.change(state="moving")
    await trio.sleep(5)
    assert screen.shown.still_for == pytest.approx(5)
    screen.shown.moved(1, 0)
    await trio.sleep(2)
    assert screen.shown.still_for == pytest.approx(2)
    screen.shown.tried_again()
    assert screen.shown.still_for == 0
    assert screen.shown.now.moved == 1


async def test_waiting_is_no_stall(autojump_clock: MockClock) -> None:
    screen = Screen()
    await trio.sleep(100)
    assert not screen.shown.stalled
    screen.shown.change(state="moving")
    assert not screen.shown.stalled
    screen.shown.change(state="waiting")
    await trio.sleep(100)
    screen.shown.change(state="moving")
    assert not screen.shown.stalled


# --- entries --------------------------------------------------------------------------------------------------------


async def test_only_the_first_entries_are_told_of_by_name() -> None:
    screen = Screen()
    screen.new()
    told = [screen.shown.note(f"file {number}", "changed", "why") for number in range(limits.NOTES + 2)]
    assert told == [True] * limits.NOTES + [False, False]
    events = screen.new()
    assert len(events) == limits.NOTES
    assert events[0] == EntryNoted(transfer=7, path="file 0", cause="changed", detail="why")
