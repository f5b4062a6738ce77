"""The sound of files, of every kind and none."""

import struct
import wave
from contextlib import suppress
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.audio.frames import RATE, SAMPLES
from actors.sources.audio_file import AudioFile, SoundTrack
from actors.sources.source import SourceError
from tests.films import make_video
from tests.sound import found_in
from tests.voices import voice, write_wave

SAID = voice(2)


def encode(path: Path, codec: str, rate: int, layout: str = "mono") -> Path:
    """Write SAID with this codec, rate and channels."""
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(codec, rate=rate, layout=layout)
        frame = av.AudioFrame.from_ndarray(SAID.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate = RATE
        size = stream.frame_size or 1024
        resampler = av.AudioResampler(format=stream.format, layout=layout, rate=rate, frame_size=size)
        for piece in [*resampler.resample(frame), *resampler.resample(None)]:
            container.mux(stream.encode(piece))
        container.mux(stream.encode())
    return path


def read(track: SoundTrack, second: float = 0.0) -> np.ndarray:
    pieces = list(track.samples_from(second))
    return np.concatenate([np.zeros(0, np.int16), *pieces])


@pytest.mark.parametrize(
    ("name", "codec", "rate", "layout"),
    [
        ("a.wav", "pcm_s16le", 16000, "mono"),
        ("a.wav", "pcm_s16le", 8000, "stereo"),
        ("a.wav", "pcm_u8", 11025, "mono"),
        ("a.wav", "pcm_s24le", 44100, "stereo"),
        ("a.wav", "pcm_f32le", 48000, "mono"),
        ("a.wav", "pcm_f64le", 96000, "5.1"),
        ("a.wav", "pcm_mulaw", 8000, "mono"),
        ("a.wav", "adpcm_ima_wav", 22050, "mono"),
        ("a.aiff", "pcm_s16be", 16000, "mono"),
        ("a.flac", "flac", 44100, "stereo"),
        ("a.mp3", "libmp3lame", 44100, "stereo"),
        ("a.ogg", "libopus", 48000, "mono"),
        ("a.m4a", "aac", 44100, "mono"),
    ],
)
def test_files_of_every_kind_are_heard(name: str, codec: str, rate: int, layout: str, tmp_path: Path) -> None:
    track = SoundTrack(str(encode(tmp_path / name, codec, rate, layout)))
    heard = read(track)
    assert heard.dtype == np.int16
    assert len(heard) == pytest.approx(2 * RATE, abs=RATE // 5)
    at, alike = found_in(heard / 32768, SAID[RATE // 2 : RATE] / 32768)
    assert alike > 0.9
    assert at == pytest.approx(0.5, abs=0.08)


@pytest.mark.parametrize("second", [0.0, 0.3, 1.0, 1.7])
def test_it_begins_at_any_second(second: float, tmp_path: Path) -> None:
    track = SoundTrack(str(encode(tmp_path / "a.flac", "flac", 16000)))
    heard = read(track, second)
    assert len(heard) == pytest.approx((2 - second) * RATE, abs=2)
    assert np.abs(heard[:100].astype(int) - SAID[round(second * RATE) :][:100]).max() <= 2
    assert len(read(track, 0.0)) == 2 * RATE  # and back again


def test_behind_its_end_there_is_nothing(tmp_path: Path) -> None:
    assert len(read(SoundTrack(str(write_wave(tmp_path / "a.wav", SAID))), 5.0)) == 0


@pytest.mark.parametrize(
    ("name", "content", "cause"),
    [
        ("none.wav", None, "source-missing"),
        ("empty.wav", b"", "source-broken"),
        ("text.wav", b"no sound at all\n" * 100, "source-broken"),
        ("head.wav", b"RIFF\x24\x00\x00\x00WAVE", "source-broken"),
        ("zeros.wav", bytes(10_000), "source-broken"),
    ],
)
def test_what_is_no_sound_is_said(name: str, content: bytes | None, cause: str, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceError) as error:
        AudioFile(str(tmp_path / name))
    assert error.value.cause == cause


def test_a_film_without_sound_is_said(tmp_path: Path) -> None:
    with pytest.raises(SourceError) as error:
        AudioFile(str(make_video(tmp_path / "film.mp4", 5, size=(160, 120))))
    assert error.value.cause == "source-no-sound"


def test_a_folder_is_no_sound(tmp_path: Path) -> None:
    with pytest.raises(SourceError):
        AudioFile(str(tmp_path))


@pytest.mark.parametrize("rate", [0, 1, 7, 2**31, 2**32 - 1])
def test_a_rate_that_can_not_be_is_refused_or_played(rate: int, tmp_path: Path) -> None:
    path = write_wave(tmp_path / "a.wav", SAID[:3200])
    data = bytearray(path.read_bytes())
    data[24:28] = struct.pack("<I", rate)
    path.write_bytes(data)
    with suppress(SourceError):
        AudioFile(str(path)).close()


def test_a_file_that_is_cut_short_is_heard_as_far_as_it_goes(tmp_path: Path) -> None:
    path = write_wave(tmp_path / "a.wav", SAID)
    path.write_bytes(path.read_bytes()[: RATE + 45])  # in the middle of a sample
    assert len(read(SoundTrack(str(path)))) == pytest.approx(RATE // 2, abs=2)


@settings(max_examples=60)
@given(st.binary(max_size=200), st.integers(0, 43), st.integers(0, 255))
def test_a_header_of_anything_is_refused_or_played(rest: bytes, at: int, byte: int) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = write_wave(Path(folder) / "a.wav", SAID[:640])
        data = bytearray(path.read_bytes())
        data[at] = byte
        path.write_bytes(bytes(data) + rest)
        try:
            track = SoundTrack(str(path))
        except SourceError:
            return
        for _, piece in zip(range(50), track.samples_from(0.0), strict=False):
            assert piece.dtype == np.int16
        track.close()


def test_frames_are_20_ms_and_the_last_is_filled_up(tmp_path: Path) -> None:
    with wave.open(str(tmp_path / "a.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(SAID[: SAMPLES * 2 + 10].tobytes())
    source = AudioFile(str(tmp_path / "a.wav"))
    frames = [source.read() for _ in range(4)]
    assert frames[3] is None
    heard = np.concatenate([frame for frame in frames if frame is not None])
    assert len(heard) == 3 * SAMPLES
    assert (heard[: SAMPLES * 2 + 10] == SAID[: SAMPLES * 2 + 10]).all()
    assert not heard[SAMPLES * 2 + 10 :].any()
