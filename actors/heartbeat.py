"""Round trip and clock offset from heartbeats, as NTP (RFC 5905, section 8) reckons them. No I/O, no clock."""

from collections import deque
from typing import Final

from actors.peer import Heartbeat
from relay import limits

_ABSURD_NS: Final = 3600 * 10**9  # no round trip takes an hour: the peer's numbers are wrong


class HeartbeatClock:
    """Makes heartbeats and learns from the peer's. All times in ns of a clock that never jumps."""

    def __init__(self) -> None:
        self._peer_sent: int | None = None  # of the peer's last heartbeat, by its clock
        self._came = 0  # when it came, by ours
        self._samples: deque[tuple[int, int]] = deque(maxlen=limits.HEARTBEATS_KEPT)

    def make(self, now: int) -> Heartbeat:
        """Return the heartbeat to send now."""
        held = 0 if self._peer_sent is None else max(0, now - self._came)
        return Heartbeat(sent=now, echo=self._peer_sent, held=held)

    def take(self, heartbeat: Heartbeat, now: int) -> int | None:
        """Learn from a heartbeat that came now; return the round trip in ns, or None if it tells none."""
        self._peer_sent = heartbeat.sent
        self._came = now
        if heartbeat.echo is None:
            return None
        round_trip = now - heartbeat.echo - heartbeat.held
        if not 0 <= round_trip <= _ABSURD_NS:
            return None
        offset = ((heartbeat.sent - heartbeat.held - heartbeat.echo) + (heartbeat.sent - now)) // 2
        self._samples.append((round_trip, offset))
        return round_trip

    @property
    def offset(self) -> int | None:
        """The peer's clock less ours in ns, from the smallest round trip of the last 30; None if there was none."""
        return min(self._samples)[1] if self._samples else None
