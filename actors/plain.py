"""The original's protocol as a client: chat, files, pictures and sound in clear. It shares no session.

connect            ───▶  (nothing is said: an original server pairs at accept)
TEX0, UTF-8        ◀──▶  a line
FHD0 FCH0 … FEND   ◀──▶  a file (actors/plain_files.py, plain_sending.py, plain_receiving.py)
VID0               ◀──▶  a frame of video (actors/plain_video.py)
IMG0               ◀──▶  an image, kept as a file, and shown
AUD0               ◀──▶  sound (actors/plain_audio.py)
VH26               ◀───  skipped, piece by piece, and counted
REJ                ◀───  two are there already; three bare bytes, then the end
"""

import contextlib
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, Final

import trio

from actors import dial
from actors.chat import refusal
from actors.messages import (
    AnswerOffer,
    CancelTransfer,
    CommandRefused,
    Emit,
    FileCommand,
    Hang,
    LinkChanged,
    ListOffer,
    MediaSkipped,
    OfferFiles,
    PutFirst,
    SendText,
    SoundCommand,
    TextQueued,
    TextReceived,
    TextRefused,
    TextSent,
    VideoCommand,
)
from actors.plain_audio import PlainAudio
from actors.plain_reader import Piece, PlainReader
from actors.plain_reader import PlainEnded as PlainEnded
from actors.plain_receiving import Receiver
from actors.plain_sending import Sender
from actors.plain_video import PlainVideo
from relay import limits, wire

_RECEIVE_BYTES: Final = 256 * limits.KIB  # a trip to the disk for each

Asked = tuple[FileCommand | VideoCommand | SoundCommand, Emit]  # and where its refusal goes


class _Outlet:
    """What waits to be sent: texts first, then sound, then in turn a frame of video and the next packet of a file."""

    def __init__(self) -> None:
        self._texts: deque[SendText] = deque()
        self._packet: bytes | bytearray = b""
        self._sent = trio.Event()  # that packet
        self._putting = trio.Lock()
        self._sound = b""
        self._sound_sent = trio.Event()
        self._frame = b""
        self._frame_sent = trio.Event()
        self._files_turn = False
        self._closing = False
        self._wake = trio.Event()

    def add_text(self, command: SendText) -> bool:
        """Send this text in its turn; False if too many wait."""
        if len(self._texts) == limits.PLAIN_TEXTS:
            return False
        self._texts.append(command)
        self._wake.set()
        return True

    async def put(self, packet: bytes | bytearray) -> None:
        """Send this packet once no text waits; return when it is with the kernel."""
        async with self._putting:
            self._packet, self._sent = packet, trio.Event()
            self._wake.set()
            await self._sent.wait()

    async def put_sound(self, packet: bytes) -> None:
        """The same of a piece of sound, before all but texts. One at a time."""
        self._sound, self._sound_sent = packet, trio.Event()
        self._wake.set()
        await self._sound_sent.wait()

    async def put_frame(self, packet: bytes) -> None:
        """The same of a frame of video, beside files. One at a time."""
        self._frame, self._frame_sent = packet, trio.Event()
        self._wake.set()
        await self._frame_sent.wait()

    def close(self) -> None:
        """Let `write` return when it has sent everything."""
        self._closing = True
        self._wake.set()

    async def write(self, send: Callable[[bytes | bytearray], Awaitable[None]], emit: Emit) -> None:
        """Send what waits, until it is closed; emits TextSent. Cancelled, it may leave half a packet on the wire."""
        while True:
            if self._texts:
                command = self._texts.popleft()
                await send(wire.encode(wire.TEXT, command.text.encode()))
                emit(TextSent(id=command.id))
            elif self._sound:
                await send(self._sound)
                self._sound = b""
                self._sound_sent.set()
            elif self._frame and not (self._packet and self._files_turn):
                await send(self._frame)
                self._frame, self._files_turn = b"", True
                self._frame_sent.set()
            elif self._packet:
                await send(self._packet)
                self._packet, self._files_turn = b"", False
                self._sent.set()
            elif self._closing:
                return
            else:
                self._wake = trio.Event()
                await self._wake.wait()


