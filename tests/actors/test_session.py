"""A session: joined, cut, joined again, and what a hostile relay or peer can make of it."""

import os
from collections.abc import Callable

import pytest
import trio

from actors.messages import LinkChanged, RoundTripMeasured
from actors.news import Joined, PeerTyping, Told
from actors.peer import DiskWaits
from actors.reliable import OutboxFullError
from actors.session import MAIN
from relay import limits, wire
from relay.wire import Hello, Packet
from tests.actors.mallory import CutError, Mallory, pass_on
from tests.actors.sides import Side, once, two, until

FIRST_SEALED = 2  # after KEX0 and CNF0


async def test_lines_go_both_ways_in_order_with_marks(autojump_clock: trio.testing.MockClock) -> None:
    async with two() as (a, b, _):
        a.say("one", "two")
        b.say("three")
        await until(lambda: a.delivered == [1, 2] and b.delivered == [1])
        assert b.heard == ["one", "two"]
        assert a.heard == ["three"]


async def test_both_learn_the_round_trip_and_that_the_peer_types(autojump_clock: trio.testing.MockClock) -> None:
    async with two() as (a, b, _):
        await until(lambda: any(isinstance(e, RoundTripMeasured) for e in a.events))
        await until(lambda: any(isinstance(e, RoundTripMeasured) for e in b.events))
        a.session.set_typing(True)
        await until(lambda: PeerTyping(True) in b.news)


def told(side: Side) -> list[tuple[int, bool]]:
    return [(item.epoch, item.control.waits) for item in side.news if isinstance(item, Told)]


