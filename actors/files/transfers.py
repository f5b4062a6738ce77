"""The transfers of a call: ours in the order in which they are sent, the peer's, and those that are over."""

from actors.files.incoming import Incoming
from actors.files.outgoing import Outgoing
from relay import limits


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
        for transfer in self.out.values():
            if transfer.number != number and transfer.shown.now.state == "moving":
                transfer.shown.change(state="waiting")
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
