"""One place for the newest frame of a stream, and who waits for it."""

import trio

from actors.video.frames import Frame


class Newest:
    """A newer frame takes the place of an older one; whoever shows or sends frames waits for one newer than its last.
    So nothing is ever queued, and each reader is as fast as it can be."""

    def __init__(self) -> None:
        self.frame: Frame | None = None
        self.waiting = 0  # readers that want one more
        self._came = trio.Event()
        self._wanted = trio.Event()

    def put(self, frame: Frame) -> None:
        """Take a frame; its number is higher than any before."""
        self.frame = frame
        self._came.set()
        self._came = trio.Event()

    def clear(self) -> None:
        """What was shown is no longer shown."""
        self.frame = None

    async def newer(self, than: int) -> Frame:
        """Return the newest frame, waiting for one whose number is higher than `than`."""
        while self.frame is None or self.frame.number <= than:
            self.waiting += 1
            self._wanted.set()
            try:
                await self._came.wait()
            finally:
                self.waiting -= 1
        return self.frame

    async def wanted(self) -> None:
        """Return when someone waits for a newer frame."""
        while not self.waiting:
            self._wanted = trio.Event()
            await self._wanted.wait()
