"""What the channels of sound and pictures have in common: how they talk to a session, and when something flows."""

from typing import Final, Protocol

import trio

from actors.peer import AudioMessage, MediaTaken, VideoMessage

FLOWS_SECONDS: Final = 2.0  # since the last frame: then nothing flows


class Voice(Protocol):
    """What a media channel needs of a session."""

    def say(self, message: VideoMessage | AudioMessage) -> int:
        """Accept a message, return its number. Raises `OutboxFullError`."""

    def tell(self, control: MediaTaken, epoch: int = 0) -> None:
        """Tell the peer, if it is there (and this is the epoch, if one is named); only the newest of each lane."""

    def open_lane(self, name: str) -> bool:
        """Open a new connection of the lane. False if the peer is not there."""

    async def media(self, lane: str, flows: bool) -> None:
        """Sound or pictures flow on this lane from now on, or no longer."""


class Silence:
    """A session's voice where nothing but frames can be said: in a plain call."""

    def say(self, message: VideoMessage | AudioMessage) -> int:
        """It can't be said."""
        return 0

    def tell(self, control: MediaTaken, epoch: int = 0) -> None:
        """It can't be told."""

    def open_lane(self, name: str) -> bool:
        """There are no lanes."""
        return False

    async def media(self, lane: str, flows: bool) -> None:
        """Nothing here yields."""


class Flow:
    """Whether frames go or come on a lane; the file channel yields while they do."""

    def __init__(self, lane: str, voice: Voice) -> None:
        self.at = -FLOWS_SECONDS  # when a frame last went or came
        self._lane = lane
        self._voice = voice
        self._flowing = trio.Event()  # set while frames go or come
        self._still = trio.Event()  # set when they no longer do

    def moved(self) -> None:
        """A frame went or came."""
        self.at = trio.current_time()
        self._flowing.set()

    def look(self, now: float) -> bool:
        """Tell whether frames flow; to be asked now and then, since nothing says when they end."""
        flows = now - self.at < FLOWS_SECONDS
        if not flows and self._flowing.is_set():
            self._flowing = trio.Event()
            self._still.set()
        return flows

    async def run(self) -> None:
        """Tell the session when frames begin to flow, and when they no longer do."""
        while True:
            await self._flowing.wait()
            self._still = trio.Event()
            await self._voice.media(self._lane, True)
            await self._still.wait()
            await self._voice.media(self._lane, False)
