"""What goes out on `main`, and in which order. No I/O.

The writer of `main` asks for the next packet and sends it; everyone else only leaves things here. So the reader
never waits for the writer (two engines whose readers did would wait for each other for ever), nothing is queued
that a newer value replaces, and every message is read from the outbox when its turn comes.
"""

from collections import deque

from actors import peer
from actors.peer import Control, FileControl, HaveUpTo, Hung, MediaTaken, OpenLane, Typing
from actors.reliable import Inbox, Outbox
from relay import wire


class Desk:
    """One epoch's outgoing packets of `main`: first HaveUpTo, then controls, then messages, in the end Hung, BYE0."""

    def __init__(self, outbox: Outbox, inbox: Inbox) -> None:
        self._outbox = outbox
        self._inbox = inbox
        self._told: int | None = None  # the HaveUpTo last sent
        self._next: int | None = None  # the message to send next; None until the peer's HaveUpTo came
        self._heartbeat: peer.Heartbeat | None = None
        self._typing: Typing | None = None
        self._lanes: deque[OpenLane] = deque()
        self._told_of: dict[tuple[str, int | str], FileControl | MediaTaken] = {}  # by kind, and transfer or lane
        self._ending = False
        self._at_once = False
        self._hung_said = False
        self.hung = False  # Hung is, or will be, said
        self.finished = False  # BYE0 was handed out

    def have_heard(self, have: HaveUpTo) -> list[int]:
        """Take the peer's HaveUpTo; return the numbers newly delivered. Raises `CounterError`."""
        newly = list(self._outbox.confirm(have.number))
        self._next = max(self._next or 0, have.number + 1)  # none that it has is sent again
        return newly

    def beat(self, heartbeat: peer.Heartbeat) -> None:
        """Send this heartbeat next; one not yet sent is replaced."""
        self._heartbeat = heartbeat

    def set_typing(self, typing: bool) -> None:
        """Tell the peer; only the newest is sent."""
        self._typing = Typing(typing)

    def open_lane(self, opening: OpenLane) -> None:
        """Ask the peer to connect to a lane."""
        self._lanes.append(opening)

    def tell(self, control: FileControl | MediaTaken) -> None:
        """Tell the peer about a transfer or a media lane; one of the same kind that is not yet sent is replaced."""
        about = control.lane if isinstance(control, MediaTaken) else control.transfer
        self._told_of[type(control).__name__, about] = control

    def hang(self, *, hung: bool, at_once: bool = False) -> None:
        """End this direction once every message is sent: with `hung` the call for both, else only the epoch.

        `at_once` leaves out the messages not sent yet. Said again, Hung is added if the end is not sent yet.
        """
        self._ending = True
        self._at_once = self._at_once or at_once
        self.hung = self.hung or (hung and not self.finished)

    def next_packet(self) -> tuple[bytes, bytes, int] | None:
        """Return type and payload of the packet to send now, and its number if it is a message (else 0)."""
        if self.finished:
            return None
        if self._told is None or self._told < self._inbox.have:
            self._told = self._inbox.have
            return *_control(HaveUpTo(self._told)), 0
        if self._heartbeat is not None:
            heartbeat, self._heartbeat = self._heartbeat, None
            return *_control(heartbeat), 0
        if self._lanes:
            return *_control(self._lanes.popleft()), 0
        if self._told_of:
            return *_control(self._told_of.pop(next(iter(self._told_of)))), 0
        if self._next is not None and self._next <= self._outbox.last and not self._at_once:
            number = self._next
            self._next += 1
            return wire.MESSAGE, peer.encode_message(number, self._outbox.get(number)), number
        if self._typing is not None:
            typing, self._typing = self._typing, None
            return *_control(typing), 0
        # Before the peer's HaveUpTo it is not known which messages are still to be sent.
        if self._ending and (self._next is not None or self._at_once):
            if self.hung and not self._hung_said:
                self._hung_said = True
                return *_control(Hung()), 0
            self.finished = True
            return wire.BYE, b"", 0
        return None


def _control(control: Control) -> tuple[bytes, bytes]:
    return wire.CONTROL, peer.encode_control(control)
