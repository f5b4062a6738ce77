"""A call without a screen, as `visavis send` and `visavis receive` are: an engine of its own, followed to its end.

The first Ctrl+C (or SIGTERM) ends what moves and hangs up, the second waits for nobody; neither leaves an engine. A
lost terminal (SIGHUP) leaves the engine running, for `visavis attach`. Exit status: 0 all moved, 1 not, 2 misused, and
128 plus the number of a signal.
"""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Final

from actors.messages import (
    OVER,
    AnyCommand,
    AnyEvent,
    CancelTransfer,
    CodeBurned,
    CodeMade,
    CommandRefused,
    Ended,
    EnterCode,
    EntryNoted,
    Failed,
    Hang,
    LinesReplayed,
    LinkChanged,
    MakeCode,
    OfferListed,
    OfferRefused,
    PeerNamed,
    PhaseChanged,
    SessionOpened,
    Snapshot,
    TextReceived,
    Transfer,
    TransferChanged,
    TransferProgressed,
)
from relay.visible import visible
from tui import settings
from tui.exits import FAILED, MISUSED, CommandError
from tui.launch import LaunchError, StartedEngine, launch_engine
from tui.link import Detached, EngineGone, Link, PictureDrawn
from tui.output import Output, open_output, to_nowhere
from tui.progress import milestones
from tui.report import Report
from tui.state import CallState
from tui.words.catalogue import say, say_cause

CANCEL_SECONDS: Final = 3.0  # for the other side to be told why, before it is hung up on
END_SECONDS: Final = 10.0  # for an engine to hang up and end; then it is ended
LEAVE_SECONDS: Final = 1.0  # the same, when we leave at once


