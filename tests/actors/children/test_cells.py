"""An image in half blocks, and what of it is worth writing."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.children.cells import KEPT, SETTLING, Canvas, fit, pack, quantise
from actors.sources.card import draw_card
from relay import limits
from tests.cards import mark_of, read_card


def halves(cells: bytes, columns: int) -> np.ndarray:
    """The image of these cells, blue green red."""
    pairs = np.frombuffer(cells, "<u2").reshape(-1, columns, 2)
    five = np.stack([pairs[:, :, 0], pairs[:, :, 1]], axis=1).reshape(-1, columns)
    return np.stack([(five & 31) << 3, (five >> 5 & 31) << 3, (five >> 10) << 3], axis=2).astype(np.uint8)


@given(
    st.integers(1, 8192),
    st.integers(1, 8192),
    st.integers(1, limits.PICTURE_COLUMNS),
    st.integers(1, limits.PICTURE_ROWS),
)
def test_a_picture_fits_and_keeps_its_proportions(width: int, height: int, columns: int, rows: int) -> None:
    wide, high = fit(width, height, columns, rows)
    assert 1 <= wide <= columns
    assert 1 <= high <= rows
    assert wide * high <= limits.PICTURE_CELLS
    assert wide == columns or high == rows or wide * high > 0.9 * limits.PICTURE_CELLS
    if wide > 10 and high > 10:
        assert abs(wide / (2 * high) / (width / height) - 1) < 0.15


def test_a_colour_has_five_bits_of_each() -> None:
    image = np.array([[[8, 16, 255], [0, 0, 0]], [[255, 255, 255], [7, 7, 7]]], np.uint8)
    assert quantise(image).tolist() == [[31 << 10 | 2 << 5 | 1, 0], [32767, 0]]
    assert pack(image) == bytes.fromhex("417c ff7f 0000 0000".replace(" ", ""))


def test_as_many_pixels_as_may_be_and_no_bands_of_one_colour() -> None:
    slope = np.repeat(np.linspace(60, 100, 1280).astype(np.uint8)[None, :, None], 3, axis=2).repeat(720, axis=0)
    columns, rows, cells = Canvas(limits.PICTURE_COLUMNS, limits.PICTURE_ROWS).draw(slope)
    assert (columns, rows) == (754, 212)
    drawn = halves(cells, columns).astype(float)
    means = drawn[:, :, 0].reshape(424, -1)[:, :752].reshape(53, 8, 94, 8).mean(axis=(1, 3))
    assert np.abs(means - means.mean(axis=0)).max() < 0.1  # it slopes one way
    assert len(set(means[0])) > 20  # five bits have six steps here


def test_the_card_can_be_read_from_eighty_columns() -> None:
    for number in (1, 777, 65535, 4711):
        columns, rows, cells = Canvas(80, 22).draw(draw_card(number, 1280, 720))
        read, mark = read_card(halves(cells, columns))
        assert read == number
        assert abs(mark - mark_of(number)) < 0.05
        assert (columns, rows) == (78, 22)


def test_noise_changes_nothing_and_what_moves_does() -> None:
    random = np.random.default_rng(1)
    image = random.integers(40, 200, (44, 80, 3)).astype(np.uint8)
    canvas = Canvas(80, 22)
    first = canvas.draw(image)[2]
    noisy = (image.astype(np.int16) + random.integers(-3, 4, image.shape)).astype(np.uint8)
    assert canvas.draw(noisy)[2] == first
    moved = image.copy()
    moved[10:20, 10:20] = 255
    assert canvas.draw(moved)[2] != first


@settings(max_examples=20)
@given(st.integers(0, 200), st.integers(0, 55))
def test_nothing_stays_wrong_for_long(level: int, drift: int) -> None:
    canvas = Canvas(8, 4)
    canvas.draw(np.full((8, 8, 3), level, np.uint8))
    target = np.full((8, 8, 3), level + drift, np.uint8)
    for _ in range(SETTLING + 2):
        cells = canvas.draw(target)[2]
    assert np.abs(halves(cells, 8).astype(int) - (level + drift)).max() <= 8 + 4
    assert KEPT > 8


def test_a_picture_of_another_shape_is_drawn_anew() -> None:
    canvas = Canvas(80, 22)
    canvas.draw(draw_card(1, 640, 360))
    columns, rows, cells = canvas.draw(draw_card(2, 360, 640))
    assert len(cells) == columns * rows * 4
    assert columns < 30
