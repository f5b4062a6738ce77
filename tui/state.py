"""What the screen knows of its call: the snapshot, kept up to date by every event. No I/O, no clock, no Textual."""

from dataclasses import dataclass, field

from actors.messages import (
    AnyEvent,
    CodeBurned,
    CodeMade,
    CommandRefused,
    Ended,
    Failed,
    Link,
    LinkChanged,
    MediaSkipped,
    PeerNamed,
    PeerTyped,
    Phase,
    PhaseChanged,
    RoundTripMeasured,
    SessionOpened,
    Snapshot,
)
from tui.link import Detached, EngineGone


@dataclass(slots=True)
class CallState:
    """A call as this screen sees it.

    `since` is in UNIX seconds, `round_trip_at` by the clock that `apply` is given. `met` tells whether the peer was
    ever there; `attached` is false while the engine does not talk to this screen. `problem` is why the last MakeCode,
    EnterCode or OpenPlain came to nothing.
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

    @property
    def in_call(self) -> bool:
        """Whether there is, or was, someone to talk to: the call screen shows it."""
        return self.phase in ("call", "plain", "ended")

    @property
    def plain(self) -> bool:
        """Whether nothing is encrypted."""
        return self.phase == "plain" or (self.phase == "ended" and not self.verification)

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
            case CommandRefused() if self.phase in ("idle", "dialling"):
                self.phase, self.problem = "idle", (f"command-{event.cause}", event.detail)
            case Ended() | EngineGone():
                self.phase, self.link, self.cause = "ended", "none", event.cause
                self.peer_typing, self.round_trip_ms = False, None
                self.detail = event.detail if isinstance(event, Ended) else ""
            case _:
                pass

    def _take(self, snapshot: Snapshot, now: float) -> None:
        self.engine, self.name = snapshot.engine, snapshot.name
        self.phase, self.link, self.since = snapshot.phase, snapshot.link, snapshot.since
        self.cause, self.detail = snapshot.cause, ""
        self.relay, self.code = snapshot.relay or self.relay, snapshot.code
        self.peer, self.peer_typing, self.verification = snapshot.peer, snapshot.peer_typing, snapshot.verification
        self.met = self.met or snapshot.link == "joined" or bool(snapshot.peer)
        self.round_trip_ms, self.round_trip_at = snapshot.round_trip_ms, now
        self.skipped, self.lines_dropped = dict(snapshot.skipped), snapshot.lines_dropped
