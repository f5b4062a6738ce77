"""The lobby for programs that speak the plain protocol of the original: two of them are a pair, packet by packet.

Whole packets are forwarded or dropped: one whose header comes while nobody is there is dropped to its last byte,
and one that is cut in its middle ends the connection that was receiving it too, since it could not tell where the
next begins. A payload passes in pieces and is never held whole.
"""

import socket
from typing import Final

import trio

from relay import limits
from relay.sockets import receive, send_all
from relay.wire import HEADER, HELLO, PLAIN_LIMITS, ProtocolError

_SEATS: Final = 2


class LobbyFullError(Exception):
    """Two are there already."""


class Member:
    """A connection in the lobby. `begun` is what was read of it before it came here."""

    def __init__(self, sock: socket.socket, begun: bytes = b"") -> None:
        self.sock = sock
        self.received = 0  # bytes of packets that came from it
        self.forwarded = 0  # bytes of packets sent to it
        self.other: Member | None = None
        self.staying = trio.CancelScope()
        self.sending = trio.CancelScope()  # a piece to `other`
        self._begun = begun

    async def read(self, count: int) -> bytes:
        """Return at most `count` bytes, nothing at the end. Raises `OSError`."""
        if self._begun:
            data, self._begun = self._begun[:count], self._begun[count:]
        else:
            data = await receive(self.sock, count)
        self.received += len(data)
        return data

    async def read_all(self, count: int) -> bytes:
        """Return `count` bytes. Raises `EOFError` if the end comes first, `OSError`."""
        data = b""
        while len(data) < count:
            piece = await self.read(count - len(data))
            if not piece:
                raise EOFError
            data += piece
        return data


class Lobby:
    """At most two connections, and what passes between them."""

    def __init__(self) -> None:
        self._members: list[Member] = []
        self._draining = False

    def __len__(self) -> int:
        """Connections that are there."""
        return len(self._members)

    async def stay(self, member: Member) -> bytes | None:
        """Forward what comes from `member` until it ends (None), or says a hello after all (its payload).

        A hello counts while nothing was forwarded to it. Raises `LobbyFullError` before anything is read,
        `ProtocolError` for a packet that the original has not, `EOFError` and `OSError` when it is cut.
        """
        if len(self._members) == _SEATS:
            raise LobbyFullError
        self._members.append(member)
        self._introduce()
        try:
            with member.staying:
                return await self._read_packets(member)
            return None
        finally:
            self._leave(member)

    def drain(self) -> None:
        """Let go of whoever is alone, from now on."""
        self._draining = True
        self._introduce()

    async def _read_packets(self, member: Member) -> bytes | None:
        while True:
            first = await member.read(1)
            if not first:
                return None
            header = first + await member.read_all(HEADER.size - 1)
            packet_type, size = HEADER.unpack(header)
            if packet_type == HELLO and not member.forwarded and size <= limits.HELLO_BYTES:
                self._leave(member)
                with trio.move_on_after(limits.HELLO_SECONDS):
                    return await member.read_all(size)
                raise ProtocolError("hello", "not whole in time")
            if size > PLAIN_LIMITS.get(packet_type, -1):
                raise ProtocolError("hello", "not a packet of the plain protocol")
            await self._pass_on(member, header, size)

    async def _pass_on(self, member: Member, header: bytes, size: int) -> None:
        target = member.other
        sent = False
        left = size
        try:
            piece = header
            while True:
                if left:
                    payload = await member.read(min(left, limits.PLAIN_PIECE_BYTES))
                    if not payload:
                        raise EOFError
                    left -= len(payload)
                    piece += payload
                if target is not None and target is member.other:
                    sent = True
                    await self._send(member, target, piece)
                if not left:
                    return
                piece = b""
        finally:
            if left and sent and target is not None and target is member.other:
                target.staying.cancel()

    async def _send(self, member: Member, target: Member, piece: bytes) -> None:
        target.forwarded += len(piece)
        with trio.CancelScope() as member.sending:  # until the target leaves
            try:
                await send_all(target.sock, piece)
            except OSError:  # its own task finds out why; what is left of this packet is dropped
                self._leave(target)

    def _introduce(self) -> None:
        for member in self._members:
            member.other = next((other for other in self._members if other is not member), None)
            if self._draining and member.other is None:
                member.staying.cancel()

    def _leave(self, member: Member) -> None:
        if member not in self._members:
            return
        self._members.remove(member)
        if member.other is not None:
            member.other.sending.cancel()
        member.other = None
        self._introduce()
