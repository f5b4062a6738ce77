"""Non-blocking sockets of the standard library under Trio: the few calls that server, pipe and lobby share.

The relay works on plain sockets and not on `trio.SocketStream`, because splice and MSG_PEEK want descriptors.
Only one task at a time waits for a socket to be readable, and one for it to be writable.
"""

import socket
from typing import Final

import trio
from trio.lowlevel import wait_readable, wait_writable

from relay import limits

# macOS calls the idle time TCP_KEEPALIVE.
_TCP_KEEPIDLE: Final = getattr(socket, "TCP_KEEPIDLE", getattr(socket, "TCP_KEEPALIVE", None))


def keep_alive(sock: socket.socket) -> None:
    """Let the kernel find out, within about a minute, that the other end is no longer there.

    Never TCP_USER_TIMEOUT: it ends a reader that lives and only pauses.
    """
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if _TCP_KEEPIDLE is not None:
        sock.setsockopt(socket.IPPROTO_TCP, _TCP_KEEPIDLE, limits.KEEPALIVE_IDLE_SECONDS)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, limits.KEEPALIVE_INTERVAL_SECONDS)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, limits.KEEPALIVE_PROBES)


def is_live(lane: str) -> bool:
    """Tell whether a lane of this name carries sound or pictures as they happen."""
    return lane.partition(".")[0] in ("audio", "video")


def keep_short(sock: socket.socket) -> None:
    """Give the socket of a live lane small buffers: what they hold is delay."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, limits.LIVE_SOCKET_BYTES)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, limits.LIVE_SOCKET_BYTES)


def keep_full(sock: socket.socket) -> None:
    """Let the kernel queue as much as it will on the socket of any other lane (Trio had set 16 KiB)."""
    if hasattr(socket, "TCP_NOTSENT_LOWAT"):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, 2**31 - 1)


async def receive(sock: socket.socket, count: int) -> bytes:
    """Return at most `count` bytes, as soon as there are any; nothing at the end. Raises `OSError`.

    Cancelling loses nothing.
    """
    while True:
        await wait_readable(sock)
        try:
            return sock.recv(count)
        except BlockingIOError:
            continue


async def receive_some(sock: socket.socket, count: int) -> bytes:
    """Return at least one byte and at most `count`. Raises `EOFError` at the end, `OSError`."""
    data = await receive(sock, count)
    if not data:
        raise EOFError
    return data


async def send_all(sock: socket.socket, data: bytes | memoryview) -> None:
    """Send all of `data`. Raises `OSError`. Cancelled, it has sent a part: close the socket then."""
    rest = memoryview(data)
    while rest:
        try:
            rest = rest[sock.send(rest) :]
        except BlockingIOError:
            await wait_writable(sock)
    await trio.lowlevel.checkpoint()


def send_now(sock: socket.socket, data: bytes) -> None:
    """Queue a short answer on a connection that has been sent nearly nothing yet, so that it can't block.

    A failure is left to whoever reads the connection next, and finds it dead.
    """
    try:
        sock.send(data)
    except OSError:
        return


def peek(sock: socket.socket) -> bool:
    """Tell whether a byte has come, without taking it. Raises `OSError`; `EOFError` at the end."""
    try:
        data = sock.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return False
    if not data:
        raise EOFError
    return True


def shut_writing(sock: socket.socket) -> None:
    """Say the end of what is sent, if there still is a connection."""
    try:
        sock.shutdown(socket.SHUT_WR)
    except OSError:
        return


async def linger(sock: socket.socket) -> None:
    """End in peace: say our end, then read and drop, for 1 s or 64 KiB, until the other side ends too.

    A socket that is closed with unread input sends a reset, which may overtake what was sent before it.
    """
    shut_writing(sock)
    left = limits.LINGER_BYTES
    with trio.move_on_after(limits.LINGER_SECONDS):
        while left > 0:
            try:
                data = await receive(sock, left)
            except OSError:
                return
            if not data:
                return
            left -= len(data)


def drop_unread(sock: socket.socket) -> None:
    """What `linger` does, for what is there by now."""
    shut_writing(sock)
    try:
        sock.recv(limits.LINGER_BYTES)
    except OSError:
        return
