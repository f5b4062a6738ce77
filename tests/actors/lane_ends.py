"""The two ends of a session that serves two lanes, in memory."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import trio

from actors.epoch import SessionOver
from actors.lanes import LaneClosed, LaneOpened, LanePacket, LanePort
from actors.messages import LinkChanged
from actors.news import News
from actors.seal import SessionKeys
from actors.session import Session
from relay.wire import Packet
from tests.actors.mallory import CutError, Mallory
from tests.actors.sides import SECRET, until

Clock = trio.testing.MockClock
LANES = ("file", "video")
BLOCK = b"BLK0"


class End:
    """One side with two lanes, and what came on each."""

    def __init__(self, nursery: trio.Nursery, mallory: Mallory, role: Any, lanes: tuple[str, ...] = LANES) -> None:
        self.came: dict[str, list[LaneOpened | LanePacket | LaneClosed]] = {name: [] for name in lanes}
        self.out: dict[str, trio.MemorySendChannel[tuple[bytes, bytes]]] = {}  # into the connection of now
        self._waiting: dict[str, list[bytes]] = {name: [] for name in lanes}  # for a connection
        self.listening: dict[str, trio.CancelScope] = {}
        self.links: list[str] = []
        self.over: SessionOver | None = None
        ports = {}
        for name in lanes:
            incoming, arrivals = trio.open_memory_channel[LaneOpened | LanePacket | LaneClosed](0)
            ports[name] = LanePort(name, incoming, depth=64)
            self.listening[name] = trio.CancelScope()
            nursery.start_soon(self._listen, name, arrivals)
        news, self._news = trio.open_memory_channel[News](64)
        keys = SessionKeys(SECRET, role)
        self.session = Session(keys, role, mallory.dialler(), news, self._note, ports)
        nursery.start_soon(self._run)

    def _note(self, event: Any) -> None:
        if isinstance(event, LinkChanged):
            self.links.append(event.link)

    async def _run(self) -> None:
        try:
            await self.session.run()
        except SessionOver as over:
            self.over = over

    async def _listen(self, name: str, arrivals: trio.MemoryReceiveChannel[Any]) -> None:
        with self.listening[name], arrivals:
            async for item in arrivals:
                self.came[name].append(item)
                if isinstance(item, LaneOpened):
                    self.out[name] = item.outgoing
                    self._flush(name)

    def send(self, name: str, *payloads: bytes) -> None:
        self._waiting[name].extend(payloads)
        self._flush(name)

    def _flush(self, name: str) -> None:
        """Send what waits, if there is a connection that takes it."""
        with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
            while self._waiting[name] and name in self.out:
                self.out[name].send_nowait((BLOCK, self._waiting[name][0]))
                self._waiting[name].pop(0)

    def heard(self, name: str) -> list[bytes]:
        return [bytes(item.payload) for item in self.came[name] if isinstance(item, LanePacket)]

    def opened(self, name: str) -> list[tuple[int, int]]:
        return [(item.epoch, item.generation) for item in self.came[name] if isinstance(item, LaneOpened)]

    def closed(self, name: str) -> list[LaneClosed]:
        return [item for item in self.came[name] if isinstance(item, LaneClosed)]


@asynccontextmanager
async def ends(lanes_b: tuple[str, ...] = LANES) -> AsyncIterator[tuple[End, End, Mallory]]:
    async with trio.open_nursery() as nursery:
        mallory = Mallory(nursery)
        a, b = End(nursery, mallory, "A"), End(nursery, mallory, "B", lanes_b)
        await until(lambda: a.links[-1:] == b.links[-1:] == ["joined"])
        yield a, b, mallory
        nursery.cancel_scope.cancel()


def lanes_of(mallory: Mallory) -> list[str]:
    return [hello.lane for hello in mallory.hellos if hello.lane != "main.0"]


async def next_epoch(a: End, b: End, mallory: Mallory, then: Callable[[str, int, int, Packet], bytes]) -> None:
    """Cut `main` once."""

    def cut(lane: str, sender: int, index: int, packet: Packet) -> bytes:
        if lane == "main.0":
            mallory.meddle = then
            raise CutError
        return then(lane, sender, index, packet)

    mallory.meddle = cut
    await until(lambda: a.links.count("joined") == b.links.count("joined") == 2)
