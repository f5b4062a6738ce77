"""A JPEG is looked at before it is decoded."""

import contextlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.video.jpeg import JpegError, size_of
from relay import limits


def jpeg(width: int, height: int, *, marker: int = 0xC0, components: int = 3, before: bytes = b"") -> bytes:
    """The beginning of a JPEG, up to its frame header."""
    header = struct.pack("!BHHB", 8, height, width, components) + bytes(3 * components)
    return b"\xff\xd8" + before + bytes([0xFF, marker]) + struct.pack("!H", len(header) + 2) + header


def cause_of(data: bytes) -> str:
    with pytest.raises(JpegError) as caught:
        size_of(data)
    return caught.value.cause


@pytest.mark.parametrize("marker", [0xC0, 0xC1, 0xC2])
def test_the_size_stands_in_the_frame_header(marker: int) -> None:
    assert size_of(jpeg(1280, 720, marker=marker)) == (1280, 720)


def test_other_segments_and_fill_bytes_before_it_are_skipped() -> None:
    assert size_of(jpeg(3, 2, before=b"\xff\xe0\x00\x04ab\xff\xff\xff\xfe\x00\x02\xff\x01", components=1)) == (3, 2)


@given(st.binary(max_size=200))
def test_any_bytes_have_a_size_or_are_refused(data: bytes) -> None:
    for whole in (data, b"\xff\xd8" + data, b"\xff\xd8\xff" + data):
        with contextlib.suppress(JpegError):
            width, height = size_of(whole)
            assert 0 < width * height <= limits.VIDEO_PIXELS


@given(st.integers(0, 30))
def test_cut_anywhere_it_is_refused(length: int) -> None:
    whole = jpeg(16, 16)
    assert cause_of(whole[: min(length, len(whole) - 10)]) in ("broken", "not-jpeg")


def test_the_longest_side_and_the_most_pixels_are_taken_and_one_more_refused() -> None:
    side, pixels = limits.VIDEO_SIDE, limits.VIDEO_PIXELS
    assert size_of(jpeg(side, 1)) == (side, 1)
    assert cause_of(jpeg(side + 1, 1)) == cause_of(jpeg(1, side + 1)) == "too-large"
    assert size_of(jpeg(6000, pixels // 6000)) == (6000, pixels // 6000)
    assert cause_of(jpeg(6000, pixels // 6000 + 1)) == "too-large"
    assert cause_of(jpeg(65535, 65535)) == "too-large"


@pytest.mark.parametrize(
    ("data", "cause"),
    [
        (b"", "not-jpeg"),
        (b"\x89PNG\r\n\x1a\n", "not-jpeg"),
        (jpeg(0, 5), "broken"),
        (jpeg(5, 0), "broken"),
        (jpeg(5, 5, components=4), "broken"),
        (jpeg(5, 5, marker=0xC3), "broken"),
        (b"\xff\xd8\xff\xda\x00\x02", "broken"),
        (b"\xff\xd8" + b"\xff\xfe\x00\x02" * 1001, "broken"),
        (b"\xff\xd8" + b"\xff\xd0" * 1001, "broken"),
        (b"\xff\xd8\xff\xe0\x00\x01", "broken"),
    ],
)
def test_what_is_wrong_is_refused(data: bytes, cause: str) -> None:
    assert cause_of(data) == cause
