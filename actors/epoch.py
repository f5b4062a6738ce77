"""One epoch: the tasks of `main` over one sealed connection (docs/protocol.md, sections 4 and 5).

The reader never waits for the writer (see actors/desk.py); the writer asks the desk what is next; a heartbeat goes
out every 5 s. What outlives the epoch is in `Kept`.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

import trio

from actors import peer
from actors.desk import Desk
from actors.ends import NamedEnd
from actors.heartbeat import HeartbeatClock
from actors.lane import LaneEnded, SealedLane
from actors.lanes import Lanes
from actors.messages import Emit, RoundTripMeasured
from actors.news import Delivered, Joined, News, PeerTyping, RoundTrip, Sent, Taken, Told
from actors.peer import DiskWaits, First, Have, HaveUpTo, Heartbeat, Hung, MediaTaken, OpenLane, PeerError, Typing
from actors.reliable import CounterError, GapError, Inbox, Outbox
from relay import limits, wire

FAREWELL_SECONDS: Final = 3.0  # without progress, when hanging up: then the connection is closed all the same
_FAREWELL_MOST_SECONDS: Final = 60.0  # with progress: a peer can't keep us by heartbeats


_SHOWN_NS: Final = 10**9  # between two round trips told to screens


class SessionOver(NamedEnd):
    """The call is over for good."""


@dataclass
class Kept:
    """What a session keeps from one epoch to the next."""

    outbox: Outbox = field(default_factory=Outbox)
    inbox: Inbox = field(default_factory=Inbox)
    clock: HeartbeatClock = field(default_factory=HeartbeatClock)
    gap: tuple[int, int] = (0, 0)  # the number missing, how often running
    skipped: int = 0  # packets and controls of kinds unknown to this version
    media: bool = False  # they flow: the round trip must be known from moment to moment


class Newsroom(Protocol):
    """Where news goes: a mailbox, or what hands it on to several."""

    async def send(self, news: News) -> None:
        """Hand the news over; wait while there is no room."""


class Epoch:
    """Epoch `number`, about to run on `lane`. `news` leads to the actors' inboxes: a full one holds the reader, and
    so the peer. `emit` takes the round trips."""

    def __init__(self, number: int, lane: SealedLane, kept: Kept, news: Newsroom, emit: Emit) -> None:
        self._number = number
        self.desk = Desk(kept.outbox, kept.inbox)
        self.lanes: Lanes | None = None
        self._lane = lane
        self._kept = kept
        self._news = news
        self._emit = emit
        self._wake = trio.Event()  # the desk has something new
        self._written = trio.Event()  # all the desk had, and BYE0
        self._alive = trio.CancelScope()
        self._answered = False  # the peer's first heartbeat
        self._shown_at = -_SHOWN_NS  # when screens were last told of a round trip
        self._beat_now = trio.Event()
        self._unwritable = False
        self._hung_at: float | None = None  # when this side hung up

    def nudge(self) -> None:
        """The desk, or the outbox, has something new."""
        self._wake.set()

    def media_changed(self) -> None:
        """Media began to flow, or no longer do."""
        self._beat_now.set()

    def hang(self) -> None:
        """End the call for both after what was said; `run` raises within FAREWELL_SECONDS of the last progress."""
        self._hung_at = trio.current_time()
        self.desk.hang(hung=True)
        self.nudge()
        self._progress()

    async def run(self, make_lanes: Callable[[trio.Nursery, Desk], Lanes]) -> None:
        """Read, write and beat until one of them ends. Raises `LaneEnded` or `SessionOver`, never returns.

        Cancelled, the connection must be closed.
        """
        ends: list[LaneEnded | SessionOver] = []
        with self._alive:
            self._progress()
            async with trio.open_nursery() as nursery:

                async def until_end(part: Callable[[], Awaitable[None]]) -> None:
                    try:
                        await part()
                    except (LaneEnded, SessionOver) as end:
                        ends.append(end)
                        if part == self._write:
                            self._linger()
                        else:
                            nursery.cancel_scope.cancel()

                self.lanes = make_lanes(nursery, self.desk)
                await self._news.send(Joined(self._number))  # not before: whoever hears it may ask for a lane at once
                nursery.start_soon(until_end, self._write)
                nursery.start_soon(until_end, self._read)
                nursery.start_soon(self._beat)
        if ends:
            raise next((end for end in ends if isinstance(end, SessionOver)), ends[0])
        raise SessionOver("hung") if self._hung_at is not None else LaneEnded("silent")

    def _linger(self) -> None:
        """Nothing can be sent any more; what the peer said before, perhaps Hung, may still be read."""
        self._unwritable = True
        self._alive.deadline = trio.current_time() + limits.LINGER_SECONDS

    def _progress(self) -> None:
        """Something went out or came in: give it time again."""
        now = trio.current_time()
        if self._unwritable:
            return
        if self._hung_at is None:
            self._alive.deadline = now + limits.LOST_SECONDS
        else:
            self._alive.deadline = min(now + FAREWELL_SECONDS, self._hung_at + _FAREWELL_MOST_SECONDS)

    async def _write(self) -> None:
        while True:
            packet = self.desk.next_packet()
            if packet is None:
                if self.desk.finished:
                    self._written.set()
                    return
                await self._wake.wait()
                self._wake = trio.Event()
                continue
            inner_type, payload, number = packet
            # Noted before it is sent: the peer's acknowledgement may be read before `send` returns.
            first = bool(number) and self._kept.outbox.mark_sent(number)
            await self._lane.send(inner_type, payload)
            if self._hung_at is not None:
                self._progress()
            if first:
                await self._news.send(Sent(number))

    async def _read(self) -> None:
        hung = heard = False
        try:
            while (packet := await self._lane.receive())[0] != wire.BYE:
                self._progress()
                inner_type, payload = packet
                control = peer.decode_control(payload) if inner_type == wire.CONTROL else None
                if not heard and not isinstance(control, HaveUpTo):
                    raise PeerError("an epoch begins with HaveUpTo")
                heard = True
                if inner_type == wire.MESSAGE:
                    await self._take_message(payload)
                elif control is None:
                    self._kept.skipped += 1
                else:
                    hung = hung or isinstance(control, Hung)
                    await self._take_control(control)
                self.nudge()
        except LaneEnded:
            if hung:  # said under seal: how the connection ended after that does not matter
                raise SessionOver("peer-hung") from None
            raise
        except CounterError as error:
            raise await self._over("counter", str(error)) from None
        except PeerError as error:
            raise await self._over("protocol", str(error)) from None
        # The other direction is over; end ours in order, so that what was sent before is read.
        self.desk.hang(hung=False)
        await self._say_farewell()
        if self._hung_at is not None and self.desk.hung:
            raise SessionOver("hung")
        raise SessionOver("peer-hung") if hung else LaneEnded("bye")

    async def _over(self, cause: str, detail: str) -> SessionOver:
        """Tell the peer that the call is over, at once; return why it is."""
        self.desk.hang(hung=True, at_once=True)
        await self._say_farewell()
        return SessionOver(cause, detail)

    async def _say_farewell(self) -> None:
        self.nudge()
        with trio.move_on_after(FAREWELL_SECONDS):
            await self._written.wait()

    async def _take_message(self, payload: bytearray) -> None:
        number, message = peer.decode_message(payload)
        try:
            new = self._kept.inbox.is_new(number)
        except GapError as error:
            times = self._kept.gap[1] + 1 if self._kept.gap[0] == error.expected else 1
            self._kept.gap = (error.expected, times)
            if times >= limits.GAP_TRIES:
                raise CounterError(str(error)) from None
            raise LaneEnded("gap", str(error)) from None
        if new:
            # Handed over, then counted: cancelled in between, it comes again.
            await self._news.send(Taken(number, message))
            self._kept.inbox.keep(number)

    async def _take_control(self, control: peer.Control) -> None:
        match control:
            case HaveUpTo():
                delivered = self.desk.have_heard(control)
                with trio.CancelScope(shield=True):  # the outbox has forgotten them: it is said now or never
                    for number in delivered:
                        await self._news.send(Delivered(number))
            case Heartbeat():
                now = _now_ns()
                round_trip = self._kept.clock.take(control, now)
                if round_trip is not None:
                    if now - self._shown_at >= _SHOWN_NS:
                        self._shown_at = now
                        self._emit(RoundTripMeasured(ms=round_trip / 1e6))
                    await self._news.send(RoundTrip(round_trip / 1e9, self._kept.clock.offset or 0))
                if not self._answered:
                    self._answered = True
                    self.desk.beat(self._kept.clock.make(now))  # at once: both know the round trip from the start
            case Typing():
                await self._news.send(PeerTyping(control.typing))
            case Have() | DiskWaits() | First() | MediaTaken():
                await self._news.send(Told(self._number, control))
            case OpenLane():
                if self.lanes is None or not self.lanes.said(control):
                    self._kept.skipped += 1
            case Hung():
                pass

    async def _beat(self) -> None:
        while True:
            self.desk.beat(self._kept.clock.make(_now_ns()))
            self.nudge()
            self._beat_now = trio.Event()
            with trio.move_on_after(limits.MEDIA_HEARTBEAT_SECONDS if self._kept.media else limits.HEARTBEAT_SECONDS):
                await self._beat_now.wait()


def _now_ns() -> int:
    return int(trio.current_time() * 1e9)
