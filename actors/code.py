"""The code two people say to each other, and the words they compare afterwards. No I/O but the word lists.

A code is `NUMBER-word-word-word`: the number comes from the relay, the three words from the EFF's short word list
2.0 (1,296 words: three are 31 bits) and never leave the two clients. Six words of the EFF's long list (7,776: six
are 77 bits) are the same on both screens if nobody stands in between. The lists are CC BY 3.0, by the Electronic
Frontier Foundation, and come with the package xkcdpass, of which nothing else is loaded.
"""

import re
import secrets
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Final

from relay import limits

CODE_WORDS: Final = 3
VERIFICATION_WORDS: Final = 6

_NUMBER = re.compile(r"[0-9]{4,5}")
_SEPARATORS = re.compile(r"[\W_]+")


class CodeError(Exception):
    """What was typed is no code. `code` is "code-shape", or "code-word": then `word` is not on the list, and
    `nearest` is the listed word closest to it. The message names the code alone: words do not go into logs.
    """

    def __init__(self, code: str, word: str = "", nearest: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.word = word
        self.nearest = nearest

    @property
    def detail(self) -> str:
        """`typed → nearest` for a wrong word, else empty."""
        return f"{self.word} → {self.nearest}" if self.word else ""


@dataclass(frozen=True, slots=True)
class Code:
    """A code: the relay's number and three words. `str` is its canonical form, the password of the pairing;
    `repr` keeps the words to itself."""

    number: str
    words: tuple[str, str, str] = field(repr=False)

    def __str__(self) -> str:
        return "-".join((self.number, *self.words))


def make_code(number: str) -> Code:
    """Return a code for this number with three words chosen at random."""
    words = short_words()
    return Code(number, (secrets.choice(words), secrets.choice(words), secrets.choice(words)))


def parse_code(text: str) -> Code:
    """Return the code in what someone typed or pasted: any case, width and separators.

    Raises `CodeError`: "code-shape" if it is not a number of four or five digits and three words, "code-word" for
    the first word that is not on the list.
    """
    if len(text) > limits.CODE_CHARACTERS:
        raise CodeError("code-shape")
    number, *rest = [part for part in _SEPARATORS.split(unicodedata.normalize("NFKC", text).lower()) if part] or [""]
    words = _join_hyphenated(rest)
    if not _NUMBER.fullmatch(number) or len(words) != CODE_WORDS:
        raise CodeError("code-shape")
    for word in words:
        if word not in _short_set():
            raise CodeError("code-word", word, min(short_words(), key=lambda listed: _distance(word, listed)))
    return Code(number, (words[0], words[1], words[2]))


def verification_words(seed: bytes) -> tuple[str, ...]:
    """Return six words for HKDF(S, "verify").

    The 32 bytes are read as one big-endian integer, which is divided by 7,776 six times: the first word's index is
    the first remainder, the second word's the remainder of the quotient, and so on. 2^256 is no multiple of 7776^6,
    so some words are likelier than others by less than one part in 2^178.
    """
    words = long_words()
    rest = int.from_bytes(seed, "big")
    chosen = []
    for _ in range(VERIFICATION_WORDS):
        rest, index = divmod(rest, len(words))
        chosen.append(words[index])
    return tuple(chosen)


@cache
def short_words() -> tuple[str, ...]:
    """Return the EFF's short list 2.0, in its order: no two words are nearer than three edits."""
    return _read_list("eff-special", 1296)


@cache
def long_words() -> tuple[str, ...]:
    """Return the EFF's long list, in its order."""
    return _read_list("eff-long", 7776)


@cache
def _short_set() -> frozenset[str]:
    return frozenset(short_words())


def _read_list(name: str, size: int) -> tuple[str, ...]:
    words = tuple(resources.files("xkcdpass").joinpath("static", name).read_text("ascii").split())
    # Another list under the old name would make codes and words that the other side can't read.
    if len(words) != size or len(set(words)) != size:
        raise RuntimeError(f"the package xkcdpass carries another {name}: {len(words)} words, not {size}")
    return words


def _join_hyphenated(parts: Sequence[str]) -> list[str]:
    """Put words back together that have a hyphen of their own (the list has one: yo-yo)."""
    words: list[str] = []
    for part in parts:
        if words and f"{words[-1]}-{part}" in _short_set():
            words[-1] += f"-{part}"
        else:
            words.append(part)
    return words


def _distance(one: str, other: str) -> int:
    """Return how many letters to insert, drop or change to make one word the other (Levenshtein)."""
    row = list(range(len(other) + 1))
    for count, letter in enumerate(one, 1):
        above, row = row, [count]
        for column, other_letter in enumerate(other):
            row.append(min(above[column] + (letter != other_letter), above[column + 1] + 1, row[column] + 1))
    return row[-1]
