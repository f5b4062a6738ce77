"""A pasted text that is nothing but paths: what a terminal makes of files that are dragged into it. Pure.

GNOME Terminal and Konsole quote ('/a b'), iTerm2 and macOS escape (/a\\ b), kitty and file managers give file:// URIs,
Windows Terminal quotes as Windows does ("C:\\a b"), and some give the bare path, spaces and all.
"""

import os
import re
from collections.abc import Callable
from typing import Final
from urllib.parse import unquote, urlsplit

from relay import limits
from tui.shell_words import escaped, split_words

PASTED_CHARACTERS: Final = 64 * limits.KIB

# How it must begin: most of what is pasted is known to be something else at once.
_BEGIN: Final = re.compile(r"""['"]?(?:/|[A-Za-z]:[\\/]|\\\\|file://)|#.*\s+file://""")
_DRIVE: Final = re.compile(r"([A-Za-z]):[\\/]")
_WSL_SHARE: Final = re.compile(r"\\\\(?:wsl\$|wsl\.localhost)\\[^\\]+", re.IGNORECASE)


def pasted_paths(text: str, exists: Callable[[str], bool] = os.path.lexists) -> tuple[str, ...] | None:
    """Return the absolute paths that `text` consists of, if it is nothing else and `exists` says yes to each."""
    text = text.strip()
    if len(text) > PASTED_CHARACTERS or "\0" in text or not _BEGIN.match(text):
        return None
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    # The whole as one path first, then a path a line, then the words of a shell; quotes hold a line together.
    for pieces in ([text], lines, _words(text), [word for line in lines for word in _words(line)]):
        paths = [_path(piece) for piece in pieces if not piece.startswith("#")]
        known = [path for path in paths if path is not None]
        if paths and len(known) == len(paths) <= limits.OFFER_PATHS and all(map(exists, known)):
            return tuple(dict.fromkeys(known))
    return None


def as_arguments(paths: tuple[str, ...]) -> str:
    """Return the paths as they stand after a command."""
    return " ".join(map(escaped, paths))


def _words(text: str) -> list[str]:
    """Return the words of a shell; those of Windows where a word begins as one: a backslash is a separator there."""
    if _DRIVE.search(text) or _WSL_SHARE.search(text):
        return [quoted or bare for quoted, bare in re.findall(r'"([^"]*)"|(\S+)', text)]
    return split_words(text)


def _path(piece: str) -> str | None:
    """Return the absolute path that a piece is, or None."""
    if piece.startswith("file://"):
        return _of_uri(piece)
    if len(piece) > 2 and piece[0] == piece[-1] and piece[0] in "'\"" and piece[0] not in piece[1:-1]:
        piece = piece[1:-1]
    if drive := _DRIVE.match(piece):
        return f"/mnt/{drive[1].lower()}/" + piece[drive.end() :].replace("\\", "/")
    if share := _WSL_SHARE.match(piece):
        return piece[share.end() :].replace("\\", "/") or "/"
    # A text may begin with a stroke and be none: "/" alone is hardly a file to send.
    return piece if piece.startswith("/") and piece.strip("/") else None


def _of_uri(uri: str) -> str | None:
    try:
        path = unquote(urlsplit(uri.replace("#", "%23").replace("?", "%3F")).path, errors="strict")
    except ValueError:
        return None
    return path if path.startswith("/") and "\0" not in path else None


def pasted_arguments(text: str) -> str | None:
    """Return the paths that `text` consists of as they stand after a command; None if it is anything else."""
    paths = pasted_paths(text)
    return as_arguments(paths) if paths else None
