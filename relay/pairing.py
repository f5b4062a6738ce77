"""Who meets whom: rooms, sides and lanes as a state machine (docs/protocol.md, section 2).

No I/O, no clock, no randomness of its own: the time is passed in, and so is what chooses numbers.

A room is a number (its owner asked for it by `new`, whoever types it comes by `join`) or 32 hex digits. In a room
each lane seats at most one connection of a side, and a room has at most two sides.

    what comes            the seat is     then
    ────────────────────  ──────────────  ─────────────────────────────────────────────────────────────
    new                   —               Wait with a number
    keep, room            free            Pair if the other side waits on this lane, else Wait
    keep, room            waiting         Refuse `replaced` to who waited; the newcomer as above
    keep, room            paired          Close that pair; the newcomer waits
    keep                  not its owner   Refuse `nobody` (also: unknown number, or one that rests)
    room                  a third side    Refuse `full`
    join                  owner waits     Pair
    join                  else            Refuse `nobody` (by the joiner of a running pair: Close that pair first)
    gone                  any             the seat is empty; the other of its pair leaves with it
    time: 24 h            waiting         Refuse `nobody`

A number without connections is reserved for its owner's `keep` for ten minutes, then rests for an hour, then is
forgotten. A room of hex digits is forgotten with its last connection.
"""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Final, Generic, TypeAlias, TypeVar

from relay import limits
from relay.wire import PAIR_LANE, Hello

C = TypeVar("C", bound=Hashable)  # a connection, whatever the shell means by it

_NUMBER_TRIES: Final = 100  # at one number in ten taken, 100 misses in a row do not happen
_SHORT_NUMBERS: Final = limits.NUMBER_MAX - limits.NUMBER_MIN + 1


@dataclass(frozen=True, slots=True)
class Wait(Generic[C]):
    """Tell `who` that it waits in `room`."""

    who: C
    room: str


@dataclass(frozen=True, slots=True)
class Pair(Generic[C]):
    """Join the two: `first` has waited, `second` has just come. The last answer of both."""

    first: C
    second: C


@dataclass(frozen=True, slots=True)
class Refuse(Generic[C]):
    """Answer `who` with an error and close it. The last answer of `who`."""

    who: C
    code: str


@dataclass(frozen=True, slots=True)
class Close(Generic[C]):
    """End a running pair: close both."""

    first: C
    second: C


Action: TypeAlias = Wait[C] | Pair[C] | Refuse[C] | Close[C]


@dataclass(eq=False, slots=True)
class _Seat(Generic[C]):
    who: C
    side: str
    room: str
    lane: str
    since: float
    other: "_Seat[C] | None" = None  # of its pair


@dataclass(eq=False, slots=True)
class _Room(Generic[C]):
    owner: str = ""  # of a number: the side that asked for it
    lanes: dict[str, dict[str, _Seat[C]]] = field(default_factory=dict)
    ended: float | None = None  # of a number: since when nobody is there

    def sides(self) -> set[str]:
        return {side for seats in self.lanes.values() for side in seats}


