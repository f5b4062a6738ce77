"""Lanes beside `main`, opened on first use (docs/protocol.md, section 4).

Either side says OpenLane(name, generation) on `main`, both connect as `name.generation` in the epoch's room of
lanes, exchange nonces, and go on sealed. An actor has a `LanePort` that outlives connections; each `LaneOpened` brings
the channel into that connection, so that what was meant for one never goes into the next.
"""

import os
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import trio

from actors.desk import Desk
from actors.dial import Connection, DialError, Dialler
from actors.lane import MAIN_LIMIT, LaneEnded, SealedLane
from actors.peer import OpenLane
from actors.seal import Buffer, EpochKeys, Role
from relay import limits, wire
from relay.wire import Hello

NONCE_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class LaneOpened:
    """From here on packets come from this connection. What the last one had not passed on is lost.

    `outgoing` takes inner type and payload of what it is to send, and blocks when it is full. It breaks
    (`trio.BrokenResourceError`) when the connection is over; closed by the actor, the lane ends with BYE0.
    """

    epoch: int
    generation: int
    outgoing: trio.MemorySendChannel[tuple[bytes, Buffer]]


@dataclass(frozen=True, slots=True)
class LanePacket:
    """Inner type and payload, as the peer's actor sent them."""

    type: bytes
    payload: bytearray


@dataclass(frozen=True, slots=True)
class LaneClosed:
    """The connection is over ("bye", "cut", "altered", …); whoever needs the lane opens the next generation.

    Not said when a new epoch, or a higher generation, closes this one: then the next LaneOpened names another.
    """

    epoch: int
    generation: int
    cause: str


@dataclass(frozen=True, slots=True)
class LanePort:
    """Where an actor meets its lane: a full `incoming` holds the peer. `depth`: packets that may wait to be sent.
    `limit`: greatest SEAL payload in bytes. `live`: sound or pictures, of which the kernel is to hold little."""

    name: str
    incoming: trio.MemorySendChannel[LaneOpened | LanePacket | LaneClosed]
    depth: int = 1
    limit: int = MAIN_LIMIT
    live: bool = False


class Generations:
    """Which connection of each lane counts: the highest generation said or seen in this epoch. No I/O."""

    def __init__(self) -> None:
        self._highest: dict[str, int] = {}

    def following(self, name: str) -> int:
        """Return the generation to say when this side needs the lane; the first is 1."""
        self._highest[name] = self._highest.get(name, 0) + 1
        return self._highest[name]

    def said(self, opening: OpenLane) -> bool:
        """Tell whether to connect because the peer said this: yes if it is higher than any said or seen."""
        if opening.generation <= self._highest.get(opening.name, 0):
            return False
        self._highest[opening.name] = opening.generation
        return True


class Lanes:
    """The lanes of one epoch; its connections live in `nursery` and end with it."""

    def __init__(
        self,
        nursery: trio.Nursery,
        dial: Dialler,
        keys: EpochKeys,
        role: Role,
        epoch: int,
        desk: Desk,
        ports: dict[str, LanePort],
    ) -> None:
        self._nursery = nursery
        self._dial = dial
        self._keys = keys
        self._role = role
        self._epoch = epoch
        self._desk = desk
        self._ports = ports
        self._generations = Generations()
        self._running: dict[str, trio.CancelScope] = {}

    def open(self, name: str) -> None:
        """This side needs the lane: say so and connect. One that is open is replaced."""
        generation = self._generations.following(name)
        self._desk.open_lane(OpenLane(name, generation))
        self._connect(name, generation)

    def said(self, opening: OpenLane) -> bool:
        """The peer said OpenLane: connect if that is due. False if no actor here serves a lane of this name."""
        if opening.name not in self._ports:
            return False
        if self._generations.said(opening):
            self._connect(opening.name, opening.generation)
        return True

    def _connect(self, name: str, generation: int) -> None:
        if name in self._running:
            self._running[name].cancel()
        scope = self._running[name] = trio.CancelScope()
        self._nursery.start_soon(self._run, self._ports[name], generation, scope)

    async def _run(self, port: LanePort, generation: int, scope: trio.CancelScope) -> None:
        with scope, suppress(trio.BrokenResourceError):  # an actor that is gone is told nothing
            cause = await self._connect_and_serve(port, generation)
            await port.incoming.send(LaneClosed(self._epoch, generation, cause))

    async def _connect_and_serve(self, port: LanePort, generation: int) -> str:
        """Meet the other side, exchange nonces, move packets both ways till an end; return its cause."""
        connection: Connection | None = None
        try:
            with trio.fail_after(limits.LANE_SECONDS):
                lane_name = f"{port.name}.{generation}"
                connection = await self._dial(Hello("room", self._keys.side, self._keys.lanes_room, lane_name))
                if port.live:
                    connection.keep_short()
                await connection.wait_paired()
            with trio.fail_after(limits.HANDSHAKE_SECONDS):
                lane = await self._seal(connection, port, generation)
            sending, outgoing = trio.open_memory_channel[tuple[bytes, Buffer]](port.depth)
            with outgoing:
                await port.incoming.send(LaneOpened(self._epoch, generation, sending))
                return await _move(lane, port, outgoing)
        except DialError as error:
            return error.cause
        except trio.TooSlowError:
            return "silent"
        finally:
            if connection is not None:
                await connection.aclose()

    async def _seal(self, connection: Connection, port: LanePort, generation: int) -> SealedLane:
        own = os.urandom(NONCE_BYTES)
        await connection.send(wire.NONCE, own)
        answer = await connection.receive()
        if answer.type != wire.NONCE or len(answer.payload) != NONCE_BYTES:
            raise DialError("protocol", "NON0")
        peers = bytes(answer.payload)
        nonce_a, nonce_b = (own, peers) if self._role == "A" else (peers, own)
        sealer, opener = self._keys.lane(f"{port.name}.{generation}", nonce_a, nonce_b)
        return SealedLane(connection, sealer, opener, port.limit)


async def _move(lane: SealedLane, port: LanePort, outgoing: trio.MemoryReceiveChannel[tuple[bytes, Buffer]]) -> str:
    """Move packets both ways until both sides have said BYE0, or the lane is cut; return why it ended."""
    causes: list[str] = []
    taking = trio.CancelScope()  # of the writer, while it waits for the actor
    written = trio.Event()
    over = False

    async def read() -> None:
        nonlocal over
        try:
            while (packet := await lane.receive())[0] != wire.BYE:
                await port.incoming.send(LanePacket(*packet))
            causes.append("bye")
        except LaneEnded as error:
            causes.append(error.cause)
        except trio.BrokenResourceError:
            causes.append("gone")  # the actor
        over = True
        taking.cancel()
        if causes[0] == "bye":  # ours in answer, so that the other side knows it was no cut
            with trio.move_on_after(limits.LINGER_SECONDS):
                await written.wait()
        nursery.cancel_scope.cancel()

    async def write() -> None:
        nonlocal taking
        try:
            while not over:
                with trio.CancelScope() as taking:
                    item = await outgoing.receive()
                if taking.cancelled_caught:
                    break
                await lane.send(*item)
        except trio.EndOfChannel:
            pass  # the actor is done
        except LaneEnded as error:
            causes.append(error.cause)
            nursery.cancel_scope.cancel()
            return
        with suppress(LaneEnded):
            await lane.send(wire.BYE, b"")
        written.set()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(read)
        nursery.start_soon(write)
    return causes[0]
