"""Whether 20 ms of the microphone are sent: open, by voice, by a key, or not at all. No I/O, no clock."""

from typing import Final, Literal

Mode = Literal["voice", "open", "push"]
USUAL_THRESHOLD: Final = -50  # dBFS: a quiet room is below -55, a voice at a headset above -35
HOLD_FRAMES: Final = 25  # half a second: pauses between words belong to a sentence
QUIETER: Final = 6.0  # dB below the threshold nobody speaks for sure


class Gate:
    """Takes the level of each frame in turn. `mode`, `threshold` (dBFS), `talking` and `muted` may change at any
    time."""

    def __init__(self) -> None:
        self.mode: Mode = "voice"
        self.threshold = USUAL_THRESHOLD
        self.talking = False  # of "push"
        self.muted = False
        self.heard = False  # what the microphone took in belongs into the last frame; else a film alone does
        self._held = 0
        self._sending = False

    def take(self, level: float, *, film: bool = False) -> tuple[bool, bool, bool]:
        """Return whether the frame of this level (dBFS) is to be sent, is quiet, and is the last for a while. The last
        one is itself sent. With a `film` everything is, whatever the microphone says; `heard` tells whether what it
        says is in it."""
        loud = level >= self.threshold
        self._held = HOLD_FRAMES if loud else max(0, self._held - 1)
        if self.muted:
            self._held = 0
        self.heard = not self.muted and self._wanted()
        wants = film or self.heard
        last = self._sending and not wants
        self._sending = wants
        return wants or last, not film and level < self.threshold - QUIETER, last

    @property
    def sending(self) -> bool:
        """Whether the last frame was sent, and another is to follow."""
        return self._sending

    def _wanted(self) -> bool:
        match self.mode:
            case "voice":
                return self._held > 0
            case "push":
                return self.talking
            case "open":
                return True
