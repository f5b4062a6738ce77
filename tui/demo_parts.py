"""The demo's parts: a relay and engines as processes of their own, driven from here, and the peer who answers."""

import asyncio
import contextlib
import hashlib
import os
import signal
import sys
from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path, PurePath
from typing import Any, Final, TypeVar

from actors.messages import (
    OVER,
    AnswerOffer,
    AnyCommand,
    AnyEvent,
    CodeBurned,
    CodeMade,
    CommandRefused,
    Ended,
    Failed,
    LinkChanged,
    MakeCode,
    OfferFiles,
    OfferRefused,
    OpenMicrophone,
    SendText,
    SessionOpened,
    SetTyping,
    ShowVideo,
    TextReceived,
    TextRefused,
    Transfer,
    TransferChanged,
    TuneVideo,
    decode_event,
    encode,
)
from relay import limits
from relay.visible import visible
from tui.transfers import size_words, why
from tui.words.catalogue import say

VOICE: Final = Path(__file__).with_name("demo.ogg")  # 6.5 s of Opus, said by a machine
PICTURE: Final = (640, 360, 15)  # width, height, frames a second: moves well, and leaves a weak PC in peace
END_SECONDS: Final = 5.0  # what a part may take to end by itself, then it is ended
PROGRAM: Final = (sys.executable, "-P", "-m", "tui.cli")

_Wanted = TypeVar("_Wanted", bound=AnyEvent)


class DemoError(Exception):
    """A part of the demo did not do its own; the text says why."""


@contextlib.asynccontextmanager
async def _running(*arguments: str, name: str = "", stdin: int) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run `visavis` with these arguments; at the end close its input, then ask it, then force it to end."""
    environment = {**os.environ, "VISAVIS_NAME": name} if name else None
    process = await asyncio.create_subprocess_exec(
        *PROGRAM,
        *arguments,
        stdin=stdin,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        limit=2 * limits.CONTROL_BYTES,  # a line is an event
        env=environment,
        start_new_session=True,  # what the terminal does to us is ours to pass on
    )
    try:
        yield process
    finally:
        if process.stdin is not None:
            process.stdin.close()
            await _ended(process)
        await _end(process)


async def _end(process: asyncio.subprocess.Process) -> None:
    for how in (signal.SIGTERM, signal.SIGKILL):
        if process.returncode is None:
            process.send_signal(how)
            await _ended(process)


async def _ended(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(process.wait(), END_SECONDS)


@contextlib.asynccontextmanager
async def open_relay() -> AsyncIterator[str]:
    """Run a relay on a free loopback port; its HOST:PORT. Raises `DemoError`."""
    arguments = ("relay", "--host", "127.0.0.1", "--port", "0", "--drain", "0")
    async with _running(*arguments, stdin=asyncio.subprocess.DEVNULL) as process:
        assert process.stdout is not None
        words = (await process.stdout.readline()).decode().split()
        if words[:2] != ["listening", "on"]:
            raise DemoError(say("demo.gone"))
        yield words[2]


class Engine:
    """An engine without a screen, driven by commands and events as JSON lines."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._last: dict[type[Any], Any] = {}

    def send(self, command: AnyCommand) -> None:
        """Give it a command. One that has ended takes none and says so by the end of its events."""
        assert self._process.stdin is not None
        self._process.stdin.write(encode(command) + b"\n")

    async def next_event(self) -> AnyEvent:
        """Return what it says next. Raises `DemoError` when it has ended."""
        assert self._process.stdout is not None
        line = await self._process.stdout.readline()
        if not line:
            raise DemoError(say("demo.gone"))
        event = decode_event(line)
        self._last[type(event)] = event
        return event

    def last_of(self, kind: type[_Wanted]) -> _Wanted | None:
        """Return the last event of this kind that it said, if any."""
        return self._last.get(kind)

    async def wait_event(self, kind: type[_Wanted]) -> _Wanted:
        """Return the next event of this kind, passing over others. Raises `DemoError` for one that tells of failure."""
        while True:
            event = await self.next_event()
            if isinstance(event, kind):
                return event
            if isinstance(event, Failed | CodeBurned | CommandRefused | TextRefused | OfferRefused | Ended):
                name, detail = type(event).__name__, getattr(event, "detail", "")
                raise DemoError(say("demo.said", event=name, cause=event.cause, detail=visible(detail)).rstrip())

    async def wait_transfer(self, mine: bool, *states: str) -> Transfer:
        """Return the next transfer, of ours or the peer's, that reaches one of these states. Raises `DemoError`, too,
        for one that comes to nothing."""
        while True:
            transfer = (await self.wait_event(TransferChanged)).transfer
            if transfer.mine == mine and transfer.state in states:
                return transfer
            if transfer.state in OVER - {"done"}:
                raise DemoError(
                    say(
                        "demo.said", event=transfer.state, cause=transfer.cause, detail=visible(transfer.detail)
                    ).rstrip()
                )

    async def wait_exit(self) -> None:
        """Wait until it has ended by itself."""
        await self._process.wait()


