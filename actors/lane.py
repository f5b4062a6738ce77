"""One sealed lane over one connection: whole sealed packets in and out (docs/protocol.md, sections 1 and 4)."""

from typing import Final

import trio

from actors.dial import Connection
from actors.ends import NamedEnd
from actors.seal import Buffer, Opener, Sealer, SealError
from relay import limits, wire
from relay.wire import ProtocolError

MAIN_LIMIT: Final = limits.CONTROL_BYTES + limits.SEAL_OVERHEAD_BYTES
_RECEIVE_BYTES: Final = 256 * limits.KIB


class LaneEnded(NamedEnd):
    """The connection of a lane is over."""


class SealedLane:
    """A paired connection under two keys. One task calls `receive`, one other calls `send`; never two the same.

    `limit` is the greatest payload of a SEAL packet here, in bytes.
    """

    def __init__(self, connection: Connection, sealer: Sealer, opener: Opener, limit: int = MAIN_LIMIT) -> None:
        self._stream = connection.stream
        self._sealer = sealer
        self._opener = opener
        # ERR0: a relay can end a lane at any time, but not the session: nobody signed it.
        self._decoder = wire.Decoder({wire.SEAL: limit, wire.ERROR: limits.HANDSHAKE_BYTES})
        self._decoder.feed(connection.take_rest())

    async def send(self, inner_type: bytes, payload: Buffer) -> None:
        """Seal and send one packet. Raises `LaneEnded`. Cancelled, the lane's connection must be closed."""
        try:
            await self._stream.send_all(self._sealer.seal(inner_type, payload))
        except SealError as error:
            raise LaneEnded(error.code) from None
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            raise LaneEnded("cut") from None

    async def receive(self) -> tuple[bytes, bytearray]:
        """Return inner type and payload of the next packet. Raises `LaneEnded`: an end without BYE0 is "cut"."""
        try:
            while (packet := self._decoder.next_packet()) is None:
                await self._read_more()
            if packet.type == wire.ERROR:
                code, message = wire.parse_error(packet.payload)
                raise LaneEnded("relay-error", message or code)
            return self._opener.open(packet.payload)
        except (OSError, trio.BrokenResourceError, trio.ClosedResourceError):
            raise LaneEnded("cut") from None
        except ProtocolError as error:
            raise LaneEnded("protocol", str(error)) from None
        except SealError as error:
            raise LaneEnded(error.code) from None

    async def _read_more(self) -> None:
        rest = self._decoder.rest()
        if rest is not None and isinstance(self._stream, trio.SocketStream):
            with rest:
                count = await self._stream.socket.recv_into(rest)
            self._decoder.filled(count)
        else:
            data = await self._stream.receive_some(_RECEIVE_BYTES)
            count = len(data)
            self._decoder.feed(data)
        if not count:
            raise LaneEnded("cut")
