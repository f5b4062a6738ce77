"""What is in a stream of the original's packets. No I/O, no clock."""

from collections import Counter
from dataclasses import dataclass
from typing import Final

from actors.ends import NamedEnd
from relay import limits, wire
from relay.visible import visible

_ALLOWED: Final = {**wire.PLAIN_LIMITS, wire.ERROR: limits.HANDSHAKE_BYTES}  # ERR0: what our own relay would say
_WHOLE: Final = frozenset({wire.TEXT, wire.ERROR, wire.FILE_HEADER, wire.VIDEO, wire.AUDIO})
_TAKEN: Final = frozenset({wire.FILE_HEADER, wire.FILE_CHUNK, wire.FILE_END, wire.IMAGE, wire.VIDEO, wire.AUDIO})


class PlainEnded(NamedEnd):
    """The plain connection is over, or never was: relay-unknown-host, relay-refused, relay-unreachable, plain-full,
    relay-error, protocol, cut.
    """


@dataclass(frozen=True, slots=True)
class Piece:
    """Some of a packet of a file or an image: `left` bytes of it are still to come. A file header comes whole, and so
    does a frame of video, and sound."""

    type: bytes
    data: bytes
    left: int


class PlainReader:
    """Turns a stream of bytes, however it was cut, into texts, frames and pieces of files; the rest is skipped and
    counted.

    At most one text, file header or frame (16 MiB), and what was fed last, is held: an image of 64 MiB passes through
    as it comes.
    `skipped` counts whole packets by type. After an error the reader stays in it.
    """

    def __init__(self) -> None:
        self.skipped: Counter[str] = Counter()
        self._buffer = bytearray()
        self._type = b""  # of the packet that has begun; empty between packets
        self._left = 0  # bytes of its payload still to come
        self._fresh = True  # no header was read yet: REJ may stand here
        self._ended: PlainEnded | None = None

    def feed(self, data: bytes) -> None:
        """Take what came from the stream."""
        self._buffer += data

    @property
    def held(self) -> int:
        """Bytes fed and not yet used."""
        return len(self._buffer)

    def next(self) -> str | Piece | None:
        """Return the next whole text, or piece of a file, or None when more bytes are needed.

        Every packet of a file or an image has a last piece, with `left` 0; an empty packet has only that. Bytes of a
        text that are not UTF-8 become U+FFFD. Raises `PlainEnded`: plain-full, protocol, or relay-error for an ERR0,
        with what it says.
        """
        if self._ended is not None:
            raise self._ended
        while self._type or self._begin_packet():
            if self._type in _WHOLE and len(self._buffer) < self._left:
                return None
            if self._left and not self._buffer:
                return None
            packet_type, data = self._type, self._take()
            if packet_type in _TAKEN:
                return Piece(packet_type, data, self._left)
            if packet_type == wire.TEXT:
                return data.decode("utf-8", "replace")
            if packet_type == wire.ERROR:
                code, message = wire.parse_error(data)
                raise self._end("relay-error", message or code)
            if not self._left:
                self.skipped[packet_type.decode()] += 1
        return None

    def _begin_packet(self) -> bool:
        if self._fresh and self._buffer.startswith(wire.REJECT):
            raise self._end("plain-full")
        if len(self._buffer) < wire.HEADER.size:
            return False
        self._fresh = False
        packet_type, size = wire.HEADER.unpack_from(self._buffer)
        del self._buffer[: wire.HEADER.size]
        if packet_type not in _ALLOWED:
            raise self._end("protocol", f"unknown-type: {visible(packet_type.decode('latin-1'))}")
        if size > _ALLOWED[packet_type]:
            raise self._end("protocol", f"too-large: {packet_type.decode()} of {size} bytes")
        self._type, self._left = packet_type, size
        return True

    def _take(self) -> bytes:
        """Take what is here of the packet; the packet is over once nothing of it is left."""
        data = bytes(self._buffer[: self._left])
        del self._buffer[: len(data)]
        self._left -= len(data)
        if not self._left:
            self._type = b""
        return data

    def _end(self, cause: str, detail: str = "") -> PlainEnded:
        self._buffer.clear()
        self._ended = PlainEnded(cause, detail)
        return self._ended
