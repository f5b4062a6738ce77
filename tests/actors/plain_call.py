"""A running plain client, and the places where two plain programs meet."""

import contextlib
import itertools
import json
from collections.abc import AsyncIterator

import trio

from actors.chat import ChatCommand
from actors.messages import (
    AnyEvent,
    FileCommand,
    LinkChanged,
    MediaSkipped,
    OfferFiles,
    SendText,
    TextReceived,
    Transfer,
    TransferChanged,
)
from actors.news import News
from actors.plain import Asked, PlainEnded, plain
from relay import wire
from relay.server import Options, serve
from tests.actors.original import Client, open_server
from tests.support import eventually

Address = tuple[str, int]


class Call:
    """A running plain client: its events as they came, and how it ended."""

    def __init__(self) -> None:
        self.events: list[AnyEvent] = []
        self.commands, self._commands = trio.open_memory_channel[ChatCommand | News | Asked](16)
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

    async def ask(self, command: FileCommand) -> None:
        """Give a command; a refusal is an event as any other here."""
        await self.commands.send((command, self._emit))

    async def offer(self, *paths: object, request: str = "") -> str:
        """Offer files; return the name of the request."""
        request = request or f"offer {next(self._ids)}"
        await self.ask(OfferFiles(id=request, paths=tuple(map(str, paths))))
        return request

    def transfers(self) -> list[Transfer]:
        """Return every change of every transfer."""
        return [event.transfer for event in self.events if isinstance(event, TransferChanged)]

    async def wait_transfer(self, state: str, number: int = 0) -> Transfer:
        """Wait for a transfer, or this one, to come into this state."""

        def find() -> Transfer | None:
            found = (t for t in self.transfers() if t.state == state and number in (0, t.id))
            return next(found, None)

        return await eventually(find)

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


class Peer:
    """The other end of a plain connection, by hand: nothing is read that is not asked for."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self.stream = stream
        self._decoder = wire.Decoder(wire.PLAIN_LIMITS)

    async def send(self, packet_type: bytes, payload: bytes = b"") -> None:
        """Send one packet."""
        await self.stream.send_all(wire.encode(packet_type, payload))

    async def send_header(self, name: object, size: object, **more: object) -> None:
        """Begin a file."""
        await self.send(wire.FILE_HEADER, json.dumps({"filename": name, "filesize": size, **more}).encode())

    async def send_file(self, name: object, data: bytes, **more: object) -> None:
        """Send a file in one chunk."""
        await self.send_header(name, len(data), **more)
        await self.send(wire.FILE_CHUNK, data)
        await self.send(wire.FILE_END)

    async def read(self) -> wire.Packet | None:
        """Return the next packet, None at the end."""
        while (packet := self._decoder.next_packet()) is None:
            data = await self.stream.receive_some(1 << 16)
            if not data:
                return None
            self._decoder.feed(data)
        return packet

    async def read_up_to(self, packet_type: bytes) -> list[wire.Packet]:
        """Return the packets up to the first of this type, that one too."""
        packets = []
        with trio.fail_after(30):
            while not packets or packets[-1].type != packet_type:
                packet = await self.read()
                assert packet is not None, packets[-3:]
                packets.append(packet)
        return packets


@contextlib.asynccontextmanager
async def open_pair() -> AsyncIterator[tuple[Call, Peer]]:
    """A plain client, and its peer, without a server between."""
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    async with listener, open_call(listener.socket.getsockname()) as call, await listener.accept() as stream:
        await eventually(call.joined)
        yield call, Peer(stream)
