"""What is done to a picture before it is sent."""

from typing import get_args

import cv2
import numpy as np
import pytest
import skimage.data
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.children import filters
from actors.children.filters import FILTERS
from actors.shows import FilterName


def test_the_table_has_every_name_and_no_other() -> None:
    assert set(FILTERS) == set(get_args(FilterName))


@settings(max_examples=30)
@given(st.sampled_from(sorted(FILTERS)), st.integers(1, 70), st.integers(1, 70))
def test_a_filter_keeps_size_and_kind_from_one_pixel_on(name: FilterName, width: int, height: int) -> None:
    image = np.random.default_rng(width * height).integers(0, 256, (height, width, 3), np.uint8)
    before = image.copy()
    filtered = FILTERS[name](image)
    assert (filtered.shape, filtered.dtype) == (image.shape, np.uint8)
    assert np.array_equal(image, before)  # pure: what it was given stays


def test_none_changes_nothing_and_two_inversions_neither() -> None:
    image = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    assert np.array_equal(filters.none(image), image)
    assert np.array_equal(filters.inverse(filters.inverse(image)), image)
    assert np.array_equal(filters.mirror(filters.mirror(image)), image)
    assert not np.array_equal(filters.mirror(image), image)


def test_gray_has_no_colour_and_edges_are_black_and_white() -> None:
    image = cv2.cvtColor(skimage.data.astronaut(), cv2.COLOR_RGB2BGR)
    gray = filters.gray(image)
    assert np.array_equal(gray[:, :, 0], gray[:, :, 2])
    assert set(np.unique(filters.edges(image))) == {0, 255}


def test_blur_takes_detail_away() -> None:
    image = cv2.cvtColor(skimage.data.astronaut(), cv2.COLOR_RGB2BGR)
    assert cv2.Laplacian(filters.blur(image), cv2.CV_64F).var() < cv2.Laplacian(image, cv2.CV_64F).var() / 20


@pytest.mark.parametrize("scale", [0.5, 1.0, 2.5])
def test_a_face_in_a_photograph_is_found_where_it_is(scale: float) -> None:
    image = cv2.resize(cv2.cvtColor(skimage.data.astronaut(), cv2.COLOR_RGB2BGR), None, fx=scale, fy=scale)
    marked = filters.faces(image)
    changed = np.argwhere((marked != image).any(axis=2)) / scale
    assert len(changed) > 0
    (top, left), (bottom, right) = changed.min(axis=0), changed.max(axis=0)
    assert 150 < left < 190  # her face, from the hair to the chin
    assert 255 < right < 300
    assert 40 < top < 90
    assert 150 < bottom < 200
