"""Sound devices, by PortAudio (PyAudio): which there are, and streams of them. A child has one of these open.

On a desktop PortAudio sees one device, the sound server (PulseAudio, or PipeWire in its place), and the server knows
the real ones: those are listed beside it, by pactl where it is installed, and chosen by PULSE_SOURCE and PULSE_SINK.
"""

import json
import os
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, TypeVar

from actors.audio.frames import RATE
from actors.ends import NamedEnd
from actors.sounds import Device

Way = Literal["microphone", "speaker"]
_Opened = TypeVar("_Opened")

SERVER: Final = "pulse:"  # before the name of a device of the sound server
_SERVER_DEVICES: Final = ("pulse", "pipewire", "default")  # PortAudio's own names for the server, the best first
_NICE: Final = -11  # as PulseAudio
_ANSWER_SECONDS: Final = 3.0  # of a sound server; one that stands still is not waited for
_AGAIN_SECONDS: Final = 1.0  # between two looks for a device that is gone
_BUFFER_MS: Final = 20  # that a device is to hold: PulseAudio's own wish is 60
_BUFFER_MOST_MS: Final = 500
_PERIODS: Final = 3  # of a buffer, as PortAudio makes it


class DeviceError(NamedEnd):
    """A device, or a file in its place, can't be opened or has failed: a code of docs/engine.md."""


def hurry() -> None:
    """Let the calling thread, and those that it will start, come before usual ones, where this user may. Not in real
    time: ALSA's way to PulseAudio spins for a moment now and then, and the kernel ends what does so too long."""
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, _NICE)


def start_portaudio() -> Any:
    """Return PortAudio, as it finds the devices now; to be ended by its `terminate`. Raises `DeviceError`
    sound-missing."""
    os.environ.setdefault("JACK_NO_START_SERVER", "1")  # looking for devices must not start a server
    if "PULSE_SERVER" in os.environ:
        os.environ.setdefault("PULSE_CLIENTCONFIG", str(Path(__file__).with_name("pulse.conf")))
    try:
        import pyaudio
    except ImportError as error:
        raise DeviceError("sound-missing", str(error)) from None
    return pyaudio.PyAudio()


def list_devices(way: Way) -> list[Device]:
    """Return what there is, the default first. Raises `DeviceError` sound-missing."""
    audio = start_portaudio()
    own = [Device(name, name) for _, name in _named(audio, way)]
    default = _default(audio, way)
    audio.terminate()
    own.sort(key=lambda device: device.id != default)
    return own + _of_the_server(way)


def opened_again(open_one: Callable[[], _Opened]) -> _Opened:
    """Return what `open_one` gives once it no longer raises `DeviceError`: a device that is gone comes back."""
    while True:
        with suppress(DeviceError):
            return open_one()
        time.sleep(_AGAIN_SECONDS)


@dataclass(frozen=True, slots=True)
class Opened:
    """An open stream, its rate (that of frames, or the device's own), what people call the device, and the seconds from
    a sample's writing to the air once the device is full."""

    stream: Any
    rate: int
    name: str
    latency: float


def open_device(audio: Any, way: Way, device: str, buffer: float = 0.0) -> Opened:
    """Open a stream of one channel of 16 bit: of `device` as listed, "" for the default; with a buffer of so many
    seconds, 0 for the usual. Raises `DeviceError` device-absent, device-failed, microphone-none, speaker-none."""
    named = {name: index for index, name in reversed(_named(audio, way))}
    if device.startswith(SERVER):
        os.environ["PULSE_SOURCE" if way == "microphone" else "PULSE_SINK"] = device.removeprefix(SERVER)
        name = next((name for name in _SERVER_DEVICES if name in named), "")
    else:
        name = device or _default(audio, way)
    if name not in named:
        raise DeviceError("device-absent" if device else f"{way}-none", device)
    failure = ""
    buffer = buffer or _usual_buffer()
    own_rate = int(audio.get_device_info_by_index(named[name])["defaultSampleRate"])
    for rate in (RATE, own_rate):
        try:
            stream = _open(audio, way, named[name], rate, round(buffer * rate / _PERIODS))
        except (OSError, ValueError) as error:
            failure = str(error)
            continue
        return Opened(stream, rate, device or name, buffer)
    raise DeviceError("device-failed", f"{device or name}: {failure}")


def _usual_buffer() -> float:
    """Return how long a buffer is to be: PULSE_LATENCY_MSEC, or ours. The variable is taken away: with it libpulse asks
    the server for another buffer than PortAudio knows, and then, after a gap, the server waits for more before it plays
    on, and PortAudio for it to play on before it writes more."""
    asked = os.environ.pop("PULSE_LATENCY_MSEC", "")
    return (min(int(asked), _BUFFER_MOST_MS) if asked.isdecimal() and int(asked) else _BUFFER_MS) / 1000


def _open(audio: Any, way: Way, index: int, rate: int, period: int) -> Any:
    import pyaudio

    return audio.open(
        rate=rate,
        channels=1,
        format=pyaudio.paInt16,
        frames_per_buffer=period,
        input=way == "microphone",
        output=way == "speaker",
        input_device_index=index if way == "microphone" else None,
        output_device_index=index if way == "speaker" else None,
    )


def _named(audio: Any, way: Way) -> list[tuple[int, str]]:
    channels = "maxInputChannels" if way == "microphone" else "maxOutputChannels"
    found = (audio.get_device_info_by_index(index) for index in range(audio.get_device_count()))
    return [(int(each["index"]), str(each["name"])) for each in found if each[channels] > 0]


def _default(audio: Any, way: Way) -> str:
    find = audio.get_default_input_device_info if way == "microphone" else audio.get_default_output_device_info
    try:
        return str(find()["name"])
    except OSError:  # there is none
        return ""


def _of_the_server(way: Way) -> list[Device]:
    command = ["pactl", "--format=json", "list", "sources" if way == "microphone" else "sinks"]
    try:
        answer = subprocess.run(command, capture_output=True, timeout=_ANSWER_SECONDS, check=True)
        found = json.loads(answer.stdout)
        return [Device(f"{SERVER}{each['name']}", str(each.get("description") or each["name"])) for each in found]
    except (OSError, subprocess.SubprocessError, ValueError, KeyError, TypeError, AttributeError):
        return []  # no pactl, none that speaks JSON, or no server
