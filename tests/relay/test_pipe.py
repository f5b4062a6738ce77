"""Moving bytes between two sockets: by splice, by copying, and by copying because the pipes are out."""

import os
import secrets
import socket
import struct
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
import trio
import trio.testing

from relay import limits
from relay.pipe import Flow, Pipes, run_pipe
from tests.support import eventually


@pytest.fixture(params=["splice", "copy", "no pipe left"])
def pipes(request: pytest.FixtureRequest) -> Iterator[Pipes]:
    pipes = Pipes(0 if request.param == "copy" else 4)
    borrowed = []
    if request.param == "no pipe left":
        while pipe := pipes.borrow():
            borrowed.append(pipe)
    yield pipes
    for pipe in borrowed:
        pipes.discard(pipe)
    pipes.close()


def tcp_pair() -> tuple[socket.socket, socket.socket]:
    """Two ends of a TCP connection, not blocking."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        one = socket.create_connection(listener.getsockname())
        other, _ = listener.accept()
    for sock in (one, other):
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return one, other


class Piped:
    """Two clients, and the pipe between them as it runs."""

    def __init__(self) -> None:
        left, self.near = tcp_pair()
        right, self.far = tcp_pair()
        self.left = trio.SocketStream(trio.socket.from_stdlib_socket(left))
        self.right = trio.SocketStream(trio.socket.from_stdlib_socket(right))
        self.flow = Flow()
        self.scope = trio.CancelScope()
        self.ended = trio.Event()

    async def run(self, pipes: Pipes, live: bool, half_open_seconds: float) -> None:
        with self.scope:
            await run_pipe(
                self.near, self.far, pipes=pipes, live=live, flow=self.flow, half_open_seconds=half_open_seconds
            )
        self.near.close()
        self.far.close()
        self.ended.set()


@asynccontextmanager
async def piped(pipes: Pipes, *, live: bool = False, half_open_seconds: float = 60.0) -> AsyncIterator[Piped]:
    pair = Piped()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(pair.run, pipes, live, half_open_seconds)
        try:
            yield pair
        finally:
            pair.scope.cancel()
            with trio.CancelScope(shield=True):
                await trio.aclose_forcefully(pair.left)
                await trio.aclose_forcefully(pair.right)


async def read_all(stream: trio.SocketStream) -> bytes:
    data = bytearray()
    async for piece in stream:
        data += piece
    return bytes(data)


async def flood(stream: trio.SocketStream) -> None:
    """Say more than all buffers hold, until it breaks."""
    with suppress(trio.BrokenResourceError):
        await stream.send_all(bytes(64 * limits.MIB))


def open_descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


async def test_bytes_come_out_as_they_went_in_both_ways_at_once(pipes: Pipes) -> None:
    there, back = secrets.token_bytes(5_000_001), secrets.token_bytes(3_000_003)
    found: dict[str, bytes] = {}

    async def talk(name: str, stream: trio.SocketStream, said: bytes) -> None:
        async with trio.open_nursery() as nursery:

            async def say() -> None:
                await stream.send_all(said)
                await stream.send_eof()

            nursery.start_soon(say)
            found[name] = await read_all(stream)

    async with piped(pipes) as pair:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(talk, "left", pair.left, there)
            nursery.start_soon(talk, "right", pair.right, back)
        await pair.ended.wait()
        assert found == {"left": back, "right": there}
        assert pair.flow == Flow(len(there), len(back), "ended")


async def test_many_small_pieces_pass(pipes: Pipes) -> None:
    """A kernel pipe counts pieces as well as bytes: sixteen of twenty bytes fill a small one."""
    async with piped(pipes) as pair:
        with trio.fail_after(30):
            for number in range(500):
                await pair.left.send_all(b"%020d" % number)
            await pair.left.send_eof()
            assert await read_all(pair.right) == b"".join(b"%020d" % number for number in range(500))


async def test_a_reader_that_pauses_gets_everything_later(pipes: Pipes) -> None:
    said = secrets.token_bytes(24 * limits.MIB)
    async with piped(pipes) as pair, trio.open_nursery() as nursery:

        async def say() -> None:
            await pair.left.send_all(said)
            await pair.left.send_eof()

        nursery.start_soon(say)
        await trio.testing.wait_all_tasks_blocked(0.1)
        assert await read_all(pair.right) == said


async def test_live_lanes_pass_too(pipes: Pipes) -> None:
    said = secrets.token_bytes(300_000)
    async with piped(pipes, live=True) as pair:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(pair.left.send_all, said)
            received = b""
            while len(received) < len(said):
                received += await pair.right.receive_some()
        assert received == said


async def test_the_end_of_one_side_is_passed_on_and_the_other_goes_on(pipes: Pipes) -> None:
    async with piped(pipes) as pair:
        await pair.left.send_eof()
        assert await pair.right.receive_some() == b""
        await pair.right.send_all(b"later")
        assert await pair.left.receive_some() == b"later"
        await pair.right.send_eof()
        assert await pair.left.receive_some() == b""
        await pair.ended.wait()
        assert pair.flow == Flow(0, 5, "ended")


async def test_half_open_and_silent_ends(pipes: Pipes) -> None:
    async with piped(pipes, half_open_seconds=0.05) as pair:
        await pair.left.send_eof()
        await pair.ended.wait()
        assert pair.flow.mood == "half-open"


@pytest.mark.long
async def test_half_open_and_talking_goes_on(pipes: Pipes) -> None:
    async with piped(pipes, half_open_seconds=0.3) as pair:
        await pair.left.send_eof()
        start = trio.current_time()
        while trio.current_time() < start + 0.9:
            await pair.right.send_all(b".")
            assert await pair.left.receive_some() == b"."
        await pair.right.send_eof()
        await pair.ended.wait()
        assert pair.flow.mood == "ended"


async def test_half_open_and_slow_goes_on(pipes: Pipes, mock_clock: trio.testing.MockClock) -> None:
    """A chunk of 512 KiB takes this reader 160 s; each 40 s it has taken some of it."""
    async with piped(pipes) as pair, trio.open_nursery() as nursery:
        for sock, option in ((pair.near, socket.SO_SNDBUF), (pair.left, socket.SO_RCVBUF)):
            sock.setsockopt(socket.SOL_SOCKET, option, 16 * limits.KIB)  # else it is there at once
        await pair.left.send_eof()
        assert await pair.right.receive_some() == b""
        nursery.start_soon(flood, pair.right)
        for _ in range(12):
            left = limits.CHUNK_BYTES // 4
            while left:
                left -= len(await pair.left.receive_some(left))
            await trio.testing.wait_all_tasks_blocked(0.01)
            mock_clock.jump(40)
            await trio.testing.wait_all_tasks_blocked(0.01)
            assert not pair.ended.is_set()
        mock_clock.jump(60)
        await pair.ended.wait()
        assert pair.flow.mood == "half-open"
        nursery.cancel_scope.cancel()


async def test_an_error_ends_both_directions(pipes: Pipes) -> None:
    async with piped(pipes) as pair:
        pair.left.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        await pair.left.aclose()
        await pair.ended.wait()
        assert pair.flow.mood == "cut"


async def test_a_receiver_that_breaks_while_it_is_waited_for_ends_both(pipes: Pipes) -> None:
    async with piped(pipes) as pair, trio.open_nursery() as nursery:
        nursery.start_soon(flood, pair.left)
        await trio.testing.wait_all_tasks_blocked(0.05)
        pair.right.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        await pair.right.aclose()
        await pair.ended.wait()
        assert pair.flow.mood == "cut"
        nursery.cancel_scope.cancel()


async def test_cancelling_ends_at_once_and_says_how_far_it_came(pipes: Pipes) -> None:
    async with piped(pipes) as pair:
        await pair.left.send_all(b"some")
        assert await pair.right.receive_some() == b"some"
        pair.scope.cancel()
        await pair.ended.wait()
        assert pair.flow == Flow(4, 0, "running")


async def test_an_idle_pair_costs_no_descriptor_beside_its_own() -> None:
    pipes = Pipes(4)
    before = open_descriptors()
    async with piped(pipes) as one, piped(pipes) as other:
        for pair in (one, other):
            await pair.left.send_all(b"x")
            assert await pair.right.receive_some() == b"x"
        await trio.testing.wait_all_tasks_blocked(0.01)
        assert open_descriptors() - before == 2 * 4 + 2  # the sockets of two pairs, and the one pipe both used
    pipes.close()
    await eventually(lambda: open_descriptors() == before)


async def test_pipes_that_held_bytes_are_not_used_again() -> None:
    pipes = Pipes(1)
    before = open_descriptors()
    async with piped(pipes) as pair, trio.open_nursery() as nursery:
        nursery.start_soon(flood, pair.left)
        await trio.testing.wait_all_tasks_blocked(0.05)
        assert pipes.borrow() is None
        pair.scope.cancel()
        await pair.ended.wait()
        nursery.cancel_scope.cancel()
    await eventually(lambda: open_descriptors() == before)
    pipe = pipes.borrow()
    assert pipe is not None
    with pytest.raises(BlockingIOError):
        os.read(pipe[0], 1)
    pipes.give_back(pipe)
    pipes.close()


async def test_stalled_lanes_hold_a_bounded_number_of_pipes(monkeypatch: pytest.MonkeyPatch) -> None:
    pipes = Pipes(2)
    before = open_descriptors()
    async with piped(pipes) as one, piped(pipes) as two, piped(pipes) as three, trio.open_nursery() as nursery:
        sockets = open_descriptors() - before
        for pair in (one, two, three):
            nursery.start_soon(flood, pair.left)
        await trio.testing.wait_all_tasks_blocked(0.05)
        assert open_descriptors() - before - sockets == 2 * 2
        async with piped(pipes) as four:
            await four.left.send_all(b"passes")
            assert await four.right.receive_some() == b"passes"
        nursery.cancel_scope.cancel()


def test_a_user_whose_pipes_are_used_up_copies(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:
        raise PermissionError

    before = open_descriptors()
    pipes = Pipes(4)
    monkeypatch.setattr("fcntl.fcntl", refuse)
    assert pipes.borrow() is None
    monkeypatch.undo()
    assert pipes.borrow() is None
    assert open_descriptors() == before


def test_a_process_without_descriptors_copies_until_it_has_some(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> tuple[int, int]:
        raise OSError(24, "Too many open files")

    pipes = Pipes(4)
    monkeypatch.setattr("os.pipe2", refuse)
    assert pipes.borrow() is None
    monkeypatch.undo()
    pipe = pipes.borrow()
    assert pipe is not None
    pipes.give_back(pipe)
    pipes.close()


def _cpu_seconds() -> float:
    times = os.times()
    return times.user + times.system


@pytest.mark.parametrize("stall", ["nothing comes", "nobody reads"])
@pytest.mark.long
async def test_waiting_costs_nothing(pipes: Pipes, stall: str) -> None:
    async with piped(pipes) as pair, trio.open_nursery() as nursery:
        if stall == "nobody reads":
            nursery.start_soon(flood, pair.left)
        await trio.testing.wait_all_tasks_blocked(0.1)
        before = _cpu_seconds()
        await trio.sleep(0.5)
        assert _cpu_seconds() - before < 0.2
        nursery.cancel_scope.cancel()


def test_the_kernel_gives_an_unprivileged_user_as_many_pipes_as_we_take() -> None:
    pages = int(Path("/proc/sys/fs/pipe-user-pages-soft").read_text())
    assert pages * os.sysconf("SC_PAGE_SIZE") >= limits.PIPES * limits.PIPE_BYTES
