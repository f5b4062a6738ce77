"""A session: two people joined by a secret, over as many connections as it takes (docs/protocol.md, 4 and 5).

    dial the session room ─► WAIT: alone ─► PAIR ─► KEX0, CNF0 ─► epoch on `main` ─► end ─┐
           ▲                                                                              │
           └────────────── wait 0.25 s, doubled to 10 s, jittered ◄───────────────────────┘

Only `Hung` (said by either side), numbers that do not add up, a peer that speaks no Visavis inside the seal, and
24 hours out of reach end it. Whatever a relay says is shown, and tried again.
"""

import math
import random
import sys
import time
from collections.abc import Callable
from typing import Final

import trio

from actors.desk import Desk
from actors.dial import Connection, DialError, Dialler
from actors.epoch import FAREWELL_SECONDS, Epoch, Kept, Newsroom, SessionOver
from actors.lane import LaneEnded, SealedLane
from actors.lanes import LanePort, Lanes
from actors.messages import Emit, Link, LinkChanged
from actors.news import Left, MediaFlow, PeerTyping
from actors.peer import FileControl, MediaTaken, Message
from actors.seal import Exchange, Role, SealError, SessionKeys
from relay import limits, wire
from relay.wire import Hello

MAIN: Final = "main.0"


class Session:
    """The session as its engine and its actors see it.

    `dial` reaches the relay. `news` leads to the actors' inboxes: a full one holds the reader of `main`, and so the
    peer, never a screen. `emit` takes the events about the link, without waiting. `ports` are the lanes served here.
    """

    def __init__(
        self,
        keys: SessionKeys,
        role: Role,
        dial: Dialler,
        news: Newsroom,
        emit: Emit,
        ports: dict[str, LanePort] | None = None,
    ) -> None:
        self._keys = keys
        self._role = role
        self._dial = dial
        self._news = news
        self._emit = emit
        self._ports = ports or {}
        self._kept = Kept()
        self._epoch: Epoch | None = None  # that runs
        self._epochs = 0
        self._flowing: set[str] = set()  # lanes of media
        self._attempt = trio.CancelScope()
        self._pause = trio.CancelScope()
        self._interrupted = ""  # why the attempt was cancelled
        self._hanging = trio.Event()
        self._link: tuple[Link, str] = ("none", "")
        self._paired_at: float | None = None  # when this attempt met someone
        self._proved_at: float | None = None  # when that one proved to be the peer
        self._gone_at = trio.current_time()  # when the peer was last there
        self._gone_since = time.time()  # the same, to be shown

    @property
    def skipped(self) -> int:
        """Packets and controls of kinds that this version does not know."""
        return self._kept.skipped

    # --- what actors ask -----------------------------------------------------------------------------------------

    def say(self, message: Message) -> int:
        """Accept a message for the peer; return its number. Raises `OutboxFullError`."""
        number = self._kept.outbox.add(message)
        if self._epoch is not None:
            self._epoch.nudge()
        return number

    def set_typing(self, typing: bool) -> None:
        """Tell the peer, if it is there."""
        if self._epoch is not None:
            self._epoch.desk.set_typing(typing)
            self._epoch.nudge()

    def tell(self, control: FileControl | MediaTaken, epoch: int = 0) -> None:
        """Tell the peer about a transfer or a media lane, if it is there (and in epoch `epoch`, if one is named); only
        the newest of each kind, and transfer or lane."""
        if self._epoch is not None and epoch in (0, self._epochs):
            self._epoch.desk.tell(control)
            self._epoch.nudge()

    async def media(self, lane: str, flows: bool) -> None:
        """On this lane sound or pictures flow from now on, or no longer. While they do on any, the round trip is
        measured ten times a second, and the file channel keeps the way free."""
        before = bool(self._flowing)
        (self._flowing.add if flows else self._flowing.discard)(lane)
        flows = bool(self._flowing)
        if flows != before:
            self._kept.media = flows
            if self._epoch is not None:
                self._epoch.media_changed()
            await self._news.send(MediaFlow(flows))

    def open_lane(self, name: str) -> bool:
        """An actor needs its lane: open a new generation. False if the peer is not there now."""
        if self._epoch is None or self._epoch.lanes is None:
            return False
        self._epoch.lanes.open(name)
        self._epoch.nudge()
        return True

    def hang(self) -> None:
        """End the call for both sides, after what is said and not yet sent.

        `run` raises within 3 s of the last progress. Between two connections one more is tried in that time; while
        the peer is not at the relay, it ends at once.
        """
        self._hanging.set()
        if self._epoch is not None:
            self._epoch.hang()
        elif self._link[0] == "alone":
            self._attempt.cancel()
        else:
            self._attempt.deadline = trio.current_time() + FAREWELL_SECONDS
            self._pause.cancel()

    # --- epochs --------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Keep the session up. Raises `SessionOver` when the call is over; cancelled, it closes its connections."""
        over = SessionOver("hung")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._watch_sleep)
            try:
                await self._run_epochs()
            except SessionOver as error:
                over = error
            nursery.cancel_scope.cancel()
        texts = self._kept.outbox.texts
        raise SessionOver("hung-early", str(texts)) if over.cause == "hung" and texts else over

    async def _run_epochs(self) -> None:
        """Make one connection after another. Returns after the last one when hanging up; raises `SessionOver`."""
        wait, short_epochs = limits.RECONNECT_MIN_SECONDS, 0
        while True:
            last = self._hanging.is_set()
            self._interrupted = ""
            with trio.CancelScope() as self._attempt:
                if last:
                    self._attempt.deadline = trio.current_time() + FAREWELL_SECONDS
                end = await self._run_epoch()
            if self._hanging.is_set() and (last or self._link[0] == "alone"):
                return
            if self._attempt.cancelled_caught:
                end = LaneEnded(self._interrupted or "silent")
            now, held = trio.current_time(), False
            if self._proved_at is not None:
                self._gone_at, self._gone_since = now, time.time()
                await self._news.send(PeerTyping(False))  # whoever is away does not write
                await self._news.send(Left(self._epochs))
                held = now - self._proved_at >= limits.EPOCH_HELD_SECONDS
            if self._paired_at is not None:
                short_epochs = 0 if held or end.cause == "slept" else short_epochs + 1
            if held:
                wait = limits.RECONNECT_MIN_SECONDS
            pause = 0.0 if end.cause == "slept" else wait * random.uniform(0.5, 1.0)
            if short_epochs >= limits.SHORT_EPOCHS:
                short_epochs, pause, end = 0, limits.ELSEWHERE_SECONDS, LaneEnded("elsewhere")
            self._show("out", end.cause, end.detail)
            if now - self._gone_at >= limits.OUT_OF_REACH_SECONDS:
                raise SessionOver("out-of-reach")
            if not self._hanging.is_set():
                with trio.move_on_after(pause) as self._pause:
                    await trio.sleep_forever()
            wait = min(wait * 2, limits.RECONNECT_MAX_SECONDS)

    async def _run_epoch(self) -> LaneEnded | DialError:
        """One connection of `main`, from dialling to its end, which is returned."""
        self._paired_at = self._proved_at = None
        try:
            connection = await self._dial(Hello("room", self._keys.side, self._keys.room, MAIN))
        except DialError as error:
            return error
        try:
            if not connection.paired:
                await self._wait_for_peer(connection)
            self._paired_at = trio.current_time()
            lane, make_lanes = await self._open_main(connection)
            self._proved_at = trio.current_time()
            self._epoch = Epoch(self._epochs, lane, self._kept, self._news, self._emit)
            self._show("joined")
            if self._hanging.is_set():
                self._attempt.deadline = math.inf  # the epoch has a deadline of its own
                self._epoch.hang()
            await self._epoch.run(make_lanes)
        except (LaneEnded, DialError) as error:
            return error
        finally:
            self._epoch = None
            await connection.aclose()
        raise AssertionError("an epoch ends by an exception")

    async def _wait_for_peer(self, connection: Connection) -> None:
        self._show("alone")
        with trio.move_on_at(self._gone_at + limits.OUT_OF_REACH_SECONDS):
            if self._role == "B" and self._epochs == 0:
                # Whether our proof arrived can't be known; a maker that took it would be here by now.
                with trio.move_on_after(limits.PEER_ABSENT_SECONDS):
                    await connection.wait_paired()
                    return
                self._show("alone", "peer-absent")
            await connection.wait_paired()
            return
        raise SessionOver("out-of-reach")

    async def _open_main(self, connection: Connection) -> tuple[SealedLane, Callable[[trio.Nursery, Desk], Lanes]]:
        """Exchange keys and confirmations; return the sealed lane, and what makes this epoch's other lanes."""
        exchange = Exchange(self._role, self._keys)
        try:
            with trio.fail_after(limits.HANDSHAKE_SECONDS):
                await connection.send(wire.EXCHANGE, exchange.payload)
                exchange.receive(await _expect(connection, wire.EXCHANGE))
                await connection.send(wire.CONFIRM, exchange.own_confirmation)
                if not exchange.check(await _expect(connection, wire.CONFIRM)):
                    raise LaneEnded("handshake", "confirm")
        except trio.TooSlowError:
            raise LaneEnded("handshake", "silent") from None
        except SealError as error:
            raise LaneEnded("handshake", error.code) from None
        self._epochs += 1
        epoch, keys = self._epochs, exchange.epoch
        sealer, opener = keys.main()
        return SealedLane(connection, sealer, opener), lambda nursery, desk: Lanes(
            nursery, self._dial, keys, self._role, epoch, desk, self._ports
        )

    async def _watch_sleep(self) -> None:
        if sys.platform != "linux":
            return  # no clock that counts sleep; the heartbeat finds out 20 s later
        before = seconds_slept()
        while True:
            await trio.sleep(1)
            now = seconds_slept()
            if now - before >= limits.SLEEP_SECONDS:
                self._interrupted = "slept"
                self._attempt.cancel()
                self._pause.cancel()
            before = now

    def _show(self, link: Link, cause: str = "", detail: str = "") -> None:
        """Tell screens what the link is now, once; while the peer is away, since when."""
        if self._link != (link, cause):
            self._link = (link, cause)
            since = time.time() if link == "joined" else self._gone_since
            self._emit(LinkChanged(link=link, since=since, cause=cause, detail=detail))


async def _expect(connection: Connection, packet_type: bytes) -> bytes:
    packet = await connection.receive()
    if packet.type != packet_type:
        raise LaneEnded("protocol", f"{packet.type.decode()} where {packet_type.decode()} should be")
    return bytes(packet.payload)


def seconds_slept() -> float:
    """Return how long this machine has slept since it started (Linux)."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) - time.clock_gettime(time.CLOCK_MONOTONIC)
