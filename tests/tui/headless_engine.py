"""An engine whose call and transfers go by a plan, for `visavis send` and `visavis receive`.

In a test it is an object; as a program (`engine_program`) it stands where the real engine is started, its plan in the
environment.
"""

import asyncio
import contextlib
import io
import json
import os
import pty
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from actors.messages import (
    OVER,
    AnswerOffer,
    AnyCommand,
    Attach,
    CancelTransfer,
    CodeBurned,
    CodeMade,
    CommandRefused,
    Ended,
    EnterCode,
    EntryNoted,
    Failed,
    Hang,
    ListOffer,
    MakeCode,
    OfferEntry,
    OfferFiles,
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
from tests.tui.fake_engine import SIX_WORDS, FakeEngine, running
from tui.headless import Headless
from tui.link import Link
from tui.output import Output

ROOT = Path(__file__).parents[2]
CODE = "4217-acrobat-enzyme-vicinity"
RELAY = "lab.example:9999"
PLAN = "VISAVIS_TEST_PLAN"


class FileEngine(FakeEngine):
    """Makes or takes a code, meets Mina, and moves what is offered.

    The plan: `fails` or `burned` (a cause, in place of a code), `joins` (someone comes), `hangs` (and hangs up at
    once), `offers` (fields of what is offered to us), `offer_refused` (a cause), `answers_refused` (cause and detail
    of each answer that is not taken), `moved` (steps), `stall`, `text`, `notes` (path and cause), `holds` (it goes no
    further), `ends` (fields of the transfer at its end). As a program: `deaf` (it does not hang up), `writes` (to
    standard output, once an offer is taken), `joins_late` (someone comes a little later).
    """

    def __init__(self, **plan: Any) -> None:
        super().__init__()
        self.plan = {"joins": True, "moved": (500, 1000), "ends": {}, "offers": (), "answers_refused": [], **plan}
        self.transfers: dict[int, Transfer] = {}
        self.on_command = self._do

    def _obey(self, command: AnyCommand, writer: asyncio.StreamWriter) -> None:
        if isinstance(command, Attach):
            super()._obey(command, writer)
            return
        self.commands.append(command)
        if self.on_command is not None:
            self.on_command(command)
        if isinstance(command, Hang) and self.answers_hang:
            self.emit(Ended(cause="hung"))

    def _do(self, command: AnyCommand) -> None:
        match command:
            case MakeCode() | EnterCode():
                self._meet(command)
            case OfferFiles() if "offer_refused" in self.plan:
                self.emit(OfferRefused(id=command.id, cause=self.plan["offer_refused"], detail="x"))
            case OfferFiles():
                self._become(Transfer(id=1, mine=True, state="listing", request=command.id))
                named = {"name": "notes", "files": 3, "folders": 1, "size": 1000, "names": ("notes", "notes/a.txt")}
                self.change(1, state="offered", **(named | self.plan.get("offer", {})))
                self._move(1)
            case AnswerOffer() if self.plan["answers_refused"]:
                cause, detail = self.plan["answers_refused"].pop(0)
                self.emit(CommandRefused(cause=cause, detail=detail, transfer=command.transfer))
            case AnswerOffer(accept=False):
                self.change(command.transfer, state="refused", cause="refused", detail="here")
            case AnswerOffer():
                sys.stdout.write(self.plan.get("writes", ""))
                sys.stdout.flush()
                self.change(command.transfer, folder=command.folder, path=f"{command.folder}/notes")
                self._move(command.transfer)
            case CancelTransfer():
                kept = self.plan.get("partial", "")
                self.change(command.transfer, state="cancelled", cause="cancelled", detail="here", partial=kept)
            case ListOffer():
                total = self.transfers[command.transfer].files
                numbers = range(command.first, min(total, command.first + command.count - 1) + 1)
                entries = tuple(OfferEntry(number, f"notes/{number}.txt", number) for number in numbers)
                self.emit(OfferListed(transfer=command.transfer, entries=entries, total=total, whole=True))

    def _meet(self, command: MakeCode | EnterCode) -> None:
        self.emit(PhaseChanged(phase="dialling", relay=command.relay))
        if "fails" in self.plan:
            self.emit(Failed(cause=self.plan["fails"], detail="x"))
            return
        if isinstance(command, MakeCode):
            self.emit(PhaseChanged(phase="waiting"))
            self.emit(CodeMade(code=CODE))
        if "burned" in self.plan:
            self.emit(CodeBurned(cause=self.plan["burned"]))
        elif self.plan["joins"]:
            self.join()

    def join(self) -> None:
        """Someone comes."""
        self.emit(PhaseChanged(phase="pairing"))
        self.emit(SessionOpened(verification=SIX_WORDS))
        self.emit(PhaseChanged(phase="call"))
        self.snapshot |= {"phase": "call", "verification": SIX_WORDS, "link": "joined"}
        self.joined()
        self.emit(PeerNamed(name="Mina"))
        if "text" in self.plan:
            self.emit(TextReceived(id="p1", text=self.plan["text"], at=1.0))
        if "hangs" in self.plan:
            self.emit(Ended(cause=self.plan["hangs"]))
        for number, offer in enumerate(self.plan["offers"]):
            named = {"name": "notes", "files": 3, "folders": 1, "size": 1000, "names": ("notes", "notes/a.txt")}
            self._become(Transfer(id=2 + 2 * number, mine=False, state="offered", **(named | offer)))

    def _become(self, transfer: Transfer) -> None:
        self.transfers[transfer.id] = transfer
        self.snapshot["transfers"] = tuple(self.transfers.values())
        self.emit(TransferChanged(transfer=transfer))

    def change(self, number: int, **fields: Any) -> None:
        """Have a transfer be different."""
        if self.transfers[number].state not in OVER:
            self.recall(number, **fields)

    def recall(self, number: int, **fields: Any) -> None:
        """Have a transfer be different, even if it is over."""
        self._become(msgspec.structs.replace(self.transfers[number], **fields))

    def _move(self, number: int) -> None:
        holds = self.plan.get("holds")
        if holds == "offered":
            return
        if self.plan["ends"].get("state") == "refused":
            self.change(number, cause="refused", detail="there", **self.plan["ends"])
            return
        self.change(number, state="waiting", place=1)
        self.change(number, state="moving")
        for path, cause in self.plan.get("notes", ()):
            self.emit(EntryNoted(transfer=number, path=path, cause=cause))
        for moved in self.plan["moved"]:
            self.progress(number, moved)
        if "stall" in self.plan:
            self.progress(number, moved, stall=self.plan["stall"])
            self.progress(number, moved)
        if holds != "moving":
            whole = {"state": "done", "moved": 1000, "moved_files": 3}
            self.change(number, **(whole | self.plan["ends"]))

    def progress(self, number: int, moved: int, stall: Any = "") -> None:
        """Have so many bytes moved."""
        self.emit(TransferProgressed(id=number, moved=moved, moved_files=1, rate=4.1e7, seconds_left=12.0, stall=stall))

    def told(self, kind: type[Any]) -> list[Any]:
        """The commands of this kind that came."""
        return [command for command in self.commands if isinstance(command, kind)]


# --- played in a test ------------------------------------------------------------------------------------------------


class Screen(io.StringIO):
    """Standard error that is a terminal."""

    def isatty(self) -> bool:
        return True


class Played:
    """A call without a screen, in this process, beside its engine."""

    def __init__(self, make: Callable[[str, Output], Headless], engine: FileEngine, **output: Any) -> None:
        self.engine = engine
        self._make = make
        self.out, self.err = io.StringIO(), Screen() if output.pop("live", False) else io.StringIO()
        self._keyboard, asked = pty.openpty()
        self._ends = (self._keyboard, asked)
        self.output = Output(self.out, self.err, asked=asked, **({"asks": True} | output))

    async def run(self) -> int:
        """Run it to its end; return its exit status."""
        async with running(self.engine):
            try:
                return await asyncio.wait_for(self._make(self.engine.name, self.output).run(), 20)
            finally:
                for end in self._ends:
                    os.close(end)

    def type(self, text: str) -> None:
        os.write(self._keyboard, text.encode())

    @property
    def said(self) -> str:
        return self.err.getvalue()

    @property
    def records(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.getvalue().splitlines()]


# --- as a program ----------------------------------------------------------------------------------------------------

DRIVER = """
import sys
sys.executable = sys.argv.pop(1)
from tui import cli
sys.exit(cli.main(sys.argv[1:]))
"""


def command_line(folder: Path, *arguments: str) -> list[str]:
    """Return the command that runs `visavis ARGUMENTS` with this engine in the real one's place."""
    script = folder / "engine"
    script.write_text(f"#!/bin/sh\ncd '{ROOT}' && exec '{sys.executable}' -m tests.tui.headless_engine \"$@\"\n")
    script.chmod(0o755)
    return [sys.executable, "-c", DRIVER, str(script), *arguments]


async def hang_up(name: str) -> tuple[Transfer, ...]:
    """End an engine that was left running; return the transfers it had."""
    link, transfers = Link(name), ()
    link.send(Hang())
    async for event in link.events():
        transfers = event.transfers if isinstance(event, Snapshot) else transfers
    return transfers


async def _serve(ready: int) -> None:
    engine = FileEngine(**json.loads(os.environ.get(PLAN, "{}")))
    engine.answers_hang = not engine.plan.get("deaf")
    loop, over, act = asyncio.get_running_loop(), asyncio.Event(), engine.on_command

    def watch(command: AnyCommand) -> None:
        act(command)
        match command:
            case Hang() if not engine.plan.get("deaf"):
                loop.call_soon(over.set)  # Ended goes out first
            case MakeCode() if engine.plan.get("joins_late"):
                loop.call_later(0.3, engine.join)

    engine.on_command = watch
    loop.add_signal_handler(signal.SIGTERM, (lambda: None) if engine.plan.get("deaf") else over.set)
    async with running(engine):
        os.write(ready, f"{engine.name}\n".encode())
        os.close(ready)
        await over.wait()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(int(sys.argv[-1])))
