"""Reaching a relay, and whatever else may answer there."""

import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial

import pytest
import trio
from trio.testing import memory_stream_pair

from actors.dial import Connection, DialError, dialler, open_stream
from relay import limits, wire
from relay.wire import Hello

SIDE = "0" * 32
NEW = Hello("new", SIDE)
JOIN = Hello("join", SIDE, "4711")
ROOM = Hello("room", SIDE, "a" * 32, "main.0")
Handler = Callable[[trio.SocketStream], Awaitable[None]]


@asynccontextmanager
async def answering(*handlers: Handler) -> AsyncIterator[tuple[str, list[Hello]]]:
    """A server on this machine whose n-th connection is handled by the n-th handler; its address, the hellos."""
    hellos: list[Hello] = []
    left = list(handlers)

    async def serve(stream: trio.SocketStream) -> None:
        decoder = wire.Decoder(wire.HANDSHAKE_LIMITS)
        while (packet := decoder.next_packet()) is None:
            decoder.feed(await stream.receive_some(4096))
        hellos.append(wire.parse_hello(packet.payload))
        await left.pop(0)(stream)

    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(partial(trio.serve_tcp, serve, 0, host="127.0.0.1"))
        yield f"127.0.0.1:{listeners[0].socket.getsockname()[1]}", hellos
        nursery.cancel_scope.cancel()


def says(data: bytes, *, stays: bool = False) -> Handler:
    async def handle(stream: trio.SocketStream) -> None:
        await stream.send_all(data)
        if stays:
            await trio.sleep_forever()

    return handle


async def refusal(relay: str, hello: Hello = NEW) -> tuple[str, str]:
    with pytest.raises(DialError) as error:
        await dialler(relay)(hello)
    return error.value.cause, error.value.detail


# --- the answers of a relay -------------------------------------------------------------------------------------------


async def test_a_number_is_given():
    async with answering(says(wire.encode_wait("4711"), stays=True)) as (relay, hellos):
        connection = await dialler(relay)(NEW)
        assert (connection.room, connection.paired) == ("4711", False)
        assert hellos == [NEW]
        await connection.aclose()


async def test_the_other_side_is_there_and_what_follows_is_kept():
    async with answering(says(wire.encode(wire.PAIR) + b"sealed", stays=True)) as (relay, _):
        connection = await dialler(relay)(ROOM)
        assert connection.paired
        await connection.wait_paired()
        assert connection.take_rest() == b"sealed"
        await connection.aclose()


async def test_the_other_side_comes_later():
    async with answering(says(wire.encode_wait("a" * 32) + wire.encode(wire.PAIR), stays=True)) as (relay, _):
        connection = await dialler(relay)(ROOM)
        assert not connection.paired
        await connection.wait_paired()
        assert connection.paired
        await connection.aclose()


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        ("version", "relay-version"),
        ("limit", "relay-limit"),
        ("draining", "relay-draining"),
        ("full", "relay-full"),
        ("replaced", "relay-replaced"),
        ("nobody", "code-nobody"),
        ("early", "relay-error"),
        ("brand-new", "relay-error"),
    ],
)
async def test_each_error_of_a_relay_has_its_cause(code: str, cause: str):
    async with answering(says(wire.encode_error(code, "a sentence"))) as (relay, _):
        assert await refusal(relay) == (cause, "a sentence")


async def test_a_strangers_sentence_is_cut_and_made_visible():
    payload = b'{"code":"later","message":"\\u001b[2J' + b"x" * 500 + b'"}'
    async with answering(says(wire.encode(wire.ERROR, payload))) as (relay, _):
        cause, detail = await refusal(relay)
        assert cause == "relay-error"
        assert "\x1b" not in detail
        assert len(detail) < 2 * limits.ERROR_TEXT_CHARACTERS


# --- what is no relay of ours -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00",
        b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2p1 Debian\r\n",
        b"RE",
        b"REJECT",
        b"[" * 4000,
        wire.encode(wire.WAIT, b"{}"),
        wire.encode(wire.WAIT, b"[" * 4000),
        wire.encode(wire.WAIT, b'{"room":4711}'),
        wire.encode(wire.WAIT, b'{"room":"47"}'),
        wire.encode_wait("a" * 32),  # not where a number was asked for
        wire.encode(wire.PAIR),
        wire.encode(wire.TEXT, b"hello"),
        wire.encode(wire.NONCE, bytes(32)),
        wire.HEADER.pack(wire.WAIT, 2**63),
        wire.encode_wait("4711")[:-1],
    ],
    ids=lambda data: repr(data)[:30],
)
async def test_whatever_else_answers_is_not_a_visavis_relay(data: bytes):
    async with answering(says(data)) as (relay, _):
        assert await refusal(relay) == ("relay-not-visavis", "")


