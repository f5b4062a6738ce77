"""What an event adds to the conversation: a line, a mark, or a sentence of the screen's own."""

import time
from collections.abc import Iterable
from typing import Final, Protocol

from actors.messages import (
    OVER,
    AnyEvent,
    CommandRefused,
    Ended,
    EntryNoted,
    Line,
    LinesReplayed,
    LinkChanged,
    Mark,
    OfferRefused,
    PeerNamed,
    PeerSoundChanged,
    PeerVideoChanged,
    PhaseChanged,
    RecordingChanged,
    Snapshot,
    SnapshotTaken,
    SoundChanged,
    TextDelivered,
    TextQueued,
    TextReceived,
    TextSent,
    Transfer,
    TransferChanged,
    TransferProgressed,
    VideoChanged,
    WindowChanged,
)
from relay.visible import visible
from tui.link import Detached, EngineGone
from tui.sound_words import own_notes as sound_notes
from tui.sound_words import peer_notes as peer_sound_notes
from tui.state import CallState
from tui.transfer_notes import entries_note, entry_note, transfer_notes
from tui.transfers import label, stall_words, why
from tui.video_words import own_notes, peer_notes, recording_notes
from tui.widgets.status import clock, peer_name
from tui.words.catalogue import say, say_cause

ENDED_TOLD: Final = 3  # transfers that were over before this screen came
SAID_BY_THE_LINK: Final = ("relay", "peer-away")  # why nothing moves, which its own note has said already


class Teller(Protocol):
    """Takes what happened: the conversation, or the widget that shows it."""

    def put(self, lines: Iterable[Line]) -> object:
        """Add lines."""

    def note(self, text: str, at: float) -> object:
        """Add a sentence of the screen's own."""

    def mark(self, line_id: str, mark: Mark) -> object:
        """Give a line its mark."""

    def rename(self, peer: str) -> object:
        """Call the peer so."""

    def drop_older(self, count: int) -> object:
        """Say that older lines are gone."""


def narrate(event: AnyEvent | Detached | EngineGone, view: Teller, state: CallState, was: CallState) -> None:
    """Put into `view` what `event` brought, which made `state` of what `was`."""
    match event:
        case Snapshot():
            view.drop_older(event.lines_dropped)
            if event.peer != was.peer:
                view.rename(event.peer)
            if was.in_call and state.link != was.link:
                view.note(link_note(state), event.since)
            if not state.replaying:
                _tell_transfers(event.transfers, view, state, was)
            if event.phase == "ended":
                view.note(say_cause(event.cause), time.time())
        case LinesReplayed():
            view.put(event.lines)
            if was.replaying and not state.replaying:  # what is now stands below what was said
                _tell_transfers(tuple(state.transfers.values()), view, state, CallState())
        case TextQueued():
            view.put([Line(event.id, True, event.text, event.at, "queued", event.seq)])
        case TextReceived():
            view.put([Line(event.id, False, event.text, event.at, "received", event.seq)])
        case TextSent():
            view.mark(event.id, "sent")
        case TextDelivered():
            view.mark(event.id, "delivered")
        case PhaseChanged(phase="call") if was.phase != "call":
            view.note(say("note-opened", relay=visible(state.relay)), time.time())
        case LinkChanged():
            if state.link == "joined" and not state.peer:
                pass  # it says its name in the next breath; a plain connection says nothing of who is there
            elif state.link != was.link:
                view.note(link_note(state), event.since)
            elif state.cause and state.cause != was.cause:
                view.note(say_cause(state.cause, visible(state.detail)), time.time())
        case PeerNamed():
            if event.name != was.peer:
                view.rename(event.name)
                peer = peer_name(state)
                view.note(say("note-named", peer=peer) if was.peer else say("note-joined", peer=peer), time.time())
        case TransferChanged():
            _tell(event.transfer, view, state, was)
        case TransferProgressed(stall=stall) if stall and stall not in SAID_BY_THE_LINK:
            if event.id in state.transfers and stall not in was.stalled.get(event.id, ()):
                name = label(state.transfers[event.id])
                words = say("note-stalls", name=name, why=stall_words(stall, peer_name(state)))
                view.note(words, time.time())
        case EntryNoted():
            view.note(entry_note(event, state.noted[event.transfer]), time.time())
        case OfferRefused():
            view.note(say("note-not-offered", why=why(event.cause, event.detail)), time.time())
        case CommandRefused() if event.transfer:
            view.note(say("note-not-done", number=event.transfer, why=why(event.cause, event.detail)), time.time())
        case CommandRefused():
            view.note(say_cause(f"command-{event.cause}", visible(event.detail)), time.time())
        case VideoChanged(video=video):
            for words in own_notes(video, was.video):
                view.note(words, time.time())
        case PeerVideoChanged(video=peer_video):
            for words in peer_notes(peer_video, was.peer_video, peer_name(state)):
                view.note(words, time.time())
        case SoundChanged(sound=sound):
            for words in sound_notes(sound, was.sound):
                view.note(words, time.time())
        case PeerSoundChanged(sound=peer_sound):
            for words in peer_sound_notes(peer_sound, was.peer_sound, peer_name(state)):
                view.note(words, time.time())
        case WindowChanged(open=False, cause=cause) if cause:
            view.note(say_cause(cause, visible(event.detail)), time.time())
        case RecordingChanged(recording=recording):
            for words in recording_notes(recording):
                view.note(words, time.time())
        case SnapshotTaken(path=path):
            view.note(say("note-snapshot", path=visible(path)), time.time())
        case Ended() | EngineGone():
            for transfer in state.transfers.values():
                if was.transfers[transfer.id].state in ("waiting", "moving"):
                    _tell(transfer, view, state, was)
            view.note(say_cause(event.cause, visible(state.detail)), time.time())
        case _:
            pass


def _tell(transfer: Transfer, view: Teller, state: CallState, was: CallState) -> None:
    before = was.transfers.get(transfer.id)
    if before is not None and before.state != transfer.state:
        view.note(entries_note(before, was.noted.get(transfer.id, 0)), time.time())
    for words in transfer_notes(transfer, before, peer_name(state), plain=state.plain):
        view.note(words, time.time())


def _tell_transfers(transfers: tuple[Transfer, ...], view: Teller, state: CallState, was: CallState) -> None:
    """Tell what became of them while no event said so; of those that a new screen finds over, the last alone."""
    unseen = [transfer.id for transfer in transfers if transfer.state in OVER and transfer.id not in was.transfers]
    untold = set(unseen[:-ENDED_TOLD])
    for transfer in transfers:
        if transfer.id not in untold:
            _tell(transfer, view, state, was)


def link_note(state: CallState) -> str:
    """Return the sentence for what the link is, and why."""
    words = follows = ""
    match state.link:
        case "joined":
            return say("note-joined", peer=peer_name(state))
        case "alone" if state.met:
            words = say("note-alone", peer=peer_name(state), since=clock(state.since))
            follows = say("note-alone-next")
        case "out":
            words = say("note-out", since=clock(state.since))
        case _:
            pass
    why = say_cause(state.cause, visible(state.detail)) if state.cause else ""
    return " ".join(part for part in (words, why, follows) if part)
