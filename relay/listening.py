"""Where a relay listens, and how many connections its descriptors allow."""

import contextlib
import errno
import resource
import socket
from typing import Any, Final

import trio

from relay import limits

_BACKLOG: Final = 4096  # the kernel cuts it to its own (somaxconn)
_PORT_TRIES: Final = 20  # a port that is free for one family may be taken for the other
_DESCRIPTORS_MAX: Final = 1_000_000  # where the system says "unlimited"


def raise_descriptor_limit() -> None:
    """Let this process open as many files as it may."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):  # macOS: not over its own limit, whatever "hard" says
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def connection_limit() -> int:
    """Return how many connections fit into this process's descriptors, beside pipes and what is kept spare."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        soft = _DESCRIPTORS_MAX
    return max(1, soft - 2 * limits.PIPES - limits.DESCRIPTORS_SPARE)


async def open_listeners(host: str | None, port: int) -> list[trio.SocketListener]:
    """Listen on every address that `host` means (None: all of this machine), IPv4 first.

    With `port` 0 all get the same free port. A family that this machine has not is left out, unless it is the
    only one. Raises `OSError`: the host is unknown, or an address can't be bound.
    """
    for tries_left in reversed(range(_PORT_TRIES)):
        try:
            return await _listen(host, port)
        except OSError as error:
            if port or error.errno != errno.EADDRINUSE or not tries_left:
                raise
    raise AssertionError("unreachable")


async def _listen(host: str | None, port: int) -> list[trio.SocketListener]:
    found = await trio.socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    addresses = sorted({(family, address) for family, _, _, _, address in found})
    listeners: list[trio.SocketListener] = []
    unsupported: OSError | None = None
    try:
        for family, address in addresses:
            if listeners:
                address = (address[0], listeners[0].socket.getsockname()[1], *address[2:])
            try:
                listeners.append(await _listen_on(family, address))
            except OSError as error:
                if error.errno not in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL):
                    raise
                unsupported = error
    except OSError:
        for listener in listeners:
            listener.socket.close()
        raise
    if not listeners and unsupported is not None:
        raise unsupported
    return listeners


async def _listen_on(family: int, address: Any) -> trio.SocketListener:
    sock = trio.socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        await sock.bind(address)
        sock.listen(_BACKLOG)
    except OSError:
        sock.close()
        raise
    return trio.SocketListener(sock)
