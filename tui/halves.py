"""Pictures in half blocks as a terminal is told of them: only what changed, in as few bytes as it takes. No I/O.

A cell is a number: RGB555 of its upper half in the low 16 bits, of its lower half in the high ones. Escape sequences
are ECMA-48: CUP to go to a cell, CUF over what stays, SGR for colours.
"""

from collections.abc import Iterable, Sequence
from typing import Final, Literal

Colours = Literal["truecolor", "256", "plain"]
Line = Sequence[int]  # cells
Pen = tuple[int, int]  # foreground and background

UPPER, LOWER, BOTH = "▀", "▄", " "
RESET: Final = "\x1b[0m"
_SHADES: Final = " .:-=+*#%@"  # from dark to light
_HALF: Final = 0xFFFF
_CUBE: Final = (0, 95, 135, 175, 215, 255)  # levels of the 256 colours' cube; xterm's


def rgb(half: int) -> tuple[int, int, int]:
    """Return red, green and blue, 0 to 255 each, of RGB555."""
    red, green, blue = half >> 10 & 31, half >> 5 & 31, half & 31
    return red << 3 | red >> 2, green << 3 | green >> 2, blue << 3 | blue >> 2


def of_256(half: int) -> int:
    """Return the nearest of xterm's 256 colours: one of the cube, or a gray."""
    colour = rgb(half)
    steps = [min(range(6), key=lambda step: abs(_CUBE[step] - part)) for part in colour]
    cube = 16 + 36 * steps[0] + 6 * steps[1] + steps[2]
    level = round((sum(colour) / 3 - 8) / 10)
    gray = min(23, max(0, level))
    far_cube = sum((_CUBE[step] - part) ** 2 for step, part in zip(steps, colour, strict=True))
    far_gray = sum((8 + 10 * gray - part) ** 2 for part in colour)
    return 232 + gray if far_gray < far_cube else cube


def shade(cell: int) -> str:
    """Return a character as light as the cell (ITU-R BT.601)."""
    light = 0.0
    for half in (cell & _HALF, cell >> 16):
        red, green, blue = rgb(half)
        light += 0.299 * red + 0.587 * green + 0.114 * blue
    return _SHADES[min(len(_SHADES) - 1, int(light / 2 * len(_SHADES) / 256))]


class _Sequences(dict[int, str]):
    """SGR for each colour, made when it is first needed: 32,768 at most."""

    def __init__(self, kind: int, colours: Colours) -> None:
        super().__init__()
        self._kind = kind  # 38: foreground, 48: background
        self._colours = colours

    def __missing__(self, half: int) -> str:
        if self._colours == "truecolor":
            red, green, blue = rgb(half)
            sequence = f"\x1b[{self._kind};2;{red};{green};{blue}m"
        else:
            sequence = f"\x1b[{self._kind};5;{of_256(half)}m"
        self[half] = sequence
        return sequence


class _Shades(dict[int, str]):
    def __missing__(self, cell: int) -> str:
        self[cell] = character = shade(cell)
        if len(self) > 100_000:
            self.clear()
        return character


class Painter:
    """Says what changed between two pictures of one size to a terminal with so many colours."""

    def __init__(self, colours: Colours) -> None:
        self.colours = colours
        self._front, self._back = _Sequences(38, colours), _Sequences(48, colours)
        self._shades = _Shades()

    def changes(self, before: Sequence[int] | None, now: Sequence[int], columns: int, left: int, top: int) -> str:
        """Return what to write, so that a terminal that shows `before` (None: anything) shows `now`; the first cell is
        in column `left` and line `top`, from 0. "" if nothing changed."""
        pieces: list[str] = []
        pen = (-1, -1)  # foreground and background that the terminal has
        paint = self._paint_shades if self.colours == "plain" else self._paint_halves
        for row in range(len(now) // columns):
            start = row * columns
            line = now[start : start + columns]
            old = None if before is None else before[start : start + columns]
            if line != old:
                pen = paint(pieces, old, line, f"\x1b[{top + row + 1};{{}}H", left + 1, pen)
        if pieces and self.colours != "plain":
            pieces.append(RESET)
        return "".join(pieces)

    def _paint_halves(self, pieces: list[str], old: Line | None, line: Line, at: str, left: int, pen: Pen) -> Pen:
        append, fronts, backs = pieces.append, self._front, self._back
        front, back = pen
        place = -1  # of the terminal's cursor in the line
        columns: Iterable[int] = range(len(line))
        if old is not None:
            columns = [column for column, (was, now) in enumerate(zip(old, line, strict=True)) if was != now]
        for column in columns:
            if column != place:
                skipped = column - place
                append(at.format(left + column) if place < 0 else "\x1b[C" if skipped == 1 else f"\x1b[{skipped}C")
            place = column + 1
            cell = line[column]
            upper, lower = cell & 0xFFFF, cell >> 16
            if upper == lower:
                if back != upper:
                    back = upper
                    append(backs[upper])
                append(BOTH)
            elif (back == lower or front == upper) or (back != upper and front != lower):
                if front != upper:
                    front = upper
                    append(fronts[upper])
                if back != lower:
                    back = lower
                    append(backs[lower])
                append(UPPER)
            else:
                if back != upper:
                    back = upper
                    append(backs[upper])
                if front != lower:
                    front = lower
                    append(fronts[lower])
                append(LOWER)
        return front, back

    def _paint_shades(self, pieces: list[str], old: Line | None, line: Line, at: str, left: int, pen: Pen) -> Pen:
        shades = self._shades
        text = "".join([shades[cell] for cell in line])
        if old is None or text != "".join([shades[cell] for cell in old]):
            pieces.append(at.format(left) + text)
        return pen
