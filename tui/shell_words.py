"""Words as a shell reads them: quotes and backslashes, and the word that is still being typed. No I/O."""

import re
import shlex
from dataclasses import dataclass
from typing import Final

_SPECIAL: Final = re.compile(r"([\s\\'\"])")
_SPACES: Final = " \t\r\n"


@dataclass(frozen=True, slots=True)
class OpenWord:
    """The last word of what was typed: where it starts, and what it says without its quotes so far."""

    start: int
    text: str


def split_words(text: str) -> list[str]:
    """Return the words of `text`. A quote that is still open ends with the text, a backslash there is itself."""
    for closing in ("", "\\", "'", '"'):
        lexer = shlex.shlex(text + closing, posix=True, punctuation_chars=False)
        lexer.whitespace_split, lexer.commenters = True, ""
        try:
            return list(lexer)
        except ValueError:
            continue
    return text.split()


def escaped(word: str) -> str:
    """Return `word` so that it is read as one word, in the fewest signs that do."""
    return _SPECIAL.sub(r"\\\1", word) if word else "''"


def open_word(text: str) -> OpenWord:
    """Return the word at the end of `text` that is not finished: an empty one after a space."""
    start, said, quote, inside = 0, "", "", False
    at = 0
    while at < len(text):
        char = text[at]
        if not inside and not quote and char in _SPACES:
            at += 1
            start, said = at, ""
            continue
        if not inside:
            inside, start, said = True, at, ""
        if quote:
            if char == quote:
                quote = ""
            elif char == "\\" and quote == '"' and text[at + 1 : at + 2] in ('"', "\\"):
                at += 1
                said += text[at]
            else:
                said += char
        elif char in "'\"":
            quote = char
        elif char == "\\":
            at += 1
            said += text[at : at + 1]
        elif char in _SPACES:
            inside, start, said = False, at + 1, ""
        else:
            said += char
        at += 1
    return OpenWord(start, said)
