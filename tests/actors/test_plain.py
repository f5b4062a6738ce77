"""The plain client: what it reads from a stream, and how it lives with the original's programs and our own relay."""

import contextlib
import itertools
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from actors.chat import ChatCommand
from actors.messages import AnyEvent, LinkChanged, MediaSkipped, SendText, TextReceived, TextRefused, TextSent
from actors.news import News
from actors.plain import PlainEnded, PlainReader, plain
from relay import limits, wire
from relay.server import Options, serve
from tests.actors.original import Client, Server, open_client, open_server
from tests.support import eventually

Address = tuple[str, int]


# --- the reader: pure -------------------------------------------------------------------------------------------


def texts(reader: PlainReader) -> list[str]:
    return list(iter(reader.next_text, None))


STREAM = b"".join(
    [
        wire.encode(wire.VIDEO, b"a jpeg"),
        wire.encode(wire.TEXT, "안녕".encode()),
        wire.encode(wire.AUDIO, bytes(2048)),
        wire.encode(wire.AUDIO, b""),
        wire.encode(wire.TEXT, b""),
        wire.encode(wire.FILE_END),
        wire.encode(wire.TEXT, b"two\nlines"),
    ]
)
FOUND = ["안녕", "", "two\nlines"]
COUNTED = {"VID0": 1, "AUD0": 2, "FEND": 1}


def test_texts_are_found_and_the_rest_is_counted():
    reader = PlainReader()
    reader.feed(STREAM)
    assert texts(reader) == FOUND
    assert reader.skipped == COUNTED
    assert reader.held == 0


def test_byte_by_byte():
    reader = PlainReader()
    found = []
    for place in range(len(STREAM)):
        reader.feed(STREAM[place : place + 1])
        found += texts(reader)
    assert found == FOUND
    assert reader.skipped == COUNTED


@given(st.lists(st.integers(0, len(STREAM))))
def test_in_any_pieces(cuts: list[int]):
    reader = PlainReader()
    found = []
    places = [0, *sorted(cuts), len(STREAM)]
    for begin, end in itertools.pairwise(places):
        reader.feed(STREAM[begin:end])
        found += texts(reader)
    assert found == FOUND
    assert reader.skipped == COUNTED


@pytest.mark.parametrize("packet_type", wire.PLAIN_LIMITS)
def test_each_type_whole_and_with_trailing_bytes(packet_type: bytes):
    payload = b"x" * min(5, wire.PLAIN_LIMITS[packet_type])
    reader = PlainReader()
    reader.feed(wire.encode(packet_type, payload) + wire.encode(wire.TEXT, b"and more")[:15])
    if packet_type == wire.TEXT:
        assert reader.next_text() == "xxxxx"
    assert reader.next_text() is None
    assert sum(reader.skipped.values()) == (packet_type != wire.TEXT)
    reader.feed(wire.encode(wire.TEXT, b"and more")[15:])
    assert texts(reader) == ["and more"]


@pytest.mark.parametrize("packet_type", wire.PLAIN_LIMITS)
def test_a_size_at_its_limit_is_taken_and_one_past_it_is_an_error_before_a_byte_of_it(packet_type: bytes):
    limit = wire.PLAIN_LIMITS[packet_type]
    at, past = PlainReader(), PlainReader()
    at.feed(wire.HEADER.pack(packet_type, limit))
    assert texts(at) in ([], [""])
    past.feed(wire.HEADER.pack(packet_type, limit + 1))
    with pytest.raises(PlainEnded, match=r"^protocol too-large"):
        past.next_text()


