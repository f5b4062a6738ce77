"""The microphone and the speaker as their engine has them, with files in the place of devices."""

import os
import time
from pathlib import Path

import numpy as np
import pytest

from actors.audio.frames import FRAME, PCM_BYTES, RATE, SAMPLES, SoundFrame, unpack
from actors.children.orders import (
    Failed,
    Heard,
    OpenSound,
    PlayFilm,
    SoundOpened,
    SourceEnded,
    Spoke,
    TuneMicrophone,
    TuneSpeaker,
)
from relay import limits
from relay.wire import Packet
from tests.actors.children.program import ChildProgram
from tests.films import make_video
from tests.sound import found_in
from tests.voices import read_wave, voice, write_wave


def frames_of(child: ChildProgram) -> list[SoundFrame]:
    """All that it sends until its file ends."""
    frames = []
    while not isinstance(said := child.receive(), SourceEnded):
        assert said is not None
        if isinstance(said, Packet):
            frames.append(unpack(said.payload))
    return frames


def sound_of(frames: list[SoundFrame]) -> np.ndarray:
    return np.concatenate([np.frombuffer(frame.sound, "<i2") for frame in frames])


# --- the microphone --------------------------------------------------------------------------------------------------


def test_a_file_is_sent_as_it_is_in_its_time(tmp_path: Path) -> None:
    said = voice(1.5)
    with ChildProgram("microphone") as child:
        began = time.monotonic_ns()
        child.tell(OpenSound(file=str(write_wave(tmp_path / "a.wav", said))), TuneMicrophone(mode="open"))
        assert child.wait(SoundOpened).name == str(tmp_path / "a.wav")
        frames = frames_of(child)
    assert (sound_of(frames)[-len(said) + 3200 :] == said[3200:]).all()
    assert [frame.number for frame in frames] == [*range(frames[0].number, frames[0].number + len(frames))]
    gaps = np.diff([frame.captured for frame in frames]) / 1e6
    assert gaps.min() > 15
    assert gaps.max() < 25
    assert began < frames[0].captured < time.monotonic_ns()


def test_what_is_sent_follows_the_orders(tmp_path: Path) -> None:
    silent = np.zeros(RATE, np.int16)
    path = write_wave(tmp_path / "a.wav", np.concatenate([silent, voice(1), silent]))
    with ChildProgram("microphone") as child:
        child.tell(OpenSound(file=str(path)))
        frames = frames_of(child)
    numbers = [frame.number for frame in frames]
    assert numbers == [*range(numbers[0], numbers[-1] + 1)]
    assert 50 <= numbers[0] <= 53  # by voice, not before the second second
    assert 124 <= numbers[-1] <= 128  # and half a second longer
    assert [frame.last for frame in frames] == [False] * (len(frames) - 1) + [True]
    with ChildProgram("microphone") as child:
        child.tell(OpenSound(file=str(path)), TuneMicrophone(mode="open", muted=True))
        assert [frame for frame in frames_of(child) if frame.number > 5] == []


def playing(film: Path) -> PlayFilm:
    return PlayFilm(str(film), time.monotonic_ns())


@pytest.mark.parametrize("order", [TuneMicrophone(mode="open", muted=True), TuneMicrophone(mode="push")])
def test_who_is_not_to_be_heard_is_in_no_film(tmp_path: Path, order: TuneMicrophone) -> None:
    loud = write_wave(tmp_path / "loud.wav", voice(2))
    tone = (5_000 * np.sin(2 * np.pi * 3000 * np.arange(3 * RATE) / RATE)).astype(np.int16)
    with ChildProgram("microphone") as child:
        child.tell(OpenSound(file=str(loud)), order, playing(write_wave(tmp_path / "film.wav", tone)))
        frames = [frame for frame in frames_of(child) if frame.number > 5]
    assert len(frames) > 50
    assert max(np.abs(np.frombuffer(frame.sound, "<i2")).max() for frame in frames) <= 5_000


def test_a_film_without_sound_sends_nothing(tmp_path: Path) -> None:
    loud, silent = write_wave(tmp_path / "loud.wav", voice(1)), make_video(tmp_path / "f.mp4", 60, size=(160, 120))
    with ChildProgram("microphone") as child:
        child.tell(OpenSound(file=str(loud)), TuneMicrophone(mode="open", muted=True), playing(silent))
        assert [frame for frame in frames_of(child) if frame.number > 5] == []


def test_opus_is_small(tmp_path: Path) -> None:
    with ChildProgram("microphone") as child:
        path = write_wave(tmp_path / "a.wav", voice(1))
        child.tell(OpenSound(file=str(path)), TuneMicrophone(mode="open", codec="opus"))
        frames = [frame for frame in frames_of(child) if frame.number > 10]
    assert {frame.codec for frame in frames} == {"opus"}
    assert max(len(frame.sound) for frame in frames) < 150


