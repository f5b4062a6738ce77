"""The two ends of a session in memory, with everything they were told."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import trio

from actors.epoch import SessionOver
from actors.messages import AnyEvent, LinkChanged
from actors.news import Delivered, News, Taken
from actors.peer import Text
from actors.seal import SessionKeys
from actors.session import Session
from relay.wire import Packet
from tests.actors.mallory import Mallory, pass_on

SECRET = bytes(range(32))


class Side:
    """One end of a session, with everything it was told."""

    def __init__(self, nursery: trio.Nursery, mallory: Mallory, role: str, secret: bytes = SECRET) -> None:
        self.events: list[AnyEvent] = []
        self.news: list[News] = []
        self.over: SessionOver | None = None
        self.done = trio.Event()
        send, self._receive = trio.open_memory_channel[News](8)
        self.session = Session(SessionKeys(secret, role), role, mallory.dialler(), send, self.events.append)
        nursery.start_soon(self._run)
        nursery.start_soon(self._hear)

    async def _run(self) -> None:
        try:
            await self.session.run()
        except SessionOver as over:
            self.over = over
        self.done.set()

    async def _hear(self) -> None:
        async for item in self._receive:
            self.news.append(item)

    def say(self, *texts: str) -> None:
        for text in texts:
            self.session.say(Text(text))

    @property
    def heard(self) -> list[str]:
        return [item.message.text for item in self.news if isinstance(item, Taken) and isinstance(item.message, Text)]

    @property
    def delivered(self) -> list[int]:
        return [item.number for item in self.news if isinstance(item, Delivered)]

    @property
    def links(self) -> list[str]:
        return [" ".join((e.link, e.cause)).strip() for e in self.events if isinstance(e, LinkChanged)]

    @property
    def causes(self) -> list[str]:
        return [f"{e.cause} {e.detail}".strip() for e in self.events if isinstance(e, LinkChanged) and e.cause]


async def until(condition: Callable[[], object], seconds: float = 100) -> None:
    """Let virtual time pass until the condition holds."""
    step = 0.01
    with trio.fail_after(seconds):
        while not condition():
            await trio.sleep(step)
            step = min(step * 1.2, 0.5)


@asynccontextmanager
async def two(meddle: Callable[[str, int, int, Packet], bytes] = pass_on) -> AsyncIterator[tuple[Side, Side, Mallory]]:
    async with trio.open_nursery() as nursery:
        mallory = Mallory(nursery)
        mallory.meddle = meddle
        yield Side(nursery, mallory, "A"), Side(nursery, mallory, "B"), mallory
        nursery.cancel_scope.cancel()


def once(lane: str, sender: int, at: int, does: Callable[[Packet], bytes]) -> Callable[[str, int, int, Packet], bytes]:
    """Meddle with one packet of the first connection that has it, then never again."""
    done = False

    def meddle(of: str, who: int, index: int, packet: Packet) -> bytes:
        nonlocal done
        if not done and (of, who, index) == (lane, sender, at):
            done = True
            return does(packet)
        return pass_on(of, who, index, packet)

    return meddle
