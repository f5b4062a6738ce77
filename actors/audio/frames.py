"""How 20 ms of sound are packed, on the lane `audio` and on the pipes to and from children. No I/O, no clock.

AFR0:  8 number, 8 capture time in ns (of the first sample), 1 kind, then the sound

Kind: 0 is 320 samples of 16 bit, least byte first; 1 is one Opus packet (RFC 6716). Beside it stand QUIET (nobody
speaks in these 20 ms) and LAST (nothing follows for a while). The number counts every 20 ms, also those that are not
sent.
"""

import struct
from dataclasses import dataclass, replace
from typing import Final, Literal

from relay import limits

FRAME: Final = b"AFR0"
RATE: Final = 16_000  # samples a second, one channel, as the original's
SAMPLES: Final = 320
FRAME_SECONDS: Final = SAMPLES / RATE
SAMPLE_BYTES: Final = 2
PCM_BYTES: Final = SAMPLES * SAMPLE_BYTES
OPUS_BYTES: Final = 1275  # RFC 6716, section 3.4: the most that one frame may have

HEAD: Final = struct.Struct("!QQB")
FRAME_LIMIT: Final = HEAD.size + OPUS_BYTES
LANE_LIMIT: Final = FRAME_LIMIT + limits.SEAL_OVERHEAD_BYTES

Codec = Literal["pcm", "opus"]
_CODECS: Final[tuple[Codec, ...]] = ("pcm", "opus")
_CODEC_BITS, _QUIET, _LAST = 0x0F, 0x40, 0x80

Payload = bytes | bytearray | memoryview


class FrameError(Exception):
    """Of another length than its kind has, or of a kind that this version does not know."""


@dataclass(frozen=True, slots=True)
class SoundFrame:
    """20 ms of sound. `captured` is in ns by the clock of whoever captured it."""

    number: int
    captured: int
    sound: Payload
    codec: Codec = "pcm"
    quiet: bool = False
    last: bool = False

    def pack(self) -> bytes:
        """Return the payload of an AFR0."""
        kind = _CODECS.index(self.codec) | (_QUIET if self.quiet else 0) | (_LAST if self.last else 0)
        return HEAD.pack(self.number, self.captured, kind) + self.sound

    def at(self, number: int, captured: int) -> "SoundFrame":
        """Return the same sound with another number and time."""
        return replace(self, number=number, captured=captured)


def unpack(payload: Payload) -> SoundFrame:
    """Return the frame in an AFR0; its sound is a view, not a copy. Raises `FrameError`."""
    if not HEAD.size < len(payload) <= FRAME_LIMIT:
        raise FrameError(f"a frame of {len(payload)} bytes")
    number, captured, kind = HEAD.unpack_from(payload)
    if kind & _CODEC_BITS >= len(_CODECS):
        raise FrameError(f"a frame of kind {kind}")
    codec, sound = _CODECS[kind & _CODEC_BITS], memoryview(payload)[HEAD.size :]
    if codec == "pcm" and len(sound) != PCM_BYTES:
        raise FrameError(f"{len(sound)} bytes of samples")
    return SoundFrame(number, captured, sound, codec, bool(kind & _QUIET), bool(kind & _LAST))