def test_the_level_is_told_ten_times_a_second(tmp_path: Path) -> None:
    tone = (10_000 * np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE)).astype(np.int16)
    with ChildProgram("microphone") as child:
        child.tell(OpenSound(file=str(write_wave(tmp_path / "a.wav", tone))))
        told = [child.wait(Spoke) for _ in range(9)]
    assert {spoke.level for spoke in told} == {-13}
    assert all(spoke.speaks for spoke in told)
    assert {len(spoke.bands) for spoke in told} == {limits.BANDS}


@pytest.mark.parametrize(
    ("order", "cause"),
    [
        (OpenSound(file="/nowhere.wav"), "source-missing"),
        (OpenSound(file="/dev/null"), "source-broken"),
        (OpenSound(device="no such device"), "device-absent"),
    ],
)
def test_why_it_can_not_be_opened(order: OpenSound, cause: str) -> None:
    with ChildProgram("microphone", PULSE_SERVER="unix:/nowhere") as child:
        child.tell(order)
        assert child.wait(Failed).cause == cause


# --- the speaker -----------------------------------------------------------------------------------------------------


def frame(number: int, said: np.ndarray) -> SoundFrame:
    begin = (number - 1) * SAMPLES
    return SoundFrame(number, number * 20_000_000, said[begin : begin + SAMPLES].astype("<i2").tobytes())


def test_what_comes_is_played_whole(tmp_path: Path) -> None:
    said, path = voice(2), tmp_path / "heard.wav"
    with ChildProgram("speaker") as child:
        child.tell(OpenSound(file=str(path)), TuneSpeaker(50))
        child.wait(SoundOpened)
        began = time.monotonic()
        for number in range(1, len(said) // SAMPLES + 1):
            time.sleep(max(0.0, began + number * 0.02 - time.monotonic()))
            child.send(FRAME, frame(number, said).pack())
        while (heard := child.wait(Heard)).number < 100:
            pass
        assert heard.dropped == heard.refused == 0
    _, alike = found_in(read_wave(path), said[RATE : RATE + RATE // 4] / 32768)
    assert alike > 0.9
    assert np.abs(read_wave(path)).max() == pytest.approx(np.abs(said).max() / 2 / 32768, rel=0.1)


def test_a_hundred_thousand_frames_at_once_are_dropped_as_they_come(tmp_path: Path) -> None:
    with ChildProgram("speaker") as child:
        child.tell(OpenSound(file=str(tmp_path / "heard.wav")))
        child.wait(SoundOpened)
        time.sleep(0.2)
        before = _resident(child.process.pid)
        for number in range(1, 100_001):
            child.send(FRAME, SoundFrame(number, number * 20_000_000, bytes(PCM_BYTES)).pack())
        while (heard := child.wait(Heard)).number < 99_000:
            pass
        assert heard.dropped > 90_000
        assert _resident(child.process.pid) < before + 20 * limits.MIB


def _resident(process: int) -> int:
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def test_frames_of_nonsense_are_counted_and_the_next_is_heard(tmp_path: Path) -> None:
    said = voice(1)
    with ChildProgram("speaker") as child:
        child.tell(OpenSound(file=str(tmp_path / "heard.wav")))
        child.wait(SoundOpened)
        nonsense = (b"", b"x", bytes(17), bytes(16) + b"\x00" + bytes(639), bytes(16) + b"\x05" + bytes(640))
        for payload in nonsense:
            child.send(FRAME, payload)
        for number in (2**64 - 1, 5, 2**63, 7, 7, 6):
            child.send(FRAME, SoundFrame(number, number, bytes(PCM_BYTES)).pack())
        for number in range(1, 40):
            child.send(FRAME, frame(number, said).pack())
            time.sleep(0.02)
        while (heard := child.wait(Heard)).number != 39:
            pass
        assert heard.refused == len(nonsense)
    assert np.abs(read_wave(tmp_path / "heard.wav")).max() > 0.1


@pytest.mark.parametrize(
    ("path", "cause"),
    [("/nowhere/heard.wav", "file-unwritable"), ("/dev/null", "file-exists"), ("/dev/full", "file-exists")],
)
def test_why_a_file_can_not_be_written(path: str, cause: str) -> None:
    with ChildProgram("speaker") as child:
        child.tell(OpenSound(file=path))
        assert child.wait(Failed).cause == cause


def test_a_disk_that_fills_is_said(tmp_path: Path) -> None:
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8_000, hard))
    try:
        with ChildProgram("speaker") as child:
            child.tell(OpenSound(file=str(tmp_path / "heard.wav")))
            assert child.wait(Failed).cause == "file-unwritable"
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
