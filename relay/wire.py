"""The packet: what both ends and the relay between them have in common. No I/O, no clock.

     0        4                 12
    ┌────────┬─────────────────┬───────────…
    │ type   │ payload size    │ payload        header = struct '!4sQ', as in the original
    │ 4 bytes│ uint64, network │
    └────────┴─────────────────┴───────────…

In clear stand only the handshake types and, in plain mode, the types of the original; on a sealed lane every
packet is SEAL (docs/protocol.md, section 1).
"""

import ipaddress
import json
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, cast

from relay import limits
from relay.visible import cut, visible

HEADER: Final = struct.Struct("!4sQ")
TYPE_BYTES: Final = 4
VERSION: Final = 1

# Handshake, in clear.
HELLO, WAIT, PAIR, ERROR = b"HEL0", b"WAIT", b"PAIR", b"ERR0"
PAKE, PROOF, EXCHANGE, CONFIRM, NONCE = b"PAK0", b"PRF0", b"KEX0", b"CNF0", b"NON0"
# The original's, in plain mode.
VIDEO, VIDEO_H263, AUDIO, TEXT = b"VID0", b"VH26", b"AUD0", b"TEX0"
IMAGE, FILE_HEADER, FILE_CHUNK, FILE_END = b"IMG0", b"FHD0", b"FCH0", b"FEND"
# Sealed lanes, and what stands inside a SEAL.
SEAL = b"SEAL"
CONTROL, MESSAGE, BYE = b"CTL0", b"MSG0", b"BYE0"
# The local socket between engine and screen.
COMMAND, EVENT, PICTURE = b"CMD0", b"EVT0", b"PIC0"

REJECT: Final = b"REJ"  # the original relay's bare word to a third client; not a packet

HANDSHAKE_LIMITS: Final[Mapping[bytes, int]] = {
    HELLO: limits.HELLO_BYTES,
    PAIR: 0,
    **dict.fromkeys((WAIT, ERROR, PAKE, PROOF, EXCHANGE, CONFIRM, NONCE), limits.HANDSHAKE_BYTES),
}
PLAIN_LIMITS: Final[Mapping[bytes, int]] = {
    VIDEO: limits.VIDEO_FRAME_BYTES,
    VIDEO_H263: limits.PLAIN_VIDEO_BYTES,
    AUDIO: limits.AUDIO_FRAME_BYTES,
    TEXT: limits.CHAT_BYTES,
    IMAGE: limits.PLAIN_IMAGE_BYTES,
    FILE_HEADER: limits.FILE_HEADER_BYTES,
    FILE_CHUNK: limits.FILE_CHUNK_BYTES,
    FILE_END: 0,
}
LOCAL_LIMITS: Final[Mapping[bytes, int]] = {
    COMMAND: limits.CONTROL_BYTES,
    EVENT: limits.CONTROL_BYTES,
    PICTURE: limits.PICTURE_BYTES,
}


class ProtocolError(Exception):
    """The other side broke the protocol. `code` names how: unknown-type, too-large, early, hello, version…"""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code


Payload = bytes | bytearray


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet, whole: its four-byte type and its payload."""

    type: bytes
    payload: Payload


def encode(packet_type: bytes, payload: bytes = b"") -> bytes:
    """Return the packet's bytes, header first."""
    return HEADER.pack(packet_type, len(payload)) + payload


LARGE_BYTES: Final = 64 * limits.KIB  # from here on a payload is put together where it stays


