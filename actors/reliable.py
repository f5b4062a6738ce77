"""Exactly once: numbers for what is said, a record of what is had (docs/protocol.md, section 5). No I/O.

Kept in memory: the seam where a store will keep both. A message is numbered when it is accepted, sent as often as
epochs need, and forgotten when the peer says that it keeps it.
"""

from collections import deque
from collections.abc import Iterator

import msgspec

from actors.peer import Message, Text
from relay import limits


class OutboxFullError(Exception):
    """The peer has been away for so long that no more is kept for it."""


class CounterError(Exception):
    """The peer's numbers and ours do not add up: something was lost that can't be got back."""


class GapError(Exception):
    """A message came before one that should have come first. `expected` is the number that is missing."""

    def __init__(self, expected: int, came: int) -> None:
        super().__init__(f"message {came} where {expected} should be")
        self.expected = expected


class Outbox:
    """What we said and the peer does not have yet, in order."""

    def __init__(self) -> None:
        self._kept: deque[Message] = deque()
        self._bytes = 0
        self._delivered = 0
        self._sent = 0

    @property
    def last(self) -> int:
        """The number of the last message accepted, 0 for none."""
        return self._delivered + len(self._kept)

    @property
    def delivered(self) -> int:
        """The number up to which the peer has everything."""
        return self._delivered

    @property
    def texts(self) -> int:
        """How many texts the peer does not have yet."""
        return sum(isinstance(message, Text) for message in self._kept)

    def add(self, message: Message) -> int:
        """Accept a message, return its number. Raises `OutboxFullError` past OUTBOX_MESSAGES or OUTBOX_BYTES."""
        size = _size(message)
        if len(self._kept) >= limits.OUTBOX_MESSAGES or self._bytes + size > limits.OUTBOX_BYTES:
            raise OutboxFullError
        self._kept.append(message)
        self._bytes += size
        return self.last

    def get(self, number: int) -> Message:
        """Return the message of a number that was accepted and is not delivered."""
        return self._kept[number - self._delivered - 1]

    def mark_sent(self, number: int) -> bool:
        """Note that a message went onto the wire; tell whether it was for the first time."""
        first = number > self._sent
        self._sent = max(self._sent, number)
        return first

    def confirm(self, number: int) -> Iterator[int]:
        """The peer has everything up to `number`: forget it, return the numbers that were newly delivered.

        Raises `CounterError` if the peer claims more than was said, or less than it claimed before.
        """
        if not self._delivered <= number <= self._sent:
            raise CounterError(f"the peer has {number}, between {self._delivered} and {self._sent} was possible")
        newly = range(self._delivered + 1, number + 1)
        for _ in newly:
            self._bytes -= _size(self._kept.popleft())
        self._delivered = number
        return iter(newly)


class Inbox:
    """What the peer said and we keep: one number, since it comes in order."""

    def __init__(self) -> None:
        self.have = 0

    def is_new(self, number: int) -> bool:
        """Tell whether a message of this number is not kept yet. Raises `GapError` if one before it is missing."""
        if number > self.have + 1:
            raise GapError(self.have + 1, number)
        return number > self.have

    def keep(self, number: int) -> None:
        """Count the message as kept: from here on the peer may be told so."""
        self.have = number


def _size(message: Message) -> int:
    return len(message.text.encode()) if isinstance(message, Text) else len(msgspec.json.encode(message))
