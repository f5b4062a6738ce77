"""A relay in this process, on a free port of the loopback, and clients that talk to it over TCP."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import trio

from relay import wire
from relay.listening import open_listeners
from relay.options import Options
from relay.server import Relay
from relay.wire import Hello, Packet, Want


def token() -> str:
    """32 hex digits: a side, or a room."""
    return secrets.token_hex(16)


class Client:
    """One connection to a relay, and what it has said."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self.stream = stream
        self.decoder = wire.Decoder(wire.HANDSHAKE_LIMITS)

    async def say(self, want: Want, *, side: str = "", room: str = "", lane: str = wire.PAIR_LANE) -> "Client":
        await self.stream.send_all(Hello(want, side or token(), room, lane).encode())
        return self

    async def packet(self) -> Packet:
        while (packet := self.decoder.next_packet()) is None:
            data = await self.stream.receive_some()
            assert data, f"the connection ended; left: {self.decoder.take_rest()!r}"
            self.decoder.feed(data)
        return packet

    async def waits(self) -> str:
        packet = await self.packet()
        assert packet.type == wire.WAIT, packet
        return wire.parse_wait(packet.payload)

    async def is_paired(self) -> "Client":
        packet = await self.packet()
        assert packet == Packet(wire.PAIR, b"")
        return self

    async def is_refused(self) -> str:
        """The code of the error, after which nothing comes."""
        packet = await self.packet()
        assert packet.type == wire.ERROR, packet
        assert await self.rest() == b""
        await self.stream.aclose()
        return wire.parse_error(packet.payload)[0]

    async def receive(self, count: int) -> bytes:
        data = self.decoder.take_rest()
        while len(data) < count:
            piece = await self.stream.receive_some(count - len(data))
            assert piece, f"the connection ended after {data!r}"
            data += piece
        return data

    async def rest(self) -> bytes:
        """All that comes until the end."""
        data = self.decoder.take_rest()
        async for piece in self.stream:
            data += piece
        return data

    async def is_cut(self) -> None:
        """The connection ends, or breaks."""
        try:
            await self.rest()
        except trio.BrokenResourceError:
            return


class RunningRelay:
    """A relay, its port, and the lines of its log."""

    def __init__(self, options: Options) -> None:
        self.port = 0
        self.log: list[str] = []
        self.server = Relay(options, self.log.append)
        self.stop = trio.Event()
        self.ended = trio.Event()
        self.clients: list[Client] = []

    async def connect(self, host: str = "127.0.0.1") -> Client:
        client = Client(await trio.open_tcp_stream(host, self.port))
        self.clients.append(client)
        return client

    async def hello(self, want: Want, **fields: Any) -> Client:
        return await (await self.connect()).say(want, **fields)

    async def pair(self, lane: str = "main.0") -> tuple[Client, Client]:
        """Two clients that are paired, the first comer first."""
        room = token()
        first = await self.hello("room", room=room, lane=lane)
        await first.waits()
        second = await self.hello("room", room=room, lane=lane)
        return await first.is_paired(), await second.is_paired()

    def moods(self) -> list[str]:
        return [line.split()[0] for line in self.log]


@asynccontextmanager
async def running_relay(**chosen: Any) -> AsyncIterator[RunningRelay]:
    """Run a relay on the loopback; at the end it and all clients are gone."""
    options = Options(**{"host": "127.0.0.1", "port": 0, "drain": 0.0, **chosen})
    relay = RunningRelay(options)
    listeners = await open_listeners(options.host, options.port)
    relay.port = listeners[0].socket.getsockname()[1]

    async def run() -> None:
        await relay.server.run(listeners, relay.stop)
        relay.ended.set()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(run)
        try:
            yield relay
        finally:
            nursery.cancel_scope.cancel()
            for client in relay.clients:
                with trio.CancelScope(shield=True):
                    await trio.aclose_forcefully(client.stream)
