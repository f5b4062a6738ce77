"""The engine: one process for each call and side, in which all its actors live. It has no screen.

    screens ──commands──► engine ──► chat ──say──► session ══ lanes ══ relay ══ …
       ▲                                ◄──news──
       └──────────events (numbered, remembered in the record)──────────┘

It begins idle, waits for one of MakeCode, EnterCode, OpenPlain, runs that call, and ends with it. Screens come and
go meanwhile.
"""

import logging
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import platformdirs
import trio

from actors import runfolder
from actors.audio import carrier as audio_lane
from actors.audio.channel import INBOX_ITEMS as AUDIO_ITEMS
from actors.audio.channel import Asked as AskedOfSound
from actors.audio.channel import audio
from actors.audio.frames import LANE_LIMIT as LANE_OF_SOUND
from actors.burned import burn, is_burned
from actors.chat import ChatCommand, chat
from actors.code import CodeError, parse_code
from actors.dial import DialError, Dialler, dialler
from actors.epoch import SessionOver
from actors.files.carrier import ARRIVALS, DEPTH, Arrival
from actors.files.carrier import NAME as LANE
from actors.files.channel import INBOX_ITEMS, Asked, FilesOf, files
from actors.files.packets import LANE_LIMIT
from actors.files.taking import STDOUT
from actors.files.walk import STDIN
from actors.lanes import LanePort
from actors.messages import (
    AnswerOffer,
    AnyCommand,
    AnyEvent,
    Attach,
    CancelTransfer,
    CodeBurned,
    CommandRefused,
    Emit,
    Ended,
    EnterCode,
    Failed,
    FileCommand,
    Hang,
    LinkChanged,
    ListOffer,
    MakeCode,
    OfferFiles,
    OfferRefused,
    OpenPlain,
    PhaseChanged,
    PictureTaken,
    PutFirst,
    SendText,
    SessionOpened,
    SetName,
    SetTyping,
    SoundCommand,
    TextRefused,
    VideoCommand,
    WatchPicture,
)
from actors.news import AudioNews, ChatNews, FileNews, Post, VideoNews
from actors.pairing import CodeBurnedError, join_maker, wait_for_joiner
from actors.peer import Name
from actors.plain import PlainEnded, plain
from actors.record import Record
from actors.screens import Screens
from actors.seal import Role, SessionKeys
from actors.session import Session
from actors.store.database import store_path
from actors.video import carrier as video_lane
from actors.video.channel import INBOX_ITEMS as VIDEO_ITEMS
from actors.video.channel import Asked as AskedOfVideo
from actors.video.channel import video
from relay import limits, wire
from relay.visible import cut

log = logging.getLogger("visavis.engine")

DEVICE_VARIABLES: Final = ("DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY", "PULSE_SERVER")
_FLUSH_SECONDS: Final = 2.0  # for screens to be told of the end
_INBOX_ITEMS: Final = 64  # of the chat: enough that a burst of acknowledgements need not wait for it


