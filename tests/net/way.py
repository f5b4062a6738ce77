"""What one direction of a link does to packets: no I/O and no clock; times are given, in seconds."""

import random
import re
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import inf

UNITS = {
    "rate": {"": 1.0, "k": 1e3, "kbit": 1e3, "m": 1e6, "mbit": 1e6, "g": 1e9, "gbit": 1e9},
    "delay": {"ms": 1e-3, "s": 1.0},
    "queue": {"": 1.0, "k": 1024.0, "m": 1024.0**2},
    "loss": {"": 1.0, "%": 0.01},
}


def measure(what: str, text: str) -> float:
    """Return a rate (20mbit, 500k), delay (20ms), queue (128k) or loss (0.5%) as the number it is in `Settings`.

    Raises `ValueError` if it can't be one.
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?) *([a-z%]*)", text.strip().lower())
    if found is None or found[2] not in UNITS[what]:
        raise ValueError(f"no {what}: {text!r} (units: {', '.join(filter(None, UNITS[what]))})")
    value = float(found[1]) * UNITS[what][found[2]]
    if (what == "rate" and not value) or (what == "loss" and value > 1):
        raise ValueError(f"no {what}: {text!r}")
    return value


@dataclass
class Settings:
    """Both directions of a link; may change while packets pass."""

    rate: float  # bits a second, each way
    delay: float  # seconds, one way
    queue: float  # bytes that may wait for the wire, each way; a packet that does not fit is dropped
    loss: float  # share of the packets that vanish
    cut: bool = False
    stalled_until: float = -inf


class Way:
    """A queue in bytes that drops at its end, a wire that takes a packet at a time, and a delay. Order is kept."""

    def __init__(self, settings: Settings, chance: Callable[[], float] = random.random) -> None:
        self.packets = self.bytes = self.dropped = self.queued = 0
        self.late = 0.0  # the most seconds that a packet was asked for after its time
        self._settings = settings
        self._chance = chance
        self._queue: deque[tuple[float, bytes]] = deque()  # with the time it came
        self._flight: deque[tuple[float, bytes]] = deque()  # with the time it arrives
        self._wire_free = -inf

    def put(self, packet: bytes, now: float) -> None:
        """Take a packet in, or drop it."""
        settings = self._settings
        if settings.cut or self.queued + len(packet) > settings.queue or self._chance() < settings.loss:
            self.dropped += 1
            return
        self._queue.append((now, packet))
        self.queued += len(packet)

    def take_arrived(self, now: float) -> Iterator[bytes]:
        """Yield what has arrived at the far end by now."""
        settings = self._settings
        if settings.cut:
            self.dropped += len(self._queue) + len(self._flight)
            self._queue.clear()
            self._flight.clear()
            self.queued = 0
        if now < settings.stalled_until:
            return
        while self._queue and self._wire_free <= now:
            came, packet = self._queue.popleft()
            self.queued -= len(packet)
            begun = max(self._wire_free, came, settings.stalled_until)
            self._wire_free = begun + len(packet) * 8 / settings.rate
            self._flight.append((self._wire_free + settings.delay, packet))
        while self._flight and self._flight[0][0] <= now:
            arrives, packet = self._flight.popleft()
            self.late = max(self.late, now - max(arrives, settings.stalled_until))
            self.packets += 1
            self.bytes += len(packet)
            yield packet

    def next_at(self) -> float:
        """Return when `take_arrived` has something to do, `inf` for never."""
        times = [self._flight[0][0]] if self._flight else []
        times += [self._wire_free] if self._queue else []
        return max(min(times), self._settings.stalled_until) if times else inf

    def stats(self) -> dict[str, float]:
        """Return the counts since the beginning."""
        names = ("packets", "bytes", "dropped", "queued", "late")
        return {name: getattr(self, name) for name in names}
