"""The original's protocol as a client: chat in clear, media counted and passed over. It shares no session.

connect            ───▶  (nothing is said: an original server pairs at accept)
TEX0, UTF-8        ◀──▶  a line
VID0 AUD0 IMG0 …   ◀───  skipped, piece by piece, and counted
REJ                ◀───  two are there already; three bare bytes, then the end
"""

import contextlib
import time
from collections import Counter
from collections.abc import Callable
from typing import Final

import trio

from actors import dial
from actors.chat import ChatCommand, refusal
from actors.ends import NamedEnd
from actors.messages import (
    Emit,
    Hang,
    LinkChanged,
    MediaSkipped,
    SendText,
    TextQueued,
    TextReceived,
    TextRefused,
    TextSent,
)
from actors.news import News
from relay import limits, wire
from relay.visible import visible

_RECEIVE_BYTES: Final = 64 * limits.KIB
_ALLOWED: Final = {**wire.PLAIN_LIMITS, wire.ERROR: limits.HANDSHAKE_BYTES}  # ERR0: what our own relay would say


class PlainEnded(NamedEnd):
    """The plain connection is over, or never was: relay-unknown-host, relay-refused, relay-unreachable, plain-full,
    relay-error, protocol, cut.
    """


class PlainReader:
    """Turns a stream of bytes, however it was cut, into the texts in it; everything else is skipped and counted.

    At most one text, and what was fed last, is held: an image of 64 MiB is dropped as it comes. `skipped` counts
    whole packets by type. After an error the reader stays in it.
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

    def next_text(self) -> str | None:
        """Return the next whole text, or None when more bytes are needed.

        Bytes that are not UTF-8 become U+FFFD. Raises `PlainEnded`: plain-full, protocol, or relay-error for an
        ERR0, with what it says.
        """
        if self._ended is not None:
            raise self._ended
        while self._type or self._begin_packet():
            if self._type in (wire.TEXT, wire.ERROR):
                if len(self._buffer) < self._left:
                    return None
                return self._take_text()
            gone = min(self._left, len(self._buffer))
            del self._buffer[:gone]
            self._left -= gone
            if self._left:
                return None
            self.skipped[self._type.decode()] += 1
            self._type = b""
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

    def _take_text(self) -> str:
        payload = bytes(self._buffer[: self._left])
        del self._buffer[: self._left]
        packet_type, self._type = self._type, b""
        if packet_type == wire.ERROR:
            code, message = wire.parse_error(payload)
            raise self._end("relay-error", message or code)
        return payload.decode("utf-8", "replace")

    def _end(self, cause: str, detail: str = "") -> PlainEnded:
        self._buffer.clear()
        self._ended = PlainEnded(cause, detail)
        return self._ended


async def plain(
    relay: tuple[str, int],
    inbox: trio.MemoryReceiveChannel[ChatCommand | News],
    emit: Emit,
    *,
    clock: Callable[[], float] = time.time,
) -> None:
    """Be a client of the original's server, or of our relay's lobby, at `relay` (host and port) until it ends.

    Takes `SendText`, answered with `TextQueued` or `TextRefused`; other commands mean nothing here. Emits
    `LinkChanged` joined once connected (whether someone is at the other end nobody says), `TextSent` when a text is
    with the kernel, `TextReceived` with ids plain-1, plain-2…, `MediaSkipped` with the counts so far, at once and
    then at most once in `limits.SKIPPED_REPORT_SECONDS`. `clock` gives UNIX seconds for what people see. It never
    keeps the sender of its inbox waiting: past PLAIN_TEXTS a text that can't leave is refused.

    Returns when `inbox` was closed by its sender, or brought Hang: what was queued is sent first, as far as that can
    be done within `limits.LINGER_SECONDS`, and what comes within as long again still taken. Raises `PlainEnded` when
    the connection ends, or was not to be had; does not connect again. Cancelling closes the connection at once; a
    text may then be cut in its middle.
    """
    try:
        stream = await dial.open_stream(*relay)
    except dial.DialError as error:
        raise PlainEnded(error.cause, error.detail) from None

    reader = PlainReader()
    reported: dict[str, int] = {}
    skipped_more = trio.Event()
    leaving = trio.CancelScope()
    queue, queued = trio.open_memory_channel[SendText](limits.PLAIN_TEXTS)

    async def accept() -> None:
        used: set[str] = set()
        with queue, inbox:
            async for command in inbox:
                if isinstance(command, Hang):
                    break
                if isinstance(command, SendText):
                    cause = refusal(command.text) or ("repeated" if command.id in used else "")
                    if not cause:
                        used.add(command.id)
                        try:
                            queue.send_nowait(command)
                        except trio.WouldBlock:
                            cause = "queue-full"
                    emit(
                        TextRefused(id=command.id, cause=cause)
                        if cause
                        else TextQueued(id=command.id, text=command.text, at=clock())
                    )
        # A peer that does not read can't keep us: what it has not taken by then is cut off.
        leaving.deadline = trio.current_time() + limits.LINGER_SECONDS

    async def read() -> None:
        texts = 0
        while True:
            try:
                data = await stream.receive_some(_RECEIVE_BYTES)
            except trio.BrokenResourceError:
                data = b""
            if not data:
                raise PlainEnded("cut")
            reader.feed(data)
            while (text := reader.next_text()) is not None:
                texts += 1
                emit(TextReceived(id=f"plain-{texts}", text=text, at=clock()))
            if reader.skipped != reported:
                skipped_more.set()

    async def report() -> None:
        nonlocal skipped_more
        while True:
            await skipped_more.wait()
            skipped_more = trio.Event()
            report_now()
            await trio.sleep(limits.SKIPPED_REPORT_SECONDS)

    def report_now() -> None:
        nonlocal reported
        if reader.skipped != reported:
            reported = dict(reader.skipped)
            emit(MediaSkipped(counts=reported))

    async def write() -> None:
        async for command in queued:
            try:
                await stream.send_all(wire.encode(wire.TEXT, command.text.encode()))
            except trio.BrokenResourceError:
                raise PlainEnded("cut") from None
            emit(TextSent(id=command.id))

    ended: PlainEnded | None = None
    hung = False
    async with stream:
        emit(LinkChanged(link="joined", since=clock()))
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(accept)
                nursery.start_soon(read)
                nursery.start_soon(report)
                with leaving:
                    await write()
                    with contextlib.suppress(trio.BrokenResourceError):
                        await stream.send_eof()
                hung = True
                await trio.sleep(limits.LINGER_SECONDS)
                nursery.cancel_scope.cancel()
        except* PlainEnded as group:
            ended = next(error for error in group.exceptions if isinstance(error, PlainEnded))
        report_now()
    if ended is not None and not hung:
        raise ended