class Headless:
    """One call: begins it by `begin`, follows the engine, says what happens, and ends it.

    What is sent or received, and when it is over, is the subclass's business: it is told by `opened`, `changed`,
    `refused`, `offer_refused`, `listed`, and calls `finish`.
    """

    def __init__(self, name: str, output: Output, begin: MakeCode | EnterCode) -> None:
        self.output = output
        self.call = CallState()
        self.report = Report(output, begin.relay)
        self._link = Link(name)
        self._begin = begin
        self._begun = self._opened = self._finished = False
        self._status = FAILED
        self._stopped = 0  # by this signal
        self._lost = False  # the terminal is gone; leave the engine as soon as it needs us no more

    # --- for the subclass ------------------------------------------------------------------------------------------

    def opened(self) -> None:
        """The session is open."""

    def changed(self, transfer: Transfer, happened: list[str]) -> None:
        """`transfer` is in another state; `happened` are its milestones."""

    def refused(self, event: CommandRefused) -> None:
        """Something about an offer can't be done."""

    def offer_refused(self, event: OfferRefused) -> None:
        """Our offer came to nothing."""

    def listed(self, event: OfferListed) -> None:
        """The list that was asked for is here."""

    def stopping(self) -> None:
        """Nothing more is to be begun, and nobody is to be asked."""

    def hung_up(self, cause: str) -> None:
        """The call is over, and not by us: call `finish` if there is more to say of it than the cause's own words."""

    def concerns(self, transfer: Transfer) -> bool:
        """Tell whether a transfer is this program's business."""
        raise NotImplementedError

    @property
    def open_transfers(self) -> list[Transfer]:
        """Those that are not over."""
        return [transfer for transfer in self.call.transfers.values() if transfer.state not in OVER]

    @property
    def on_its_way(self) -> bool:
        """Whether the engine can go on without us."""
        return True

    def send(self, command: AnyCommand) -> None:
        """Ask the engine for something."""
        self._link.send(command)

    def finish(self, status: int, sentence: str = "") -> None:
        """Hang up and exit with `status`, complaining if there is something to complain of. The first call counts."""
        if self._finished:
            return
        self._finished, self._status = True, status
        self.output.status("")
        if sentence and self._stopped:
            self.output.tell(sentence)
        elif sentence:
            self.output.complain(sentence)
        self.send(Hang())
        asyncio.get_running_loop().call_later(END_SECONDS, self._leave.set)

    def fail(self, cause: str, detail: str = "", transfer: int = 0) -> None:
        """Hang up for this reason, a code of docs/engine.md, and exit with 1."""
        if not self._finished:
            self.output.record("error", cause=cause, detail=detail, transfer=transfer)
            self.finish(FAILED, say_cause(cause, visible(detail)))

    # --- following the engine --------------------------------------------------------------------------------------

    async def run(self, engine: StartedEngine | None = None) -> int:
        """Do all of it and return the exit status. At the end `engine` has ended, unless it is to go on.

        Cancelling hangs up. Raises `OSError` if standard output takes no more.
        """
        loop = asyncio.get_running_loop()
        self._engine = engine
        self._leave = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._take_signal, number)
        leaving = asyncio.create_task(self._leave.wait())
        following = asyncio.create_task(self._follow())
        try:
            await asyncio.wait({following, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if following.done():
                following.result()
        finally:
            for task in (leaving, following):
                task.cancel()
            await asyncio.gather(leaving, following, return_exceptions=True)
            self.output.status("")
            if engine is not None and not self._left_behind:
                ended = self.call.phase == "ended"
                if not ended:
                    engine.process.terminate()  # it hangs up by itself
                await asyncio.to_thread(engine.end, END_SECONDS if ended else LEAVE_SECONDS)
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                loop.remove_signal_handler(number)
        if self._left_behind:
            return 128 + signal.SIGHUP
        self.output.record("ended", status=self._stopped or self._status)
        return self._stopped or self._status

    @property
    def _left_behind(self) -> bool:
        return self._lost and self._leave.is_set()

    async def _follow(self) -> None:
        async with contextlib.aclosing(self._link.events()) as events:
            async for event in events:
                if not isinstance(event, PictureDrawn):  # nobody asked for one
                    self._take(event)
                if self._lost and self.on_its_way:
                    self._leave.set()

    def _take_signal(self, number: int) -> None:
        if number == signal.SIGHUP:
            self._lost = True
            self.stopping()
            if self.on_its_way:
                self._leave.set()
        elif self._leave.is_set():
            if self._engine is not None:
                self._engine.process.kill()
        elif self._stopped or self._finished:
            self._leave.set()
        else:
            self._stopped = 128 + number
            self._stop()

    def _stop(self) -> None:
        """End what moves, then hang up: the other side is told that it was cancelled."""
        self.stopping()
        for transfer in self.open_transfers:
            self.send(CancelTransfer(transfer.id))
        if self.open_transfers:
            asyncio.get_running_loop().call_later(CANCEL_SECONDS, self.finish, self._stopped, say("files.stopped"))
        else:
            self.finish(self._stopped, say("files.stopped"))

    def _take(self, event: AnyEvent | Detached | EngineGone) -> None:
        was, was_link, was_phase = self.call.transfers, self.call.link, self.call.phase
        self.call.apply(event, time.monotonic())
        match event:
            case Snapshot():
                self._take_snapshot(event, was, was_phase)
            case CodeMade():
                self.report.code(event.code, event.because)
            case CodeBurned():
                self.output.record("error", cause=f"burned-{event.cause}", detail="", transfer=0)
                self.finish(FAILED, say(f"files.burned.{event.cause}"))
            case Failed():
                self.fail(event.cause, event.detail)
            case SessionOpened() | PhaseChanged(phase="call"):
                self._open()
            case LinkChanged() if not self._finished:
                self.report.link(self.call, was_link)
            case PeerNamed():
                self.report.named(event.name)
            case TextReceived():
                self.report.heard(event.text, event.at)
            case LinesReplayed():
                for line in event.lines:
                    if not line.mine:
                        self.report.heard(line.text, line.at)
            case TransferChanged():
                self._change(was.get(event.transfer.id), event.transfer)
            case TransferProgressed():
                self._progress(was.get(event.id), self.call.transfers.get(event.id))
            case EntryNoted():
                self.report.entry(event)
            case OfferRefused():
                self.offer_refused(event)
            case OfferListed():
                self.listed(event)
            case CommandRefused(transfer=0):
                self.fail(f"command-{event.cause}", event.detail)
            case CommandRefused():
                self.refused(event)
            case Ended() | EngineGone():
                self._take_end(event.cause, event.detail if isinstance(event, Ended) else "")
            case _:
                pass

    def _take_snapshot(self, snapshot: Snapshot, was: dict[int, Transfer], was_phase: str) -> None:
        if not self._begun:
            self._begun = True
            self.send(self._begin)
        elif snapshot.phase == "idle" and was_phase != "idle":  # it failed while the line to the engine was lost
            self.fail(snapshot.cause)
        if snapshot.code:
            self.report.code(snapshot.code)
        if snapshot.peer:
            self.report.named(snapshot.peer)
        for transfer in snapshot.transfers:
            self._change(was.get(transfer.id), transfer)
        self._open()

    def _open(self) -> None:
        if self.call.phase == "call" and self.call.verification and not self._opened:
            self._opened = True
            self.report.paired(self.call.verification)
            self.opened()

    def _change(self, was: Transfer | None, transfer: Transfer) -> None:
        if self.concerns(transfer):
            self.report.kept(was, transfer)
        if was == transfer or self._finished:
            return
        happened = milestones(was, transfer)
        if self.concerns(transfer):
            self.report.changed(was, transfer, happened)
        if not self._stopped:
            self.changed(transfer, happened)
        elif not self.open_transfers:
            self.finish(self._stopped, say("files.stopped"))

    def _progress(self, was: Transfer | None, now: Transfer | None) -> None:
        if was and now and now.state not in OVER and self.concerns(now) and not self._finished:
            self.report.progressed(was, now)

    def _take_end(self, cause: str, detail: str) -> None:
        if self._stopped:
            self.finish(self._stopped, say("files.stopped"))
        elif not self._finished:
            self.hung_up(cause)
            self.fail(cause, detail)


# --- beginning -------------------------------------------------------------------------------------------------------


def play(
    make: Callable[[str], Headless],
    *,
    stdin: int | None = subprocess.DEVNULL,
    stdout: int | None = subprocess.DEVNULL,
) -> int:
    """Start an engine, make a call of its name and run it; return the exit status. `stdin` and `stdout` are the
    engine's, as for Popen. Raises `CommandError`; `OSError` if our own standard output takes no more."""
    signal.signal(signal.SIGTERM, _terminated)  # until the loop watches: what was launched is ended
    try:
        engine = launch_engine(settings.load().name, stdin=stdin, stdout=stdout)
    except LaunchError as error:
        prefix = "launch" if error.code in ("start", "silent", "died") else "run"
        raise CommandError(say_cause(f"{prefix}-{error.code}", visible(error.detail))) from None
    try:
        return asyncio.run(make(engine.name).run(engine))
    except OSError:
        to_nowhere(sys.stdout)
        raise


def _terminated(number: int, frame: object) -> None:
    raise SystemExit(128 + number)


def ask(question: str, without: str) -> str:
    """Return what is typed at the terminal. Raises `CommandError`, with the sentence `without`, if there is none."""
    output = open_output()
    if not output.asks:
        raise CommandError(without, MISUSED)
    output.ask(question)
    try:
        line = os.read(output.asked, 4096).decode("utf-8", "replace")
        if not line.endswith("\n"):
            raise CommandError(without, MISUSED)
    except (CommandError, KeyboardInterrupt):
        output.withdraw()
        raise
    output.answered()
    return line.strip()


def as_text(code: str) -> str:
    """Return what was typed as text that can be told to an engine."""
    return code.encode("utf-8", "replace").decode()
