"""The plain client: how it lives with the original's programs and our own relay."""

import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest
import trio

from actors.messages import TextReceived, TextRefused, TextSent
from relay import limits, wire
from relay.server import Options
from tests.actors.original import Server, open_client, open_server
from tests.actors.plain_call import met, open_call, open_place, open_relay
from tests.support import eventually

pytestmark = pytest.mark.long


@pytest.fixture
def server() -> Iterator[Server]:
    with open_server() as running:
        yield running


@pytest.mark.parametrize("place", ["original", "lobby"])
async def test_chat_with_an_original_client(place: str):
    async with open_place(place) as address, open_call(address) as call:
        await eventually(call.joined)
        with open_client(address) as client:
            await eventually(lambda: met(call, client))
            client.texts.clear()
            for text in ("hello", "안녕\n🙂", "x" * limits.CHAT_BYTES):
                await call.say(text)
                await eventually(lambda text=text: text in client.texts)
                client.say(text)
                await eventually(lambda text=text: text in call.heard())
            assert any(isinstance(event, TextSent) and event.id.endswith(" hello") for event in call.events)
            received = [event for event in call.events if isinstance(event, TextReceived)]
            assert [event.id for event in received] == [f"plain-{n}" for n in range(1, len(received) + 1)]
            assert {event.at for event in received} == {1234.5}


@pytest.mark.parametrize("place", ["original", "lobby"])
async def test_what_is_not_shown_is_skipped_and_counted_and_chat_goes_on(place: str):
    async with open_place(place) as address, open_call(address) as call:
        await eventually(call.joined)
        with open_client(address) as client:
            await eventually(lambda: met(call, client))
            for _ in range(20):
                client.send(b"VH26", bytes(2048))
            client.send(b"VH26", bytes(2 * limits.MIB))
            client.say("seen?")
            await eventually(lambda: "seen?" in call.heard())
            await eventually(lambda: call.skipped()[-1:] == [{"VH26": 21}])
            assert len(call.skipped()) <= 3


@pytest.mark.parametrize("place", ["original", "lobby"])
async def test_two_of_ours(place: str):
    async with open_place(place) as address, open_call(address) as one, open_call(address) as two:

        async def meet() -> bool:
            await one.say("ping")
            await two.say("ping")
            return bool(one.heard() and two.heard())

        await eventually(meet)


@pytest.mark.parametrize("place", ["original", "lobby"])
async def test_a_third_is_told_that_two_are_there(place: str):
    async with open_place(place) as address, open_call(address) as call:
        with open_client(address) as client:
            await eventually(lambda: met(call, client))
            async with open_call(address) as third:
                assert await third.wait_ended() == ("plain-full", "")


async def test_nothing_is_said_before_someone_speaks(server: Server):
    with open_client(server.address) as client:
        async with open_call(server.address) as call:
            await eventually(call.joined)
            await eventually(lambda: server.seated() == 2)
            await call.say("first")
            await eventually(lambda: client.texts == ["first"])
            assert client.counts == {b"TEX0": 1}


async def test_a_server_that_dies_is_a_cut(server: Server):
    async with open_call(server.address) as call:
        await eventually(call.joined)
        await eventually(lambda: server.seated() == 1)
        await trio.to_thread.run_sync(server.close)
        assert await call.wait_ended() == ("cut", "")


async def test_counts_not_yet_told_are_told_at_the_end(server: Server):
    async with open_call(server.address) as call:
        await eventually(lambda: server.seated() == 1)
        with open_client(server.address) as client:
            await eventually(lambda: server.seated() == 2)
            client.send(b"VH26", b"one")
            await eventually(call.skipped)
            client.send(b"VH26", b"two")
            client.say("done")
            await eventually(call.heard)
            await trio.to_thread.run_sync(server.close)
            await call.wait_ended()
            assert call.skipped()[-1] == {"VH26": 2}


@pytest.mark.parametrize(("packet_type", "size"), [(b"XXXX", 0), (b"TEX0", limits.CHAT_BYTES + 1)])
async def test_a_peer_that_breaks_the_protocol_ends_it(server: Server, packet_type: bytes, size: int):
    async with open_call(server.address) as call:
        await eventually(lambda: server.seated() == 1)
        with open_client(server.address) as client:
            await eventually(lambda: server.seated() == 2)
            client.say("kept")
            client.send(packet_type, bytes(size))
            cause, detail = await call.wait_ended()
            assert cause == "protocol"
            assert packet_type.decode() in detail
            assert call.heard() == ["kept"]


async def test_hanging_up_sends_what_was_handed_over(server: Server):
    async with open_call(server.address) as call:
        await eventually(lambda: server.seated() == 1)
        with open_client(server.address) as client:
            await eventually(lambda: server.seated() == 2)
            for n in range(10):
                await call.say(f"{n} " + "x" * 60_000)
            call.commands.close()
            assert await call.wait_ended() is None
            await eventually(lambda: len(client.texts) == 10)
            await eventually(lambda: server.seated() == 1)


async def test_cancelling_closes_the_connection(server: Server):
    async with open_call(server.address) as call:
        await eventually(call.joined)
        await eventually(lambda: server.seated() == 1)
    await eventually(lambda: server.seated() == 0)


async def test_nobody_listens(server: Server):
    server.close()
    async with open_call(server.address) as call:
        assert await call.wait_ended() == ("relay-refused", wire.format_address(*server.address))
        assert call.events == []


async def test_a_host_that_nobody_knows():
    async with open_call(("no-such-host.invalid", 9999)) as call:
        assert await call.wait_ended() == ("relay-unknown-host", "no-such-host.invalid")


async def test_a_relay_without_a_lobby_says_so():
    async with open_relay(Options(host="127.0.0.1", port=0, hello_seconds=0.2)) as address, open_call(address) as call:
        end = await call.wait_ended()
        assert end is not None
        assert end[0] == "relay-error"
        assert end[1]


async def test_the_stand_in_runs_as_a_program():
    command = [sys.executable, "-m", "tests.actors.original", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            line = await trio.to_thread.run_sync(process.stdout.readline)
            assert line.startswith("listening on ")
            async with open_call(wire.parse_address(line.removeprefix("listening on "))) as call:
                await eventually(call.joined)
        finally:
            process.kill()


async def test_a_peer_that_never_reads_does_not_keep_who_hangs_up(server: Server):
    """The original's server reads a packet whole and sends it on: behind a client that stalls, it stalls."""
    with socket.socket() as stalled:
        stalled.connect(server.address)
        async with open_call(server.address) as call:
            await eventually(lambda: server.seated() == 2)
            for _ in range(limits.PLAIN_TEXTS * 4):
                await call.say("x" * limits.CHAT_BYTES)
            await eventually(lambda: any(isinstance(event, TextRefused) for event in call.events))
            call.commands.close()
            await call.wait_ended()
