"""What is typed about sound."""

from pathlib import Path

import pytest

from actors.messages import (
    AnyCommand,
    CloseMicrophone,
    CloseSpeaker,
    Device,
    DevicesListed,
    DeviceUse,
    ListDevices,
    OpenMicrophone,
    OpenSpeaker,
    Sound,
    TuneSound,
)
from relay import limits
from tui.file_commands import MisusedError
from tui.sound_commands import NAMES, UnlistedError, command_of
from tui.state import CallState

ON = DeviceUse(state="on")
LISTED = DevicesListed(
    machine="m", microphones=(Device("a", "A"), Device("b", "B")), speakers=(Device("c", "C"), Device("d", "D"))
)


@pytest.mark.parametrize(
    ("typed", "state", "command"),
    [
        ("mic", CallState(), OpenMicrophone()),
        ("mic", CallState(sound=Sound(microphone=ON)), CloseMicrophone()),
        ("mic on", CallState(sound=Sound(microphone=ON)), OpenMicrophone()),
        ("mic off", CallState(), CloseMicrophone()),
        ("mic 2", CallState(devices=LISTED), OpenMicrophone("b")),
        ("speaker", CallState(), OpenSpeaker()),
        ("speaker", CallState(sound=Sound(speaker=ON)), CloseSpeaker()),
        ("speaker off", CallState(), CloseSpeaker()),
        ("speaker 1", CallState(devices=LISTED), OpenSpeaker("c")),
        ("mute", CallState(), TuneSound(muted=True)),
        ("mute", CallState(sound=Sound(muted=True)), TuneSound(muted=False)),
        ("mute off", CallState(), TuneSound(muted=False)),
        ("ptt", CallState(), TuneSound(mode="push")),
        ("ptt", CallState(sound=Sound(mode="push")), TuneSound(mode="voice")),
        ("ptt off", CallState(), TuneSound(mode="voice")),
        ("vad -45", CallState(), TuneSound(mode="voice", threshold=-45)),
        ("vad 45", CallState(), TuneSound(mode="voice", threshold=-45)),
        ("vad off", CallState(), TuneSound(mode="open")),
        ("volume 0", CallState(), TuneSound(volume=0)),
        ("volume 150%", CallState(), TuneSound(volume=150)),
        (f"volume {limits.VOLUME}", CallState(), TuneSound(volume=limits.VOLUME)),
        ("devices", CallState(), ListDevices()),
        ("codec opus", CallState(), TuneSound(codec="opus")),
    ],
)
def test_words_are_commands(typed: str, state: CallState, command: AnyCommand, tmp_path: Path) -> None:
    name, _, rest = typed.partition(" ")
    assert command_of(name, rest, state, tmp_path) == command


def test_a_file_speaks_and_one_keeps_what_is_heard(tmp_path: Path) -> None:
    (tmp_path / "my song.wav").write_bytes(b"x")
    assert command_of("mic", "'my song.wav'", CallState(), tmp_path) == OpenMicrophone(file=f"{tmp_path}/my song.wav")
    assert command_of("speaker", "new.wav", CallState(), tmp_path) == OpenSpeaker(file=f"{tmp_path}/new.wav")


@pytest.mark.parametrize("name", ["mic", "speaker"])
def test_a_number_needs_the_list(name: str, tmp_path: Path) -> None:
    with pytest.raises(UnlistedError):
        command_of(name, "2", CallState(), tmp_path)


@pytest.mark.parametrize(
    "typed",
    [
        "mic 0",
        "mic 3",
        "mic 99999999999999999999",
        "mic a b",
        "mic nowhere.wav",
        "speaker 3",
        "speaker a b",
        "mute maybe",
        "ptt now",
        "vad",
        "vad -91",
        "vad loud",
        "volume",
        "volume -1",
        "volume 401",
        "volume ²",
        "devices all",
        "codec",
        "codec mp3",
    ],
)
def test_what_is_misused_is_said(typed: str, tmp_path: Path) -> None:
    name, _, rest = typed.partition(" ")
    with pytest.raises(MisusedError, match=r"."):
        command_of(name, rest, CallState(devices=LISTED), tmp_path)


def test_every_command_is_offered() -> None:
    from tui.commands import COMMANDS

    assert {command.name for command in COMMANDS} >= NAMES
