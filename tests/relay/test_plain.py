"""The lobby: what programs of the original find at our relay (docs/protocol.md, section 2, "Plain lobby")."""

import pytest
import trio

from relay import limits, wire
from relay.wire import encode
from tests.relay.helpers import Client, RunningRelay, running_relay, token
from tests.support import eventually


@pytest.fixture(autouse=True)
def short_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "LOBBY_SILENCE_SECONDS", 0.02)


async def silent(relay: RunningRelay) -> Client:
    """A client of the original: it connects, says nothing, and is in the lobby soon."""
    before = len(relay.server.lobby)
    client = await relay.connect()
    await eventually(lambda: len(relay.server.lobby) == before + 1)
    return client


async def text(client: Client, said: str) -> bytes:
    packet = encode(wire.TEXT, said.encode())
    await client.stream.send_all(packet)
    return packet


@pytest.mark.parametrize("packet_type", wire.PLAIN_LIMITS)
async def test_every_packet_type_passes_both_ways(packet_type: bytes) -> None:
    packet = encode(packet_type, b"payload"[: wire.PLAIN_LIMITS[packet_type]])
    async with running_relay(plain=True) as relay:
        first, second = await silent(relay), await silent(relay)
        for sender, receiver in ((first, second), (second, first)):
            await sender.stream.send_all(packet)
            assert await receiver.receive(len(packet)) == packet


async def test_silence_leads_to_the_lobby_and_so_does_a_plain_packet() -> None:
    async with running_relay(plain=True) as relay:
        first = await silent(relay)
        second = await relay.connect()
        packet = await text(second, "at once")
        assert await first.receive(len(packet)) == packet


async def test_a_packet_that_comes_byte_by_byte_passes() -> None:
    packet = encode(wire.TEXT, "안녕".encode())
    async with running_relay(plain=True) as relay:
        first = await silent(relay)
        second = await relay.connect()
        for byte in packet:
            await second.stream.send_all(bytes([byte]))
        assert await first.receive(len(packet)) == packet


async def test_a_large_packet_passes_in_pieces() -> None:
    packet = encode(wire.IMAGE, bytes(range(256)) * 40_000)
    async with running_relay(plain=True) as relay:
        first, second = await silent(relay), await silent(relay)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(second.stream.send_all, packet)
            assert await first.receive(len(packet)) == packet


async def test_what_comes_while_nobody_is_there_is_dropped_whole() -> None:
    lost = encode(wire.IMAGE, bytes(100_000))
    async with running_relay(plain=True) as relay:
        first = await relay.connect()
        await first.stream.send_all(lost[:50_000])
        await eventually(lambda: len(relay.server.lobby) == 1)
        second = await silent(relay)  # comes in the middle of it
        await first.stream.send_all(lost[50_000:])
        packet = await text(first, "this one")
        assert await second.receive(len(packet)) == packet


async def test_a_third_is_rejected() -> None:
    async with running_relay(plain=True) as relay:
        first, second = await silent(relay), await silent(relay)
        third = await relay.connect()
        assert await third.rest() == wire.REJECT
        packet = await text(first, "still here")
        assert await second.receive(len(packet)) == packet


async def test_when_one_leaves_the_other_stays_for_the_next() -> None:
    async with running_relay(plain=True) as relay:
        first, second = await silent(relay), await silent(relay)
        await second.stream.aclose()
        await eventually(lambda: relay.moods() == ["plain"])
        third = await silent(relay)
        packet = await text(third, "hello?")
        assert await first.receive(len(packet)) == packet


async def test_a_sender_cut_in_the_middle_of_a_packet_ends_its_receiver_too() -> None:
    packet = encode(wire.IMAGE, bytes(1000))
    async with running_relay(plain=True) as relay:
        first, second = await silent(relay), await silent(relay)
        await first.stream.send_all(packet[:500])
        assert await second.receive(500) == packet[:500]
        await first.stream.aclose()
        await second.is_cut()
        await second.stream.aclose()


async def test_a_sender_cut_between_packets_does_not() -> None:
    async with running_relay(plain=True) as relay:
        first, second = await silent(relay), await silent(relay)
        packet = await text(first, "whole")
        await first.stream.send_all(wire.HEADER.pack(wire.TEXT, 7)[:5])  # nothing of it was forwarded
        await first.stream.aclose()
        assert await second.receive(len(packet)) == packet
        await eventually(lambda: len(relay.log) == 1)
        third = await silent(relay)
        packet = await text(second, "next")
        assert await third.receive(len(packet)) == packet


