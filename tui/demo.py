"""`visavis demo`: a relay and a peer that answers, on this machine alone, and the same parts as between two people.

1. A run folder of its own, so that nothing of the demo is taken for the person's calls.
2. `visavis relay` on a free loopback port.
3. `visavis engine --stdio` makes a code there and becomes the peer.
4. Without --once the screen joins by that code, in a process of its own; with it a second `visavis engine --stdio`.

Whatever way it ends, everything it started is ended, in the opposite order.
"""

import asyncio
import contextlib
import os
import signal
import socket
import sys
import time
import wave
from array import array
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from importlib.util import find_spec
from pathlib import Path, PurePath
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from actors.messages import (
    AnswerOffer,
    Ended,
    EnterCode,
    Hang,
    OfferFiles,
    OpenSpeaker,
    PeerSoundChanged,
    SendText,
    SessionOpened,
    SoundMeasured,
    TextDelivered,
    TextReceived,
    VideoMeasured,
)
from actors.runfolder import engine_names, socket_path
from relay.visible import visible
from tui.demo_parts import END_SECONDS, PICTURE, DemoError, Engine, Peer, open_engine, open_relay, open_screen
from tui.link import Link
from tui.transfers import size_words
from tui.words.catalogue import say

if TYPE_CHECKING:
    from tui.app import VisavisApp

ONCE_SECONDS: Final = 60.0  # the whole exchange takes two on a good machine
STEP_SECONDS: Final = 20.0  # for the peer's part before there is a screen
FILE_BYTES: Final = 5_000_000  # of the file that is played: two blocks
HEARD: Final = "heard.wav"
HEARD_SECONDS: Final = 3.0  # of a voice that speaks for five, pauses left out
LOUD: Final = 1000  # of 32768
FRAMES: Final = 15  # that are waited for: a second of them
TYPING_SECONDS: Final = 0.6  # the peer "types": long enough to be seen
_LOCAL_PEERPID: Final = 2  # macOS: <sys/un.h>


# --- how it is played ----------------------------------------------------------------------------------------------


def play() -> int:
    """Show the screen in a call with the peer; return its exit code once everything has ended."""
    return _play(_show)


def play_once() -> int:
    """Play one exchange without a screen and print what happens; return 0, or 1 with a sentence if anything fails."""
    return _play(_exchange)


class _Tale:
    """Knows what is being tried, for the sentence if it fails, and prints what was done."""

    step = "relay"

    def tell(self, did: str, **fields: object) -> None:
        print(say(f"demo.did.{did}", **fields), flush=True)


def _play(work: Callable[[_Tale], Coroutine[None, None, int]]) -> int:
    tale = _Tale()
    with _own_run_folder():
        try:
            return asyncio.run(_stopped_by_signals(work(tale)))
        except TimeoutError:
            reason = say("demo.late")
        except DemoError as error:
            reason = str(error)
        finally:
            with _deaf():
                asyncio.run(_end_engines())
    print(say("demo.failed", step=say(f"demo.step.{tale.step}"), reason=reason), file=sys.stderr)
    return 1


async def _show(tale: _Tale) -> int:
    async with contextlib.AsyncExitStack() as parts:
        async with asyncio.timeout(STEP_SECONDS):
            relay = await parts.enter_async_context(open_relay())
            tale.step = "engines"
            engine = await parts.enter_async_context(open_engine(say("demo.peer")))
            tale.step = "code"
            peer = Peer(engine, relay, _folder("peer"), TYPING_SECONDS)
            code = await peer.make_code()
        await parts.enter_async_context(_beside(peer.converse()))
        # A process of its own, in our terminal: however it ends, we are there to end the rest.
        screen = await parts.enter_async_context(open_screen(relay, code))
        status = await screen.wait()
        return status if status >= 0 else 128 - status


def make_screen(relay: str, code: str) -> "VisavisApp":
    """Return the demo's screen, which joins at `relay` by `code`."""
    from tui.app import VisavisApp

    return VisavisApp(start=EnterCode(relay, code), relay=relay, demo=True)


async def _exchange(tale: _Tale) -> int:
    async with asyncio.timeout(ONCE_SECONDS), contextlib.AsyncExitStack() as parts:
        relay = await parts.enter_async_context(open_relay())
        tale.tell("relay", relay=relay)
        tale.step = "engines"
        theirs = await parts.enter_async_context(open_engine(say("demo.peer")))
        ours = await parts.enter_async_context(open_engine())
        tale.step = "code"
        peer = Peer(theirs, relay, _folder("peer"), pause=0.0)
        code = await peer.make_code()
        tale.tell("code", code=code)
        conversation = await parts.enter_async_context(_beside(peer.converse()))

        tale.step = "pair"
        ours.send(EnterCode(relay, code))
        words = (await ours.wait_event(SessionOpened)).verification
        ours.send(OpenSpeaker(file=str(_folder("ours") / HEARD)))
        greeting = await ours.wait_event(TextReceived)
        if words != peer.verification:
            raise DemoError(say("demo.differ"))
        tale.tell("pair", words=" ".join(words))
        tale.tell("greet", text=_one_line(greeting.text))

        tale.step = "send"
        text = say("demo.line")
        began = time.perf_counter()
        ours.send(SendText("once-1", text))
        tale.tell("send", text=text)
        await ours.wait_event(TextDelivered)
        tale.tell("deliver", milliseconds=(time.perf_counter() - began) * 1000)
        tale.step = "answer"
        answer = await ours.wait_event(TextReceived)
        took = (time.perf_counter() - began) * 1000
        tale.tell("answer", text=_one_line(answer.text))
        tale.tell("time", milliseconds=took)

        tale.step = "video"
        await _watch(tale, ours)
        tale.step = "file"
        await _exchange_files(tale, ours)
        tale.step = "sound"
        await _listen(tale, ours)
        tale.step = "hang"
        ours.send(Hang())
        await ours.wait_event(Ended)
        await conversation
        await ours.wait_exit()
        await theirs.wait_exit()
        tale.tell("hang")
    return 0


