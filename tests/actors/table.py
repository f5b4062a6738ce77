"""A maker at a relay in memory, joiners and guessers: what the tests of pairing play with."""

import secrets
from collections.abc import Callable
from typing import Any

import trio

from actors.burned import burn
from actors.code import Code, parse_code
from actors.dial import Connection, DialError
from actors.messages import AnyEvent, CodeMade, LinkChanged, PhaseChanged
from actors.pairing import CodeBurnedError, join_maker, wait_for_joiner
from actors.seal import Pairing, SessionKeys
from relay import wire
from relay.wire import Hello, Packet
from tests.actors.mallory import CutError, Mallory, pass_on
from tests.actors.sides import until

RELAY = "relay.example:9999"
OTHER_WORDS = ("acid", "acorn", "acre")
MAKER, JOINER = 0, 1  # who sent a packet: the maker came first
Clock = trio.testing.MockClock
Meddle = Callable[[str, int, int, Packet], bytes]


class Task:
    """Something that pairs, in the background: what it returned, or raised."""

    def __init__(self, nursery: trio.Nursery, work: Callable[[], Any]) -> None:
        self.keys: SessionKeys | None = None
        self.error: DialError | CodeBurnedError | None = None
        self._work = work
        nursery.start_soon(self._run)

    async def _run(self) -> None:
        try:
            self.keys = await self._work()
        except (DialError, CodeBurnedError) as error:
            self.error = error

    @property
    def done(self) -> bool:
        return bool(self.keys or self.error)

    @property
    def cause(self) -> str:
        return self.error.cause if self.error else ""


class Table:
    """A maker, with what its screen was told, and a relay that notes every packet it passes on."""

    def __init__(self, nursery: trio.Nursery) -> None:
        self.nursery = nursery
        self.mallory = Mallory(nursery)
        self.mallory.meddle = self._meddle
        self.meddle: Meddle = pass_on
        self.seen: list[tuple[int, Packet]] = []
        self.events: list[AnyEvent] = []
        self.maker = Task(nursery, lambda: wait_for_joiner(self.mallory.dialler(), RELAY, self.events.append))

    def _meddle(self, lane: str, sender: int, index: int, packet: Packet) -> bytes:
        self.seen.append((sender, packet))
        return self.meddle(lane, sender, index, packet)

    async def code(self) -> Code:
        """The code on the maker's screen, which waits for its joiner."""
        await until(lambda: self.phases[-1:] == ["waiting"] and self.mallory._waiting)
        return parse_code(self.codes[-1].code)

    def join(self, code: Code) -> Task:
        return Task(self.nursery, lambda: join_maker(self.mallory.dialler(), code, burn))

    def sent(self, sender: int) -> list[bytes]:
        return [packet.type for who, packet in self.seen if who == sender]

    @property
    def codes(self) -> list[CodeMade]:
        return [event for event in self.events if isinstance(event, CodeMade)]

    @property
    def phases(self) -> list[str]:
        return [event.phase for event in self.events if isinstance(event, PhaseChanged)]

    @property
    def links(self) -> list[str]:
        return [f"{e.link} {e.cause}".strip() for e in self.events if isinstance(e, LinkChanged)]

    @property
    def wants(self) -> list[str]:
        return [hello.want for hello in self.mallory.hellos]


async def guesser(table: Table) -> Connection:
    """Someone who knows the number, paired with the maker."""
    connection = await table.mallory.dialler()(Hello("join", secrets.token_hex(16), table.mallory.number))
    await connection.wait_paired()
    return connection


async def prove(connection: Connection, code: Code) -> Pairing:
    """Play the joiner's part with this code, up to its proof."""
    pairing = Pairing("B", code)
    await connection.send(wire.PAKE, pairing.message)
    pairing.receive((await connection.receive()).payload)
    await connection.send(wire.PROOF, pairing.own_proof)
    return pairing


def on(sender: int, packet_type: bytes, does: Callable[[Packet], bytes], times: int = 1) -> Meddle:
    """Meddle with the first `times` packets of this type."""
    left = times

    def meddle(lane: str, who: int, index: int, packet: Packet) -> bytes:
        nonlocal left
        if (who, packet.type) == (sender, packet_type) and left:
            left -= 1
            return does(packet)
        return pass_on(lane, who, index, packet)

    return meddle


def cut(packet: Packet) -> bytes:
    raise CutError
