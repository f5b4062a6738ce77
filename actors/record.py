"""What an engine remembers of its call, for the screens that come later. No I/O, no clock.

Every event is folded into one Snapshot, and the conversation is kept line by line; a screen that attaches gets the
snapshot and the lines that came, or changed, after the last event that it saw.
"""

from collections import OrderedDict
from typing import Final

import msgspec

from actors import messages as m
from relay import limits

REPLAY_BYTES: Final = 64 * limits.KIB  # of text in one LinesReplayed: with every character escaped under CONTROL_BYTES

_MARKS: Final[dict[type[m.Event], m.Mark]] = {m.TextSent: "sent", m.TextDelivered: "delivered"}

_PROGRESS: Final = ("moved", "moved_files", "rate", "seconds_left", "stall")


class Record:
    """The state of one engine, and its conversation."""

    def __init__(self, engine: str = "", name: str = "") -> None:
        self._snapshot = m.Snapshot(engine=engine, name=name)
        self._lines: OrderedDict[str, m.Line] = OrderedDict()
        self._bytes = 0
        self._transfers: dict[int, m.Transfer] = {}

    @property
    def snapshot(self) -> m.Snapshot:
        """The state now."""
        return msgspec.structs.replace(
            self._snapshot, lines=len(self._lines), transfers=tuple(self._transfers.values())
        )

    def take(self, event: m.AnyEvent) -> m.AnyEvent:
        """Fold the event into the state; return it with its number."""
        event = msgspec.structs.replace(event, seq=self._snapshot.seq + 1)
        self._change(seq=event.seq)
        match event:
            case m.PhaseChanged():
                self._change(phase=event.phase, relay=event.relay or self._snapshot.relay)
                if event.phase not in ("waiting", "pairing"):  # a code that nobody proved waits again
                    self._change(code="")
            case m.CodeMade():
                self._change(code=event.code)
            case m.SessionOpened():
                self._change(verification=event.verification)
            case m.LinkChanged():
                self._change(link=event.link, since=event.since, cause=event.cause)
                if event.link != "joined":
                    self._change(round_trip_ms=None, peer_typing=False)
            case m.PeerNamed():
                self._change(peer=event.name)
            case m.PeerTyped():
                self._change(peer_typing=event.typing)
            case m.RoundTripMeasured():
                self._change(round_trip_ms=event.ms)
            case m.MediaSkipped():
                self._change(skipped=event.counts)
            case m.TransferChanged(transfer=transfer):
                over = transfer.state in m.OVER
                self._transfers[transfer.id] = msgspec.structs.replace(transfer, names=()) if over else transfer
                self._forget_transfers()
            case m.TransferProgressed() if event.id in self._transfers:
                progress = {name: getattr(event, name) for name in _PROGRESS}
                self._transfers[event.id] = msgspec.structs.replace(self._transfers[event.id], **progress)
            case m.VideoChanged(video=video):
                self._change(video=video)
            case m.VideoPlayed(at=at):
                self._change(video=msgspec.structs.replace(self._snapshot.video, at=at))
            case m.PeerVideoChanged(video=peer_video):
                self._change(peer_video=peer_video)
            case m.RecordingChanged(recording=recording):
                self._change(recording=recording)
            case m.SoundChanged(sound=sound):
                self._change(sound=sound)
            case m.PeerSoundChanged(sound=peer_sound):
                self._change(peer_sound=peer_sound)
            case m.WindowChanged(of=of, open=is_open):
                others = tuple(each for each in self._snapshot.windows if each != of)
                self._change(windows=(*others, of) if is_open else others)
            case m.Failed() | m.CodeBurned():
                self._change(link="none", cause=event.cause)
            case m.Ended():
                self._change(phase="ended", link="none", cause=event.cause)
            case m.TextQueued():
                self._add(m.Line(event.id, True, event.text, event.at, "queued", event.seq))
            case m.TextReceived():
                self._add(m.Line(event.id, False, event.text, event.at, "received", event.seq))
            case m.TextSent() | m.TextDelivered():
                line = self._lines.get(event.id)
                if line is not None:
                    self._lines[event.id] = msgspec.structs.replace(line, mark=_MARKS[type(event)], seq=event.seq)
            case _:
                pass
        return event

    def rename(self, name: str) -> None:
        """Note our own name."""
        self._change(name=name)

    def replay(self, since: int) -> list[m.LinesReplayed]:
        """Return the lines that came or changed after event `since`, oldest first, in pieces of bounded size."""
        pieces: list[m.LinesReplayed] = []
        piece: list[m.Line] = []
        size = 0
        for line in self._lines.values():
            if line.seq > since:
                piece.append(line)
                size += _size(line)
            if size >= REPLAY_BYTES:
                pieces.append(m.LinesReplayed(seq=self._snapshot.seq, lines=tuple(piece)))
                piece, size = [], 0
        if piece:
            pieces.append(m.LinesReplayed(seq=self._snapshot.seq, lines=tuple(piece)))
        return pieces

    def _forget_transfers(self) -> None:
        over = [number for number, transfer in self._transfers.items() if transfer.state in m.OVER]
        for number in over[: -limits.TRANSFERS_KEPT]:
            del self._transfers[number]

    def _add(self, line: m.Line) -> None:
        old = self._lines.pop(line.id, None)
        self._bytes -= _size(old) if old is not None else 0
        self._lines[line.id] = line
        self._bytes += _size(line)
        while len(self._lines) > limits.CONVERSATION_LINES or self._bytes > limits.CONVERSATION_BYTES:
            self._bytes -= _size(self._lines.popitem(last=False)[1])
            self._change(lines_dropped=self._snapshot.lines_dropped + 1)

    def _change(self, **fields: object) -> None:
        self._snapshot = msgspec.structs.replace(self._snapshot, **fields)


def _size(line: m.Line) -> int:
    return len(line.text.encode()) + len(line.id) + 64
