"""Moves bytes between two sockets, in both directions, and looks at none.

One task for each direction, strictly in turn: fill once, then empty to the last byte, and only then fill again.
Nothing is asked twice: the system call is tried first, and the kernel waited for only when it says EAGAIN.

On Linux `splice` moves pages through a kernel pipe. A pipe is borrowed while bytes are in it and given back empty,
so that an idle pair costs its two sockets and no more; the pool is bounded, since all pipes of a user are
(pipe-user-pages-soft). Elsewhere, and when the pool is empty, bytes are copied: looked at in the receive buffer,
sent, and only then taken out, as many as were sent. So a direction that copies holds nothing either: what a slow
receiver has not taken stays in the kernel, in the buffers of the two sockets.
"""

import fcntl
import os
import socket
import sys
from dataclasses import dataclass, field
from math import inf
from typing import Final

import trio
from trio.lowlevel import checkpoint, wait_readable, wait_writable

from relay import limits
from relay.sockets import shut_writing

if sys.platform == "linux":
    _FLAGS: Final = os.SPLICE_F_MOVE | os.SPLICE_F_NONBLOCK
    _TAKE: Final = socket.MSG_TRUNC  # TCP drops the bytes without copying them
else:
    _TAKE: Final = 0


class Pipes:
    """Kernel pipes, at most `count` of them, each made on first need and kept for the next who needs one.

    With a `count` of 0, and where there is no splice, every pair copies. One for each Trio run.
    """

    def __init__(self, count: int = limits.PIPES) -> None:
        self._left = count if sys.platform == "linux" else 0
        self._free: list[tuple[int, int]] = []
        self.scratch = memoryview(bytearray(limits.CHUNK_BYTES))  # of who copies; nothing stays in it

    def borrow(self) -> tuple[int, int] | None:
        """Return the reading and the writing end of an empty pipe, or None if there is none to be had."""
        if self._free:
            return self._free.pop()
        if not self._left:
            return None
        self._left -= 1
        return self._open()

    def give_back(self, pipe: tuple[int, int]) -> None:
        """Take back a pipe; it must be empty."""
        self._free.append(pipe)

    def discard(self, pipe: tuple[int, int]) -> None:
        """Take back a pipe that is not empty."""
        self._left += 1
        _close(pipe)

    def close(self) -> None:
        """Close the pipes that are not borrowed."""
        while self._free:
            _close(self._free.pop())

    def _open(self) -> tuple[int, int] | None:
        try:
            pipe = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:  # no descriptor left: copying goes on
            self._left += 1
            return None
        try:
            fcntl.fcntl(pipe[1], fcntl.F_SETPIPE_SZ, limits.PIPE_BYTES)
        except OSError:  # this user's pipes have had their pages: no more of them, copying is as good
            self._left = 0
            _close(pipe)
            return None
        return pipe


@dataclass
class Flow:
    """How a pair goes and went: bytes moved each way, and how it ended.

    `mood`: "running", then "ended" (both sides said their end), "half-open" (one did, the other fell silent),
    or "cut" (an error).
    """

    forward: int = 0
    back: int = 0
    mood: str = "running"


@dataclass(eq=False)
class _Direction:
    source: socket.socket
    target: socket.socket
    chunk: int
    moved: int = 0
    ended: bool = False
    scope: trio.CancelScope = field(default_factory=trio.CancelScope)
    patience: float = inf  # seconds without a byte, once the other direction has ended

    def progress(self, count: int) -> None:
        """So many bytes went out."""
        self.moved += count
        if self.patience != inf:
            self.scope.deadline = trio.current_time() + self.patience


async def run_pipe(
    first: socket.socket,
    second: socket.socket,
    *,
    pipes: Pipes,
    live: bool = False,
    flow: Flow | None = None,
    half_open_seconds: float = limits.HALF_OPEN_SECONDS,
) -> Flow:
    """Move bytes both ways until both sides have said their end, or one connection fails; return how it went.

    The end of one side is passed on to the other; from then on `half_open_seconds` without a byte end the pair.
    `live` moves a little at a time. The sockets stay open, and are the caller's to close.
    Cancelling ends it at once, and `flow` (forward: from first to second) tells how far it came.
    """
    flow = flow or Flow()
    chunk = limits.LIVE_CHUNK_BYTES if live else limits.CHUNK_BYTES
    forward, back = _Direction(first, second, chunk), _Direction(second, first, chunk)

    async def run(direction: _Direction, opposite: _Direction) -> None:
        with direction.scope:
            try:
                await _move(direction, pipes)
            except OSError:
                flow.mood = "cut"
                opposite.scope.cancel()
                return
            direction.ended = True
            shut_writing(direction.target)
            opposite.patience = half_open_seconds
            opposite.progress(0)

    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(run, forward, back)
            nursery.start_soon(run, back, forward)
    finally:
        flow.forward, flow.back = forward.moved, back.moved
    if flow.mood != "cut":
        flow.mood = "ended" if forward.ended and back.ended else "half-open"
    return flow


async def _move(direction: _Direction, pipes: Pipes) -> None:
    """Move bytes until the source says its end."""
    while True:
        pipe = pipes.borrow()
        moved = await (_copy(direction, pipes.scratch) if pipe is None else _splice(direction, pipes, pipe))
        if moved is None:
            await wait_readable(direction.source)
        elif moved == 0:
            return
        else:
            await checkpoint()  # a chunk each, then it is another pair's turn


async def _splice(direction: _Direction, pipes: Pipes, pipe: tuple[int, int]) -> int | None:
    """Move what is there through `pipe`; return how many bytes, 0 at the end, None if nothing has come."""
    reading, writing = pipe
    inside = 0
    try:
        try:
            moved = inside = os.splice(direction.source.fileno(), writing, direction.chunk, flags=_FLAGS)
        except BlockingIOError:
            return None
        target = direction.target.fileno()
        while inside:
            try:
                out = os.splice(reading, target, inside, flags=_FLAGS)
            except BlockingIOError:
                await wait_writable(target)
            else:
                inside -= out
                direction.progress(out)
        return moved
    finally:
        if inside:
            pipes.discard(pipe)
        else:
            pipes.give_back(pipe)


async def _copy(direction: _Direction, scratch: memoryview) -> int | None:
    """Send what is there and then take as much of it; return as `_splice` does."""
    source, target = direction.source, direction.target
    while True:
        try:
            count = source.recv_into(scratch, direction.chunk, socket.MSG_PEEK)
        except BlockingIOError:
            return None
        if not count:
            return 0
        try:
            sent = target.send(scratch[:count])
        except BlockingIOError:
            await wait_writable(target)  # others use the scratch meanwhile: look again
        else:
            break
    direction.progress(sent)
    left = sent
    while left:
        left -= source.recv_into(scratch, left, _TAKE)
    return sent


def _close(pipe: tuple[int, int]) -> None:
    for end in pipe:
        os.close(end)