class Engine:
    """The supervisor: takes commands, runs one call, tells every screen what happens."""

    def __init__(self, name: str, display_name: str, *, stdio: bool) -> None:
        self._stdio = stdio
        self._name = display_name
        self._record = Record(name, display_name)
        self._commands_in, self._commands = trio.open_memory_channel[tuple[AnyCommand, Emit]](_INBOX_ITEMS)
        self._screens = Screens(self._record, self._commands_in)
        self._chat: trio.MemorySendChannel[ChatCommand | ChatNews] | None = None  # while there is someone to talk to
        self._files: trio.MemorySendChannel[Asked | FileNews] | None = None  # in a call
        self._video: trio.MemorySendChannel[AskedOfVideo | VideoNews] | None = None
        self._audio: trio.MemorySendChannel[AskedOfSound | AudioNews] | None = None
        self._busy_at = trio.current_time()  # when there was last a screen, a code or a call
        self._closing = False  # the call is over, its last news are being told
        self._ended = trio.Event()

    async def run(self, listener: trio.SocketListener) -> None:
        """Serve screens and the call until it is over, then tell them and return."""
        async with trio.open_nursery() as nursery:
            self._calls = nursery
            nursery.start_soon(self._screens.serve, listener)
            nursery.start_soon(self._take_commands)
            nursery.start_soon(self._watch_unwatched)
            nursery.start_soon(self._watch_signals)
            if self._stdio:
                nursery.start_soon(self._serve_stdio)
            await self._ended.wait()
            with trio.move_on_after(_FLUSH_SECONDS):
                await self._screens.wait_flushed()
            nursery.cancel_scope.cancel()

    # --- what may end it -----------------------------------------------------------------------------------------

    def _end(self, cause: str, detail: str = "") -> None:
        if not self._ended.is_set():
            log.info("ended: %s %s", cause, detail)
            self._emit(Ended(cause=cause, detail=detail))
            self._ended.set()

    async def _serve_stdio(self) -> None:
        await self._screens.serve_stdio()
        await self._ask_hang()  # nobody reads any longer

    async def _watch_signals(self) -> None:
        with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
            async for _ in signals:
                await self._ask_hang()

    async def _ask_hang(self) -> None:
        await self._commands_in.send((Hang(), lambda event: None))  # behind what was asked before

    async def _watch_unwatched(self) -> None:
        while True:
            await trio.sleep(1)
            unwatched_since = max(self._screens.left_at, self._busy_at)
            if self._screens.count or self._record.snapshot.phase not in ("idle", "dialling"):
                self._busy_at = trio.current_time()
            elif trio.current_time() - unwatched_since >= limits.UNWATCHED_SECONDS:
                self._end("unwatched")

    # --- commands ------------------------------------------------------------------------------------------------

    async def _take_commands(self) -> None:
        async for command, reply in self._commands:
            log.debug("command %s", type(command).__name__)
            await self._take_command(command, reply)

    async def _take_command(self, command: AnyCommand, reply: Emit) -> None:
        match command:
            case Attach():
                # As tmux's update-environment: devices are those of the terminal that came last.
                os.environ.update({k: command.environment[k] for k in DEVICE_VARIABLES if k in command.environment})
            case MakeCode():
                self._start(reply, command.relay, self._make)
            case EnterCode():
                self._start(reply, command.relay, self._enter, command.code)
            case OpenPlain():
                self._start(reply, command.relay, self._open_plain)
            case SendText() | SetTyping() | SetName():
                if isinstance(command, SetName):
                    self._name = command.name
                    self._record.rename(command.name)
                if not await self._tell_chat(command) and isinstance(command, SendText):
                    reply(TextRefused(id=command.id, cause="no-call"))
            case OfferFiles() | AnswerOffer() | CancelTransfer() | PutFirst() | ListOffer():
                await self._tell_files(command, reply)
            case Hang():
                if not await self._tell_chat(command) and not self._closing:
                    self._end("hung")
            case _ if isinstance(command, SoundCommand):
                await self._tell_audio(command, reply)
            case _:
                await self._tell_video(command, reply)

    async def _tell_chat(self, command: ChatCommand) -> bool:
        """Hand the command to the chat, in its turn; False if there is none."""
        return await _handed(self._chat, command)

    async def _tell_files(self, command: FileCommand, reply: Emit) -> None:
        """Hand the command to the file channel, in its turn."""
        if self._stdio and isinstance(command, OfferFiles) and STDIN in command.paths:
            reply(OfferRefused(id=command.id, cause="stdio"))
            return
        if self._stdio and isinstance(command, AnswerOffer) and command.folder == STDOUT:
            reply(CommandRefused(cause="stdio", transfer=command.transfer))
            return
        if await _handed(self._files, (command, reply)):
            return
        if isinstance(command, OfferFiles):
            reply(OfferRefused(id=command.id, cause="no-call"))
        else:
            reply(CommandRefused(cause="no-call", transfer=command.transfer))

    async def _tell_video(self, command: VideoCommand, reply: Emit) -> None:
        """Hand the command to the video channel, in its turn."""
        if not await _handed(self._video, (command, reply)) and not isinstance(command, WatchPicture | PictureTaken):
            reply(CommandRefused(cause="no-call"))

    async def _tell_audio(self, command: SoundCommand, reply: Emit) -> None:
        """Hand the command to the audio channel, in its turn."""
        if not await _handed(self._audio, (command, reply)):
            reply(CommandRefused(cause="no-call"))

    def _start(self, reply: Emit, relay: str, call: Callable[..., Awaitable[None]], *arguments: str) -> None:
        if self._record.snapshot.phase != "idle":
            reply(CommandRefused(cause="phase", detail=self._record.snapshot.phase))
            return
        relay = cut(relay, limits.ADDRESS_CHARACTERS)  # it goes into every snapshot
        self._emit(PhaseChanged(phase="dialling", relay=relay))
        self._calls.start_soon(self._run_call, relay, call, *arguments)

    # --- the call ------------------------------------------------------------------------------------------------

    async def _run_call(self, relay: str, call: Callable[..., Awaitable[None]], *arguments: str) -> None:
        try:
            await call(relay, *arguments)
        except (DialError, CodeError) as error:
            cause = error.cause if isinstance(error, DialError) else error.code
            log.info("failed: %s", cause)
            self._emit(Failed(cause=cause, detail=error.detail))
            self._emit(PhaseChanged(phase="idle"))
        except CodeBurnedError as error:
            log.info("code burned: %s", error.cause)
            self._emit(CodeBurned(cause=error.cause))
            self._emit(PhaseChanged(phase="idle"))

    async def _make(self, relay: str) -> None:
        dial = dialler(relay)
        await self._converse("A", await wait_for_joiner(dial, relay, self._emit), dial)

    async def _enter(self, relay: str, text: str) -> None:
        code = parse_code(text)
        dial = dialler(relay)
        if is_burned(code):
            raise DialError("code-burned")
        self._emit(PhaseChanged(phase="pairing"))
        await self._converse("B", await join_maker(dial, code, burn), dial)

    async def _converse(self, role: Role, keys: SessionKeys, dial: Dialler) -> None:
        """Run the session, and the chat over it, till the call is over; then end the engine."""
        chat_in, chat_inbox = trio.open_memory_channel[ChatCommand | ChatNews](_INBOX_ITEMS)
        files_in, files_inbox = trio.open_memory_channel[Asked | FileNews](INBOX_ITEMS)
        arriving, arrivals = trio.open_memory_channel[Arrival](ARRIVALS)
        video_in, video_inbox = trio.open_memory_channel[AskedOfVideo | VideoNews](VIDEO_ITEMS)
        seeing, sights = trio.open_memory_channel[video_lane.Arrival](video_lane.ARRIVALS)
        audio_in, audio_inbox = trio.open_memory_channel[AskedOfSound | AudioNews](AUDIO_ITEMS)
        hearing, sounds = trio.open_memory_channel[audio_lane.Arrival](audio_lane.ARRIVALS)
        ports = {
            LANE: LanePort(LANE, arriving, DEPTH, LANE_LIMIT),
            video_lane.NAME: LanePort(video_lane.NAME, seeing, 1, video_lane.LANE_LIMIT, live=True),
            audio_lane.NAME: LanePort(audio_lane.NAME, hearing, 1, LANE_OF_SOUND, live=True),
        }
        session = Session(keys, role, dial, Post(chat_in, files_in, video_in, audio_in), self._emit, ports)
        session.say(Name(self._name))
        self._emit(SessionOpened(verification=keys.verification))
        self._emit(PhaseChanged(phase="call"))
        facts = FilesOf(role, keys.room, store_path(), lambda: self._record.snapshot.link)
        over = SessionOver("hung")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(chat, chat_inbox, session, self._emit)
            nursery.start_soon(files, files_inbox, arrivals, session, self._emit, facts)
            nursery.start_soon(video, video_inbox, sights, session, self._emit, audio_in.clone())
            nursery.start_soon(audio, audio_inbox, sounds, session, self._emit)
            with (
                chat_in,
                files_in,
                arriving,
                video_in,
                seeing,
                audio_in,
                hearing,
                chat_in.clone() as self._chat,
                files_in.clone() as self._files,
                video_in.clone() as self._video,
                audio_in.clone() as self._audio,
            ):
                try:
                    await session.run()
                except SessionOver as error:
                    over = error
            # Every sender is closed: the actors take what is left in their inboxes, then return.
            self._chat = self._files = self._video = self._audio = None
            self._closing = True
        if session.skipped:
            log.info("skipped %d packets of kinds unknown to this version", session.skipped)
        self._end(over.cause, over.detail)

    async def _open_plain(self, relay: str) -> None:
        """Speak the original's protocol till the connection ends; nothing of a session is touched."""
        try:
            address = wire.parse_address(relay)
        except ValueError:
            raise DialError("relay-address", relay) from None
        commands, inbox = trio.open_memory_channel[
            ChatCommand | ChatNews | Asked | FileNews | AskedOfVideo | VideoNews | AskedOfSound | AudioNews
        ](_INBOX_ITEMS)

        def emit(event: AnyEvent) -> None:
            if isinstance(event, LinkChanged):
                self._emit(PhaseChanged(phase="plain"))
                self._chat = self._files = self._video = self._audio = commands
            self._emit(event)

        over = PlainEnded("hung")
        with commands:
            try:
                await plain(address, inbox, emit)
            except PlainEnded as end:
                over = end
        if self._chat is None:
            raise DialError(over.cause, over.detail)
        self._chat = self._files = self._video = self._audio = None
        self._end(over.cause, over.detail)

    def _emit(self, event: AnyEvent) -> None:
        if not self._ended.is_set():  # Ended is the last that anyone hears
            self._screens.emit(event)