def test_an_image_of_64_mib_is_never_held():
    reader = PlainReader()
    piece = bytes(limits.MIB)
    reader.feed(wire.HEADER.pack(wire.IMAGE, limits.PLAIN_IMAGE_BYTES))
    for _ in range(limits.PLAIN_IMAGE_BYTES // len(piece)):
        assert not reader.skipped
        reader.feed(piece)
        assert reader.next_text() is None
        assert reader.held == 0
    assert reader.skipped == {"IMG0": 1}


def test_what_is_no_utf8_is_shown_as_such():
    reader = PlainReader()
    reader.feed(wire.encode(wire.TEXT, b"caf\xe9 \xed\xa0\x80"))
    assert texts(reader) == ["caf\ufffd \ufffd\ufffd\ufffd"]


@pytest.mark.parametrize("packet_type", [b"HEL0", b"SEAL", b"XXXX", b"\x1b[2J", bytes(4)])
def test_another_type_is_an_error_in_which_it_stays(packet_type: bytes):
    reader = PlainReader()
    reader.feed(wire.encode(wire.TEXT, b"before") + wire.encode(packet_type, b"?") + wire.encode(wire.TEXT, b"after"))
    assert reader.next_text() == "before"
    for _ in range(2):
        with pytest.raises(PlainEnded, match=r"^protocol unknown-type") as caught:
            reader.next_text()
        assert "\x1b" not in caught.value.detail


def test_three_bare_bytes_at_the_beginning_are_a_refusal():
    reader = PlainReader()
    for byte in (b"R", b"E"):
        reader.feed(byte)
        assert reader.next_text() is None
    reader.feed(b"J")
    with pytest.raises(PlainEnded, match=r"^plain-full$"):
        reader.next_text()


def test_and_nowhere_else():
    reader = PlainReader()
    reader.feed(wire.encode(wire.TEXT, b"hello") + b"REJ" + bytes(9))
    assert reader.next_text() == "hello"
    with pytest.raises(PlainEnded, match=r"^protocol"):
        reader.next_text()


def test_what_our_relay_says_is_passed_on_made_visible():
    reader = PlainReader()
    reader.feed(wire.encode_error("draining", "the relay \x1b[31mends"))
    with pytest.raises(PlainEnded) as caught:
        reader.next_text()
    assert (caught.value.cause, caught.value.detail) == ("relay-error", "the relay ␛[31mends")


@given(st.binary(max_size=200))
def test_random_bytes_are_texts_or_an_end(data: bytes):
    reader = PlainReader()
    reader.feed(data)
    with contextlib.suppress(PlainEnded):
        texts(reader)
    assert reader.held <= len(data)


# --- the actor, over real sockets -------------------------------------------------------------------------------


class Call:
    """A running plain client: its events as they came, and how it ended."""

    def __init__(self) -> None:
        self.events: list[AnyEvent] = []
        self.commands, self._commands = trio.open_memory_channel[ChatCommand | News](16)
        self._ids = itertools.count(1)
        self.end: PlainEnded | None = None
        self.over = trio.Event()

    async def run(self, address: Address) -> None:
        with self._commands:
            try:
                await plain(address, self._commands, self._emit, clock=lambda: 1234.5)
            except PlainEnded as end:
                self.end = end
        self.over.set()

    def _emit(self, event: AnyEvent) -> None:
        self.events.append(event)

    async def say(self, text: str) -> None:
        await self.commands.send(SendText(id=f"{next(self._ids)} {text[:40]}", text=text))

    def joined(self) -> bool:
        return LinkChanged(link="joined", since=1234.5) in self.events

    def heard(self) -> list[str]:
        return [event.text for event in self.events if isinstance(event, TextReceived)]

    def skipped(self) -> list[dict[str, int]]:
        return [event.counts for event in self.events if isinstance(event, MediaSkipped)]

    async def wait_ended(self) -> tuple[str, str] | None:
        with trio.fail_after(30):
            await self.over.wait()
        return None if self.end is None else (self.end.cause, self.end.detail)


@contextlib.asynccontextmanager
async def open_call(address: Address) -> AsyncIterator[Call]:
    call = Call()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(call.run, address)
        with call.commands:
            yield call
        nursery.cancel_scope.cancel()


@pytest.fixture
def server() -> Iterator[Server]:
    with open_server() as running:
        yield running


@contextlib.asynccontextmanager
async def open_relay(options: Options) -> AsyncIterator[Address]:
    async with trio.open_nursery() as nursery:
        lines: list[str] = []
        await nursery.start(
            lambda task_status: serve(options, announce=lines.append, log=lambda line: None, task_status=task_status)
        )
        yield wire.parse_address(lines[0])
        nursery.cancel_scope.cancel()


LOBBY = Options(host="127.0.0.1", port=0, plain=True)


@contextlib.asynccontextmanager
async def open_place(place: str) -> AsyncIterator[Address]:
    """Where two plain programs meet: the original's server, or our relay's lobby."""
    if place == "original":
        with open_server() as server:
            yield server.address
    else:
        async with open_relay(LOBBY) as address:
            yield address


async def met(call: Call, client: Client) -> bool:
    """Tell whether the two hear each other: what is said while the other is not there yet, nobody gets."""
    await call.say("are you there")
    client.say("are you there")
    return bool(call.heard() and client.texts)


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
async def test_media_are_skipped_and_counted_and_chat_goes_on(place: str):
    async with open_place(place) as address, open_call(address) as call:
        await eventually(call.joined)
        with open_client(address) as client:
            await eventually(lambda: met(call, client))
            for _ in range(20):
                client.send(b"VID0", bytes(30_000))
                client.send(b"AUD0", bytes(2048))
            client.send(b"IMG0", bytes(2 * limits.MIB))
            client.say("seen?")
            await eventually(lambda: "seen?" in call.heard())
            await eventually(lambda: call.skipped()[-1:] == [{"VID0": 20, "AUD0": 20, "IMG0": 1}])
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
            client.send(b"VID0", b"one")
            await eventually(call.skipped)
            client.send(b"VID0", b"two")
            client.say("done")
            await eventually(call.heard)
            await trio.to_thread.run_sync(server.close)
            await call.wait_ended()
            assert call.skipped()[-1] == {"VID0": 2}


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
