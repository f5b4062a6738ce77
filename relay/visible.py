"""What strangers wrote, made safe to show: no character may move the cursor, hide, or turn text round.

Used for chat, names, ERR0 texts and log lines, wherever text that someone else chose meets a terminal.
"""

import unicodedata
from typing import Final

_JOINERS: Final = frozenset("\u200c\u200d")  # Persian and joined emoji need them; they draw nothing themselves
_SHOWN_CATEGORIES: Final = frozenset({"Cc", "Cf", "Zl", "Zp"})  # not Cn: this year's emoji are unknown here


def visible(text: str, *, lines: bool = False) -> str:
    """Return `text` with every control and format character replaced by a sign for it.

    C0 controls become their control pictures (ESC is ␛), everything else that would not draw becomes
    ‹U+202E›, so that a direction override is seen and does nothing; a lone surrogate becomes U+FFFD.
    Zero-width joiners stay. With `lines`, newlines stay newlines and tabs become four spaces.
    The result always encodes as UTF-8.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_shown(char, lines) for char in text)


def cut(text: str, characters: int) -> str:
    """Return the first `characters` of `text`, the last of them `…` if there were more."""
    return text if len(text) <= characters else text[: characters - 1] + "…"


def _shown(char: str, lines: bool) -> str:
    if lines and char == "\n":
        return char
    if lines and char == "\t":
        return "    "
    code = ord(char)
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "␡"
    category = unicodedata.category(char)
    if category == "Cs":
        return "\N{REPLACEMENT CHARACTER}"
    if char in _JOINERS or category not in _SHOWN_CATEGORIES:
        return char
    return f"‹U+{code:04X}›"
