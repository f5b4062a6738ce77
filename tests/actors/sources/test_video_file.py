"""Video files as they are found: of phones, cut off, uneven, or none at all."""

import struct
import time
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from actors.children.orders import Play
from actors.sources.card import draw_card
from actors.sources.source import SourceError, Still
from actors.sources.video_file import VideoFile
from relay import limits
from tests.cards import read_card
from tests.films import make_sound, make_video

SIZE = (320, 180)


def number_of(still: Still | None) -> int:
    assert still is not None
    return read_card(still.image)[0]


def read_all(source: VideoFile) -> list[Still]:
    stills = []
    while (still := source.read()) is not None:
        stills.append(still)
    return stills


def turned(path: Path, degrees: int, card: tuple[int, int]) -> Path:
    """Write a film as a phone does: pictures that lie on their side, and a matrix that says how to turn them (ISO/IEC
    14496-12, 8.3.2, clockwise)."""
    image = np.rot90(draw_card(9, *card), degrees // 90)  # counter-clockwise: what the matrix turns back
    height, width = image.shape[:2]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for _ in range(3):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="bgr24")))
        container.mux(stream.encode())
    one = 1 << 16
    a, b, c, d = {90: (0, one, -one, 0), 180: (-one, 0, 0, -one), 270: (0, -one, one, 0)}[degrees]
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 44
    data[at : at + 36] = struct.pack("!9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(data)
    return path


def cause_of(path: Path) -> str:
    with pytest.raises(SourceError) as caught:
        VideoFile(str(path))
    return caught.value.cause


# --- what plays -------------------------------------------------------------------------------------------------------


def test_every_frame_comes_once_in_its_order_then_the_end_again_and_again(tmp_path: Path) -> None:
    source = VideoFile(str(make_video(tmp_path / "한 편.mp4", 8, size=SIZE)))
    assert (source.width, source.height, source.rate) == (*SIZE, 30)
    assert source.seconds == pytest.approx(8 / 30, abs=0.01)
    assert [number_of(still) for still in read_all(source)] == list(range(8))
    source.play(Play(seek=0.0))
    assert number_of(source.read()) == 0
    source.close()


@pytest.mark.parametrize("name", ["film.mkv", "film.avi", "film.mov", "film.ts"])
def test_other_containers_play(tmp_path: Path, name: str) -> None:
    source = VideoFile(str(make_video(tmp_path / name, 5, size=SIZE)))
    assert [number_of(still) for still in read_all(source)] == list(range(5))


def test_no_frame_comes_before_its_time_however_uneven_the_rate(tmp_path: Path) -> None:
    times = [0, 10, 20, 150, 160, 250, 300]
    source = VideoFile(str(make_video(tmp_path / "uneven.mkv", len(times), size=SIZE, times=times)))
    stills = read_all(source)
    assert [number_of(still) for still in stills] == list(range(len(times)))
    began = stills[0].captured
    for still, due in zip(stills, times, strict=True):
        assert (still.captured - began) / 1e6 >= due - 2


@pytest.mark.parametrize("size", [(321, 181), (33, 17), (1, 1), (2, 300)])
def test_odd_sizes_play(tmp_path: Path, size: tuple[int, int]) -> None:
    source = VideoFile(str(make_video(tmp_path / "odd.mkv", 3, size=size)))
    assert (source.width, source.height) == size
    assert [still.image.shape for still in read_all(source)] == [(size[1], size[0], 3)] * 3


@pytest.mark.parametrize("degrees", [90, 180, 270])
@pytest.mark.parametrize("card", [(320, 180), (180, 320)])
def test_what_a_phone_filmed_on_its_side_is_shown_upright(tmp_path: Path, degrees: int, card: tuple[int, int]) -> None:
    source = VideoFile(str(turned(tmp_path / "phone.mp4", degrees, card)))
    assert (source.width, source.height) == card
    assert number_of(source.read()) == 9


def test_the_cover_of_an_album_is_no_video(tmp_path: Path) -> None:
    path = tmp_path / "song.mp3"
    path.write_bytes(_id3_cover() + _silent_mp3(tmp_path))
    assert cause_of(path) == "source-no-video"


# --- pause, seek, loop ------------------------------------------------------------------------------------------------


def test_sought_while_paused_it_shows_what_is_there_and_stays(tmp_path: Path) -> None:
    source = VideoFile(str(make_video(tmp_path / "film.mp4", 60, size=SIZE)))
    assert number_of(source.read()) == 0
    for second, number in ((1.5, 45), (0.0, 0), (1.0, 30), (99.0, 59)):
        source.play(Play(paused=True, seek=second))
        assert number_of(source.read()) == number
    source.play(Play(seek=0.5, paused=False))
    assert [number_of(source.read()) for _ in range(3)] == [15, 16, 17]


def test_a_loop_begins_again_without_an_end(tmp_path: Path) -> None:
    source = VideoFile(str(make_video(tmp_path / "film.mp4", 4, size=SIZE)))
    source.play(Play(loop=True))
    assert [number_of(source.read()) for _ in range(10)] == [0, 1, 2, 3] * 2 + [0, 1]


def test_who_is_far_behind_goes_on_from_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = VideoFile(str(make_video(tmp_path / "film.mp4", 10, size=SIZE)))
    source.read()
    late, steady = 3600.0, time.monotonic
    monkeypatch.setattr(time, "monotonic", lambda: steady() + late)
    first, second = source.read(), source.read()
    assert first is not None
    assert second is not None
    assert (second.captured - first.captured) / 1e6 > 25  # not all at once


# --- what is broken ---------------------------------------------------------------------------------------------------


def test_what_is_no_video_is_a_code(tmp_path: Path) -> None:
    empty, text, folder = tmp_path / "empty.mp4", tmp_path / "text.mp4", tmp_path / "folder.mp4"
    empty.write_bytes(b"")
    text.write_text("not a film\n" * 100)
    folder.mkdir()
    assert cause_of(tmp_path / "nowhere.mp4") == "source-missing"
    assert [cause_of(path) for path in (empty, text, folder)] == ["source-broken"] * 3
    assert cause_of(make_sound(tmp_path / "sound.wav")) == "source-no-video"


def test_an_address_is_no_file(tmp_path: Path) -> None:
    assert cause_of(Path("http://127.0.0.1/film.mp4")) == "source-missing"
    assert cause_of(Path("concat:a.ts|b.ts")) == "source-missing"


@pytest.mark.long
@pytest.mark.parametrize("name", ["film.mkv", "film.ts", "film.avi"])
def test_what_was_cut_off_plays_to_where_it_is_cut(tmp_path: Path, name: str) -> None:
    path = make_video(tmp_path / name, 30, size=SIZE)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    source = VideoFile(str(path))
    source.play(Play(seek=0.0))
    shown = _readable(source)
    assert shown[:8] == list(range(8))
    assert len(shown) < 30


def test_an_mp4_without_its_end_is_broken(tmp_path: Path) -> None:
    path = make_video(tmp_path / "film.mp4", 30, size=SIZE)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert cause_of(path) == "source-broken"


@pytest.mark.long
def test_bytes_that_turned_over_break_frames_not_the_program(tmp_path: Path) -> None:
    whole = make_video(tmp_path / "film.mkv", 20, size=SIZE).read_bytes()
    chance = np.random.default_rng(7)
    refused: set[str] = set()
    for turn in range(12):
        data = bytearray(whole)
        for at in chance.integers(0 if turn % 2 else 600, len(data), 40):
            data[at] ^= 1 << int(chance.integers(8))
        path = tmp_path / f"{turn}.mkv"
        path.write_bytes(data)
        try:
            source = VideoFile(str(path))
        except SourceError as error:
            refused.add(error.cause)
            continue
        source.play(Play(paused=True))
        for second in (0.0, 0.3, 0.6):  # sought: without waiting for a time stamp that may be years away
            source.play(Play(seek=second))
            still = source.read()
            assert still is None or still.image.dtype == np.uint8
        source.close()
    assert refused <= {"source-broken", "source-no-video", "source-too-large"}


def test_a_picture_larger_than_8k_is_refused_before_it_is_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_video(tmp_path / "film.mp4", 2, size=SIZE)
    monkeypatch.setattr(limits, "VIDEO_PIXELS", SIZE[0] * SIZE[1])
    VideoFile(str(path)).close()
    monkeypatch.setattr(limits, "VIDEO_PIXELS", SIZE[0] * SIZE[1] - 1)
    assert cause_of(path) == "source-too-large"
    monkeypatch.undo()
    monkeypatch.setattr(limits, "VIDEO_SIDE", SIZE[0] - 1)
    assert cause_of(path) == "source-too-large"


def _readable(source: VideoFile) -> list[int]:
    return [number_of(still) for still in read_all(source)]


def _id3_cover() -> bytes:
    """ID3 2.3 with a picture (APIC): what most music files begin with."""
    jpeg = cv2.imencode(".jpg", draw_card(1, 64, 64))[1].tobytes()
    body = b"\0image/jpeg\0\x03\0" + jpeg
    frame = b"APIC" + struct.pack("!I", len(body)) + b"\0\0" + body
    size = len(frame)
    return b"ID3\x03\0\0" + bytes((size >> shift) & 0x7F for shift in (21, 14, 7, 0)) + frame


def _silent_mp3(tmp_path: Path) -> bytes:
    path = tmp_path / "silence.mp3"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mp3", rate=44100)
        frame = av.AudioFrame(format="s16p", layout="mono", samples=1152)
        frame.sample_rate = 44100
        for _ in range(20):
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path.read_bytes()
