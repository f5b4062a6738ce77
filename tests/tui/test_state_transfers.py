"""What the screen knows of files after each event."""

import dataclasses

from actors.messages import Ended, EntryNoted, Snapshot, Transfer, TransferChanged, TransferProgressed
from relay import limits
from tui.link import EngineGone
from tui.state import ENDED_SHOWN_SECONDS, CallState


def one(number, state="moving", **facts):
    return Transfer(id=number, mine=False, state=state, name=f"f{number}", **facts)


def changed(number, state="moving", **facts):
    return TransferChanged(transfer=one(number, state, **facts))


def after(*events, now=0.0):
    state = CallState()
    state.apply(Snapshot(engine="1", phase="call", link="joined"), now)
    for event in events:
        state.apply(event, now)
    return state


def test_a_snapshot_brings_them_in_order():
    state = after(Snapshot(phase="call", transfers=(one(3), one(2, "done"))))
    assert list(state.transfers) == [3, 2]


def test_a_change_replaces_and_keeps_the_place():
    state = after(changed(1), changed(2), changed(1, "done"))
    assert [transfer.state for transfer in state.transfers.values()] == ["done", "moving"]


def test_progress_is_taken_in_until_it_is_over():
    progress = TransferProgressed(id=1, moved=5, moved_files=1, rate=2.0, seconds_left=3.0, stall="link")
    state = after(changed(1), progress)
    assert (state.transfers[1].moved, state.transfers[1].stall) == (5, "link")
    assert state.stalled == {1: frozenset({"link"})}
    assert after(changed(1, "done", moved=9), progress).transfers[1].moved == 9
    assert after(progress).transfers == {}


def test_one_that_ended_is_shown_for_a_moment():
    state = after(changed(1), changed(1, "done"), now=100.0)
    assert [transfer.id for transfer in state.transfers_shown(100.0)] == [1]
    assert state.transfers_shown(100.0 + ENDED_SHOWN_SECONDS) == []


def test_one_that_ended_out_of_sight_is_shown_if_it_was_seen_before():
    state = after(changed(1), Snapshot(phase="call", transfers=(one(1, "done"), one(3, "done"))), now=50.0)
    assert [transfer.id for transfer in state.transfers_shown(50.0)] == [1]


def test_what_is_noted_is_counted_until_the_state_changes():
    note = EntryNoted(transfer=1, path="x", cause="gone")
    state = after(changed(1, "listing"), note, note)
    assert state.noted == {1: 2}
    state.apply(changed(1, "listing", files=3), 0.0)
    assert state.noted == {1: 2}
    state.apply(changed(1, "offered"), 0.0)
    assert state.noted == {}


def test_those_that_are_over_are_kept_up_to_a_limit():
    count = limits.TRANSFERS_KEPT
    state = after(changed(9999), *(changed(n, "done") for n in range(1, count + 11)))
    assert len(state.transfers) == count + 1
    assert 9999 in state.transfers
    assert 10 not in state.transfers
    assert len(state.over_at) == count


def test_what_is_open_fails_with_the_engine():
    for end in (Ended(cause="peer-hung"), EngineGone("engine-gone")):
        state = after(changed(1), changed(2, "offered"), changed(3, "done"), end, now=7.0)
        assert [(one.state, one.cause) for one in state.transfers.values()] == [
            ("failed", "call-over"),
            ("failed", "call-over"),
            ("done", ""),
        ]
        assert (state.over_at, state.moving) == ({1: 7.0, 2: 7.0, 3: 7.0}, False)


def test_a_copy_stays_as_it_was():
    state = after(changed(1))
    was = dataclasses.replace(state)
    state.apply(changed(1, "done"), 1.0)
    state.apply(EntryNoted(transfer=2, path="x", cause="gone"), 1.0)
    assert (was.transfers[1].state, was.over_at, was.noted) == ("moving", {}, {})


def test_only_what_was_accepted_counts_as_moving():
    assert after(changed(1, "moving")).moving
    assert after(changed(1, "waiting")).moving
    assert not after(changed(1, "offered"), changed(2, "listing"), changed(3, "failed")).moving
