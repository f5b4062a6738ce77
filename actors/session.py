"""A session: two people joined by a secret, over as many connections as it takes (docs/protocol.md, 4 and 5).

    dial the session room ─► WAIT: alone ─► PAIR ─► KEX0, CNF0 ─► epoch on `main` ─► end ─┐
           ▲                                                                              │
           └────────────── wait 0.25 s, doubled to 10 s, jittered ◄───────────────────────┘

Only `Hung` (said by either side), numbers that do not add up, a peer that speaks no Visavis inside the seal, and
24 hours out of reach end it. Whatever a relay says is shown, and tried again.
"""

import random
import sys
import time
from collections.abc import Awaitable, Callable

import trio

from actors import peer
from actors.desk import Desk
from actors.dial import Connection, DialError, Dialler
from actors.heartbeat import HeartbeatClock
from actors.lane import LaneEnded, SealedLane
from actors.lanes import LanePort, Lanes
from actors.messages import Emit, Link, LinkChanged, RoundTripMeasured
from actors.news import Delivered, News, PeerTyping, Sent, Taken
from actors.peer import HaveUpTo, Heartbeat, Hung, Message, OpenLane, PeerError, Typing
from actors.reliable import CounterError, GapError, Inbox, Outbox
from actors.seal import Exchange, Role, SealError, SessionKeys
from relay import limits, wire
from relay.wire import Hello

MAIN = "main.0"
_FAREWELL_SECONDS = 3.0  # for Hung and BYE0 to cross; then the connection is closed all the same


class SessionOver(Exception):  # noqa: N818 - hanging up is no error
    """The call is over for good. `cause` is a code of docs/engine.md, `detail` what goes with it."""

    def __init__(self, cause: str, detail: str = "") -> None:
        super().__init__(f"{cause} {detail}".rstrip())
        self.cause = cause
        self.detail = detail


