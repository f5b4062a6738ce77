"""A session as a media channel has it, in memory."""

from dataclasses import dataclass, field

import trio

from actors.peer import AudioMessage, MediaTaken, VideoMessage


@dataclass
class FakeVoice:
    """Opens the one lane that it is asked for, if the peer is there."""

    lane: str
    there: bool = True
    opened: list[float] = field(default_factory=list)

    def say(self, message: VideoMessage | AudioMessage) -> int:
        return 0

    def tell(self, control: MediaTaken, epoch: int = 0) -> None:
        pass

    def open_lane(self, name: str) -> bool:
        assert name == self.lane
        self.opened.append(trio.current_time())
        return self.there

    async def media(self, lane: str, flows: bool) -> None:
        pass
