"""A peer that holds the secret and breaks the protocol inside the seal: its own call ends, with a name."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio

from actors import peer
from actors.lane import SealedLane
from actors.peer import HaveUpTo, Hung, Text
from actors.seal import Exchange, SessionKeys
from actors.session import MAIN
from relay import limits, wire
from relay.wire import Hello
from tests.actors.mallory import Mallory
from tests.actors.sides import SECRET, Side, until


@asynccontextmanager
async def rogue(nursery: trio.Nursery) -> AsyncIterator[tuple[Side, SealedLane]]:
    """A session's side A, joined with a lane on which the test says what it likes."""
    mallory = Mallory(nursery)
    a = Side(nursery, mallory, "A")
    yield a, await join(mallory)
    nursery.cancel_scope.cancel()


async def join(mallory: Mallory) -> SealedLane:
    keys = SessionKeys(SECRET, "B")
    connection = await mallory.dialler()(Hello("room", keys.side, keys.room, MAIN))
    await connection.wait_paired()
    exchange = Exchange("B", keys)
    await connection.send(wire.EXCHANGE, exchange.payload)
    exchange.receive((await connection.receive()).payload)
    await connection.send(wire.CONFIRM, exchange.own_confirmation)
    assert exchange.check((await connection.receive()).payload)
    return SealedLane(connection, *exchange.epoch.main())


def text(number: int, words: str = "x") -> tuple[bytes, bytes]:
    return wire.MESSAGE, peer.encode_message(number, Text(words))


def control(item: peer.Control) -> tuple[bytes, bytes]:
    return wire.CONTROL, peer.encode_control(item)


BEGIN = control(HaveUpTo(0))


@pytest.mark.parametrize(
    ("packets", "cause"),
    [
        ([control(HaveUpTo(1))], "counter"),
        ([text(1)], "protocol"),
        ([control(Hung())], "protocol"),
        ([BEGIN, (wire.MESSAGE, b"short")], "protocol"),
        ([BEGIN, (wire.MESSAGE, bytes(8) + b"[" * 4000)], "protocol"),
        ([BEGIN, (wire.MESSAGE, bytes(7) + b'\x01{"type":"Text","text":1}')], "protocol"),
        ([BEGIN, text(1, "x" * (limits.CHAT_BYTES + 1))], "protocol"),
        ([BEGIN, (wire.CONTROL, b'{"type":"HaveUpTo","number":-1}')], "protocol"),
        ([BEGIN, (wire.CONTROL, b'{"type":"OpenLane","name":"../x","generation":1}')], "protocol"),
        ([BEGIN, (wire.CONTROL, b"\xff\x00")], "protocol"),
    ],
    ids=[
        "claims-more",
        "no-beginning",
        "hung-first",
        "no-number",
        "nested",
        "type",
        "long",
        "negative",
        "lane",
        "bytes",
    ],
)
async def test_a_peer_that_breaks_the_protocol_ends_its_own_call_with_a_name(
    autojump_clock: trio.testing.MockClock, packets: list[tuple[bytes, bytes]], cause: str
) -> None:
    async with trio.open_nursery() as nursery, rogue(nursery) as (a, lane):
        for packet in packets:
            await lane.send(*packet)
        await until(a.done.is_set)
        assert a.over is not None
        assert a.over.cause == cause


async def test_what_a_later_version_says_is_skipped_and_counted(autojump_clock: trio.testing.MockClock) -> None:
    async with trio.open_nursery() as nursery, rogue(nursery) as (a, lane):
        await lane.send(*BEGIN)
        await lane.send(b"NEW0", b"whatever")
        await lane.send(wire.CONTROL, b'{"type":"Wave","hand":"left"}')
        await lane.send(*control(peer.OpenLane("smell", 1)))
        await lane.send(wire.MESSAGE, bytes(7) + b'\x01{"type":"Poke"}')
        await lane.send(*text(2, "still here"))
        await until(lambda: a.heard == ["still here"])
        assert a.session.skipped == 3
        assert a.over is None


async def test_at_or_below_what_is_had_is_dropped(autojump_clock: trio.testing.MockClock) -> None:
    async with trio.open_nursery() as nursery, rogue(nursery) as (a, lane):
        for packet in (BEGIN, text(1, "one"), text(1, "one"), text(2, "two"), text(1, "one")):
            await lane.send(*packet)
        await until(lambda: len(a.heard) >= 2)
        await trio.sleep(1)
        assert a.heard == ["one", "two"]


async def test_the_same_gap_three_times_ends_the_call(autojump_clock: trio.testing.MockClock) -> None:
    async with trio.open_nursery() as nursery:
        mallory = Mallory(nursery)
        a = Side(nursery, mallory, "A")
        for _ in range(limits.GAP_TRIES):
            lane = await join(mallory)
            await lane.send(*BEGIN)
            await lane.send(*text(2))
            await trio.sleep(1)
        await until(a.done.is_set)
        assert a.over is not None
        assert a.over.cause == "counter"
        assert "out gap" in a.links
        nursery.cancel_scope.cancel()


async def test_a_peer_that_leaves_without_hanging_up_is_waited_for(autojump_clock: trio.testing.MockClock) -> None:
    async with trio.open_nursery() as nursery, rogue(nursery) as (a, lane):
        await lane.send(*BEGIN)
        await lane.send(wire.BYE, b"")
        await until(lambda: a.links[-2:] == ["out bye", "alone"])
        assert a.over is None


async def test_a_peer_whose_numbers_do_not_add_up_is_told_that_the_call_is_over(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with trio.open_nursery() as nursery, rogue(nursery) as (a, lane):
        a.say("not to be sent any more")
        await lane.send(*control(HaveUpTo(9)))
        heard = []
        while (packet := await lane.receive())[0] != wire.BYE:
            heard.append(packet[1])
        assert peer.decode_control(heard[-1]) == Hung()
        await until(a.done.is_set)
        assert a.over is not None
        assert a.over.cause == "counter"


async def test_hung_counts_however_the_connection_ends_after_it(autojump_clock: trio.testing.MockClock) -> None:
    async with trio.open_nursery() as nursery, rogue(nursery) as (a, lane):
        await lane.send(*BEGIN)
        await lane.send(*control(Hung()))
        await trio.sleep(0.1)  # it came through
        await lane._stream.aclose()
        await until(a.done.is_set, 5)
        assert a.over is not None
        assert a.over.cause == "peer-hung"
