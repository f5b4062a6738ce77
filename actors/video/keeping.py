"""What is kept of video as files: recordings and snapshots."""

from collections.abc import Callable
from typing import Final

import trio

from actors.files.landing import EntryError, LandingError
from actors.messages import (
    CommandRefused,
    Emit,
    Recording,
    RecordingChanged,
    RecordVideo,
    SnapshotTaken,
    Whose,
)
from actors.video.frames import Frame
from actors.video.recording import Recorder
from actors.video.snapshots import keep_snapshot, recording_path

TOLD: Final = ("peer", "both")  # of these recordings the peer is told


class Keeping:
    """`nursery` has a recorder until its file is closed; `records` hears whether what the peer shows is recorded."""

    def __init__(self, nursery: trio.Nursery, emit: Emit, records: Callable[[bool], None]) -> None:
        self._nursery = nursery
        self._emit = emit
        self._records = records
        self._recorder: Recorder | None = None

    def end(self) -> None:
        """The call is over: close the recording."""
        if self._recorder is not None:
            self._recorder.stop()

    def take(self, frame: Frame, *, own: bool) -> None:
        """A frame was sent (`own`), or came."""
        if self._recorder is not None:
            self._recorder.take(frame, own=own)

    def record(self, command: RecordVideo, reply: Emit) -> None:
        """Begin or end a recording."""
        if self._recorder is not None:
            self._recorder.stop()
            if command.what:
                reply(CommandRefused(cause="recording"))
        elif command.what:
            self._nursery.start_soon(self._run_recorder, command)

    async def _run_recorder(self, command: RecordVideo) -> None:
        path = await trio.to_thread.run_sync(recording_path)
        if self._recorder is None:
            self._recorder = Recorder(command.what, path, self._changed)
            await self._recorder.run()
            self._recorder = None

    def _changed(self, recording: Recording) -> None:
        self._emit(RecordingChanged(recording=recording))
        self._records(recording.what in TOLD)

    def snapshot(self, of: Whose, frame: Frame | None, reply: Emit) -> None:
        """Keep this frame."""
        if frame is None:
            reply(CommandRefused(cause="no-video"))
        else:
            self._nursery.start_soon(self._keep, of, frame, reply)

    async def _keep(self, of: Whose, frame: Frame, reply: Emit) -> None:
        try:
            path = await trio.to_thread.run_sync(keep_snapshot, frame.jpeg)
        except (LandingError, EntryError) as error:
            reply(CommandRefused(cause="not-kept", detail=error.detail or error.cause))
        else:
            self._emit(SnapshotTaken(of=of, path=path))