async def _handed(channel: trio.MemorySendChannel[Any] | None, item: object) -> bool:
    """Put `item` into a channel's inbox; False if there is none, or it ended while this waited its turn."""
    if channel is not None:
        with suppress(trio.ClosedResourceError, trio.BrokenResourceError):
            await channel.send(item)
            return True
    return False


def main(*, stdio: bool, ready_fd: int | None, name: str) -> int:
    """Be an engine until its call is over; return the exit code.

    `name` is how the person is called. With `stdio`, commands and events are JSON lines on standard input and
    output. Otherwise the engine is detached: it ignores SIGHUP, logs to a file, and writes to `ready_fd` one line,
    its own name or `error CODE DETAIL`.
    """
    try:
        engine_name, lock = runfolder.claim_name()
        path = runfolder.socket_path(engine_name)
        listener = _listen(path)
    except (runfolder.RunFolderError, OSError) as error:
        code, detail = (
            (error.code, str(error.path)) if isinstance(error, runfolder.RunFolderError) else ("unwritable", str(error))
        )
        _say_ready(ready_fd, f"error {code} {detail}")
        if stdio:
            sys.stderr.write(f"error {code} {detail}\n")
        return 1
    if not stdio:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        _log_to_file(engine_name)
    _say_ready(ready_fd, engine_name)
    try:
        trio.run(_run, engine_name, clean_name(name), stdio, listener)
    finally:
        with suppress(FileNotFoundError):
            path.unlink()
        os.close(lock)
    return 0


