"""What a session tells its actors, over their inboxes."""

from dataclasses import dataclass

import trio

from actors.peer import (
    Answer,
    Done,
    FileControl,
    MediaTaken,
    Message,
    Missed,
    Offer,
    Recording,
    Showing,
    Sounding,
    Stop,
)


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
    control: FileControl | MediaTaken


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
    """To the peer and back on `main`, just now; `offset` is the peer's clock less ours, in ns."""

    seconds: float
    offset: int = 0


@dataclass(frozen=True, slots=True)
class MediaFlow:
    """Sound or pictures flow in either direction from now on, or no longer."""

    flows: bool


@dataclass(frozen=True, slots=True)
class Film:
    """The video channel shows this video file ("": none), to the peer too if `both`. Its second 0 was at `zero` (ns of
    CLOCK_MONOTONIC), or would have been; None: it stands still. The peer sees a picture `seen` seconds after it was
    taken."""

    path: str = ""
    both: bool = False
    zero: int | None = None
    seen: float = 0.0


ChatNews = Sent | Delivered | Taken | PeerTyping
FileNews = Taken | Told | Joined | Left | RoundTrip | MediaFlow
VideoNews = Taken | Told | Joined | Left | RoundTrip
News = ChatNews | FileNews | VideoNews
AudioNews = VideoNews | Film  # a film is the video channel's to tell


class Post:
    """Hands each piece of news to the actor that it is for. A full inbox holds the session's reader."""

    def __init__(
        self,
        chat: trio.MemorySendChannel[ChatNews],
        files: trio.MemorySendChannel[FileNews],
        video: trio.MemorySendChannel[VideoNews],
        audio: trio.MemorySendChannel[VideoNews],
    ) -> None:
        self._chat = chat
        self._files = files
        self._video = video
        self._audio = audio

    async def send(self, news: News) -> None:
        """Put the news into the inbox that it is for."""
        match news:
            case Taken(message=Offer() | Answer() | Stop() | Missed() | Done()):
                await self._files.send(news)
            case Taken(message=Sounding()) | Told(control=MediaTaken(lane="audio")):
                await self._audio.send(news)
            case Taken(message=Showing() | Recording()) | Told(control=MediaTaken()):
                await self._video.send(news)
            case Joined() | Left() | RoundTrip():
                await self._files.send(news)
                await self._video.send(news)
                await self._audio.send(news)
            case Sent() | Delivered() | Taken() | PeerTyping():
                await self._chat.send(news)
            case _:
                await self._files.send(news)
