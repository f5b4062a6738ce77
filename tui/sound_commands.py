"""What is typed after /mic, /speaker, /mute and the like: words in, commands for the engine out. Pure."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from actors.messages import (
    AnyCommand,
    CloseMicrophone,
    CloseSpeaker,
    Device,
    ListDevices,
    OpenMicrophone,
    OpenSpeaker,
    TuneSound,
)
from relay import limits
from tui import paths
from tui.file_commands import MisusedError, shown
from tui.shell_words import split_words
from tui.state import CallState
from tui.words.catalogue import say

ON: Final = "on"
OFF: Final = "off"
CODECS: Final = ("pcm", "opus", "auto")

_THRESHOLD: Final = re.compile(r"[-−]?(\d{1,2})")


class UnlistedError(Exception):
    """A number was typed before the devices were looked for."""


def command_of(name: str, rest: str, state: CallState, folder: Path) -> AnyCommand:
    """Return what `/name rest` asks for. What is relative is so to `folder`. Raises `MisusedError`, and `UnlistedError`
    when the devices are to be listed first."""
    words = [word for word in split_words(rest) if word]
    return _MAKERS[name](words, state, folder)


def _microphone(words: list[str], state: CallState, folder: Path) -> AnyCommand:
    on = state.sound.microphone.state in ("opening", "on", "lost")
    if words == [OFF] or (not words and on):
        return CloseMicrophone()
    if words in ([], [ON]):
        return OpenMicrophone()
    if len(words) == 1 and words[0].isdecimal():
        return OpenMicrophone(_device("mic", words[0], state.devices.microphones if state.devices else None))
    try:
        (file,) = paths.existing(words, folder) if len(words) == 1 else ("",)
    except paths.MissingPathError as error:
        raise MisusedError(say("misused-path", path=shown(error.path))) from None
    if not file:
        raise MisusedError(say("misused-mic"))
    return OpenMicrophone(file=file)


def _speaker(words: list[str], state: CallState, folder: Path) -> AnyCommand:
    on = state.sound.speaker.state in ("opening", "on", "lost")
    if words == [OFF] or (not words and on):
        return CloseSpeaker()
    if words in ([], [ON]):
        return OpenSpeaker()
    if len(words) != 1:
        raise MisusedError(say("misused-speaker"))
    if words[0].isdecimal():
        return OpenSpeaker(_device("speaker", words[0], state.devices.speakers if state.devices else None))
    return OpenSpeaker(file=paths.absolute(words[0], folder))


def _mute(words: list[str], state: CallState, folder: Path) -> AnyCommand:
    if words not in ([], [ON], [OFF]):
        raise MisusedError(say("misused-mute"))
    return TuneSound(muted=not state.sound.muted if not words else words == [ON])


def _push(words: list[str], state: CallState, folder: Path) -> AnyCommand:
    if words not in ([], [ON], [OFF]):
        raise MisusedError(say("misused-ptt"))
    pushes = state.sound.mode != "push" if not words else words == [ON]
    return TuneSound(mode="push" if pushes else "voice")


def _voice(words: list[str], state: CallState, folder: Path) -> AnyCommand:
    if words == [OFF]:
        return TuneSound(mode="open")
    match = _THRESHOLD.fullmatch(words[0]) if len(words) == 1 else None
    if match is None or int(match[1]) > 90:
        raise MisusedError(say("misused-vad", now=state.sound.threshold, level=state.own_meter.level))
    return TuneSound(mode="voice", threshold=-int(match[1]))


def _volume(words: list[str], state: CallState, folder: Path) -> AnyCommand:
    text = words[0].removesuffix("%") if len(words) == 1 else ""
    if not text.isdecimal() or len(text) > 3 or int(text) > limits.VOLUME:
        raise MisusedError(say("misused-volume", now=state.sound.volume, most=limits.VOLUME))
    return TuneSound(volume=int(text))


def _devices(words: list[str], state: CallState, folder: Path) -> AnyCommand:
    if words:
        raise MisusedError(say("misused-words", command="devices"))
    return ListDevices()


def _codec(words: list[str], state: CallState, folder: Path) -> AnyCommand:
    if len(words) != 1 or words[0] not in CODECS:
        raise MisusedError(say("misused-codec", now=state.sound.codec, sends=say(f"codec-{state.sound.sends}")))
    return TuneSound(codec=words[0])  # type: ignore[arg-type]


_MAKERS: Final[dict[str, Callable[[list[str], CallState, Path], AnyCommand]]] = {
    "mic": _microphone,
    "speaker": _speaker,
    "mute": _mute,
    "ptt": _push,
    "vad": _voice,
    "volume": _volume,
    "devices": _devices,
    "codec": _codec,
}
NAMES: Final = frozenset(_MAKERS)


def _device(command: str, word: str, devices: Sequence[Device] | None) -> str:
    """Return the id of the device of this number, as last listed."""
    if devices is None:
        raise UnlistedError
    number = int(word[:9])
    if not 0 < number <= len(devices):
        raise MisusedError(say("misused-device", command=command, most=len(devices)))
    return devices[number - 1].id
