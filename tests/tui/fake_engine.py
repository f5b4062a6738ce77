"""An engine that does what a test says, behind the real local socket: the screen and its link are the real ones."""

import asyncio
import contextlib
import os
import socket
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

from actors.messages import (
    OVER,
    AnswerOffer,
    AnyCommand,
    Attach,
    CancelTransfer,
    CommandRefused,
    Ended,
    Event,
    Hang,
    Line,
    LinesReplayed,
    LinkChanged,
    ListOffer,
    OfferFiles,
    OfferRefused,
    PutFirst,
    SendText,
    Snapshot,
    TextDelivered,
    TextQueued,
    TextReceived,
    TextRefused,
    TextSent,
    TransferChanged,
    TransferProgressed,
    decode_command,
    encode,
)
from actors.runfolder import claim_name, socket_path
from relay import wire
from tests.tui.fake_files import FakeTransfers

SIX_WORDS = ("otter", "violin", "maple", "thunder", "pencil", "harbour")
CHUNK_LINES = 500


class FakeEngine:
    """Answers Attach as an engine does, keeps the lines, and lets the test make events.

    `takes_texts` says whether SendText is answered by itself (queued, sent, delivered), `takes_offers` the same of
    OfferFiles. What is known of files is in `files`; what is done to them there is told to every screen.
    """

    def __init__(self, **snapshot: Any) -> None:
        self.name, self._lock = claim_name()
        self.snapshot: dict[str, Any] = {"name": "me", "relay": "lab.example:9999", **snapshot}
        self.commands: list[AnyCommand] = []
        self.attaches: list[Attach] = []
        self.lines: dict[str, Line] = {}
        self.changed: dict[str, int] = {}
        self.seq = 0
        self.takes_texts = True
        self.takes_offers = True
        self.files = FakeTransfers(self.emit)
        self.answers_hang = True
        self.refuses: dict[str, str] = {}
        self.on_command: Callable[[AnyCommand], None] | None = None
        self._writers: list[asyncio.StreamWriter] = []
        self._server: asyncio.Server | None = None

    @classmethod
    def in_call(cls, **snapshot: Any) -> "FakeEngine":
        """An engine in a sealed call with someone called Mina, who is there."""
        facts = {
            "phase": "call",
            "link": "joined",
            "since": time.time(),
            "peer": "Mina",
            "verification": SIX_WORDS,
            "round_trip_ms": 12.0,
        }
        return cls(**{**facts, **snapshot})

    async def start(self) -> None:
        """Listen."""
        socket_path(self.name).unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._serve, str(socket_path(self.name)))

    async def stop(self) -> None:
        """End as an engine does: everything closed, then the lock is free."""
        if self._server is not None:
            self._server.close()
        self.let_go()
        with contextlib.suppress(FileNotFoundError):
            socket_path(self.name).unlink()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None
        if self._server is not None:
            await self._server.wait_closed()

    async def refuse_connections(self) -> None:
        """Be alive and unreachable, until `start`."""
        assert self._server is not None
        self._server.close()
        self.let_go()
        await self._server.wait_closed()
        socket_path(self.name).unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX) as nobody_listens:
            nobody_listens.bind(str(socket_path(self.name)))

    def let_go(self) -> None:
        """Close every screen's connection."""
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    def emit(self, event: Event) -> None:
        """Say `event` to every screen, with the next number; keep what is a line."""
        self.seq += 1
        fields = {name: getattr(event, name) for name in event.__struct_fields__}
        event = type(event)(**{**fields, "seq": self.seq})
        self._keep(event)
        for writer in self._writers:
            writer.write(wire.encode(wire.EVENT, encode(event)))

    def draw(self, picture: bytes) -> None:
        """Send a picture (the payload of a PIC0) to every screen."""
        for writer in self._writers:
            writer.write(wire.encode(wire.PICTURE, picture))

    def hear(self, text: str, at: float | None = None, line_id: str | None = None) -> None:
        """The peer says `text`."""
        line_id = line_id or f"p{self.seq + 1}"
        self.emit(TextReceived(id=line_id, text=text, at=time.time() if at is None else at))

    def keep_lines(self, count: int, text: str = "line {n} of many") -> None:
        """Have said many lines before any screen came."""
        for n in range(count):
            self.seq += 1
            line = Line(f"k{n}", n % 2 == 0, text.format(n=n), time.time(), "delivered", self.seq)
            self.lines[line.id], self.changed[line.id] = line, self.seq

    def joined(self) -> None:
        """The peer came."""
        self.emit(LinkChanged(link="joined", since=time.time()))

    def commands_of(self, kind: type) -> list[Any]:
        """What the screen asked for of this kind, in order."""
        return [command for command in self.commands if isinstance(command, kind)]

    def texts(self) -> list[str]:
        """What the screen sent, in order."""
        return [command.text for command in self.commands if isinstance(command, SendText)]

    def _keep(self, event: Event) -> None:
        match event:
            case TextQueued():
                self._line(Line(event.id, True, event.text, event.at, "queued", self.seq))
            case TextReceived():
                self._line(Line(event.id, False, event.text, event.at, "received", self.seq))
            case TextSent() | TextDelivered():
                old = self.lines[event.id]
                mark = "sent" if isinstance(event, TextSent) else "delivered"
                self._line(Line(old.id, old.mine, old.text, old.at, mark, old.seq))
            case TransferChanged() | TransferProgressed():
                self.files.keep(event)
            case LinkChanged():
                self.snapshot |= {"link": event.link, "since": event.since, "cause": event.cause}

    def _line(self, line: Line) -> None:
        self.lines[line.id], self.changed[line.id] = line, self.seq

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        decoder = wire.Decoder(wire.LOCAL_LIMITS)
        with contextlib.suppress(OSError, asyncio.CancelledError):
            while data := await reader.read(65536):
                decoder.feed(data)
                while packet := decoder.next_packet():
                    self._obey(decode_command(packet.payload), writer)
        if writer in self._writers:
            self._writers.remove(writer)
        writer.close()

    def _obey(self, command: AnyCommand, writer: asyncio.StreamWriter) -> None:
        match command:
            case Attach():
                self.attaches.append(command)
                self._greet(command, writer)
                return
            case SendText() if command.id in self.lines:
                self.commands.append(command)
                self.emit(TextRefused(id=command.id, cause="repeated"))
                return
        self.commands.append(command)
        if self.on_command is not None:
            self.on_command(command)
        match command:
            case SendText() if command.text in self.refuses:
                self.emit(TextRefused(id=command.id, cause=self.refuses[command.text]))
            case SendText() if self.takes_texts:
                self.emit(TextQueued(id=command.id, text=command.text, at=time.time()))
                self.emit(TextSent(id=command.id))
                self.emit(TextDelivered(id=command.id))
            case OfferFiles() if command.paths[0] in self.refuses:
                self.emit(OfferRefused(id=command.id, cause=self.refuses[command.paths[0]]))
            case OfferFiles() if self.takes_offers:
                self.files.ours(command)
            case AnswerOffer() | CancelTransfer() | PutFirst() if self._is_open(command.transfer):
                self.files.obey(command)
            case ListOffer() if self._is_open(command.transfer):
                writer.write(wire.encode(wire.EVENT, encode(self.files.listed(command))))
            case AnswerOffer() | CancelTransfer() | PutFirst() | ListOffer():
                self.emit(CommandRefused(cause="no-transfer", transfer=command.transfer))
            case Hang() if self.answers_hang:
                self.emit(Ended(cause="hung"))

    def _is_open(self, number: int) -> bool:
        return number in self.files.all and self.files.all[number].state not in OVER

    def _greet(self, attach: Attach, writer: asyncio.StreamWriter) -> None:
        if self.snapshot.get("version", attach.version) != attach.version:
            writer.write(wire.encode(wire.EVENT, encode(CommandRefused(cause="version"))))
            writer.close()
            return
        fresh = [self.lines[line_id] for line_id, seq in self.changed.items() if seq > attach.since]
        facts = {"transfers": tuple(self.files.all.values()), **self.snapshot}
        snapshot = Snapshot(engine=self.name, seq=self.seq, lines=len(self.lines), **facts)
        writer.write(wire.encode(wire.EVENT, encode(snapshot)))
        for start in range(0, len(fresh), CHUNK_LINES):
            chunk = LinesReplayed(lines=tuple(fresh[start : start + CHUNK_LINES]))
            writer.write(wire.encode(wire.EVENT, encode(chunk)))
        self._writers.append(writer)


@contextlib.asynccontextmanager
async def running(engine: FakeEngine) -> AsyncIterator[FakeEngine]:
    """Have `engine` run for a while."""
    await engine.start()
    try:
        yield engine
    finally:
        await engine.stop()
