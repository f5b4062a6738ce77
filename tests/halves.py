"""What a terminal shows, as pixels: two for each cell, as half blocks have them."""

import re

import numpy as np
from numpy.typing import NDArray

_SGR = re.compile(r"\x1b\[([\d;:]*)m|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[()][A-Z0-9]|(\x0e|\x0f)")
_HALVES = {"▀": (True, False), "▄": (False, True), "█": (True, True)}
BLACK, WHITE = (0, 0, 0), (255, 255, 255)


def pixels(lines: list[str], columns: int) -> NDArray[np.uint8]:
    """Return the image, blue green red, of lines as `tmux capture-pane -e` gives them: 2 x lines high. Letters are
    pixels of their background."""
    image = np.zeros((2 * len(lines), columns, 3), np.uint8)
    front, back = WHITE, BLACK
    for row, line in enumerate(lines):
        column = at = 0
        while at < len(line) and column < columns:
            match = _SGR.match(line, at)
            if match is not None:
                at = match.end()
                if match[1] is not None:
                    front, back = _styled(match[1], front, back)
                continue
            upper, lower = _HALVES.get(line[at], (False, False))
            image[2 * row, column] = (front if upper else back)[::-1]
            image[2 * row + 1, column] = (front if lower else back)[::-1]
            column += 1
            at += 1
    return image


Colour = tuple[int, int, int]


def _styled(parameters: str, front: Colour, back: Colour) -> tuple[Colour, Colour]:
    numbers = [int(part or 0) for part in re.split("[;:]", parameters)]
    while numbers:
        match numbers:
            case [38, 2, red, green, blue, *numbers]:
                front = red, green, blue
            case [48, 2, red, green, blue, *numbers]:
                back = red, green, blue
            case [38, 5, number, *numbers]:
                front = _of_256(number)
            case [48, 5, number, *numbers]:
                back = _of_256(number)
            case [0, *numbers]:
                front, back = WHITE, BLACK
            case [39, *numbers]:
                front = WHITE
            case [49, *numbers]:
                back = BLACK
            case [_, *numbers]:
                pass
    return front, back


def _of_256(number: int) -> Colour:
    if number >= 232:
        return (8 + 10 * (number - 232),) * 3
    if number < 16:
        return WHITE if number in (7, 15) else BLACK
    levels = (0, 95, 135, 175, 215, 255)
    number -= 16
    return levels[number // 36], levels[number // 6 % 6], levels[number % 6]
