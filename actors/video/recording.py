"""What is recorded, in a child that outlives its feeder's mistakes and closes its file properly."""

from collections.abc import Callable
from typing import Final

import msgspec
import trio

from actors.child import Child, ChildGoneError, NotInstalledError, start_child
from actors.children.orders import Failed, Opened, OpenRecording, Written
from actors.shows import Recorded, Recording
from actors.video.frames import FRAME, OWN_FRAME, Frame

WAITING: Final = 60  # frames that wait for the disk; then the newest are left out
PATIENCE_SECONDS: Final = 5.0  # for the child to close its file


class Recorder:
    """Records to `path` until `stop`. `changed` hears when it began, and when and why it ended."""

    def __init__(self, what: Recorded, path: str, changed: Callable[[Recording], None]) -> None:
        self.now = Recording()
        self.left_out = 0  # frames
        self._what: Recorded = what
        self._path = path
        self._changed = changed
        self._frames, self._waiting = trio.open_memory_channel[tuple[bytes, Frame]](WAITING)

    def take(self, frame: Frame, *, own: bool) -> None:
        """A frame was sent (`own`), or came: record it if that is wanted."""
        if self._what in ("both", "own" if own else "peer"):
            try:
                self._frames.send_nowait((OWN_FRAME if own else FRAME, frame))
            except trio.WouldBlock:
                self.left_out += 1
            except trio.BrokenResourceError:
                pass  # it has failed, and said so

    def stop(self) -> None:
        """Write what waits, and close the file."""
        self._frames.close()

    async def run(self) -> None:
        """Record. Cancelled, the file is closed within PATIENCE_SECONDS, as by `stop`."""
        why: Failed | None = None
        with self._waiting:
            async with trio.open_nursery() as nursery:
                try:
                    async with await start_child(nursery, "recorder", PATIENCE_SECONDS) as child:
                        peer, own = self._what in ("peer", "both"), self._what in ("own", "both")
                        await child.tell(OpenRecording(self._path, peer=peer, own=own))
                        why = await self._follow(child)
                except NotInstalledError:
                    why = Failed("video-missing")
                except ChildGoneError:
                    why = Failed("recorder-died")
        # Not kept: it never began, or nothing came.
        kept = self.now.path if self.now.path and await trio.Path(self.now.path).exists() else ""
        self._what = ""
        if why is None and not kept:
            why = Failed("record-empty")
        ended = Recording(path=kept, seconds=self.now.seconds)
        if why is not None:
            ended = msgspec.structs.replace(ended, cause=why.cause, detail=why.detail)
        self._change(ended)

    async def _follow(self, child: Child) -> Failed | None:
        """Feed the child until there is no more, or it fails; return how that failed. Raises `ChildGoneError`."""
        gone: list[ChildGoneError] = []
        failed: Failed | None = None

        async def report() -> None:
            nonlocal failed
            try:
                while True:
                    match await child.receive():
                        case Opened():
                            self._change(Recording(what=self._what, path=self._path))
                        case Written(seconds=seconds):
                            self.now = Recording(what=self._what, path=self._path, seconds=seconds)
                        case Failed() as said:
                            failed = said
                            break
                        case _:
                            pass
            except ChildGoneError as error:
                gone.append(error)
            nursery.cancel_scope.cancel()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(report)
            async for packet_type, frame in self._waiting:
                try:
                    await child.send(packet_type, frame.pack())
                except ChildGoneError as error:
                    gone.append(error)
                    break
            nursery.cancel_scope.cancel()
        if gone:
            raise gone[0]
        return failed

    def _change(self, recording: Recording) -> None:
        self.now = recording
        self._changed(recording)