def clean_name(name: str) -> str:
    """Return a display name that can be sent: valid Unicode, 1 to 64 characters."""
    return name.encode("utf-8", "replace").decode().strip()[: limits.NAME_CHARACTERS] or "?"


async def _run(engine_name: str, name: str, stdio: bool, listening: socket.socket) -> None:
    listener = trio.SocketListener(trio.socket.from_stdlib_socket(listening))
    await Engine(engine_name, name, stdio=stdio).run(listener)


def _listen(path: Path) -> socket.socket:
    """Listen on a Unix socket that only we can open. What is at `path` is stale: its lock was free."""
    with suppress(FileNotFoundError):
        path.unlink()
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    mask = os.umask(0o177)
    try:
        listening.bind(str(path))
    finally:
        os.umask(mask)
    listening.listen()
    return listening


def log_path(engine_name: str) -> Path:
    """Return the file that the engine of this name logs to."""
    return platformdirs.user_log_path("visavis") / f"engine-{engine_name}.log"


def _log_to_file(engine_name: str) -> None:
    """Send the log, and whatever native libraries write to descriptor 2, to a file of our own."""
    path = log_path(engine_name)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    os.dup2(descriptor, 2)
    os.close(descriptor)
    logging.basicConfig(format="%(asctime)s %(name)s %(levelname)s %(message)s", level=logging.INFO)


def _say_ready(ready_fd: int | None, line: str) -> None:
    if ready_fd is not None:
        with os.fdopen(ready_fd, "w") as ready:
            ready.write(line + "\n")
