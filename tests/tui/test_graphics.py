"""Which terminals draw pixels, how many are asked for, and where they stand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.widget import Widget

from actors.children.cells import Canvas
from actors.sources.card import draw_card
from actors.video.frames import Picture
from relay import limits
from tests.cards import read_card
from tui.graphics import Graphics, graphics_of
from tui.widgets.still import to_pixels


@pytest.mark.parametrize(
    ("environment", "kind"),
    [
        ({}, None),
        ({"TERM": "xterm-256color"}, None),
        ({"TERM": "xterm-kitty"}, "kitty"),
        ({"TERM": "xterm-ghostty"}, "kitty"),
        ({"TERM": "xterm-256color", "KITTY_WINDOW_ID": "1"}, "kitty"),
        ({"TERM": "foot"}, "sixel"),
        ({"TERM": "foot-extra"}, "sixel"),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "WezTerm"}, "sixel"),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "Apple_Terminal"}, None),
        # what lies between does not pass them on
        ({"TERM": "tmux-256color", "KITTY_WINDOW_ID": "1"}, None),
        ({"TERM": "screen", "TERM_PROGRAM": "WezTerm"}, None),
        ({"TERM": "foot", "TMUX": "/tmp/tmux-1000/default,1,0"}, None),
        ({"TERM": "foot", "STY": "1.pts-0.host"}, None),
        # whoever says so knows better
        ({"TERM": "xterm-256color", "VISAVIS_GRAPHICS": "sixel"}, "sixel"),
        ({"TERM": "tmux-256color", "VISAVIS_GRAPHICS": "kitty"}, "kitty"),
        ({"TERM": "xterm-kitty", "VISAVIS_GRAPHICS": "no"}, None),
        ({"TERM": "xterm-kitty", "VISAVIS_GRAPHICS": "\x1b[31m"}, None),
    ],
)
def test_only_the_environment_says_whether_a_terminal_draws_pixels(
    environment: dict[str, str], kind: str | None
) -> None:
    assert graphics_of(environment) == kind


GRAPHICS = Graphics(lambda image: Widget(), (10, 20))
SIDES = st.integers(1, 2000)


def test_half_a_cell_that_is_asked_for_is_one_pixel() -> None:
    assert GRAPHICS.wanted(60, 30) == (600, 300)
    assert GRAPHICS.wanted(1, 1) == (10, 10)


@given(SIDES, SIDES, st.integers(1, 60), st.integers(1, 60))
def test_never_is_more_asked_for_than_may_be(columns: int, rows: int, width: int, height: int) -> None:
    wide, high = Graphics(lambda image: Widget(), (width, height)).wanted(columns, rows)
    assert 1 <= wide <= limits.PICTURE_COLUMNS
    assert 1 <= high <= limits.PICTURE_ROWS


@given(SIDES, SIDES, st.integers(1, 400), st.integers(1, 200))
def test_a_picture_stays_where_there_is_room_and_keeps_its_proportions(
    wide: int, high: int, columns: int, rows: int
) -> None:
    x, y = GRAPHICS.box(Picture(1, 1, wide, high, 0, b""), columns, rows)
    assert 1 <= x <= columns
    assert 1 <= y <= rows
    assert x == columns or y == rows
    if x > 10 and y > 10:
        assert x * 10 / (y * 20) == pytest.approx(wide / (2 * high), rel=0.15)


def test_pixels_are_the_halves_of_the_cells() -> None:
    cells = np.array([[[0x7FFF, 0x001F], [0x7C00, 0x03E0]]], "<u2")  # white over blue, red over green
    image = to_pixels(Picture(1, 1, 2, 1, 0, cells.tobytes()))
    assert image.size == (2, 2)
    assert [image.getpixel(each) for each in ((0, 0), (0, 1), (1, 0), (1, 1))] == [
        (255, 255, 255),
        (0, 0, 255),
        (255, 0, 0),
        (0, 255, 0),
    ]


def test_a_card_can_be_read_from_what_a_child_draws_for_pixels() -> None:
    columns, rows, cells = Canvas(*GRAPHICS.wanted(60, 35)).draw(draw_card(4660, 1280, 720))
    image = np.asarray(to_pixels(Picture(1, 1, columns, rows, 0, cells)))
    assert image.shape == (338, 600, 3)
    assert read_card(np.ascontiguousarray(image[:, :, ::-1]))[0] == 4660