async def test_one_that_closes_without_reading_is_not_a_visavis_relay():
    async def serve(stream: trio.SocketStream) -> None:
        await stream.aclose()

    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(partial(trio.serve_tcp, serve, 0, host="127.0.0.1"))
        assert (await refusal(f"127.0.0.1:{listeners[0].socket.getsockname()[1]}"))[0] == "relay-not-visavis"
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("drop", [b"", b"WAIT"])
async def test_one_that_says_nothing_for_ten_seconds_is_not_either(autojump_clock: trio.testing.MockClock, drop: bytes):
    ours, theirs = memory_stream_pair()
    if drop:
        await theirs.send_all(drop)
    connection = Connection(ours)
    with pytest.raises(DialError) as error:
        await connection.greet(NEW)
    assert error.value.cause == "relay-not-visavis"
    assert trio.current_time() == pytest.approx(limits.ANSWER_SECONDS)


async def test_taken_for_an_original_client_once_it_tries_again():
    async with answering(says(wire.REJECT), says(wire.encode_wait("4711"), stays=True)) as (relay, hellos):
        connection = await dialler(relay)(NEW)
        assert connection.room == "4711"
        assert hellos == [NEW, NEW]
        await connection.aclose()


async def test_taken_for_one_twice_it_says_so():
    async with answering(says(wire.REJECT), says(wire.REJECT)) as (relay, hellos):
        assert (await refusal(relay))[0] == "relay-busy"
        assert len(hellos) == 2


# --- no way there -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "relay", ["", ":", "host:", "host:0", "host:65536", "host:x", "a b:1", "[::1", "[zz]:1", "http://x:1"]
)
def test_what_is_no_address_is_said_before_anything_is_sent(relay: str):
    with pytest.raises(DialError) as error:
        dialler(relay)
    assert (error.value.cause, error.value.detail) == ("relay-address", relay)


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]"])
async def test_where_nothing_listens_the_connection_is_refused(host: str):
    family = socket.AF_INET6 if "[" in host else socket.AF_INET
    with socket.socket(family) as bound:  # bound and not listening: nobody else gets the port meanwhile
        bound.bind((host.strip("[]"), 0))
        relay = f"{host}:{bound.getsockname()[1]}"
        assert await refusal(relay) == ("relay-refused", relay)


@pytest.mark.parametrize("host", ["no-such-host.invalid", "x" * 300, "a..b", "\udcff.invalid"])
async def test_a_host_that_nobody_knows(host: str):
    with pytest.raises(DialError) as error:
        await open_stream(host, 1)
    assert error.value.cause == "relay-unknown-host"


async def test_a_cancelled_dial_leaves_nothing_open():
    closed = trio.Event()

    async def wait(stream: trio.SocketStream) -> None:
        assert await stream.receive_some(1) == b""
        closed.set()

    async with answering(wait) as (relay, hellos):
        with trio.move_on_after(30):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(dialler(relay), NEW)
                while not hellos:
                    await trio.lowlevel.checkpoint()
                nursery.cancel_scope.cancel()
            await closed.wait()
        assert closed.is_set()


async def test_the_kernel_is_asked_whether_the_other_machine_lives():
    async with answering(says(wire.encode_wait("4711"), stays=True)) as (relay, _):
        connection = await dialler(relay)(NEW)
        assert isinstance(connection.stream, trio.SocketStream)
        sock = connection.stream.socket
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 0
        await connection.aclose()


# --- a connection -----------------------------------------------------------------------------------------------------


async def test_packets_come_whole_however_they_were_cut(autojump_clock: trio.testing.MockClock):
    ours, theirs = memory_stream_pair()
    connection = Connection(ours)
    data = wire.encode(wire.PAKE, b"x" * 33) + wire.encode(wire.PROOF, b"y" * 32) + b"rest"
    async with trio.open_nursery() as nursery:

        async def drip() -> None:
            for place in range(len(data)):
                await theirs.send_all(data[place : place + 1])

        nursery.start_soon(drip)
        assert (await connection.receive()).payload == b"x" * 33
        assert (await connection.receive()).payload == b"y" * 32
    await theirs.aclose()
    with pytest.raises(DialError) as error:
        await connection.receive()
    assert error.value.cause == "protocol" or error.value.cause == "cut"


async def test_the_end_of_a_connection_is_cut_either_way(autojump_clock: trio.testing.MockClock):
    ours, theirs = memory_stream_pair()
    connection = Connection(ours)
    await theirs.aclose()
    for part in (connection.receive(), connection.send(wire.PAKE, b"x")):
        with pytest.raises(DialError) as error:
            await part
        assert error.value.cause == "cut"
    await connection.aclose()
    await connection.aclose()
