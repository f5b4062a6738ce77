"""Sound devices as PortAudio has them: one that refuses 16 kHz, and no PortAudio at all."""

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from actors.audio.frames import RATE, SAMPLES
from actors.children import portaudio
from actors.children.portaudio import DeviceError, open_device, start_portaudio
from tests.sound import SoundServer, seconds_of, sound_server
from tests.voices import voice


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SoundServer]:
    with sound_server(tmp_path / "pulse", "mina") as server:
        for name, value in server.environment("mina").items():
            monkeypatch.setenv(name, value)
        yield server


class Refusing:
    """The real PyAudio, of whose devices none opens at 16 kHz."""

    def __init__(self) -> None:
        self._audio = start_portaudio()
        self.rates: list[int] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._audio, name)

    def open(self, *, rate: int, **rest: Any) -> Any:
        self.rates.append(rate)
        if rate == RATE:
            raise OSError(-9997, "Invalid sample rate")
        return self._audio.open(rate=rate, **rest)


@pytest.fixture
def refusing(server: SoundServer, monkeypatch: pytest.MonkeyPatch) -> list[Refusing]:
    """All that were started."""
    started: list[Refusing] = []

    def start() -> Refusing:
        started.append(Refusing())
        return started[-1]

    for module in ("actors.sources.microphone", "actors.sinks.speaker"):
        monkeypatch.setattr(f"{module}.start_portaudio", start)
    return started


@pytest.mark.device
def test_a_microphone_that_refuses_16_khz_is_brought_there(server: SoundServer, refusing: list[Refusing]) -> None:
    from actors.sources.microphone import Microphone

    microphone = Microphone("")
    assert refusing[0].rates == [RATE, 44_100]
    for _ in range(25):
        microphone.read()  # a null sink gives its first two seconds at once
    said = voice(4)
    playing = server.play("mina-mic", said / 32768)
    frames, began = [], time.monotonic()
    while time.monotonic() - began < 5:
        frames.append(microphone.read())
    microphone.close()
    assert playing.wait(10) == 0
    assert {len(frame) for frame in frames if frame is not None} == {SAMPLES}
    heard = np.concatenate([frame for frame in frames if frame is not None]) / 32768
    assert max(alike for _, alike in seconds_of(heard, said / 32768)) > 0.95


@pytest.mark.device
def test_a_speaker_that_refuses_16_khz_is_fed_as_it_wants(server: SoundServer, refusing: list[Refusing]) -> None:
    from actors.sinks.speaker import Speaker

    speaker = Speaker("")
    assert refusing[0].rates == [RATE, 44_100]
    said = voice(6)
    with server.recording("mina-out") as (recorded,):
        for at in range(0, len(said), SAMPLES):
            speaker.write(said[at : at + SAMPLES])
        time.sleep(0.3)
    speaker.close()
    assert max(alike for _, alike in seconds_of(recorded.samples, said / 32768)) > 0.95


@pytest.mark.device
@pytest.mark.parametrize(
    ("device", "cause"), [("no such device", "device-absent"), ("pulse:no-such-sink", "device-failed")]
)
def test_why_a_device_does_not_open(server: SoundServer, device: str, cause: str) -> None:
    audio = start_portaudio()
    try:
        with pytest.raises(DeviceError) as error:
            open_device(audio, "speaker", device)
        assert error.value.cause == cause
    finally:
        audio.terminate()


def test_without_portaudio_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyaudio", None)
    with pytest.raises(DeviceError) as error:
        start_portaudio()
    assert error.value.cause == "sound-missing"


@pytest.mark.parametrize(
    ("asked", "seconds"), [("", 0.02), ("60", 0.06), ("0", 0.02), ("soon", 0.02), ("99999", 0.5), ("-5", 0.02)]
)
def test_how_long_a_buffer_is_the_user_may_say(asked: str, seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULSE_LATENCY_MSEC", asked)
    assert portaudio._usual_buffer() == seconds
    assert "PULSE_LATENCY_MSEC" not in portaudio.os.environ
