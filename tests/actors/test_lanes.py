"""Lanes beside `main`: opened when one is needed, each under its own keys, all closed with their epoch."""

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from actors.lanes import Generations, LaneClosed
from actors.peer import OpenLane
from tests.actors.lane_ends import Clock, End, ends, lanes_of, next_epoch
from tests.actors.mallory import Mallory, pass_on
from tests.actors.sides import until

# --- which connection counts ------------------------------------------------------------------------------------------


@given(st.lists(st.one_of(st.none(), st.integers(1, 9)), max_size=30))
def test_the_highest_generation_said_or_seen_counts(steps: list[int | None]):
    generations, highest = Generations(), 0
    for seen in steps:
        if seen is None:
            highest += 1
            assert generations.following("file") == highest
        else:
            assert generations.said(OpenLane("file", seen)) == (seen > highest)
            highest = max(highest, seen)
    assert generations.following("video") == 1


# --- as it should be --------------------------------------------------------------------------------------------------


async def test_a_call_that_only_chats_is_one_connection(autojump_clock: Clock):
    async with ends() as (_, _, mallory):
        await trio.sleep(60)
        assert lanes_of(mallory) == []


@pytest.mark.parametrize("opener", [0, 1])
async def test_either_side_opens_a_lane_and_packets_go_both_ways(autojump_clock: Clock, opener: int):
    async with ends() as (a, b, mallory):
        assert (a, b)[opener].session.open_lane("file")
        a.send("file", b"one", b"", b"three")
        b.send("file", b"uno")
        await until(lambda: b.heard("file") == [b"one", b"", b"three"] and a.heard("file") == [b"uno"])
        assert a.opened("file") == b.opened("file") == [(1, 1)]
        assert lanes_of(mallory) == ["file.1", "file.1"]
        assert a.came["video"] == b.came["video"] == []
        assert len({hello.room for hello in mallory.hellos}) == 2  # all lanes but main share a room of this epoch


async def test_what_waits_for_a_lane_is_sent_when_it_is_there(autojump_clock: Clock):
    async with ends() as (a, b, _):
        a.send("file", b"early")
        await trio.sleep(60)
        assert b.heard("file") == []
        b.session.open_lane("file")
        await until(lambda: b.heard("file") == [b"early"])


async def test_both_at_once_are_one_lane(autojump_clock: Clock):
    async with ends() as (a, b, mallory):
        a.session.open_lane("file")
        b.session.open_lane("file")
        a.send("file", b"one")
        b.send("file", b"uno")
        await until(lambda: b.heard("file") == [b"one"] and a.heard("file") == [b"uno"])
        await trio.sleep(60)
        assert lanes_of(mallory) == ["file.1", "file.1"]
        assert a.closed("file") == b.closed("file") == []


async def test_a_higher_generation_closes_the_lower(autojump_clock: Clock):
    async with ends() as (a, b, _):
        a.session.open_lane("file")
        await until(lambda: a.opened("file") and b.opened("file"))
        b.session.open_lane("file")
        await until(lambda: (1, 2) in a.opened("file") and (1, 2) in b.opened("file"))
        a.send("file", b"on the second")
        await until(lambda: b.heard("file") == [b"on the second"])


async def test_two_lanes_do_not_wait_for_each_other(autojump_clock: Clock):
    async with ends() as (a, b, mallory):
        a.session.open_lane("file")
        a.session.open_lane("video")
        await until(lambda: b.opened("file") and b.opened("video"))
        mallory.meddle = lambda lane, *rest: b"" if lane == "file.1" else pass_on(lane, *rest)
        a.send("file", b"held")
        a.send("video", b"frame")
        await until(lambda: b.heard("video") == [b"frame"])
        assert b.heard("file") == []


async def test_without_a_peer_there_is_no_lane(autojump_clock: Clock):
    async with trio.open_nursery() as nursery:
        a = End(nursery, Mallory(nursery), "A")
        await until(lambda: a.links == ["alone"])
        assert not a.session.open_lane("file")
        nursery.cancel_scope.cancel()


async def test_a_lane_of_a_name_that_is_not_served_here_is_skipped_and_counted(autojump_clock: Clock):
    async with ends(lanes_b=("file",)) as (a, b, _):
        a.session.open_lane("video")
        await until(lambda: a.closed("video"))
        assert a.closed("video") == [LaneClosed(1, 1, "silent")]
        assert b.session.skipped == 1
        assert a.links[-1] == b.links[-1] == "joined"


async def test_an_end_that_was_said_is_no_cut(autojump_clock: Clock):
    async with ends() as (a, b, _):
        a.session.open_lane("file")
        await until(lambda: b.opened("file"))
        a.send("file", b"last")
        a.out["file"].close()
        await until(lambda: b.closed("file"))
        assert b.heard("file") == [b"last"]
        assert b.closed("file") == [LaneClosed(1, 1, "bye")]
        assert b.links[-1] == "joined"


async def test_an_actor_that_died_takes_its_lane_and_nothing_else(autojump_clock: Clock):
    async with ends() as (a, b, _):
        a.session.open_lane("file")
        a.session.open_lane("video")
        await until(lambda: b.opened("file") and b.opened("video"))
        b.listening["file"].cancel()
        a.send("file", b"for nobody")
        await until(lambda: a.closed("file"))
        a.session.open_lane("file")
        b.session.open_lane("file")
        a.send("video", b"frame")
        await until(lambda: b.heard("video") == [b"frame"])
        await trio.sleep(60)
        assert a.over is b.over is None
        assert a.links[-1] == b.links[-1] == "joined"


async def test_a_new_epoch_closes_all_lanes_and_its_own_begin_at_one_in_another_room(autojump_clock: Clock):
    async with ends() as (a, b, mallory):
        a.session.open_lane("file")
        a.session.open_lane("video")
        await until(lambda: b.opened("file") and b.opened("video") and a.opened("video"))
        await next_epoch(a, b, mallory, pass_on)
        a.send("video", b"waits for a lane of today")
        await trio.sleep(60)
        assert b.heard("video") == []
        a.session.open_lane("video")
        await until(lambda: b.heard("video") == [b"waits for a lane of today"])
        assert b.opened("video") == [(1, 1), (2, 1)]
        rooms = [hello.room for hello in mallory.hellos if hello.lane == "video.1"]
        sides = [hello.side for hello in mallory.hellos if hello.lane == "video.1"]
        assert len(set(rooms)) == 2
        assert len(set(sides)) == 4
