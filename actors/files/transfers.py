"""The transfers of a call: ours in the order in which they are sent, the peer's, and those that are over."""

from collections import deque
from typing import Final

from actors.files.incoming import Incoming
from actors.files.outgoing import Outgoing
from relay import limits

_LATE: Final = 1000  # numbers that may still come, though higher ones have


class Numbers:
    """The numbers of the peer's offers, from `first` on, every other one. They come about in their order: listing a
    large folder takes longer than what is offered after it."""

    def __init__(self, first: int) -> None:
        self._next = first
        self._late: deque[int] = deque(maxlen=_LATE)

    def take(self, number: int) -> bool:
        """Tell whether a new offer may have this number; then none has it again."""
        if (number - self._next) % 2:
            return False
        if number < self._next:
            if number not in self._late:
                return False
            self._late.remove(number)
            return True
        self._late.extend(range(max(self._next, number - 2 * _LATE), number, 2))
        self._next = number + 2
        return True


class Transfers:
    """Every transfer that somebody may still ask for."""

    def __init__(self) -> None:
        self.out: dict[int, Outgoing] = {}  # in the order in which they are sent
        self.into: dict[int, Incoming] = {}

    def find(self, number: int) -> Outgoing | Incoming | None:
        """Return the transfer of this number."""
        return self.out.get(number) or self.into.get(number)

    def all(self) -> list[Outgoing | Incoming]:
        """Return them all, ours first."""
        return [*self.out.values(), *self.into.values()]

    @property
    def settled(self) -> bool:
        """Whether nothing is left to be done for any of them."""
        return all(transfer.closed for transfer in self.all())

    @property
    def unanswered(self) -> int:
        """How many of our offers wait for their answer."""
        return sum(transfer.shown.now.state in ("listing", "offered") for transfer in self.out.values())

    @property
    def full(self) -> bool:
        """Whether the peer has made as many offers as it may."""
        offered = sum(transfer.shown.now.state == "offered" for transfer in self.into.values())
        under_way = sum(not transfer.shown.over for transfer in self.into.values())
        return offered >= limits.OPEN_OFFERS or under_way >= limits.OPEN_TRANSFERS

    def coming(self, beside: Incoming) -> list[tuple[str, int]]:
        """Return where the peer's accepted transfers but this one go, and how much of each is still to come."""
        return [
            (t.shown.now.folder, max(0, (t.shown.now.size or 0) - t.shown.now.moved))
            for t in self.into.values()
            if t != beside and t.shown.now.state in ("waiting", "moving")
        ]

    def another_moves(self, transfer: Incoming) -> bool:
        """Whether something else comes from the peer just now."""
        return any(t.shown.now.state == "moving" and not t.shown.stalled for t in self.into.values() if t != transfer)

    @property
    def list_bytes(self) -> int:
        """What the lists of the peer's open offers take on our disk, about."""
        return sum(transfer.listing.bytes for transfer in self.into.values() if not transfer.shown.over)

    @property
    def want_lane(self) -> bool:
        """Whether one of ours has something that only the lane can carry."""
        return any(transfer.wants_lane for transfer in self.out.values())

    def put_first(self, number: int) -> None:
        """Send this one of ours before the others."""
        if self.out[number].shown.now.state not in ("waiting", "moving"):
            return
        for transfer in self.out.values():
            if transfer.number != number:
                transfer.step_back()
        self.out = {number: self.out.pop(number), **self.out}
        self.renumber()

    def renumber(self) -> None:
        """Tell those that wait for their turn which place they have; forget the oldest that are over."""
        place = 0
        for transfer in self.out.values():
            if transfer.shown.now.state in ("waiting", "moving"):
                place += 1
                transfer.shown.change(place=place)
        for transfers in (self.out, self.into):
            over = [number for number, transfer in transfers.items() if transfer.closed]
            for number in over[: -limits.TRANSFERS_KEPT]:
                del transfers[number]
