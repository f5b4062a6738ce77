"""Reach a relay: connect, say hello, wait to be paired (docs/protocol.md, section 2).

Everything here is in clear; what comes after the pairing is sealed by whoever dialled.
"""

import errno
import os
import socket
from collections.abc import Awaitable, Callable
from typing import Final

import trio

from actors.ends import NamedEnd
from relay import limits, wire
from relay.wire import Hello, Packet, ProtocolError

_CAUSES: Final = {
    "version": "relay-version",
    "limit": "relay-limit",
    "draining": "relay-draining",
    "full": "relay-full",
    "replaced": "relay-replaced",
    "nobody": "code-nobody",
}
_RECEIVE_BYTES: Final = 64 * limits.KIB


class DialError(NamedEnd):
    """The relay, or the way to it, said no. `said` is the code of the ERR0, if it was one."""

    def __init__(self, cause: str, detail: str = "", said: str = "") -> None:
        super().__init__(cause, detail)
        self.said = said


class Connection:
    """One connection to a relay, in clear: whole packets in and out.

    Owned by the task that dialled, which reads and writes in turn. `paired` tells whether the other side is there;
    `room` is what a WAIT named.
    """

    def __init__(self, stream: trio.abc.HalfCloseableStream) -> None:
        self.stream = stream
        self.room = ""
        self.paired = False
        self._decoder = wire.Decoder(wire.HANDSHAKE_LIMITS)

    async def send(self, packet_type: bytes, payload: bytes = b"") -> None:
        """Send one packet. Raises `DialError` "cut". Cancelled, the connection must be closed."""
        await self._send_all(wire.encode(packet_type, payload))

    async def receive(self) -> Packet:
        """Return the next packet. Raises `DialError`: "cut" at the end, "protocol", or what an ERR0 says."""
        try:
            while (packet := self._decoder.next_packet()) is None:
                data = await self.stream.receive_some(_RECEIVE_BYTES)
                if not data:
                    raise DialError("relay-busy" if self._decoder.take_rest() == wire.REJECT else "cut")
                self._decoder.feed(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            raise DialError("cut") from None
        except ProtocolError as error:
            raise DialError("protocol", str(error)) from None
        if packet.type == wire.ERROR:
            code, message = wire.parse_error(packet.payload)
            raise DialError(_CAUSES.get(code, "relay-error"), message or code, said=code)
        return packet

    async def greet(self, hello: Hello) -> None:
        """Say hello; set `paired` or `room` by the answer. Raises `DialError`."""
        await self._send_all(hello.encode())
        with trio.move_on_after(limits.ANSWER_SECONDS) as scope:
            try:
                answer = await self.receive()
            except DialError as error:
                # Neither a packet nor an end that our relay would make of a hello.
                raise (DialError("relay-not-visavis") if error.cause in ("cut", "protocol") else error) from None
        if scope.cancelled_caught:
            raise DialError("relay-not-visavis")
        maker = hello.want in ("new", "keep")  # is told its number, and waits
        if answer.type == wire.PAIR and not maker:
            self.paired = True
        elif answer.type == wire.WAIT:
            try:
                self.room = wire.parse_wait(answer.payload)
            except ProtocolError:
                raise DialError("relay-not-visavis") from None
            if maker and len(self.room) > len(str(limits.LONG_NUMBER_MAX)):
                raise DialError("relay-not-visavis")
        else:
            raise DialError("relay-not-visavis")

    async def wait_paired(self) -> None:
        """Return when the other side is there. Raises `DialError`."""
        if not self.paired:
            packet = await self.receive()
            if packet.type != wire.PAIR:
                raise DialError("protocol", "no PAIR")
            self.paired = True

    def take_rest(self) -> bytes:
        """Return what was received beyond the packets taken: it belongs to the sealed lane."""
        return self._decoder.take_rest()

    def keep_short(self) -> None:
        """Let the kernel hold little of a live lane: what it holds is delay."""
        if isinstance(self.stream, trio.SocketStream):
            for buffer in (socket.SO_SNDBUF, socket.SO_RCVBUF):
                self.stream.socket.setsockopt(socket.SOL_SOCKET, buffer, limits.LIVE_SOCKET_BYTES)

    async def aclose(self) -> None:
        """Close at once; never raises."""
        await trio.aclose_forcefully(self.stream)

    async def _send_all(self, data: bytes) -> None:
        try:
            await self.stream.send_all(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            raise DialError("cut") from None


Dialler = Callable[[Hello], Awaitable[Connection]]


def dialler(relay: str) -> Dialler:
    """Return the function that dials this relay. Raises `DialError` "relay-address" if it is no HOST:PORT."""
    try:
        host, port = wire.parse_address(relay)
    except ValueError:
        raise DialError("relay-address", relay) from None

    async def dial(hello: Hello) -> Connection:
        """Connect and greet; the caller closes what is returned. Raises `DialError`; cancelling leaves nothing open."""
        try:
            return await _dial_once(host, port, hello)
        except DialError as error:
            if error.cause != "relay-busy":
                raise
        return await _dial_once(host, port, hello)  # the lobby of a plain relay took us for an original client

    return dial


async def open_stream(host: str, port: int) -> trio.SocketStream:
    """Connect by TCP with keepalive. Raises `DialError`: relay-unknown-host, relay-refused, relay-unreachable."""
    with trio.move_on_after(limits.ANSWER_SECONDS):
        try:
            stream = await trio.open_tcp_stream(host, port)
            set_keepalive(stream.socket)
        except (socket.gaierror, UnicodeError):
            raise DialError("relay-unknown-host", host) from None
        except OSError as error:
            group = error.__cause__
            causes = group.exceptions if isinstance(group, BaseExceptionGroup) else (error,)
            if any(isinstance(cause, OSError) and cause.errno == errno.ECONNREFUSED for cause in causes):
                raise DialError("relay-refused", wire.format_address(host, port)) from None
            raise DialError("relay-unreachable", _reason(causes[0])) from None
        return stream
    raise DialError("relay-unreachable", wire.format_address(host, port))


def set_keepalive(sock: trio.socket.SocketType) -> None:
    """Have the kernel ask whether the other machine lives; never TCP_USER_TIMEOUT, which kills paused readers."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (
        ("TCP_KEEPIDLE", limits.KEEPALIVE_IDLE_SECONDS),
        ("TCP_KEEPALIVE", limits.KEEPALIVE_IDLE_SECONDS),  # macOS's name of the same
        ("TCP_KEEPINTVL", limits.KEEPALIVE_INTERVAL_SECONDS),
        ("TCP_KEEPCNT", limits.KEEPALIVE_PROBES),
    ):
        if hasattr(socket, name):
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


async def _dial_once(host: str, port: int, hello: Hello) -> Connection:
    connection = Connection(await open_stream(host, port))
    try:
        await connection.greet(hello)
    except BaseException:  # cancelled, too: nobody else knows of it
        await connection.aclose()
        raise
    return connection


def _reason(error: BaseException) -> str:
    """Return the system's words for an error, without the address as Python writes it."""
    return os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)
