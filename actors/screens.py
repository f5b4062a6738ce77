"""The screens of an engine: who is attached, over the local socket or standard input and output.

Each has one reader, one writer, and a mailbox between the engine and the writer; no screen waits for another, and
the engine waits for none (docs/engine.md).
"""

import os
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final, Protocol

import trio

from actors import messages, runfolder
from actors.mailbox import ScreenMailbox
from actors.messages import (
    AnyCommand,
    AnyEvent,
    Attach,
    CommandRefused,
    Emit,
    Hang,
    MediaSkipped,
    RoundTripMeasured,
    SetTyping,
    SoundMeasured,
    TransferProgressed,
    VideoMeasured,
    VideoPlayed,
    WatchPicture,
)
from actors.record import Record
from relay import limits, wire
from relay.wire import ProtocolError

_RECEIVE_BYTES: Final = 64 * limits.KIB
_COALESCED: Final = (RoundTripMeasured, MediaSkipped, VideoMeasured, VideoPlayed, SoundMeasured)
Commands = trio.MemorySendChannel[tuple[AnyCommand, Emit]]


class _ScreenGoneError(Exception):
    """The other end is closed, or speaks something else."""


class _Screen(Protocol):
    async def receive(self) -> bytes:
        """Return the JSON of the next command. Raises `_ScreenGoneError`."""

    async def send(self, payload: bytes, packet_type: bytes = wire.EVENT) -> None:
        """Write the JSON of one event, or a packet of another type. Raises `_ScreenGoneError`."""


class Reply:
    """How one screen alone is answered; never waits."""

    def __init__(self, mailbox: ScreenMailbox) -> None:
        self._mailbox = mailbox

    def __call__(self, event: AnyEvent) -> None:
        """Put an event into its mailbox."""
        self._mailbox.put(messages.encode(event))


class PictureReply(Reply):
    """The same, of a screen on the local socket, which takes pictures too."""

    def picture(self, payload: bytes) -> None:
        """Put a picture into its mailbox, in the place of one that it was not yet sent."""
        self._mailbox.put(payload, "picture", wire.PICTURE)


class Screens:
    """Everyone who watches this engine. `commands` takes what they ask, each with a way to answer only them."""

    def __init__(self, record: Record, commands: Commands) -> None:
        self._record = record
        self._commands = commands
        self._mailboxes: set[ScreenMailbox] = set()
        self.left_at = trio.current_time()  # when the last screen left

    @property
    def count(self) -> int:
        """How many are attached."""
        return len(self._mailboxes)

    def emit(self, event: AnyEvent) -> None:
        """Number the event, remember it, put it into every mailbox; never waits."""
        event = self._record.take(event)
        payload = messages.encode(event)
        key = type(event).__name__ if isinstance(event, _COALESCED) else ""
        if isinstance(event, TransferProgressed):
            key = f"transfer {event.id}"
        for mailbox in self._mailboxes:
            mailbox.put(payload, key)

    async def wait_flushed(self) -> None:
        """Return when every screen has been written everything."""
        for mailbox in list(self._mailboxes):
            await mailbox.wait_written()

    async def serve(self, listener: trio.SocketListener) -> None:
        """Take screens on the local socket until cancelled."""
        await trio.serve_listeners(self._serve_socket, [listener])

    async def serve_stdio(self) -> None:
        """Be attached to standard input and output. The end of the input is a Hang; return when the output ends."""
        await self._serve_screen(_StdioScreen(), Attach(), at_end=Hang())

    async def _serve_socket(self, stream: trio.SocketStream) -> None:
        if not runfolder.peer_is_us(stream.socket):
            return
        screen = _SocketScreen(stream)
        attach: AnyCommand | None = None
        try:
            with trio.move_on_after(limits.HELLO_SECONDS):
                attach = messages.decode_command(await screen.receive())
                if refusal := self._refusal(attach):
                    await screen.send(messages.encode(CommandRefused(cause=refusal, detail=str(messages.VERSION))))
        except (_ScreenGoneError, ValueError):
            return
        if isinstance(attach, Attach) and not refusal:
            await self._serve_screen(screen, attach)

    def _refusal(self, attach: AnyCommand) -> str:
        if not isinstance(attach, Attach):
            return "malformed"
        if attach.version != messages.VERSION:
            return "version"
        return "screens" if len(self._mailboxes) >= limits.SCREENS else ""

    async def _serve_screen(self, screen: _Screen, attach: Attach, at_end: AnyCommand | None = None) -> None:
        mailbox = ScreenMailbox()
        reply = PictureReply(mailbox) if isinstance(screen, _SocketScreen) else Reply(mailbox)
        # Taken together, without a pause: nothing is missed and nothing comes twice.
        beginning = [self._record.snapshot, *self._record.replay(attach.since)]
        self._mailboxes.add(mailbox)
        try:
            async with trio.open_nursery() as nursery:

                async def until_gone(part: Callable[..., Awaitable[None]], *args: object) -> None:
                    with suppress(_ScreenGoneError):
                        await part(*args)
                    nursery.cancel_scope.cancel()

                nursery.start_soon(until_gone, self._read, screen, reply, attach, at_end)
                nursery.start_soon(until_gone, _write, screen, mailbox, beginning)
                nursery.start_soon(until_gone, mailbox.overflowed.wait)
        finally:
            self._mailboxes.discard(mailbox)
            mailbox.close()
            self.left_at = trio.current_time()
            with suppress(trio.WouldBlock, trio.BrokenResourceError):
                self._commands.send_nowait((WatchPicture(), reply))  # it looks no longer
                if not self._mailboxes:  # and nobody types here any longer
                    self._commands.send_nowait((SetTyping(typing=False), _ignore))

    async def _read(self, screen: _Screen, reply: Reply, attach: Attach, at_end: AnyCommand | None) -> None:
        await self._commands.send((attach, reply))
        try:
            while True:
                payload = await screen.receive()
                try:
                    command = messages.decode_command(payload)
                except ValueError as error:
                    reply(CommandRefused(cause="malformed", detail=str(error)))
                    continue
                await self._commands.send((command, reply))
        except _ScreenGoneError:
            if at_end is None:
                raise
        await self._commands.send((at_end, reply))
        await trio.sleep_forever()  # it still reads what comes of it