async def _watch(tale: _Tale, ours: Engine) -> None:
    """See that the peer's picture moves; where video is not installed, say so."""
    if find_spec("cv2") is None:
        tale.tell("no-video")
        return
    while (flow := (await ours.wait_event(VideoMeasured)).peer).sent < FRAMES:
        pass
    if (flow.width, flow.height) != PICTURE[:2]:
        raise DemoError(say("demo.picture.differs"))
    tale.tell("video", frames=flow.sent, width=flow.width, height=flow.height, rate=flow.rate)


async def _listen(tale: _Tale, ours: Engine) -> None:
    """See that the peer was heard, all it says; where sound is not installed, say so."""
    if find_spec("soxr") is None:
        tale.tell("no-sound")
        return
    age = 0.0
    while not (ended := ours.last_of(PeerSoundChanged)) or ended.sound.state != "off" or not age:
        measured = await ours.wait_event(SoundMeasured)
        age = measured.age_ms or age
    seconds = _loud_seconds(_folder("ours") / HEARD)
    if seconds < HEARD_SECONDS:
        raise DemoError(say("demo.sound.silent"))
    tale.tell("sound", seconds=seconds, milliseconds=age)


def _loud_seconds(path: Path) -> float:
    """Return for how long somebody speaks in a WAV file of 16 bit; it may still be written."""
    with wave.open(str(path), "rb") as file:
        samples = array("h", file.readframes(file.getnframes()))
        step = file.getframerate() // 50
    loud = sum(max(samples[at : at + step]) > LOUD for at in range(0, len(samples), step))
    return loud / 50


async def _exchange_files(tale: _Tale, ours: Engine) -> None:
    file = _folder("ours") / say("demo.file.name")
    content = os.urandom(FILE_BYTES)
    file.write_bytes(content)
    began = time.perf_counter()
    ours.send(OfferFiles("once-2", (str(file),)))
    tale.tell("offer", name=file.name, size=size_words(FILE_BYTES))
    await ours.wait_transfer(True, "done")
    tale.tell("take", milliseconds=(time.perf_counter() - began) * 1000)
    if (_folder("peer") / file.name).read_bytes() != content:
        raise DemoError(say("demo.file.differs"))
    back = await ours.wait_transfer(False, "offered")
    ours.send(AnswerOffer(back.id, True, str(_folder("back"))))
    receipt = _folder("back") / PurePath((await ours.wait_transfer(False, "done")).path).name
    tale.tell("back", name=visible(receipt.name), text=_one_line(receipt.read_text("utf-8")))


def _folder(name: str) -> Path:
    """Return a folder of the demo's own: it goes with its run folder."""
    folder = Path(os.environ["VISAVIS_RUN"]) / name
    folder.mkdir(exist_ok=True)
    return folder


def _one_line(text: str) -> str:
    return visible(" ".join(text.split()))


# --- nothing is left behind ----------------------------------------------------------------------------------------


@contextlib.contextmanager
def _own_run_folder() -> Iterator[None]:
    before = os.environ.get("VISAVIS_RUN")
    with TemporaryDirectory(prefix="visavis-demo-") as folder:  # made for us alone: 0700
        os.environ["VISAVIS_RUN"] = folder
        try:
            yield
        finally:
            del os.environ["VISAVIS_RUN"]
            if before is not None:
                os.environ["VISAVIS_RUN"] = before


@contextlib.asynccontextmanager
async def _beside(work: Coroutine[None, None, None]) -> AsyncIterator["asyncio.Task[None]"]:
    """Run `work` while the block runs; at its end cancel it."""
    task = asyncio.create_task(work)
    try:
        yield task
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError, DemoError):
            await task


async def _stopped_by_signals(work: Coroutine[None, None, int]) -> int:
    """Do `work`; SIGTERM and SIGHUP (a closed terminal) cancel it, once, so that what it started is ended."""
    task, loop = asyncio.current_task(), asyncio.get_running_loop()
    came: list[int] = []

    def stop(number: int) -> None:
        if task is not None and not came:
            task.cancel()
        came.append(number)

    for number in (signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop, number)
    try:
        return await work
    except asyncio.CancelledError:
        if came:
            return 128 + came[0]
        raise


@contextlib.contextmanager
def _deaf() -> Iterator[None]:
    """Let no signal keep us from ending what we started; it takes some seconds at most."""
    before = {
        number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


async def _end_engines() -> None:
    """End every engine of the demo's run folder: the screen's, if the screen was torn away from it."""
    for name in engine_names():
        link = Link(name)
        link.send(Hang())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(END_SECONDS):
                async for _ in link.events():
                    pass
        if name in engine_names():
            _kill(name)


def _kill(name: str) -> None:
    with socket.socket(socket.AF_UNIX) as connection, contextlib.suppress(OSError):
        connection.settimeout(END_SECONDS)
        connection.connect(str(socket_path(name)))
        if hasattr(socket, "SO_PEERCRED"):
            process = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED)
        else:
            process = connection.getsockopt(0, _LOCAL_PEERPID)
        os.kill(process, signal.SIGKILL)