async def test_what_is_told_reaches_the_peer_and_of_the_same_only_the_newest(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with two() as (a, b, _):
        await until(lambda: a.links[-1:] == b.links[-1:] == ["joined"])
        a.session.tell(DiskWaits(1, True))
        a.session.tell(DiskWaits(1, False))
        await until(lambda: told(b))
        assert told(b) == [(1, False)]


async def test_what_is_told_for_another_epoch_is_dropped(autojump_clock: trio.testing.MockClock) -> None:
    async with two() as (a, b, mallory):
        a.session.tell(DiskWaits(1, True))  # nobody is there
        await until(lambda: a.links[-1:] == b.links[-1:] == ["joined"])
        a.session.tell(DiskWaits(1, True), 1)
        a.session.tell(DiskWaits(2, True), 2)
        await trio.sleep(5)
        assert told(b) == [(1, True)]
        mallory.cut_every(1)
        await until(lambda: a.links[-1] != "joined" != b.links[-1])
        mallory.meddle = pass_on
        await until(lambda: a.links[-1] == b.links[-1] == "joined")
        b.news.clear()
        epoch = max(item.epoch for item in a.news if isinstance(item, Joined))
        assert epoch > 1
        for of in (1, epoch - 1, epoch + 1):
            a.session.tell(DiskWaits(3, True), of)
        a.session.tell(DiskWaits(4, False), epoch)
        await until(lambda: told(b))
        await trio.sleep(5)
        assert [waits for _, waits in told(b)] == [False]


@pytest.mark.parametrize("after", range(1, 40))
async def test_wherever_the_link_is_cut_no_line_is_lost_doubled_or_reordered(
    autojump_clock: trio.testing.MockClock, after: int
) -> None:
    """Every connection is cut after `after` packets, then a few more each time, till all came through."""
    said_a, said_b = [f"a{n}" for n in range(15)], [f"b{n}" for n in range(15)]
    async with two() as (a, b, mallory):
        mallory.cut_every(after)
        for one, other in zip(said_a, said_b, strict=True):
            a.say(one)
            b.say(other)
            await trio.sleep(0.3)
        await until(lambda: len(a.delivered) == 15 and len(b.delivered) == 15, 10_000)
        assert b.heard == said_a
        assert a.heard == said_b


@pytest.mark.parametrize("sender", [0, 1])
@pytest.mark.parametrize("at", range(FIRST_SEALED, FIRST_SEALED + 4))
@pytest.mark.parametrize(
    ("deed", "cause"),
    [
        (lambda p: wire.encode(p.type, p.payload) * 2, "altered"),
        (lambda p: wire.encode(p.type, p.payload[:-1]), "altered"),
        (lambda p: wire.encode(p.type, bytes([p.payload[0] ^ 1]) + p.payload[1:]), "altered"),
        (lambda p: wire.encode(p.type, os.urandom(len(p.payload))), "altered"),
        (lambda p: b"", "altered"),  # left out: the next does not fit its place
        (lambda p: wire.encode(wire.SEAL, b"short"), "short"),
        (lambda p: wire.encode(wire.TEXT, b"in clear"), "protocol"),
        (lambda p: wire.HEADER.pack(wire.SEAL, 2**63), "protocol"),
        (lambda p: wire.encode_error("full", "go away"), "relay-error go away"),
        (lambda p: wire.encode_error("words", "forged"), "relay-error forged"),
    ],
    ids=["replayed", "truncated", "altered", "forged", "dropped", "short", "clear", "huge", "ERR0", "ERR0-words"],
)
async def test_what_a_relay_does_to_a_sealed_packet_is_named_and_costs_no_line(
    autojump_clock: trio.testing.MockClock, deed: Callable[[Packet], bytes], cause: str, at: int, sender: int
) -> None:
    async with two(once(MAIN, sender, at, deed)) as (a, b, _):
        a.say("one", "two", "three")
        b.say("uno", "due", "tre")
        await until(lambda: any(c.startswith(cause) for c in a.causes + b.causes))
        a.say("four")
        await until(lambda: len(b.heard) == 4 and len(a.heard) == 3)
        assert b.heard == ["one", "two", "three", "four"]
        assert a.heard == ["uno", "due", "tre"]
        assert a.over is None


async def test_reordered_packets_are_noticed(autojump_clock: trio.testing.MockClock) -> None:
    held: list[bytes] = []

    def meddle(lane: str, sender: int, index: int, packet: Packet) -> bytes:
        data = pass_on(lane, sender, index, packet)
        if sender == 0 and mallory.pairs == 1:
            if index == FIRST_SEALED + 1:
                held.append(data)
                return b""
            if index == FIRST_SEALED + 2:
                return data + held.pop()
        return data

    async with two(meddle) as (a, b, mallory):
        a.say("one", "two", "three")
        b.say("uno")
        await until(lambda: b.heard == ["one", "two", "three"] and a.heard == ["uno"])
        assert any(cause == "altered" for cause in a.causes + b.causes)


async def test_a_packet_reflected_to_its_sender_is_noticed(autojump_clock: trio.testing.MockClock) -> None:
    async with trio.open_nursery() as nursery:
        mallory = Mallory(nursery)
        theirs: list[bytes] = []

        def meddle(lane: str, sender: int, index: int, packet: Packet) -> bytes:
            if mallory.pairs == 1 and index >= FIRST_SEALED:
                if sender == 0:
                    theirs.append(pass_on(lane, sender, index, packet))
                elif theirs:
                    return theirs.pop(0)
            return pass_on(lane, sender, index, packet)

        mallory.meddle = meddle
        a, b = Side(nursery, mallory, "A"), Side(nursery, mallory, "B")
        a.say("one")
        b.say("two")
        await until(lambda: b.heard == ["one"] and a.heard == ["two"])
        assert "altered" in a.causes + b.causes
        nursery.cancel_scope.cancel()


async def test_a_relay_that_mixes_rooms_opens_nothing(autojump_clock: trio.testing.MockClock) -> None:
    async with trio.open_nursery() as nursery:
        mallory = Mallory(nursery)
        mallory.redirect = lambda hello: Hello("room", hello.side, "0" * 32, hello.lane)
        a = Side(nursery, mallory, "A")
        stranger = Side(nursery, mallory, "B", secret=bytes(32))
        a.say("for my peer alone")
        await until(lambda: "handshake confirm" in a.causes)
        assert stranger.heard == []
        assert a.over is None
        nursery.cancel_scope.cancel()


async def test_a_peer_that_claims_our_own_role_is_refused(autojump_clock: trio.testing.MockClock) -> None:
    async with trio.open_nursery() as nursery:
        mallory = Mallory(nursery)
        a, impostor = Side(nursery, mallory, "A"), Side(nursery, mallory, "A")
        a.say("not for myself")
        await until(lambda: "handshake same-role" in a.causes)
        assert impostor.heard == []
        nursery.cancel_scope.cancel()


async def test_a_handshake_that_does_not_come_is_cut_after_ten_seconds(autojump_clock: trio.testing.MockClock) -> None:
    async with two(lambda *_: b"") as (a, _, mallory):
        begun = trio.current_time()
        await until(lambda: "handshake silent" in a.causes)
        assert trio.current_time() - begun == pytest.approx(limits.HANDSHAKE_SECONDS, abs=0.5)
        mallory.meddle = pass_on
        await until(lambda: "joined" in a.links)


async def test_twenty_silent_seconds_end_an_epoch_and_no_line_is_lost(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with two() as (a, b, mallory):
        await until(lambda: "joined" in a.links and "joined" in b.links)
        mallory.meddle = lambda *_: b""
        a.say("into the silence")
        begun = trio.current_time()
        await until(lambda: "out silent" in a.links)
        assert trio.current_time() - begun == pytest.approx(limits.LOST_SECONDS, abs=0.5)
        mallory.meddle = pass_on
        await until(lambda: b.heard == ["into the silence"])


async def test_an_idle_session_lives_by_its_heartbeat(autojump_clock: trio.testing.MockClock) -> None:
    async with two() as (a, _, mallory):
        await until(lambda: "joined" in a.links)
        await trio.sleep(3600)
        assert a.links[-1] == "joined"
        assert mallory.pairs == 1


async def test_hanging_up_ends_the_call_for_both_after_what_was_said(autojump_clock: trio.testing.MockClock) -> None:
    async with two() as (a, b, _):
        await until(lambda: "joined" in a.links)
        a.say("bye")
        a.session.hang()
        await until(lambda: a.done.is_set() and b.done.is_set())
        assert a.over is not None
        assert (a.over.cause, b.over and b.over.cause) == ("hung", "peer-hung")
        assert b.heard == ["bye"]
        assert a.delivered == [1]


async def test_hanging_up_alone_ends_at_once(autojump_clock: trio.testing.MockClock) -> None:
    async with trio.open_nursery() as nursery:
        a = Side(nursery, Mallory(nursery), "A")
        await until(lambda: a.links == ["alone"])
        a.session.hang()
        await until(a.done.is_set, 1)
        nursery.cancel_scope.cancel()


async def test_hanging_up_does_not_wait_for_a_peer_that_says_nothing(autojump_clock: trio.testing.MockClock) -> None:
    async with two() as (a, _, mallory):
        await until(lambda: "joined" in a.links)
        mallory.meddle = lambda *_: b""
        a.session.hang()
        await until(a.done.is_set, 5)
        assert a.over is not None
        assert a.over.cause == "hung"


async def test_the_one_left_says_since_when_its_peer_is_gone(autojump_clock: trio.testing.MockClock) -> None:
    async with trio.open_nursery() as nursery:
        mallory = Mallory(nursery)
        a = Side(nursery, mallory, "A")
        async with trio.open_nursery() as other:
            Side(other, mallory, "B")
            await until(lambda: "joined" in a.links)
            other.cancel_scope.cancel()
        await until(lambda: a.links[-1] == "alone")
        left = [e.since for e in a.events if isinstance(e, LinkChanged)][-2:]
        assert left[0] == left[1]  # "out" then "alone": gone since the same moment
        nursery.cancel_scope.cancel()


async def test_a_joiner_that_meets_nobody_says_so_and_goes_on_waiting(autojump_clock: trio.testing.MockClock) -> None:
    async with trio.open_nursery() as nursery:
        mallory = Mallory(nursery)
        b = Side(nursery, mallory, "B")
        await until(lambda: "alone peer-absent" in b.links)
        assert trio.current_time() >= limits.PEER_ABSENT_SECONDS
        Side(nursery, mallory, "A")
        await until(lambda: b.links[-1] == "joined")
        nursery.cancel_scope.cancel()


async def test_cut_at_once_three_times_running_means_open_elsewhere(autojump_clock: trio.testing.MockClock) -> None:
    def meddle(lane: str, sender: int, index: int, packet: Packet) -> bytes:
        if mallory.pairs <= 3 and index > FIRST_SEALED:
            raise CutError
        return pass_on(lane, sender, index, packet)

    async with two(meddle) as (a, b, mallory):
        await until(lambda: "out elsewhere" in a.links + b.links)
        begun = trio.current_time()
        await until(lambda: a.links[-1] == b.links[-1] == "joined")
        assert trio.current_time() - begun >= limits.ELSEWHERE_SECONDS / 2 - limits.RECONNECT_MAX_SECONDS


async def test_waits_between_tries_grow_to_ten_seconds_and_no_further(autojump_clock: trio.testing.MockClock) -> None:
    async with trio.open_nursery() as nursery:
        mallory = Mallory(nursery)
        mallory.refuse = "draining"
        a = Side(nursery, mallory, "A")
        await trio.sleep(600)
        tries = len(mallory.hellos)
        assert 600 / limits.RECONNECT_MAX_SECONDS <= tries <= 2 * 600 / limits.RECONNECT_MAX_SECONDS + 10
        assert a.links == ["out relay-draining"]  # said once
        assert a.over is None
        nursery.cancel_scope.cancel()


@pytest.mark.long
async def test_a_day_out_of_reach_ends_the_call(autojump_clock: trio.testing.MockClock) -> None:
    async with trio.open_nursery() as nursery:
        mallory = Mallory(nursery)
        mallory.unreachable = True
        a = Side(nursery, mallory, "A")
        await a.done.wait()
        assert a.over is not None
        assert a.over.cause == "out-of-reach"
        assert trio.current_time() == pytest.approx(limits.OUT_OF_REACH_SECONDS, rel=0.01)
        nursery.cancel_scope.cancel()


async def test_a_machine_that_slept_reconnects_at_once(
    autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    ahead = 0.0
    monkeypatch.setattr("actors.session.seconds_slept", lambda: ahead)
    async with two() as (a, b, mallory):
        await until(lambda: a.links == ["alone", "joined"] or a.links == ["joined"])
        ahead = limits.SLEEP_SECONDS
        await until(lambda: mallory.pairs == 2, 5)
        assert "out slept" in a.links + b.links


async def test_what_waits_for_the_peer_is_bounded(autojump_clock: trio.testing.MockClock) -> None:
    async with trio.open_nursery() as nursery:
        a = Side(nursery, Mallory(nursery), "A")
        for _ in range(limits.OUTBOX_MESSAGES):
            a.say("x")
        with pytest.raises(OutboxFullError):
            a.say("one more")
        nursery.cancel_scope.cancel()


async def test_hanging_up_between_two_connections_still_tells_the_peer(autojump_clock: trio.testing.MockClock) -> None:
    async with two() as (a, b, mallory):
        await until(lambda: "joined" in a.links and "joined" in b.links)
        mallory.cut_all()
        await until(lambda: a.links[-1] == "out cut")
        a.say("last words")
        a.session.hang()
        await until(lambda: a.done.is_set() and b.done.is_set(), 30)
        assert (a.over and a.over.cause, b.over and b.over.cause) == ("hung", "peer-hung")
        assert b.heard == ["last words"]


async def test_hanging_up_on_a_slow_link_goes_on_while_it_moves(autojump_clock: trio.testing.MockClock) -> None:
    """Every packet takes a second: ten of them are more than any fixed farewell."""
    async with two() as (a, b, mallory):
        await until(lambda: "joined" in a.links)
        mallory.seconds_each = 1.0
        a.say(*(f"{n}" for n in range(10)))
        a.session.hang()
        await until(lambda: a.done.is_set() and b.done.is_set(), 60)
        assert len(b.heard) == 10
        assert (a.over and a.over.cause, b.over and b.over.cause) == ("hung", "peer-hung")


async def test_what_could_not_be_delivered_is_counted_at_the_end(autojump_clock: trio.testing.MockClock) -> None:
    async with trio.open_nursery() as nursery:
        a = Side(nursery, Mallory(nursery), "A")
        await until(lambda: a.links == ["alone"])
        a.say("one", "two")
        a.session.hang()
        await until(a.done.is_set, 1)
        assert a.over is not None
        assert (a.over.cause, a.over.detail) == ("hung-early", "2")
        nursery.cancel_scope.cancel()


@pytest.mark.long
async def test_a_day_alone_at_the_relay_ends_the_call(autojump_clock: trio.testing.MockClock) -> None:
    async with trio.open_nursery() as nursery:
        a = Side(nursery, Mallory(nursery), "A")
        await a.done.wait()
        assert a.over is not None
        assert a.over.cause == "out-of-reach"
        nursery.cancel_scope.cancel()


async def test_a_relay_that_pairs_with_nobody_does_not_count_as_the_peer(
    autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "OUT_OF_REACH_SECONDS", 3600.0)  # a day of handshakes is slow to play
    async with two(lambda *_: b"") as (a, b, _):
        with trio.fail_after(limits.OUT_OF_REACH_SECONDS * 1.1):
            await a.done.wait()
            await b.done.wait()
        assert (a.over and a.over.cause, b.over and b.over.cause) == ("out-of-reach", "out-of-reach")
