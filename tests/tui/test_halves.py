"""What is written to a terminal so that it shows a picture, played on a terminal of our own."""

import re
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.halves import BOTH, LOWER, UPPER, Painter, of_256, rgb, shade

_ANY = re.compile(r"\x1b\[(?P<row>\d+);(?P<column>\d+)H|\x1b\[(?P<skip>\d*)C|\x1b\[(?P<style>[\d;]*)m|(?P<cell>.)")


class Screen:
    """A terminal that knows what a painter says: cells as (upper, lower) colours, each a text."""

    def __init__(self) -> None:
        self.cells: dict[tuple[int, int], tuple[str, str] | str] = {}

    def write(self, text: str) -> None:
        row = column = 0
        front = back = ""
        for match in _ANY.finditer(text):
            if match["row"]:
                row, column = int(match["row"]) - 1, int(match["column"]) - 1
            elif match["skip"] is not None:
                column += int(match["skip"] or 1)
            elif match["style"] is not None:
                kind, _, colour = match["style"].partition(";")
                front, back = {"38": (colour, back), "48": (front, colour)}.get(kind, ("", ""))
            else:
                looks = {UPPER: (front, back), LOWER: (back, front), BOTH: (back, back)}
                self.cells[row, column] = looks.get(match["cell"], match["cell"])
                column += 1


def colour(half: int) -> str:
    return "2;{};{};{}".format(*rgb(half))


HALF = st.sampled_from([0, 1, 31, 992, 31744, 32767, 12345])
PICTURE = st.lists(st.tuples(HALF, HALF).map(lambda halves: halves[0] | halves[1] << 16), min_size=12, max_size=12)


@given(st.lists(PICTURE, min_size=1, max_size=4))
def test_the_terminal_shows_the_last_picture_however_few_changes_were_written(pictures: list[list[int]]) -> None:
    screen, painter, before = Screen(), Painter("truecolor"), None
    for picture in pictures:
        screen.write(painter.changes(before, picture, columns=4, left=5, top=2))
        before = picture
    last = pictures[-1]
    expected = {
        (2 + row, 5 + column): (colour(last[row * 4 + column] & 0xFFFF), colour(last[row * 4 + column] >> 16))
        for row, column in product(range(3), range(4))
    }
    assert screen.cells == expected


def test_what_did_not_change_costs_nothing() -> None:
    painter, picture = Painter("truecolor"), [7 | 9 << 16] * 8
    assert painter.changes(picture, picture, 4, 0, 0) == ""
    other = [*picture[:5], 1 | 1 << 16, *picture[6:]]
    assert len(painter.changes(picture, other, 4, 0, 0)) < 40


def test_a_colour_that_is_there_is_not_said_again() -> None:
    text = Painter("truecolor").changes(None, [5 | 6 << 16, 6 | 5 << 16, 5 | 5 << 16, 6 | 6 << 16], 4, 0, 0)
    assert text.count("38;2") + text.count("48;2") == 4  # two for the first two cells, one for each of the others


def test_256_colours_are_said_by_number() -> None:
    text = Painter("256").changes(None, [0 | 32767 << 16], 1, 0, 0)
    assert set(re.findall(r"[34]8;5;(\d+)m", text)) == {"16", "231"}


@given(st.integers(0, 32767))
def test_the_nearest_of_256_colours_is_near(half: int) -> None:
    number = of_256(half)
    assert 16 <= number <= 255
    levels = (0, 95, 135, 175, 215, 255)
    if number >= 232:
        shown = (8 + 10 * (number - 232),) * 3
    else:
        shown = (levels[(number - 16) // 36], levels[(number - 16) // 6 % 6], levels[(number - 16) % 6])
    assert max(abs(a - b) for a, b in zip(shown, rgb(half), strict=True)) <= 48


def test_without_colours_light_is_a_character() -> None:
    assert shade(0) == " "
    assert shade(32767 | 32767 << 16) == "@"
    text = Painter("plain").changes(None, [0, 32767 | 32767 << 16], 2, 3, 4)
    assert text == "\x1b[5;4H @"
    assert "\x1b[3" not in text


@pytest.mark.parametrize("colours", ["truecolor", "256", "plain"])
def test_a_picture_of_a_changed_size_is_painted_whole(colours: str) -> None:
    screen = Screen()
    screen.write(Painter(colours).changes(None, [1 | 2 << 16] * 6, 3, 0, 0))  # type: ignore[arg-type]
    assert len(screen.cells) == 6