class Pairing(Generic[C]):
    """All rooms of a relay. `choose(low, high)` returns a random number from low to high, both included."""

    def __init__(self, choose: Callable[[int, int], int]) -> None:
        self._choose = choose
        self._rooms: dict[str, _Room[C]] = {}
        self._seats: dict[C, _Seat[C]] = {}
        self._short_taken = 0

    def __len__(self) -> int:
        """Rooms remembered: live, reserved and resting."""
        return len(self._rooms)

    def hello(self, who: C, hello: Hello, now: float) -> list[Action[C]]:
        """`who` said `hello`; return what follows, in order. The last action answers `who`."""
        if hello.want == "new":
            number = self._free_number()
            if number is None:
                return [Refuse(who, "limit")]
            self._rooms[number] = _Room(hello.side)
            return self._enter(who, number, hello, now)
        room = self._rooms.get(hello.room)
        if hello.want == "room":
            sides = room.sides() if room else set()
            if hello.side not in sides and len(sides) == 2:
                return [Refuse(who, "full")]
            return self._enter(who, hello.room, hello, now)
        if room is None or self._rests(room, now):
            return [Refuse(who, "nobody")]
        if hello.want == "keep":
            return self._enter(who, hello.room, hello, now) if hello.side == room.owner else [Refuse(who, "nobody")]
        return self._join(who, room, hello, now)

    def gone(self, who: C, now: float) -> None:
        """`who` is no longer there, or its pair has ended (then the other is gone too). Unknown: nothing."""
        seat = self._seats.get(who)
        if seat is not None:
            self._leave(seat, now)

    def pass_time(self, now: float) -> list[Refuse[C]]:
        """End the waits that lasted too long, forget the numbers that have rested."""
        refused = []
        for seat in list(self._seats.values()):
            if seat.other is None and now - seat.since > limits.WAIT_SECONDS:
                self._leave(seat, now)
                refused.append(Refuse(seat.who, "nobody"))
        for number, room in list(self._rooms.items()):
            rested = limits.NUMBER_RESERVED_SECONDS + limits.NUMBER_REST_SECONDS
            if room.ended is not None and now - room.ended >= rested:
                del self._rooms[number]
                self._short_taken -= _is_short(number)
        return refused

    def _join(self, who: C, room: _Room[C], hello: Hello, now: float) -> list[Action[C]]:
        if hello.side == room.owner:
            return [Refuse(who, "nobody")]
        seats = room.lanes.get(PAIR_LANE, {})
        stale = seats.get(hello.side)
        if stale is not None:  # its owner does not know yet that the pair is dead: it must come back by `keep`
            return [*self._replace(stale, now), Refuse(who, "nobody")]
        owner = seats.get(room.owner)
        if owner is None or owner.other is not None:
            return [Refuse(who, "nobody")]
        return self._enter(who, hello.room, hello, now)

    def _enter(self, who: C, name: str, hello: Hello, now: float) -> list[Action[C]]:
        actions: list[Action[C]] = []
        room = self._rooms.get(name)
        old = room.lanes.get(hello.lane, {}).get(hello.side) if room else None
        if old is not None:
            actions += self._replace(old, now)
        room = self._rooms.setdefault(name, _Room())
        room.ended = None
        seats = room.lanes.setdefault(hello.lane, {})
        other = next(iter(seats.values()), None)  # of the other side, and not paired: its pair would be ours
        seat = _Seat(who, hello.side, name, hello.lane, now, other)
        seats[hello.side] = self._seats[who] = seat
        if other is None:
            return [*actions, Wait(who, name)]
        other.other = seat
        return [*actions, Pair(other.who, who)]

    def _replace(self, seat: _Seat[C], now: float) -> list[Refuse[C] | Close[C]]:
        other = seat.other
        self._leave(seat, now)
        return [Refuse(seat.who, "replaced")] if other is None else [Close(seat.who, other.who)]

    def _leave(self, seat: _Seat[C], now: float) -> None:
        room = self._rooms[seat.room]
        seats = room.lanes[seat.lane]
        for leaving in (seat, seat.other):
            if leaving is not None:
                del seats[leaving.side], self._seats[leaving.who]
        if seats:
            return
        del room.lanes[seat.lane]
        if room.lanes:
            return
        if room.owner:
            room.ended = now
        else:
            del self._rooms[seat.room]

    def _rests(self, room: _Room[C], now: float) -> bool:
        return room.ended is not None and now - room.ended >= limits.NUMBER_RESERVED_SECONDS

    def _free_number(self) -> str | None:
        low, high = limits.NUMBER_MIN, limits.NUMBER_MAX
        if self._short_taken > limits.NUMBERS_IN_USE_SHARE * _SHORT_NUMBERS:
            low, high = limits.LONG_NUMBER_MIN, limits.LONG_NUMBER_MAX
        for _ in range(_NUMBER_TRIES):
            number = str(self._choose(low, high))
            if number not in self._rooms:
                self._short_taken += _is_short(number)
                return number
        return None


def _is_short(number: str) -> bool:
    return len(number) == 4