class Decoder:
    """Turns a stream of bytes, however it was cut, into packets.

    `allowed` names the types this side understands here and the greatest payload of each, in bytes: a header
    of another type, or with a greater size, raises `ProtocolError` (`unknown-type`, `too-large`) before a byte
    of its payload is kept. After an error the decoder stays in it. At most one payload, and what was fed with
    its last piece, is held.
    """

    def __init__(self, allowed: Mapping[bytes, int]) -> None:
        self._allowed = allowed
        self._buffer = bytearray()
        self._type = b""  # of a large packet that has begun
        self._payload = bytearray()  # all of it; empty when none has
        self._filled = 0
        self._error: ProtocolError | None = None

    def feed(self, data: bytes | bytearray | memoryview) -> None:
        """Take what came from the stream."""
        if rest := self.rest():
            with rest:
                size = min(len(rest), len(data))
                rest[:size] = data[:size]
            self._filled += size
            data = data[size:]
        self._buffer += data

    def rest(self) -> memoryview | None:
        """Return where the rest of a large packet that has begun may be read into directly, and told by `filled`:
        two copies less than `feed`. None if the next bytes must be fed."""
        return memoryview(self._payload)[self._filled :] if self._filled < len(self._payload) else None

    def filled(self, size: int) -> None:
        """Note that so many bytes were read into `rest`."""
        self._filled += size

    def next_packet(self) -> Packet | None:
        """Return the next whole packet, or None when more bytes are needed. Raises `ProtocolError`."""
        if self._error is not None:
            raise self._error
        if self._payload:
            return self._end_large()
        if len(self._buffer) < HEADER.size:
            return None
        packet_type, size = HEADER.unpack_from(self._buffer)
        limit = self._allowed.get(packet_type)
        if limit is None:
            self._error = ProtocolError("unknown-type", visible(packet_type.decode("latin-1")))
            raise self._error
        if size > limit:
            self._error = ProtocolError("too-large", f"{packet_type.decode()} of {size} bytes, at most {limit}")
            raise self._error
        end = HEADER.size + size
        if len(self._buffer) < end:
            if size >= LARGE_BYTES:
                self._type, self._payload, self._filled = packet_type, bytearray(size), 0
                begun = self._buffer[HEADER.size :]
                self._buffer.clear()
                self.feed(begun)
            return None
        with memoryview(self._buffer) as view:
            payload = bytes(view[HEADER.size : end])
        del self._buffer[:end]
        return Packet(packet_type, payload)

    def _end_large(self) -> Packet | None:
        if self._filled < len(self._payload):
            return None
        packet = Packet(self._type, self._payload)
        self._payload, self._filled = bytearray(), 0
        return packet

    @property
    def held(self) -> int:
        """Bytes fed and not yet returned: more than 0 at the end of a stream means it was cut in a packet."""
        begun = HEADER.size + self._filled if self._payload else 0
        return begun + len(self._buffer)

    def take_rest(self) -> bytes:
        """Return and forget the bytes not yet returned (what follows PAIR belongs to another protocol). Not in the
        middle of a large packet."""
        rest = bytes(self._buffer)
        self._buffer.clear()
        return rest


DEFAULT_PORT: Final = 9999


def parse_address(text: str) -> tuple[str, int]:
    """Return host and port of `HOST`, `HOST:PORT`, `[V6]:PORT` or a bare IPv6 address; the port is 9999 unless given.

    Raises `ValueError` for anything else.
    """
    text = text.strip()
    if text.count(":") > 1 and not text.startswith("["):
        text = f"[{text}]"
    match = re.fullmatch(r"(?:\[([^\[\]]+)\]|([^\s:\[\]/]+))(?::([0-9]{1,5}))?", text)
    if match is None or not text.isprintable():
        raise ValueError(text)
    if match[1]:
        ipaddress.IPv6Address(match[1])  # raises ValueError
    port = int(match[3]) if match[3] else DEFAULT_PORT
    if not 0 < port < 65536:
        raise ValueError(text)
    return match[1] or match[2], port


