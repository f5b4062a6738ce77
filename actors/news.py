"""What a session tells its actors, over their inboxes."""

from dataclasses import dataclass

import trio

from actors.peer import Answer, Done, FileControl, Message, Missed, Offer, Stop


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


@dataclass(frozen=True, slots=True)
class Told:
    """The peer said this in this epoch."""

    epoch: int
    control: FileControl


@dataclass(frozen=True, slots=True)
class Joined:
    """An epoch began: the peer is there."""

    epoch: int


@dataclass(frozen=True, slots=True)
class Left:
    """An epoch is over, with every lane of it."""

    epoch: int


@dataclass(frozen=True, slots=True)
class RoundTrip:
    """To the peer and back on `main`, just now."""

    seconds: float


ChatNews = Sent | Delivered | Taken | PeerTyping
FileNews = Taken | Told | Joined | Left | RoundTrip
News = ChatNews | FileNews


class Post:
    """Hands each piece of news to the actor that it is for. A full inbox holds the session's reader."""

    def __init__(self, chat: trio.MemorySendChannel[ChatNews], files: trio.MemorySendChannel[FileNews]) -> None:
        self._chat = chat
        self._files = files

    async def send(self, news: News) -> None:
        """Put the news into the inbox that it is for."""
        match news:
            case Taken(message=Offer() | Answer() | Stop() | Missed() | Done()):
                await self._files.send(news)
            case Sent() | Delivered() | Taken() | PeerTyping():
                await self._chat.send(news)
            case _:
                await self._files.send(news)