async def test_a_receiver_that_leaves_in_the_middle_of_a_packet_costs_its_sender_nothing() -> None:
    async with running_relay(plain=True) as relay:
        first, second = await silent(relay), await silent(relay)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(first.stream.send_all, encode(wire.IMAGE, bytes(32 * limits.MIB)))
            await second.receive(100_000)
            await second.stream.aclose()
        await eventually(lambda: len(relay.server.lobby) == 1)
        third = await silent(relay)
        packet = await text(first, "for you")
        assert await third.receive(len(packet)) == packet


NOT_OF_THE_ORIGINAL = {
    "a text one past its limit": wire.HEADER.pack(wire.TEXT, limits.CHAT_BYTES + 1),
    "an image one past its limit": wire.HEADER.pack(wire.IMAGE, limits.PLAIN_IMAGE_BYTES + 1),
    "a size of 2^63": wire.HEADER.pack(wire.AUDIO, 2**63),
    "a sealed packet": wire.HEADER.pack(wire.SEAL, 100),
    "no packet": b"\xff\xfe\x00\x01" + bytes(8),
}


@pytest.mark.parametrize("header", NOT_OF_THE_ORIGINAL.values(), ids=NOT_OF_THE_ORIGINAL.keys())
async def test_what_the_original_would_not_send_ends_its_sender_alone(header: bytes) -> None:
    async with running_relay(plain=True) as relay:
        first, second = await silent(relay), await silent(relay)
        await first.stream.send_all(header)
        await first.is_cut()
        await first.stream.aclose()
        third = await silent(relay)
        packet = await text(second, "still here")
        assert await third.receive(len(packet)) == packet


async def test_a_hello_is_a_hello_here_too() -> None:
    async with running_relay(plain=True) as relay:
        first, second = await relay.pair()
        await first.stream.send_all(b"sealed")
        assert await second.receive(6) == b"sealed"


async def test_a_late_hello_counts_while_nothing_was_forwarded_to_it() -> None:
    async with running_relay(plain=True) as relay:
        late, other = await silent(relay), await silent(relay)
        await text(late, "before")  # to the other; nothing has come to this one
        await late.say("new")
        number = await late.waits()
        await (await relay.hello("join", room=number)).is_paired()
        await late.is_paired()
        assert len(relay.server.lobby) == 1
        third = await silent(relay)  # the seat is free again
        packet = encode(wire.TEXT, b"before")
        assert await other.receive(len(packet)) == packet
        packet = await text(third, "hi")
        assert await other.receive(len(packet)) == packet


async def test_a_late_hello_that_is_never_whole_ends_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "HELLO_SECONDS", 0.05)
    async with running_relay(plain=True) as relay:
        late = await silent(relay)
        await late.stream.send_all(wire.Hello("new", token()).encode()[:-1])
        assert await late.is_refused() == "hello"


async def test_a_hello_after_something_was_forwarded_is_refused() -> None:
    async with running_relay(plain=True) as relay:
        late, other = await silent(relay), await silent(relay)
        packet = await text(other, "for the original")
        assert await late.receive(len(packet)) == packet
        await late.say("room", room=token())
        assert await late.is_refused() == "hello"


async def test_a_hello_cut_by_the_silence_is_still_a_hello() -> None:
    hello = wire.Hello("new", token()).encode()
    async with running_relay(plain=True) as relay:
        client = await relay.connect()
        await client.stream.send_all(hello[:3])
        await trio.sleep(5 * limits.LOBBY_SILENCE_SECONDS)
        await client.stream.send_all(hello[3:])
        await client.waits()


async def test_neither_silence_nor_plain_packets_are_served_without_plain() -> None:
    async with running_relay(hello_seconds=0.4) as relay:
        quiet = await relay.connect()
        plain = await relay.connect()
        await text(plain, "hello?")
        assert await plain.is_refused() == "hello"
        assert await quiet.is_refused() == "hello"


async def test_draining_lets_go_of_who_is_alone_and_lets_two_finish() -> None:
    async with running_relay(plain=True, drain=60.0) as relay:
        first, second = await silent(relay), await silent(relay)
        relay.stop.set()
        packet = await text(first, "one more")
        assert await second.receive(len(packet)) == packet
        await first.stream.aclose()
        await second.is_cut()
        await relay.ended.wait()
    async with running_relay(plain=True, drain=60.0) as relay:
        alone = await silent(relay)
        relay.stop.set()
        await alone.is_cut()
        await relay.ended.wait()
