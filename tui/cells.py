"""Text in terminal cells: cutting and wrapping so that every terminal agrees where a line ends. No I/O.

Cells are counted as Textual counts them (`rich.cells`). Terminals do not agree on emoji that are joined into one, with
a skin tone or a presentation selector: tmux draws up to six cells where Textual counts two, and the rest of the line
would run into the next. `plain_cells` takes the joining out, so that all count alike.
"""

import re
from typing import Final

from rich.cells import cell_len, split_graphemes

CHARACTERS_PER_CELL: Final = 8  # looked at when a row is cut: a character may carry marks, though not without end

_WORDS: Final = re.compile(r" +|[^ ]+")
_SELECTORS: Final = re.compile("[\ufe0e\ufe0f]")
_TONES: Final = re.compile("[\U0001f3fb-\U0001f3ff]")
_JOINED_EMOJI: Final = re.compile("(?<=[\u2190-\u2bff\U0001f000-\U0001faff])\u200d+")


def plain_cells(text: str) -> str:
    """Return `text` without what makes terminals disagree about its width: emoji stand side by side instead."""
    if text.isascii():
        return text
    return _JOINED_EMOJI.sub("", _TONES.sub("", _SELECTORS.sub("", text)))


def cut_cells(text: str, width: int) -> str:
    """Return as much of `text` as fits `width` cells, ending in `…` if that is not all."""
    if cell_len(text) <= width:
        return text
    if width < 2:
        return "…" * width
    return text[: _fitting(text[: width * CHARACTERS_PER_CELL], width - 1)[0]] + "…"


def fit_cells(text: str, width: int) -> str:
    """Return `text` cut or padded to exactly `width` cells."""
    short = cut_cells(text, width)
    return short + " " * (width - cell_len(short))


def wrap_cells(text: str, width: int) -> list[tuple[int, int]]:
    """Return the rows of `text` as (start, end) of its characters, each at most `width` cells, at least one row.

    Newlines end rows. Otherwise a row ends after a space; spaces that no longer fit belong to no row; a word longer
    than a row is broken between characters, never inside one with its combining marks.
    """
    width = max(2, width)  # the widest character has two cells
    rows: list[tuple[int, int]] = []
    base = 0
    for line in text.split("\n"):
        if line.isascii() and len(line) <= width:
            rows.append((base, base + len(line)))
        else:
            rows.extend((base + start, base + end) for start, end in _wrap_line(line, width))
        base += len(line) + 1
    return rows


def _wrap_line(line: str, width: int) -> list[tuple[int, int]]:
    rows: list[tuple[int, int]] = []
    start = end = used = 0  # the row being filled: its characters and its cells
    for match in _WORDS.finditer(line):
        word, at = match[0], match.start()
        cells = len(word) if word.isascii() else cell_len(word)
        if word[0] == " ":
            if used + cells <= width:
                end, used = match.end(), used + cells
            else:
                rows.append((start, min(match.end(), end + width - used)))
                start, end, used = match.end(), match.end(), 0
            continue
        if used + cells > width and used:
            rows.append((start, end))
            start, end, used = at, at, 0
        while cells > width and at < match.end():
            length, taken = _fitting(line[at : min(match.end(), at + width * CHARACTERS_PER_CELL)], width)
            end = at + max(1, length)
            rows.append((start, end))
            start = at = end
            cells -= taken
        end, used = match.end(), used + cells
    if start < len(line) or not rows:
        rows.append((start, end))
    return rows


def _fitting(text: str, width: int) -> tuple[int, int]:
    """Return how many characters of `text` fit `width` cells, and how many cells they take."""
    if text.isascii():
        return min(width, len(text)), min(width, len(text))
    used = end = 0
    for _, stop, cells in split_graphemes(text)[0]:
        if used + cells > width:
            break
        used, end = used + cells, stop
    return end, used