async def plain(
    relay: tuple[str, int],
    inbox: trio.MemoryReceiveChannel[Any],
    emit: Emit,
    *,
    clock: Callable[[], float] = time.time,
) -> None:
    """Be a client of the original's server, or of our relay's lobby, at `relay` (host and port) until it ends.

    Takes `SendText`, answered with `TextQueued` or `TextRefused`, and with the place for a refusal each, `OfferFiles`
    (one file at a time; sent at once, behind every text that waits) and `CancelTransfer`; other commands mean nothing
    here, but those about video and sound, which go to the channels of this call and make their events. Emits
    `LinkChanged` joined once connected (whether someone is at the other end nobody says), `TextSent` when a text is
    with the kernel, `TextReceived` with ids plain-1, plain-2…, `TransferChanged` and `TransferProgressed` for files
    both ways, `MediaSkipped` with the counts so far, at once and then at most once in `limits.SKIPPED_REPORT_SECONDS`.
    `clock` gives UNIX seconds for what people see. It never keeps the sender of its inbox waiting: past PLAIN_TEXTS a
    text that can't leave is refused. Nothing is read while our disk does not keep up with a file that comes.

    Returns when `inbox` was closed by its sender, or brought Hang: what was queued is sent first, and a file ended
    early, as far as that can be done within `limits.LINGER_SECONDS`, and what comes within as long again still taken.
    Raises `PlainEnded` when the connection ends, or was not to be had; does not connect again. Cancelling closes the
    connection at once; a text may then be cut in its middle. Either way files under way fail, "call-over".
    """
    try:
        stream = await dial.open_stream(*relay)
    except dial.DialError as error:
        raise PlainEnded(error.cause, error.detail) from None

    reader = PlainReader()
    outlet = _Outlet()
    reported: dict[str, int] = {}
    skipped_more = trio.Event()
    leaving = trio.CancelScope()

    async def accept(sender: Sender, receiver: Receiver, video: PlainVideo, audio: PlainAudio) -> None:
        used: set[str] = set()
        with inbox:
            async for command in inbox:
                match command:
                    case Hang():
                        break
                    case SendText(id=line_id, text=text):
                        cause = refusal(text) or ("repeated" if line_id in used else "")
                        if not cause:
                            used.add(line_id)
                            if not outlet.add_text(command):
                                cause = "queue-full"
                        emit(
                            TextRefused(id=line_id, cause=cause)
                            if cause
                            else TextQueued(id=line_id, text=text, at=clock())
                        )
                    case (OfferFiles() as offer, reply):
                        sender.offer(offer, reply)
                    case (CancelTransfer(transfer=number), reply):
                        if not (sender.cancel(number) or receiver.cancel(number)):
                            reply(CommandRefused(cause="no-transfer", detail=str(number), transfer=number))
                    case (AnswerOffer() | PutFirst() | ListOffer() as asked, reply):
                        reply(CommandRefused(cause="phase", detail="plain", transfer=asked.transfer))
                    case (asked, reply) if isinstance(asked, SoundCommand):
                        await audio.take_command((asked, reply))
                    case (asked, reply):
                        await video.take_command((asked, reply))
                    case _:
                        pass
        # A peer that does not read can't keep us: what it has not taken by then is cut off.
        leaving.deadline = trio.current_time() + limits.LINGER_SECONDS
        await sender.leave()
        outlet.close()

    async def read(receiver: Receiver, video: PlainVideo, audio: PlainAudio) -> None:
        texts = 0
        while True:
            try:
                data = await stream.receive_some(_RECEIVE_BYTES)
            except trio.BrokenResourceError:
                data = b""
            if not data:
                raise PlainEnded("cut")
            reader.feed(data)
            pieces: list[Piece] = []
            frame = b""
            try:
                while (found := reader.next()) is not None:
                    if isinstance(found, Piece) and found.type == wire.VIDEO:
                        frame = found.data  # of some that came together the newest
                    elif isinstance(found, Piece) and found.type == wire.AUDIO:
                        audio.take(found.data)
                    elif isinstance(found, Piece):
                        pieces.append(found)
                    else:
                        texts += 1
                        emit(TextReceived(id=f"plain-{texts}", text=found, at=clock()))
            finally:
                if frame:
                    video.take_frame(frame)
                await receiver.take(pieces)
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

    async def send(packet: bytes | bytearray) -> None:
        try:
            await stream.send_all(packet)
        except trio.BrokenResourceError:
            raise PlainEnded("cut") from None

    ended: PlainEnded | None = None
    hung = False
    async with stream:
        emit(LinkChanged(link="joined", since=clock()))
        try:
            async with trio.open_nursery() as nursery:
                sender = Sender(emit, outlet.put, nursery)
                audio = PlainAudio(outlet.put_sound, nursery, emit)
                video = PlainVideo(outlet.put_frame, outlet.put, nursery, emit, audio.films)
                receiver = Receiver(emit, reader.skipped, nursery, video.take_image)
                nursery.start_soon(accept, sender, receiver, video, audio)
                nursery.start_soon(read, receiver, video, audio)
                nursery.start_soon(report)
                with leaving:
                    await outlet.write(send, emit)
                    with contextlib.suppress(trio.BrokenResourceError):
                        await stream.send_eof()
                hung = True
                video.close()
                audio.close()
                await trio.sleep(limits.LINGER_SECONDS)
                nursery.cancel_scope.cancel()
        except* PlainEnded as group:
            ended = next(error for error in group.exceptions if isinstance(error, PlainEnded))
        finally:
            with trio.CancelScope(shield=True):
                await receiver.close()
        report_now()
    if ended is not None and not hung:
        raise ended