@contextlib.asynccontextmanager
async def open_engine(name: str = "") -> AsyncIterator[Engine]:
    """Run an engine whose person is called `name` (as set, if empty)."""
    async with _running("engine", "--stdio", name=name, stdin=asyncio.subprocess.PIPE) as process:
        yield Engine(process)


@contextlib.asynccontextmanager
async def open_screen(relay: str, code: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run the demo's screen in our terminal."""
    environment = {**os.environ, "VISAVIS_CODE": code}
    process = await asyncio.create_subprocess_exec(*PROGRAM, "demo", "--screen", relay, env=environment)
    try:
        yield process
    finally:
        await _end(process)


# --- the peer that answers -----------------------------------------------------------------------------------------


class Peer:
    """The other side of the demo: greets whoever joins, by voice too, shows a moving picture, answers every line, takes
    every file and sends one back.

    `folder` is where it keeps what it is sent; `pause` is for how long (seconds) it seems to type.
    """

    def __init__(self, engine: Engine, relay: str, folder: Path, pause: float) -> None:
        self.verification: tuple[str, ...] = ()
        self._folder = folder
        self._engine = engine
        self._relay = relay
        self._pause = pause
        self._ids = (f"demo-{number}" for number in count(1))
        self._receipts = count(1)
        self._greeted = False

    async def make_code(self) -> str:
        """Return a code that waits at the relay. Raises `DemoError`."""
        self._engine.send(MakeCode(self._relay))
        return (await self._engine.wait_event(CodeMade)).code

    async def converse(self) -> None:
        """Greet and answer until the call is over. Raises `DemoError` if the engine ends without a word."""
        while True:
            event = await self._engine.next_event()
            match event:
                case SessionOpened():
                    self.verification = event.verification
                case LinkChanged(link="joined") if not self._greeted:
                    self._greeted = True
                    self._engine.send(TuneVideo(width=PICTURE[0], height=PICTURE[1], rate=PICTURE[2]))
                    self._engine.send(ShowVideo("card"))
                    await self._say(say("demo.hello"))
                    self._engine.send(OpenMicrophone(file=str(VOICE)))
                case TextReceived(text=text) if _as_word(text) == "speak":
                    self._engine.send(OpenMicrophone(file=str(VOICE)))
                case TextReceived():
                    await self._say(self.answer(event.text))
                case TransferChanged(transfer=Transfer(mine=False, state="offered") as offered):
                    self._engine.send(AnswerOffer(offered.id, True, str(self._folder)))
                case CommandRefused(transfer=number) if number:
                    self._engine.send(AnswerOffer(number, False))
                    await self._say(why(event.cause, event.detail))
                case TransferChanged(transfer=Transfer(mine=False, state="done") as taken):
                    await self._give_receipt(taken)
                case Ended():
                    return

    async def _give_receipt(self, taken: Transfer) -> None:
        """Say what came, and offer a file with what is known of it."""
        receipt = await asyncio.to_thread(_write_receipt, self._folder, next(self._receipts), taken)
        files = _counted("files", taken.moved_files)
        await self._say(say("demo.taken", name=visible(PurePath(taken.path).name), files=files))
        self._engine.send(OfferFiles(next(self._ids), (str(receipt),)))

    async def _say(self, text: str) -> None:
        self._engine.send(SetTyping(True))
        await asyncio.sleep(self._pause)
        self._engine.send(SendText(next(self._ids), text))
        self._engine.send(SetTyping(False))

    def answer(self, text: str) -> str:
        """Return what the peer says to `text`."""
        match _as_word(text):
            case "help":
                return say("demo.help")
            case "words":
                return say("demo.words", words=" ".join(self.verification))
            case "relay":
                return say("demo.where", relay=self._relay)
            case "bye":
                return say("demo.bye")
            case _:
                size = len(text.encode("utf-8", "replace"))
                return say("demo.answer", characters=_counted("characters", len(text)), bytes=_counted("bytes", size))


def _as_word(text: str) -> str:
    return text.strip().lower().strip("/!.?")


def _write_receipt(folder: Path, number: int, taken: Transfer) -> Path:
    path = Path(taken.path)
    files = _counted("files", taken.moved_files)
    lines = [say("demo.receipt.what", name=path.name, files=files, size=size_words(taken.moved))]
    if path.is_file():
        with path.open("rb") as file:
            lines.append(say("demo.receipt.hash", hash=hashlib.file_digest(file, "sha256").hexdigest()))
    receipt = folder / say("demo.receipt.name", number=number)
    receipt.write_text("\n".join([*lines, say("demo.receipt.end"), ""]), "utf-8")
    return receipt


def _counted(what: str, number: int) -> str:
    return say(f"demo.{what}.one") if number == 1 else say(f"demo.{what}", count=number)
