"""Sound, as screens ask for it and are told of it: who is heard, and how. Part of messages.py."""

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from actors.audio.frames import Codec
from actors.audio.gate import USUAL_THRESHOLD, Mode
from actors.shows import MediaPath
from actors.structs import Command, Event
from relay import limits

# opening: not there yet. on: it works. lost: it went, and is looked for. failed: it can't be had; `cause` says why.
DeviceState = Literal["off", "opening", "on", "lost", "failed"]
CodecChoice = Literal["pcm", "opus", "auto"]
DeviceId = Annotated[str, Meta(max_length=limits.DEVICE_CHARACTERS, pattern=r"^[^\0]*\Z")]
Threshold = Annotated[int, Meta(ge=-90, le=0)]
Volume = Annotated[int, Meta(ge=0, le=limits.VOLUME)]
USUAL_VOLUME: Final = 100


class Device(Struct, frozen=True):
    """A microphone or a speaker: what it is chosen by, and what people call it."""

    id: DeviceId
    name: str


# --- commands --------------------------------------------------------------------------------------------------


class OpenMicrophone(Command, frozen=True, tag=True):
    """Speak from now on, through this device ("": the default), or let this file speak (absolute path), in the place
    of what spoke before."""

    device: DeviceId = ""
    file: MediaPath = ""


class CloseMicrophone(Command, frozen=True, tag=True):
    """Let go of the microphone."""


class OpenSpeaker(Command, frozen=True, tag=True):
    """Hear the peer through this device ("": the default), or write what is heard to this new WAV file. A speaker is
    opened by itself when the peer begins to speak, unless it was closed."""

    device: DeviceId = ""
    file: MediaPath = ""


class CloseSpeaker(Command, frozen=True, tag=True):
    """Hear nothing, until a speaker is opened again."""


class TuneSound(Command, frozen=True, tag=True):
    """Change how one is heard and hears; None leaves it as it is. `mode`: "voice" sends what is louder than
    `threshold` (dBFS), "push" while `talking`, "open" everything. `volume` in percent. `codec` is what is sent; "auto"
    takes Opus while the link is too narrow for PCM."""

    muted: bool | None = None
    mode: Mode | None = None
    talking: bool | None = None
    threshold: Threshold | None = None
    volume: Volume | None = None
    codec: CodecChoice | None = None


class ListDevices(Command, frozen=True, tag=True):
    """Which microphones and speakers are there? Answered by DevicesListed."""


# --- events ----------------------------------------------------------------------------------------------------


class DeviceUse(Struct, frozen=True, kw_only=True):
    """A device of ours. `name` is for people; `device` and `file` are as asked for."""

    state: DeviceState = "off"
    device: str = ""
    file: str = ""
    name: str = ""
    cause: str = ""
    detail: str = ""


class Sound(Struct, frozen=True, kw_only=True):
    """How one is heard and hears. `machine` is where the devices are."""

    machine: str = ""
    microphone: DeviceUse = DeviceUse()
    speaker: DeviceUse = DeviceUse()
    muted: bool = False
    mode: Mode = "voice"
    talking: bool = False
    threshold: int = USUAL_THRESHOLD
    volume: int = USUAL_VOLUME
    codec: CodecChoice = "auto"
    sends: Codec = "pcm"  # what "auto" takes now


class PeerSound(Struct, frozen=True, kw_only=True):
    """The peer's microphone."""

    state: Literal["off", "on", "muted"] = "off"


class Meter(Struct, frozen=True, kw_only=True):
    """One direction now: level in dBFS and in 16 ranges of pitch, whether somebody speaks, frames so far.

    Ours: `frames` were sent, `dropped` waited too long before the lane. The peer's: `frames` came, `dropped` were too
    old here, `late` came after their turn, `dry` turns had nothing to play though somebody spoke, `refused` could not
    be read."""

    level: int = -96
    bands: tuple[int, ...] = ()
    speaks: bool = False
    frames: int = 0
    dropped: int = 0
    late: int = 0
    dry: int = 0
    refused: int = 0


class SoundChanged(Event, frozen=True, kw_only=True, tag=True):
    """How one is heard or hears changed."""

    sound: Sound


class PeerSoundChanged(Event, frozen=True, kw_only=True, tag=True):
    """The peer's microphone went on, off, or was muted."""

    sound: PeerSound


class SoundMeasured(Event, frozen=True, kw_only=True, tag=True):
    """Ten times a second while a microphone is on or the peer is heard; coalesced. `age_ms` is how old what is heard is
    when it leaves for the air, from the microphone's first sample on; true to `unsure_ms` (half a round trip, since
    two clocks are compared). None: nothing is heard, or nobody knows. `waits_ms` of it are waited for late frames."""

    own: Meter
    peer: Meter
    age_ms: float | None = None
    unsure_ms: float = 0.0
    waits_ms: float = 0.0


class DevicesListed(Event, frozen=True, kw_only=True, tag=True):
    """The devices of `machine`, defaults first, to be chosen by id. `cause` says why there are none."""

    machine: str
    microphones: tuple[Device, ...] = ()
    speakers: tuple[Device, ...] = ()
    cause: str = ""
    detail: str = ""


SoundCommand = OpenMicrophone | CloseMicrophone | OpenSpeaker | CloseSpeaker | TuneSound | ListDevices
SoundEvent = SoundChanged | PeerSoundChanged | SoundMeasured | DevicesListed
