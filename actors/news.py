"""What a session tells the chat actor, over its inbox."""

from dataclasses import dataclass

from actors.peer import Message


@dataclass(frozen=True, slots=True)
class Sent:
    """Our message of this number went onto the wire for the first time."""

    number: int


@dataclass(frozen=True, slots=True)
class Delivered:
    """The peer keeps our message of this number."""

    number: int


@dataclass(frozen=True, slots=True)
class Taken:
    """The peer's message of this number, in order, once. None: of a kind that this version does not know."""

    number: int
    message: Message | None


@dataclass(frozen=True, slots=True)
class PeerTyping:
    """Someone writes at the other end, or no longer."""

    typing: bool


News = Sent | Delivered | Taken | PeerTyping
