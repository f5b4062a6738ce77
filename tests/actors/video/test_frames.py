"""Frames of video, packed and unpacked."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.video import frames
from actors.video.frames import CapturedFrame, Frame, FrameError, Picture
from relay import limits

NUMBER = st.integers(0, 2**64 - 1)
MICROSECONDS = st.integers(0, 2**32 - 1)


@given(NUMBER, NUMBER, st.binary(min_size=1, max_size=100))
def test_a_frame_comes_back_as_it_was(number: int, captured: int, jpeg: bytes) -> None:
    assert frames.unpack_frame(Frame(number, captured, jpeg).pack()) == Frame(number, captured, memoryview(jpeg))


@given(NUMBER, NUMBER, MICROSECONDS, st.integers(0, 65535), st.binary(min_size=1, max_size=100))
def test_a_captured_frame_comes_back_as_it_was(number: int, captured: int, us: int, side: int, jpeg: bytes) -> None:
    frame = CapturedFrame(number, captured, us, us, us, side, side, number % 256, memoryview(jpeg))
    assert frames.unpack_captured(frame.pack()) == frame


@given(st.integers(0, 2**32 - 1), NUMBER, st.integers(0, 20), st.integers(0, 20))
def test_a_picture_comes_back_as_it_was(watcher: int, number: int, columns: int, rows: int) -> None:
    picture = Picture(watcher, number, columns, rows, 7, memoryview(bytes(range(4)) * columns * rows))
    assert frames.unpack_picture(picture.pack()) == picture


@given(st.binary(max_size=60))
def test_any_bytes_are_something_or_an_error(payload: bytes) -> None:
    for unpack in (frames.unpack_frame, frames.unpack_captured, frames.unpack_picture):
        with contextlib.suppress(FrameError):
            unpack(payload)


def test_a_stage_that_took_for_ever_still_fits() -> None:
    frame = CapturedFrame(1, 1, 2**40, 2**40, 2**40, 1, 1, 0, b"x")
    assert frames.unpack_captured(frame.pack()).capture_us == 2**32 - 1


def test_a_picture_with_another_size_than_it_says_is_refused() -> None:
    payload = Picture(1, 1, 2, 2, 0, bytes(16)).pack()
    for wrong in (payload[:-1], payload + b"x", payload[:10]):
        with pytest.raises(FrameError):
            frames.unpack_picture(wrong)


def test_the_largest_frame_is_taken_and_one_byte_more_refused() -> None:
    largest = bytes(frames.LANE_HEAD.size + limits.VIDEO_FRAME_BYTES)
    assert len(frames.unpack_frame(largest).jpeg) == limits.VIDEO_FRAME_BYTES
    for payload in (largest + b"x", bytes(frames.LANE_HEAD.size), b""):
        with pytest.raises(FrameError):
            frames.unpack_frame(payload)
    assert len(frames.unpack_captured(bytes(frames.FRAME_LIMIT)).jpeg) == limits.VIDEO_FRAME_BYTES
    with pytest.raises(FrameError):
        frames.unpack_captured(bytes(frames.FRAME_LIMIT + 1))


def test_the_largest_picture_is_taken_and_a_larger_one_refused() -> None:
    columns, rows = 400, limits.PICTURE_CELLS // 400
    largest = Picture(1, 1, columns, rows, 0, bytes(columns * rows * 4))
    assert frames.unpack_picture(largest.pack()).rows == rows
    with pytest.raises(FrameError):
        frames.unpack_picture(Picture(1, 1, columns, rows + 1, 0, bytes(columns * (rows + 1) * 4)).pack())
