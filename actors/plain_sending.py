"""Sends files in a plain call, one at a time."""

import os
import stat
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing
from typing import Final

import trio

from actors.files.shown import Shown
from actors.files.walk import STDIN, WalkError, name_sources
from actors.messages import Emit, OfferFiles, OfferRefused, TransferState
from actors.plain_files import encode_header, follow, moving
from relay import limits, wire

_READ_BYTES: Final = limits.MIB  # of our file, in one go
_READ_FLAGS: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC

Put = Callable[[bytes | bytearray], Awaitable[None]]


class Sender:
    """Sends one file at a time. `put` returns once a packet is with the kernel: more than that nobody can know, so
    `moved` counts that, and "done" means it.

    What it starts, it starts in `nursery`. Our transfers have odd numbers.
    """

    def __init__(self, emit: Emit, put: Put, nursery: trio.Nursery) -> None:
        self._emit = emit
        self._put = put
        self._nursery = nursery
        self._number = -1
        self._requests: deque[str] = deque(maxlen=limits.TRANSFERS_KEPT)
        self._shown: Shown | None = None
        self._reading = False
        self._ending: tuple[TransferState, str, str] | None = None  # why the file is not sent to its end
        self._idle = trio.Event()
        self._idle.set()

    def offer(self, command: OfferFiles, reply: Emit) -> None:
        """Send the file, at once; or `reply` with OfferRefused "busy", "one-file", "path-missing", "source-gone"."""
        if command.id in self._requests:
            return  # said again by a screen that came back
        if not self._idle.is_set():
            reply(OfferRefused(id=command.id, cause="busy"))
            return
        self._idle = trio.Event()
        self._ending = None
        self._requests.append(command.id)
        self._nursery.start_soon(self._run, command, reply)

    def cancel(self, number: int) -> bool:
        """End this transfer early; False if it is not under way."""
        if self._shown is None or self._shown.over or self._shown.now.id != number:
            return False
        self._ending = self._ending or ("cancelled", "cancelled", "here")
        return True

    async def leave(self) -> None:
        """The call is over: end what is being sent; return once that is said to the other side."""
        self._ending = self._ending or ("failed", "call-over", "")
        await self._idle.wait()

    async def _run(self, command: OfferFiles, reply: Emit) -> None:
        try:
            with closing(await trio.to_thread.run_sync(_Source, command.paths)) as source:
                await self._send(source, command.id)
        except WalkError as error:
            self._requests.remove(command.id)
            reply(OfferRefused(id=command.id, cause=error.cause, detail=error.detail))
        finally:
            self._idle.set()

    async def _send(self, source: "_Source", request: str) -> None:
        self._number += 2
        facts = moving(self._number, source.name, source.size, mine=True, request=request)
        shown = self._shown = Shown(facts, self._emit)
        self._nursery.start_soon(follow, shown, lambda: self._reading)
        try:
            await self._put(encode_header(source.name, source.size))
            await self._send_bytes(source, shown)
            await self._put(wire.encode(wire.FILE_END))
            if shown.now.moved == source.size:  # whole, whatever was asked meanwhile
                shown.moved(source.size, 1)
                shown.change(state="done")
            elif self._ending is not None:
                state, cause, detail = self._ending
                shown.change(state=state, cause=cause, detail=detail)
        finally:
            if not shown.over:
                shown.change(state="failed", cause="call-over")

    async def _send_bytes(self, source: "_Source", shown: Shown) -> None:
        try:
            while self._ending is None and (packets := await self._read(source)):
                for packet in packets:
                    if self._ending is None:
                        await self._put(packet)
                        shown.moved(shown.now.moved + len(packet) - wire.HEADER.size, 0)
        except _ChangedError:
            self._ending = "failed", "changed", ""
        except OSError as error:
            self._ending = "failed", "source-gone", os.strerror(error.errno or 0)

    async def _read(self, source: "_Source") -> list[bytearray]:
        self._reading = True
        packets = await trio.to_thread.run_sync(source.read)
        self._reading = False
        return packets


class _ChangedError(Exception):
    """The file is no longer what it was when its size was told."""


class _Source:
    """The one file that is sent. Blocks: for a thread. Raises `WalkError` in its making."""

    def __init__(self, paths: Sequence[str]) -> None:
        if len(paths) != 1 or paths[0] == STDIN:  # FHD0 tells a size, and a stream has none
            raise WalkError("one-file")
        ((self.name, path),) = name_sources(paths).items()
        try:
            if not stat.S_ISREG(os.stat(path).st_mode):  # before it is opened: that alone moves some devices
                raise WalkError("one-file")
            self._fd = os.open(path, _READ_FLAGS)
        except OSError as error:
            raise WalkError("source-gone", os.strerror(error.errno or 0)) from None
        self._was = self._found()
        self.size = self._was[0]
        self._at = 0

    def close(self) -> None:
        """Close the file."""
        os.close(self._fd)

    def read(self) -> list[bytearray]:
        """Return the next packets, none at the end. Raises `_ChangedError`, before the last byte, and `OSError`."""
        packets = []
        end = min(self.size, self._at + _READ_BYTES)
        while self._at < end:
            size = min(limits.PLAIN_PIECE_BYTES, end - self._at)
            packet = bytearray(wire.HEADER.size + size)
            wire.HEADER.pack_into(packet, 0, wire.FILE_CHUNK, size)
            view = memoryview(packet)[wire.HEADER.size :]
            while view:
                count = os.preadv(self._fd, [view], self._at)
                if not count:
                    raise _ChangedError
                self._at += count
                view = view[count:]
            packets.append(packet)
        if packets and self._at == self.size and self._found() != self._was:
            raise _ChangedError
        return packets

    def _found(self) -> tuple[int, int, int]:
        found = os.fstat(self._fd)
        return found.st_size, found.st_mtime_ns, found.st_ino