def format_address(host: str, port: int) -> str:
    """Return `HOST:PORT`, an IPv6 host in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


# --- the hello and its answers (docs/protocol.md, section 2) --------------------------------------------------

Want = Literal["new", "join", "keep", "room"]
WANTS: Final = ("new", "join", "keep", "room")
PAIR_LANE: Final = "pair"

_NUMBER = re.compile(r"[0-9]{4,5}")
_HEX = re.compile(r"[0-9a-f]{32}")
_LANE = re.compile(rf"[a-z0-9.]{{1,{limits.LANE_NAME_CHARACTERS}}}")


@dataclass(frozen=True, slots=True)
class Hello:
    """The first packet of a connection: what it wants, where, as which side, for which lane.

    `room` is the number's digits for `join` and `keep`, 32 hex digits for `room`, empty for `new`. `side` is a
    secret between client and relay: never logged, never passed on.
    """

    want: Want
    side: str
    room: str = ""
    lane: str = PAIR_LANE

    def encode(self) -> bytes:
        """Return the HEL0 packet."""
        fields: dict[str, Any] = {"v": VERSION, "want": self.want, "side": self.side, "lane": self.lane}
        if self.want != "new":
            fields["room"] = self.room
        return encode(HELLO, json.dumps(fields).encode())


def parse_hello(payload: Payload) -> Hello:
    """Return the hello in `payload` (of a HEL0). Every failure is one `ProtocolError`: `version` or `hello`."""
    fields = _json_object(payload, "hello")
    version = fields.get("v")
    if type(version) is not int:
        raise ProtocolError("hello", "no version")
    if version != VERSION:
        raise ProtocolError("version", f"this side speaks version {VERSION}")
    want, side, lane = fields.get("want"), fields.get("side"), fields.get("lane")
    room = fields.get("room", "")
    if want not in WANTS:
        raise ProtocolError("hello", "want")
    if not (isinstance(side, str) and _HEX.fullmatch(side)):
        raise ProtocolError("hello", "side")
    if not (isinstance(lane, str) and _LANE.fullmatch(lane)) or (want != "room" and lane != PAIR_LANE):
        raise ProtocolError("hello", "lane")
    if not isinstance(room, str):
        raise ProtocolError("hello", "room")
    if want == "new":
        room = ""
    elif not (_HEX if want == "room" else _NUMBER).fullmatch(room):
        raise ProtocolError("hello", "room")
    return Hello(cast(Want, want), side, room, lane)


def encode_wait(room: str) -> bytes:
    """Return the WAIT packet that tells a connection the room it waits in."""
    return encode(WAIT, json.dumps({"room": room}).encode())


def parse_wait(payload: Payload) -> str:
    """Return the room in a WAIT. Raises `ProtocolError`."""
    room = _json_object(payload, "wait").get("room")
    if not (isinstance(room, str) and (_NUMBER.fullmatch(room) or _HEX.fullmatch(room))):
        raise ProtocolError("wait", "room")
    return room


def error_payload(code: str, message: str) -> bytes:
    """Return the payload of an ERR0; the message is cut to its limit."""
    return json.dumps({"code": code, "message": cut(message, limits.ERROR_TEXT_CHARACTERS)}).encode()


def encode_error(code: str, message: str) -> bytes:
    """Return the ERR0 packet."""
    return encode(ERROR, error_payload(code, message))


def parse_error(payload: Payload) -> tuple[str, str]:
    """Return code and message of an ERR0, both cut and made visible: nobody signed them. Never raises."""
    try:
        fields = _json_object(payload, "error")
    except ProtocolError:
        return "unreadable", ""
    code, message = fields.get("code"), fields.get("message")
    return (
        visible(cut(code, 32)) if isinstance(code, str) else "unreadable",
        visible(cut(message, limits.ERROR_TEXT_CHARACTERS)) if isinstance(message, str) else "",
    )


def _json_object(payload: Payload, code: str) -> dict[str, Any]:
    # RecursionError: 4,000 "[" in a row (measured); ValueError: bad UTF-8, bad JSON, a number of 5,000 digits.
    try:
        fields = json.loads(payload)
    except (ValueError, RecursionError):
        raise ProtocolError(code, "not JSON") from None
    if not isinstance(fields, dict):
        raise ProtocolError(code, "not an object")
    return fields