def _ignore(event: AnyEvent) -> None:
    """Nobody is left to be answered."""


async def _write(screen: _Screen, mailbox: ScreenMailbox, beginning: list[AnyEvent]) -> None:
    for event in beginning:
        await screen.send(messages.encode(event))
    mailbox.task_done()
    while True:
        packet_type, payload = await mailbox.take()
        await screen.send(payload, packet_type)
        mailbox.task_done()


class _SocketScreen:
    """CMD0 in, EVT0 out, on the local socket."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self._stream = stream
        self._decoder = wire.Decoder({wire.COMMAND: limits.CONTROL_BYTES})

    async def receive(self) -> bytes:
        try:
            while (packet := self._decoder.next_packet()) is None:
                data = await self._stream.receive_some(_RECEIVE_BYTES)
                if not data:
                    raise _ScreenGoneError
                self._decoder.feed(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError, ProtocolError):
            raise _ScreenGoneError from None
        return bytes(packet.payload)

    async def send(self, payload: bytes, packet_type: bytes = wire.EVENT) -> None:
        try:
            await self._stream.send_all(wire.encode(packet_type, payload))
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            raise _ScreenGoneError from None


class _StdioScreen:
    """JSON lines. Both ends may be pipes, files or a terminal, so they block, in threads that can be abandoned."""

    def __init__(self) -> None:
        self._held = bytearray()

    async def receive(self) -> bytes:
        while True:
            while (end := self._held.find(b"\n")) < 0:
                if len(self._held) > limits.CONTROL_BYTES:
                    raise _ScreenGoneError
                self._held += await self._read()
            line = bytes(self._held[:end])
            del self._held[: end + 1]
            if line.strip():
                return line

    async def _read(self) -> bytes:
        try:
            data = await trio.to_thread.run_sync(os.read, 0, _RECEIVE_BYTES, abandon_on_cancel=True)
        except OSError:
            raise _ScreenGoneError from None
        if not data:
            raise _ScreenGoneError
        return data

    async def send(self, payload: bytes, packet_type: bytes = wire.EVENT) -> None:
        rest = memoryview(payload + b"\n")
        try:
            while rest:
                rest = rest[await trio.to_thread.run_sync(os.write, 1, rest, abandon_on_cancel=True) :]
        except OSError:
            raise _ScreenGoneError from None
