"""The asyncio end of the local socket: a screen's line to its engine.

The engine lets go of a screen that stalls (Ctrl-S, SIGSTOP); the link then comes back by itself and asks only for what
came since. What was said and not yet answered is said again: a SendText carries its own id, so the engine takes it
once; an OfferFiles is said again once the Snapshot has shown that the engine does not have it. Nothing here waits for
the engine on the screen's behalf.
"""

import asyncio
import contextlib
import os
import socket
from collections import deque
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Final

from actors.messages import (
    AnyCommand,
    AnyEvent,
    Attach,
    CommandRefused,
    Ended,
    LinesReplayed,
    OfferFiles,
    OfferRefused,
    SendText,
    Snapshot,
    TextQueued,
    TextRefused,
    TransferChanged,
    decode_event,
    encode,
)
from actors.runfolder import RunFolderError, engine_names, peer_is_us, run_folder, socket_path
from relay import wire

OUTBOX_COMMANDS: Final = 256  # not yet written to the engine; a person does not get there while it lives
AGAIN_SECONDS: Final = 0.2  # first wait before attaching again, doubled up to
AGAIN_MAX_SECONDS: Final = 2.0
READ_BYTES: Final = 65536
ENVIRONMENT: Final = ("DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY", "PULSE_SERVER")


@dataclass(frozen=True, slots=True)
class Detached:
    """The engine let go of this screen, or can't be reached though it lives: the link is trying again."""


@dataclass(frozen=True, slots=True)
class PictureDrawn:
    """A picture that was asked for by WatchPicture: the payload of a PIC0."""

    payload: bytes


@dataclass(frozen=True, slots=True)
class EngineGone:
    """Nothing more will come. `cause`: "engine-gone", "engine-foreign" (someone else's socket), "engine-version",
    "engine-garbled", or the code of a `RunFolderError` after "run-"."""

    cause: str


class Link:
    """A line to the engine called `name`.

    Iterate over `events()` once; `send` at any time, also before it is connected. Cancelling the iteration closes the
    connection and leaves the engine.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.attached = False
        self._since = 0  # the last event that was taken in whole
        self.settled = asyncio.Event()  # set while the engine has every text that was sent
        self.settled.set()
        self._outbox: deque[AnyCommand] = deque()
        self._unanswered: dict[str, SendText | OfferFiles] = {}  # written, and perhaps never read
        self._held: dict[str, OfferFiles] = {}  # of those, offers that wait for the Snapshot
        self._wake = asyncio.Event()

    def send(self, command: AnyCommand) -> bool:
        """Queue `command`; return False if the engine has not taken any for so long that the queue is full."""
        if len(self._outbox) + len(self._unanswered) + len(self._held) >= OUTBOX_COMMANDS:
            return False
        self._outbox.append(command)
        if isinstance(command, SendText | OfferFiles):
            self.settled.clear()
        self._wake.set()
        return True

    async def events(self) -> AsyncGenerator[AnyEvent | PictureDrawn | Detached | EngineGone, None]:
        """Yield what the engine says, in order; `Detached` when it must be attached again; last `Ended` or
        `EngineGone`."""
        wait = AGAIN_SECONDS
        while True:
            try:
                reader, writer = await self._connect()
            except RunFolderError as error:
                yield EngineGone(f"run-{error.code}")
                return
            except PermissionError:
                yield EngineGone("engine-foreign")
                return
            except OSError:
                if not self._lives():
                    yield EngineGone("engine-gone")
                    return
            else:
                wait = AGAIN_SECONDS
                async with contextlib.aclosing(self._attached(reader, writer)) as events:
                    async for event in events:
                        yield event
                        if isinstance(event, Ended | EngineGone):
                            return
                if not self._lives():
                    yield EngineGone("engine-gone")
                    return
            yield Detached()
            await asyncio.sleep(wait)
            wait = min(wait * 2, AGAIN_MAX_SECONDS)

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        run_folder()
        reader, writer = await asyncio.open_unix_connection(str(socket_path(self.name)))
        connection: socket.socket = writer.get_extra_info("socket")
        if not peer_is_us(connection):
            writer.transport.abort()
            raise PermissionError
        return reader, writer

    def _lives(self) -> bool:
        try:
            return self.name in engine_names()
        except (RunFolderError, OSError):
            return False

    async def _attached(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> AsyncGenerator[AnyEvent | PictureDrawn | EngineGone, None]:
        """Yield the events of one connection, while another task writes; close it at the end, waiting for nothing."""
        environment = {name: os.environ[name] for name in ENVIRONMENT if name in os.environ}
        again = self._unanswered.values()
        self._held |= {command.id: command for command in again if isinstance(command, OfferFiles)}
        self._outbox.extendleft(reversed([command for command in again if isinstance(command, SendText)]))
        self._unanswered.clear()
        writer.write(_packet(Attach(since=self._since, environment=environment)))
        writing = asyncio.create_task(self._write(writer))
        self.attached = True
        decoder = wire.Decoder(wire.LOCAL_LIMITS)
        try:
            while data := await reader.read(READ_BYTES):
                decoder.feed(data)
                while packet := decoder.next_packet():
                    if packet.type == wire.PICTURE:
                        yield PictureDrawn(bytes(packet.payload))
                        continue
                    event = decode_event(packet.payload)
                    if isinstance(event, CommandRefused) and event.cause == "version":
                        yield EngineGone("engine-version")
                        return
                    if self._is_news(event):
                        yield event
        except (wire.ProtocolError, ValueError):
            yield EngineGone("engine-garbled")
        except OSError:
            return
        finally:
            self.attached = False
            writing.cancel()
            writer.transport.abort()

    async def _write(self, writer: asyncio.StreamWriter) -> None:
        # A connection that broke is noticed, and said, by whoever reads it.
        with contextlib.suppress(OSError):
            while True:
                await writer.drain()
                if not self._outbox:
                    self._wake.clear()
                    await self._wake.wait()
                    continue
                command = self._outbox.popleft()
                if isinstance(command, SendText | OfferFiles):
                    self._unanswered[command.id] = command
                writer.write(_packet(command))

    def _is_news(self, event: AnyEvent) -> bool:
        """Take note of `event`; return False for the answer to a text that was only said a second time."""
        news = True
        match event:
            case Snapshot():
                for transfer in event.transfers:
                    self._answered(transfer.request)
                self._outbox.extendleft(reversed(self._held.values()))
                self._held.clear()
                self._wake.set()
                return True  # its seq counts once the lines after it are here: with the next event
            case LinesReplayed():
                for line in event.lines:
                    self._answered(line.id)
                return True
            case TextQueued() | TextRefused():
                self._answered(event.id)
                news = not (isinstance(event, TextRefused) and event.cause == "repeated")
            case TransferChanged():
                self._answered(event.transfer.request)
            case OfferRefused():
                self._answered(event.id)
            case _:
                pass
        self._since = max(self._since, event.seq)
        return news

    def _answered(self, asked_id: str) -> None:
        self._unanswered.pop(asked_id, None)
        self._held.pop(asked_id, None)
        waiting = (command for command in self._outbox if isinstance(command, SendText | OfferFiles))
        if not self._unanswered and not self._held and next(waiting, None) is None:
            self.settled.set()


def _packet(command: AnyCommand) -> bytes:
    return wire.encode(wire.COMMAND, encode(command))