class Session:
    """The session as its engine and its actors see it.

    `dial` reaches the relay. `news` is the chat actor's inbox: a full one holds the reader of `main`, and so the
    peer, never a screen. `emit` takes the events about the link, without waiting. `ports` are the lanes served here.
    """

    def __init__(
        self,
        keys: SessionKeys,
        role: Role,
        dial: Dialler,
        news: trio.MemorySendChannel[News],
        emit: Emit,
        ports: dict[str, LanePort] | None = None,
    ) -> None:
        self._keys = keys
        self._role = role
        self._dial = dial
        self._news = news
        self._emit = emit
        self._ports = ports or {}
        self._outbox = Outbox()
        self._inbox = Inbox()
        self._clock = HeartbeatClock()
        self._desk: Desk | None = None  # of the epoch that runs
        self._lanes: Lanes | None = None
        self._wake = trio.Event()  # the desk has something new
        self._attempt = trio.CancelScope()
        self._joined_at: float | None = None  # when this attempt met the peer
        self._interrupted = ""  # why the attempt's scope was cancelled
        self._hanging = trio.Event()
        self._epoch = 0
        self._link: tuple[Link, str] = ("none", "")
        self._gone_at = trio.current_time()  # when the peer was last there
        self._gone_since = time.time()  # the same, to be shown
        self._gap: tuple[int, int] = (0, 0)  # the number missing, how often running
        self.skipped = 0  # packets and controls of kinds unknown to this version

    # --- what actors ask -----------------------------------------------------------------------------------------

    def say(self, message: Message) -> int:
        """Accept a message for the peer; return its number. Raises `OutboxFullError`."""
        number = self._outbox.add(message)
        self._nudge()
        return number

    def set_typing(self, typing: bool) -> None:
        """Tell the peer, if it is there."""
        if self._desk is not None:
            self._desk.set_typing(typing)
            self._nudge()

    def open_lane(self, name: str) -> bool:
        """An actor needs its lane: open a new generation. False if the peer is not there now."""
        if self._lanes is None:
            return False
        self._lanes.open(name)
        self._nudge()
        return True

    def hang(self) -> None:
        """End the call for both sides, after what is said and not yet sent; `run` returns in 3 s at most."""
        self._hanging.set()
        if self._desk is None:
            self._attempt.cancel()
        else:
            self._desk.hang(hung=True)
            self._nudge()
            self._attempt.deadline = min(self._attempt.deadline, trio.current_time() + _FAREWELL_SECONDS)

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
        raise over

    async def _run_epochs(self) -> None:
        wait, short_epochs = limits.RECONNECT_MIN_SECONDS, 0
        while not self._hanging.is_set():
            self._interrupted = ""
            with trio.CancelScope() as self._attempt:
                end = await self._run_epoch()
            if self._hanging.is_set():
                return
            if self._attempt.cancelled_caught:
                end = LaneEnded(self._interrupted or "silent")
            now, held = trio.current_time(), False
            if self._joined_at is not None:
                self._gone_at, self._gone_since = now, time.time()
                held = now - self._joined_at >= limits.EPOCH_HELD_SECONDS
                short_epochs = 0 if held or end.cause == "slept" else short_epochs + 1
            if held:
                wait = limits.RECONNECT_MIN_SECONDS
            pause = 0.0 if end.cause == "slept" else wait * random.uniform(0.5, 1.0)
            if short_epochs >= limits.SHORT_EPOCHS:
                short_epochs, pause, end = 0, limits.ELSEWHERE_SECONDS, LaneEnded("elsewhere")
            self._show("out", end.cause, end.detail)
            if now - self._gone_at > limits.OUT_OF_REACH_SECONDS:
                raise SessionOver("out-of-reach")
            with trio.move_on_after(pause) as self._attempt:
                await trio.sleep_forever()
            wait = min(wait * 2, limits.RECONNECT_MAX_SECONDS)

    async def _run_epoch(self) -> LaneEnded | DialError:
        """One connection of `main`, from dialling to its end, which is returned."""
        self._joined_at = None
        try:
            connection = await self._dial(Hello("room", self._keys.side, self._keys.room, MAIN))
        except DialError as error:
            return error
        try:
            if not connection.paired:
                await self._wait_for_peer(connection)
            self._joined_at = trio.current_time()
            lane, lanes_of = await self._open_main(connection)
            await self._run_main(lane, lanes_of)
        except (LaneEnded, DialError) as error:
            return error
        finally:
            await connection.aclose()
        raise AssertionError("an epoch ends by an exception")

    async def _wait_for_peer(self, connection: Connection) -> None:
        self._show("alone")
        if self._role == "B" and self._epoch == 0:
            # Whether our proof arrived can't be known; a maker that took it would be here by now.
            with trio.move_on_after(limits.PEER_ABSENT_SECONDS):
                await connection.wait_paired()
                return
            self._show("alone", "peer-absent")
        await connection.wait_paired()

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
        self._epoch += 1
        epoch, keys = self._epoch, exchange.epoch
        sealer, opener = keys.main()
        return SealedLane(connection, sealer, opener), lambda nursery, desk: Lanes(
            nursery, self._dial, keys, self._role, epoch, desk, self._ports
        )

    async def _run_main(self, lane: SealedLane, lanes_of: Callable[[trio.Nursery, Desk], Lanes]) -> None:
        """Read, write and beat until one of them ends. Raises `LaneEnded` or `SessionOver`."""
        ends: list[LaneEnded | SessionOver] = []
        desk = Desk(self._outbox, self._inbox)
        with trio.CancelScope(deadline=trio.current_time() + limits.LOST_SECONDS) as alive:
            async with trio.open_nursery() as nursery:

                async def until_end(part: Callable[[], Awaitable[None]]) -> None:
                    try:
                        await part()
                    except (LaneEnded, SessionOver) as end:
                        ends.append(end)
                        nursery.cancel_scope.cancel()

                self._lanes = lanes_of(nursery, desk)
                self._desk = desk
                if self._hanging.is_set():
                    desk.hang(hung=True)
                written = trio.Event()
                try:
                    self._show("joined")
                    nursery.start_soon(until_end, lambda: self._write_main(lane, desk, written))
                    nursery.start_soon(until_end, lambda: self._read_main(lane, desk, written, alive))
                    nursery.start_soon(self._beat, desk)
                    await trio.sleep_forever()
                finally:
                    self._desk = self._lanes = None
        raise ends[0] if ends else LaneEnded("silent")

    # --- the tasks of `main` -------------------------------------------------------------------------------------

    async def _write_main(self, lane: SealedLane, desk: Desk, written: trio.Event) -> None:
        while True:
            packet = desk.next_packet()
            if packet is None:
                if desk.finished:
                    written.set()
                    return
                await self._wake.wait()
                self._wake = trio.Event()
                continue
            inner_type, payload, number = packet
            # Noted before it is sent: the peer's acknowledgement may be read before `send` returns.
            first = bool(number) and self._outbox.mark_sent(number)
            await lane.send(inner_type, payload)
            if first:
                await self._news.send(Sent(number))

    async def _read_main(self, lane: SealedLane, desk: Desk, written: trio.Event, alive: trio.CancelScope) -> None:
        hung = heard = False
        try:
            while True:
                inner_type, payload = await lane.receive()
                alive.deadline = trio.current_time() + limits.LOST_SECONDS
                if inner_type == wire.BYE:
                    break
                if inner_type == wire.MESSAGE and heard:
                    await self._take_message(payload)
                elif inner_type == wire.CONTROL:
                    control = peer.decode_control(payload)
                    if not heard and not isinstance(control, HaveUpTo):
                        raise PeerError("an epoch begins with HaveUpTo")
                    heard = True
                    hung = hung or isinstance(control, Hung)
                    await self._take_control(control, desk)
                elif inner_type == wire.MESSAGE:
                    raise PeerError("an epoch begins with HaveUpTo")
                else:
                    self.skipped += 1
                self._nudge()
        except CounterError as error:
            raise SessionOver("counter", str(error)) from None
        except PeerError as error:
            raise SessionOver("protocol", str(error)) from None
        # The other direction is over; end ours in order, so that what was sent before is read.
        desk.hang(hung=False)
        self._nudge()
        with trio.move_on_after(_FAREWELL_SECONDS):
            await written.wait()
        if self._hanging.is_set():
            raise SessionOver("hung")
        raise SessionOver("peer-hung") if hung else LaneEnded("bye")

    async def _take_message(self, payload: bytearray) -> None:
        number, message = peer.decode_message(payload)
        try:
            new = self._inbox.is_new(number)
        except GapError as error:
            times = self._gap[1] + 1 if self._gap[0] == error.expected else 1
            self._gap = (error.expected, times)
            if times >= limits.GAP_TRIES:
                raise SessionOver("counter", str(error)) from None
            raise LaneEnded("gap", str(error)) from None
        if new:
            # Handed over, then counted: cancelled in between, it comes again.
            await self._news.send(Taken(number, message))
            self._inbox.keep(number)

    async def _take_control(self, control: peer.Control | None, desk: Desk) -> None:
        match control:
            case HaveUpTo():
                for number in desk.have_heard(control):
                    await self._news.send(Delivered(number))
            case Heartbeat():
                now = _now_ns()
                round_trip = self._clock.take(control, now)
                if round_trip is not None:
                    self._emit(RoundTripMeasured(ms=round_trip / 1e6))
                if control.echo is None:
                    desk.beat(self._clock.make(now))  # answered at once: both know the round trip from the start
            case Typing():
                await self._news.send(PeerTyping(control.typing))
            case OpenLane():
                if self._lanes is None or not self._lanes.said(control):
                    self.skipped += 1
            case Hung():
                pass
            case None:
                self.skipped += 1

    async def _beat(self, desk: Desk) -> None:
        while True:
            desk.beat(self._clock.make(_now_ns()))
            self._nudge()
            await trio.sleep(limits.HEARTBEAT_SECONDS)

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
            before = now

    def _nudge(self) -> None:
        self._wake.set()

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
    return packet.payload


def seconds_slept() -> float:
    """Return how long this machine has slept since it started (Linux)."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) - time.clock_gettime(time.CLOCK_MONOTONIC)


def _now_ns() -> int:
    return int(trio.current_time() * 1e9)
