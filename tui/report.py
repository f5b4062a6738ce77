"""What `visavis send` and `visavis receive` say of a call: a record for scripts and words for people, of each event."""

import time

from actors.messages import OVER, EntryNoted, Transfer
from relay.visible import visible
from tui import settings
from tui.output import Output
from tui.progress import PlainProgress, facts, live_line
from tui.state import CallState
from tui.transfers import amount_words, label, size_words, why
from tui.words.catalogue import say, say_cause


class Report:
    """Says what happens in a call through `relay`, once each. Raises `OSError` when standard output takes no more."""

    def __init__(self, output: Output, relay: str) -> None:
        self.peer = say("files.peer")  # safe to show
        self._output = output
        self._relay = relay
        self._code = ""
        self._paired = self._met = False
        self._plain: dict[int, PlainProgress] = {}

    def code(self, code: str, because: str = "") -> None:
        """This code waits. `because` tells why it replaces an earlier one."""
        if code == self._code:
            return
        self._code = code
        settings.remember_relay(self._relay)
        self._output.record("code", code=code, relay=self._relay)
        if because:
            self._output.note(say(f"code-again-{because}"))
        self._output.result(code)
        self._output.note(say("files.how", code=code, relay=visible(self._relay)))

    def paired(self, verification: tuple[str, ...]) -> None:
        """The session is open."""
        self._paired = True
        settings.remember_relay(self._relay)
        self._output.record("paired", verification=verification, relay=self._relay)
        self._output.note(say("files.paired", words=" ".join(verification)))

    def named(self, name: str) -> None:
        """The other side is called so."""
        shown = visible(name)
        if shown != self.peer:
            self.peer = shown
            self._output.record("peer", name=name)
            self._output.note(say("files.named", peer=shown))

    def link(self, call: CallState, was: str) -> None:
        """The other side came or went, or the relay did."""
        if call.link == was or not (self._paired or call.cause):
            return
        self._output.record("link", link=call.link, cause=call.cause, detail=call.detail)
        if call.link == "joined" and not self._met:
            self._met = True  # "paired" has said it
        elif self._met:
            self._output.note(say(f"files.link.{call.link}", peer=self.peer))
        elif call.cause:
            self._output.note(say_cause(call.cause, visible(call.detail)))

    def heard(self, text: str, at: float) -> None:
        """The other side said this."""
        self._output.record("text", text=text, at=at)
        self._output.note(say("files.heard", peer=self.peer, text=visible(text, lines=True)))

    # --- transfers -------------------------------------------------------------------------------------------------

    def entry(self, event: EntryNoted) -> None:
        """Something about one entry."""
        self._output.record("note", transfer=event.transfer, path=event.path, cause=event.cause, detail=event.detail)
        words = why(event.cause, event.detail)
        self._output.note(say("files.entry", path=visible(event.path), why=words))

    def changed(self, was: Transfer | None, transfer: Transfer, happened: list[str]) -> None:
        """A transfer of ours is in another state; `happened` are its milestones."""
        for event in happened:
            self._output.record(event, **facts(event, transfer))
        if "accepted" in happened and transfer.state not in OVER:
            self._plain[transfer.id] = PlainProgress(time.monotonic())
            if not self._output.live:
                self._output.note(say("files.begins", name=label(transfer), amount=amount_words(transfer)))
        self._show(transfer, was.stall if was else "")

    def progressed(self, was: Transfer, now: Transfer) -> None:
        """A transfer of ours is further, or stands still."""
        if (was.moved, was.moved_files) != (now.moved, now.moved_files):
            self._output.record("progress", **facts("progress", now))
        self._show(now, was.stall)

    def _show(self, transfer: Transfer, was_stall: str) -> None:
        if transfer.state in OVER:
            self._plain.pop(transfer.id, None)
            self._output.status("")
            return
        if transfer.stall != was_stall:
            event = "stalled" if transfer.stall else "resumed"
            self._output.record(event, **facts(event, transfer))
        if self._output.live:
            if transfer.state == "moving":
                self._output.status(live_line(transfer, self._output.width, self.peer))
        elif transfer.id in self._plain:
            line = self._plain[transfer.id].line(transfer, time.monotonic(), self.peer)
            if line:
                self._output.note(line)

    def kept(self, was: Transfer | None, transfer: Transfer) -> None:
        """Say what is left of a transfer that is over; the engine may learn that after its end."""
        told = was is not None and was.state in OVER and was.partial == transfer.partial
        if transfer.state in OVER and transfer.partial and not told:
            self._output.record("kept", **facts("kept", transfer))
            self._output.note(say("files.kept", path=visible(transfer.partial)))

    def over(self, transfer: Transfer, done: str) -> bool:
        """Say what became of a transfer; `done` names the words for one that is done. Return whether all of it came."""
        name = label(transfer)
        if transfer.state != "done":
            words = why(transfer.cause or transfer.state, transfer.detail)
            self._output.complain(say("files.not", name=name, why=words))
            return False
        files = "files.one" if transfer.moved_files == 1 else "files.count"
        count = say(files, count=f"{transfer.moved_files:,}")
        self._output.note(say(done, name=name, count=count, size=size_words(transfer.moved)))
        if transfer.missed:
            self._output.complain(say("files.missed", name=name, missed=f"{transfer.missed:,}"))
        return not transfer.missed
