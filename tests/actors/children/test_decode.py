"""JPEGs of strangers, decoded or refused."""

import contextlib
import struct

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.children.decode import decode_jpeg
from actors.sources.card import draw_card
from actors.video.jpeg import JpegError, size_of
from relay import limits
from tests.cards import read_card


def jpeg(width: int = 320, height: int = 240, number: int = 77) -> bytes:
    return cv2.imencode(".jpg", draw_card(number, width, height), [cv2.IMWRITE_JPEG_QUALITY, 60])[1].tobytes()


WHOLE = jpeg()


def test_a_picture_is_what_it_was() -> None:
    assert read_card(decode_jpeg(WHOLE))[0] == 77
    assert decode_jpeg(memoryview(WHOLE)).shape == (240, 320, 3)


@pytest.mark.parametrize(("width", "height"), [(1, 1), (limits.VIDEO_SIDE, 2), (17, 33)])
def test_every_size_is_decoded(width: int, height: int) -> None:
    assert decode_jpeg(jpeg(width, height)).shape == (height, width, 3)


@pytest.mark.parametrize(("enough", "size"), [((160, 120), (120, 160)), ((40, 30), (30, 40)), ((161, 30), (240, 320))])
def test_what_is_shown_small_is_decoded_small_and_never_smaller(enough: tuple[int, int], size: tuple[int, int]) -> None:
    assert decode_jpeg(WHOLE, enough).shape[:2] == size


@settings(max_examples=40)
@given(st.integers(0, len(WHOLE) - 1))
def test_cut_anywhere_it_is_decoded_in_part_or_refused(length: int) -> None:
    with contextlib.suppress(JpegError):
        assert decode_jpeg(WHOLE[:length]).shape == (240, 320, 3)


@settings(max_examples=60)
@given(st.integers(0, len(WHOLE) - 1), st.integers(1, 255))
def test_a_changed_byte_is_decoded_or_refused(place: int, by: int) -> None:
    changed = bytearray(WHOLE)
    changed[place] ^= by
    with contextlib.suppress(JpegError):
        width, height = size_of(changed)
        assert decode_jpeg(changed).shape == (height, width, 3)


def test_a_lie_about_the_size_is_refused_before_anything_is_allocated() -> None:
    at = WHOLE.index(b"\xff\xc0") + 5
    for height, width in ((65535, 65535), (8193, 1), (7000, 7000)):
        lie = WHOLE[:at] + struct.pack("!HH", height, width) + WHOLE[at + 4 :]
        with pytest.raises(JpegError, match="too-large"):
            decode_jpeg(lie)


def test_other_kinds_are_refused() -> None:
    png = cv2.imencode(".png", np.zeros((4, 4, 3), np.uint8))[1].tobytes()
    for data in (png, b"", b"GIF89a", b"\xff\xd8"):
        with pytest.raises(JpegError):
            decode_jpeg(data)
