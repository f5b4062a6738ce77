"""What the screen knows of its call: the snapshot, kept up to date by every event. No I/O, no clock, no Textual."""

from dataclasses import dataclass, field
from typing import Final

import msgspec

from actors.messages import (
    OVER,
    AnyEvent,
    CodeBurned,
    CodeMade,
    CommandRefused,
    DevicesListed,
    Ended,
    EntryNoted,
    Failed,
    Flow,
    LinesReplayed,
    Link,
    LinkChanged,
    MediaSkipped,
    Meter,
    PeerNamed,
    PeerSound,
    PeerSoundChanged,
    PeerTyped,
    PeerVideo,
    PeerVideoChanged,
    Phase,
    PhaseChanged,
    Recording,
    RecordingChanged,
    RoundTripMeasured,
    SessionOpened,
    Snapshot,
    Sound,
    SoundChanged,
    SoundMeasured,
    Stall,
    Transfer,
    TransferChanged,
    TransferProgressed,
    Video,
    VideoChanged,
    VideoMeasured,
    VideoPlayed,
    Whose,
    WindowChanged,
)
from relay import limits
from tui.link import Detached, EngineGone

ENDED_SHOWN_SECONDS: Final = 15.0  # a transfer that is over stays in view


@dataclass(slots=True)
class CallState:
    """A call as this screen sees it.

    `since` is in UNIX seconds, `round_trip_at` by the clock that `apply` is given. `met` tells whether the peer was
    ever there; `attached` is false while the engine does not talk to this screen. `problem` is why the last MakeCode,
    EnterCode or OpenPlain came to nothing.

    `transfers` by id, oldest first; `over_at` is when (by that clock) those ended that ended before our eyes. `noted`
    counts what was told of a transfer's entries since its state changed, `stalled` the reasons it ever stood still.
    These are replaced and never changed, so that a copy of the state stays as it was.
    """

    engine: str = ""
    name: str = ""
    phase: Phase = "idle"
    link: Link = "none"
    since: float = 0.0
    cause: str = ""
    detail: str = ""
    relay: str = ""
    code: str = ""
    because: str = ""
    burned: str = ""
    problem: tuple[str, str] | None = None
    peer: str = ""
    met: bool = False
    peer_typing: bool = False
    verification: tuple[str, ...] = ()
    round_trip_ms: float | None = None
    round_trip_at: float = 0.0
    skipped: dict[str, int] = field(default_factory=dict)
    lines_dropped: int = 0
    attached: bool = False
    transfers: dict[int, Transfer] = field(default_factory=dict)
    over_at: dict[int, float] = field(default_factory=dict)
    noted: dict[int, int] = field(default_factory=dict)
    stalled: dict[int, frozenset[Stall]] = field(default_factory=dict)
    video: Video = field(default_factory=Video)
    peer_video: PeerVideo = field(default_factory=PeerVideo)
    recording: Recording = field(default_factory=Recording)
    windows: tuple[Whose, ...] = ()
    own_flow: Flow = field(default_factory=Flow)
    peer_flow: Flow = field(default_factory=Flow)
    sound: Sound = field(default_factory=Sound)
    peer_sound: PeerSound = field(default_factory=PeerSound)
    own_meter: Meter = field(default_factory=Meter)
    peer_meter: Meter = field(default_factory=Meter)
    sound_age_ms: float | None = None
    sound_unsure_ms: float = 0.0
    devices: DevicesListed | None = None  # as last listed
    replaying: int = 0  # lines that still come after the first Snapshot

    @property
    def in_call(self) -> bool:
        """Whether there is, or was, someone to talk to: the call screen shows it."""
        return self.phase in ("call", "plain", "ended")

    @property
    def plain(self) -> bool:
        """Whether nothing is encrypted."""
        return self.phase == "plain" or (self.phase == "ended" and not self.verification)

    @property
    def own_showing(self) -> bool:
        """Whether something is shown here."""
        return self.video.state in ("on", "ended")

    @property
    def on_show(self) -> Whose:
        """Whose picture is looked at, unless one says otherwise: the peer's, if there is one."""
        return "own" if self.own_showing and not self.peer_video.showing else "peer"

    def transfers_shown(self, now: float) -> list[Transfer]:
        """Return the transfers to show: those that are not over, and those that ended a moment ago."""
        return [
            transfer
            for transfer in self.transfers.values()
            if transfer.state not in OVER or now - self.over_at.get(transfer.id, -1e9) < ENDED_SHOWN_SECONDS
        ]

    @property
    def moving(self) -> bool:
        """Whether something was accepted and is not over: it would be lost with the engine."""
        return self.phase in ("call", "plain") and any(
            transfer.state in ("waiting", "moving") for transfer in self.transfers.values()
        )

    def apply(self, event: AnyEvent | Detached | EngineGone, now: float) -> None:
        """Take in what happened at `now` (seconds of any steady clock)."""
        self.attached = not isinstance(event, Detached | EngineGone)
        match event:
            case Snapshot():
                self._take(event, now)
            case PhaseChanged():
                self.phase = event.phase
                self.relay = event.relay or self.relay
                if event.phase not in ("waiting", "pairing"):  # a code that was not proved waits again
                    self.code = ""
                if event.phase == "dialling":
                    self.burned, self.problem = "", None
            case CodeMade():
                self.code, self.because, self.burned, self.problem = event.code, event.because, "", None
            case CodeBurned():
                self.phase, self.code, self.burned = "idle", "", event.cause
            case Failed():
                self.phase, self.code, self.problem = "idle", "", (event.cause, event.detail)
            case SessionOpened():
                self.verification = event.verification
            case LinkChanged():
                self.link, self.since, self.cause, self.detail = event.link, event.since, event.cause, event.detail
                self.met = self.met or event.link == "joined"
                if event.link != "joined":
                    self.peer_typing, self.round_trip_ms = False, None
            case PeerNamed():
                self.peer = event.name
            case PeerTyped():
                self.peer_typing = event.typing
            case RoundTripMeasured():
                self.round_trip_ms, self.round_trip_at = event.ms, now
            case MediaSkipped():
                self.skipped = dict(event.counts)
            case LinesReplayed():
                self.replaying = max(0, self.replaying - len(event.lines))
            case TransferChanged():
                self._change(event.transfer, now)
            case TransferProgressed() if event.id in self.transfers:
                self._progress(self.transfers[event.id], event)
            case EntryNoted():
                self.noted = {**self.noted, event.transfer: self.noted.get(event.transfer, 0) + 1}
            case VideoChanged():
                self.video = event.video
            case VideoPlayed():
                self.video = msgspec.structs.replace(self.video, at=event.at)
            case PeerVideoChanged():
                self.peer_video = event.video
            case VideoMeasured():
                self.own_flow, self.peer_flow = event.own, event.peer
            case RecordingChanged():
                self.recording = event.recording
            case SoundChanged():
                self.sound = event.sound
            case PeerSoundChanged():
                self.peer_sound = event.sound
            case SoundMeasured():
                self.own_meter, self.peer_meter = event.own, event.peer
                self.sound_age_ms, self.sound_unsure_ms = event.age_ms, event.unsure_ms
            case DevicesListed():
                self.devices = event
            case WindowChanged():
                others = tuple(each for each in self.windows if each != event.of)
                self.windows = (*others, event.of) if event.open else others
            case CommandRefused() if self.phase in ("idle", "dialling"):
                self.phase, self.problem = "idle", (f"command-{event.cause}", event.detail)
            case Ended() | EngineGone():
                self.phase, self.link, self.cause = "ended", "none", event.cause
                self.peer_typing, self.round_trip_ms = False, None
                self.detail = event.detail if isinstance(event, Ended) else ""
                self._end_transfers(now)
                self.video, self.peer_video, self.recording, self.windows = Video(), PeerVideo(), Recording(), ()
                self.sound, self.peer_sound, self.sound_age_ms = Sound(), PeerSound(), None
                self.own_meter = self.peer_meter = Meter()
            case _:
                pass

    def _take(self, snapshot: Snapshot, now: float) -> None:
        self.replaying = 0 if self.engine else snapshot.lines
        self.engine, self.name = snapshot.engine, snapshot.name
        self.phase, self.link, self.since = snapshot.phase, snapshot.link, snapshot.since
        self.cause, self.detail = snapshot.cause, ""
        self.relay, self.code = snapshot.relay or self.relay, snapshot.code
        self.peer, self.peer_typing, self.verification = snapshot.peer, snapshot.peer_typing, snapshot.verification
        self.met = self.met or snapshot.link == "joined" or bool(snapshot.peer)
        self.round_trip_ms, self.round_trip_at = snapshot.round_trip_ms, now
        self.skipped, self.lines_dropped = dict(snapshot.skipped), snapshot.lines_dropped
        self.video, self.peer_video = snapshot.video, snapshot.peer_video
        self.recording, self.windows = snapshot.recording, snapshot.windows
        self.sound, self.peer_sound = snapshot.sound, snapshot.peer_sound
        before = self.transfers
        self.transfers = {transfer.id: transfer for transfer in snapshot.transfers}
        for transfer in snapshot.transfers:
            old = before.get(transfer.id)
            if old is not None and old.state not in OVER and transfer.state in OVER:
                self.over_at = {**self.over_at, transfer.id: now}
        self.noted = {}

    def _change(self, transfer: Transfer, now: float) -> None:
        old = self.transfers.get(transfer.id)
        self.transfers = {**self.transfers, transfer.id: transfer}
        if old is not None and old.state == transfer.state:
            return
        self.noted = {number: count for number, count in self.noted.items() if number != transfer.id}
        if transfer.state in OVER:
            self.over_at = {**self.over_at, transfer.id: now}
            self._forget_oldest()

    def _progress(self, transfer: Transfer, event: TransferProgressed) -> None:
        if transfer.state in OVER:
            return
        self.transfers = {
            **self.transfers,
            transfer.id: msgspec.structs.replace(
                transfer,
                moved=event.moved,
                moved_files=event.moved_files,
                rate=event.rate,
                seconds_left=event.seconds_left,
                stall=event.stall,
            ),
        }
        if event.stall:
            self.stalled = {**self.stalled, event.id: self.stalled.get(event.id, frozenset()) | {event.stall}}

    def _end_transfers(self, now: float) -> None:
        """The engine is gone, and what it did not finish with it: nothing may go on looking as if it moved."""
        open_ones = {
            number: msgspec.structs.replace(transfer, state="failed", cause="call-over", detail="")
            for number, transfer in self.transfers.items()
            if transfer.state not in OVER
        }
        self.transfers = {**self.transfers, **open_ones}
        self.over_at = {**self.over_at, **dict.fromkeys(open_ones, now)}

    def _forget_oldest(self) -> None:
        over = [number for number, transfer in self.transfers.items() if transfer.state in OVER]
        for number in over[: max(0, len(over) - limits.TRANSFERS_KEPT)]:
            self.transfers = {one: transfer for one, transfer in self.transfers.items() if one != number}
            self.over_at = {one: at for one, at in self.over_at.items() if one != number}
            self.stalled = {one: stalls for one, stalls in self.stalled.items() if one != number}
