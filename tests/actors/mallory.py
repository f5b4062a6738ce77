"""A relay in memory that does to packets what a hostile one would: the network of the session's tests.

It pairs as the real one does (which is tested in tests/relay and end to end), and gives every packet between two
paired connections to `meddle`.
"""

from collections.abc import Callable
from contextlib import suppress

import trio
from trio.testing import memory_stream_pair

from actors.dial import Connection, DialError, Dialler
from actors.files.packets import LANE_LIMIT
from relay import wire
from relay.wire import Hello, Packet, ProtocolError

ANY_PACKET = {**wire.HANDSHAKE_LIMITS, wire.SEAL: LANE_LIMIT}


class CutError(Exception):
    """Raised by a `meddle` to cut the connection here."""


class Mallory:
    """The relay. `meddle(lane, sender, index, packet)` returns the bytes to pass on: sender 0 came first, 1 second;
    index counts the packets of that direction from 0. Raising `CutError` ends the pair."""

    def __init__(self, nursery: trio.Nursery) -> None:
        self._nursery = nursery
        self._one_at_a_time = trio.Lock()  # from looking who waits to having answered
        self._waiting: dict[tuple[str, str], tuple[trio.StapledStream, wire.Decoder, trio.CancelScope]] = {}
        self.meddle: Callable[[str, int, int, Packet], bytes] = pass_on
        self.hellos: list[Hello] = []
        self.pairs = 0
        self.refuse = ""  # an ERR0 code for every hello
        self.unreachable = False
        self.seconds_each = 0.0  # how long a packet takes
        self._pipes: list[trio.CancelScope] = []
        self.number = "4711"
        self.redirect: Callable[[Hello], Hello] = lambda hello: hello

    def dialler(self) -> Dialler:
        """Return how a client reaches this relay."""

        async def dial(hello: Hello) -> Connection:
            await trio.lowlevel.checkpoint()
            if self.unreachable:
                raise DialError("relay-refused", "here:1")
            ours, theirs = memory_stream_pair()
            self._nursery.start_soon(self._serve, theirs)
            connection = Connection(ours)
            await connection.greet(hello)
            return connection

        return dial

    async def drop_waiting(self) -> None:
        """Close every connection that waits: a relay that was killed."""
        for stream, _, gone in self._waiting.values():
            gone.cancel()
            await trio.aclose_forcefully(stream)
        self._waiting.clear()

    def cut_every(self, after: int) -> None:
        """Cut every connection after so many packets, then after one more each time."""
        left = after

        def meddle(lane: str, sender: int, index: int, packet: Packet) -> bytes:
            nonlocal left
            left -= 1
            if left <= 0:
                left = after + self.pairs
                raise CutError
            return pass_on(lane, sender, index, packet)

        self.meddle = meddle

    def cut_all(self) -> None:
        """Cut every pair."""
        for scope in self._pipes:
            scope.cancel()
        self._pipes.clear()

    async def _serve(self, stream: trio.StapledStream) -> None:
        decoder = wire.Decoder(ANY_PACKET)
        try:
            packet = await receive(stream, decoder)
        except EOFError:  # cancelled before its hello
            return
        hello = self.redirect(wire.parse_hello(packet.payload))
        self.hellos.append(hello)
        if self.refuse:
            await stream.send_all(wire.encode_error(self.refuse, "so says the relay"))
            await stream.aclose()
            return
        room = self.number if hello.want == "new" else hello.room
        key = (room, hello.lane)
        await self._one_at_a_time.acquire()
        try:
            first = self._waiting.pop(key, None)
            if first is None and (hello.want == "join" or (hello.want == "keep" and room != self.number)):
                await stream.send_all(wire.encode_error("nobody", ""))
                await stream.aclose()
                return
            if first is not None:
                first[2].cancel()
                self.pairs += 1
                await first[0].send_all(wire.encode(wire.PAIR))
                await stream.send_all(wire.encode(wire.PAIR))
            else:
                await stream.send_all(wire.encode_wait(room))
                gone = trio.CancelScope()
                self._waiting[key] = (stream, decoder, gone)
        finally:
            self._one_at_a_time.release()
        if first is not None:
            await self._pipe(hello.lane, first[:2], (stream, decoder))
            return
        with gone, suppress(trio.BrokenResourceError, trio.ClosedResourceError):
            await stream.receive_some(1)
        if not gone.cancelled_caught:
            self._waiting.pop(key, None)

    async def _pipe(self, lane: str, *ends: tuple[trio.StapledStream, wire.Decoder]) -> None:
        async with trio.open_nursery() as nursery:
            self._pipes.append(nursery.cancel_scope)

            async def one_way(sender: int) -> None:
                (source, decoder), (sink, _) = ends[sender], ends[1 - sender]
                index = 0
                with suppress(trio.BrokenResourceError, trio.ClosedResourceError, CutError, EOFError, ProtocolError):
                    while True:
                        packet = await receive(source, decoder)
                        await trio.sleep(self.seconds_each)
                        await sink.send_all(self.meddle(lane, sender, index, packet))
                        index += 1
                nursery.cancel_scope.cancel()

            nursery.start_soon(one_way, 0)
            nursery.start_soon(one_way, 1)
        for stream, _ in ends:
            await trio.aclose_forcefully(stream)


async def receive(stream: trio.abc.ReceiveStream, decoder: wire.Decoder) -> Packet:
    """Return the next packet; EOFError at the end."""
    while (packet := decoder.next_packet()) is None:
        data = await stream.receive_some(65536)
        if not data:
            raise EOFError
        decoder.feed(data)
    return packet


def pass_on(lane: str, sender: int, index: int, packet: Packet) -> bytes:
    """Meddle with nothing."""
    return wire.encode(packet.type, packet.payload)
