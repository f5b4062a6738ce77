"""Paths as they are typed after a command: what they mean, and what Tab makes of them. Reads folders, nothing else."""

import glob
import os
import unicodedata
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

from relay import limits
from tui.shell_words import escaped, open_word

ENTRIES_READ: Final = 20_000  # of a folder that is completed in: more would hold up the screen
CANDIDATES: Final = 200  # that are listed


class MissingPathError(Exception):
    """There is nothing at `path`, which is as it was typed."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


@dataclass(frozen=True, slots=True)
class Completion:
    """What Tab makes of a text: the `text`, and the names it may still become, if there are several."""

    text: str
    candidates: tuple[str, ...] = ()


def absolute(path: str, folder: Path) -> str:
    """Return `path` as typed, ~ and all, from the root; what is relative is so to `folder`."""
    return os.path.abspath(folder / os.path.expanduser(path))


def existing(words: list[str], folder: Path) -> tuple[str, ...]:
    """Return the paths that `words` name, each once; one that is none is a pattern (`*.pdf`).

    Raises `MissingPathError` for the first that names nothing.
    """
    found: dict[str, None] = {}
    for word in words:
        path = absolute(word, folder)
        matches = [path] if _is_there(path) else sorted(glob.glob(path))
        if not matches:
            raise MissingPathError(word)
        found.update(dict.fromkeys(matches))
    return tuple(found)


def ends_in_path(typed: str, folder: Path) -> bool:
    """Tell whether the last word of `typed` is a path that is there."""
    word = open_word(typed).text
    return bool(word) and _is_there(absolute(word, folder))


def complete(typed: str, folder: Path) -> Completion:
    """Return what Tab makes of `typed`, the last word of which is a path relative to `folder`.

    As much is added as all names agree on. The only name that fits is finished: a folder by its slash, a file by a
    space. Hidden names fit only where a dot was typed.
    """
    word = open_word(typed)
    if word.text == "~":
        return Completion(typed[: word.start] + "~/")
    head, slash, begun = word.text.rpartition("/")
    names = _names(absolute(head + slash or ".", folder), begun)
    if not names:
        return Completion(typed)
    if len(names) == 1:
        return Completion(put(typed, names[0]))
    common = _common(names)
    if len(common) > len(begun):
        return Completion(typed[: word.start] + _shown(head + slash, common), tuple(names[:CANDIDATES]))
    return Completion(typed, tuple(names[:CANDIDATES]))


def put(typed: str, name: str) -> str:
    """Return `typed` with its last word's last part replaced by `name` (a folder's ends in a slash)."""
    word = open_word(typed)
    head, slash, _ = word.text.rpartition("/")
    return typed[: word.start] + _shown(head + slash, name) + ("" if name.endswith("/") else " ")


def _shown(head: str, name: str) -> str:
    if not head and name.startswith("~"):
        head = "./"
    return escaped(head + name)


def _names(folder: str, begun: str) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return sorted(
                entry.name + "/" if _is_folder(entry) else entry.name
                for entry in islice(entries, ENTRIES_READ)
                if _fits(entry.name, begun) and is_text(entry.name)
            )
    except (OSError, ValueError):
        return []


def _common(names: list[str]) -> str:
    """Return what all of these sorted names begin with: what the first and the last do."""
    first, last = names[0], names[-1]
    return first[: next((at for at, char in enumerate(first) if last[at : at + 1] != char), len(first))]


def _fits(name: str, begun: str) -> bool:
    if name.startswith(".") and not begun.startswith("."):
        return False
    # A keyboard composes what some file systems keep decomposed: 한 is one character or three.
    return name.startswith(begun) or _composed(name).startswith(_composed(begun))


def _composed(text: str) -> str:
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _is_there(path: str) -> bool:
    try:
        return os.path.lexists(path)
    except ValueError:  # NUL in it
        return False


def is_text(path: str) -> bool:
    """Tell whether `path` can be told to the engine: a name on disk may be any bytes."""
    try:
        return len(path.encode()) <= limits.PATH_BYTES
    except UnicodeEncodeError:
        return False
