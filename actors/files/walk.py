"""Reads the files and folders that someone offers, entry by entry, and says what is left out. For a thread."""

import os
import stat
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Final

from actors.ends import NamedEnd
from actors.store.journal import Row
from relay import limits

STDIN: Final = "-"
STDIN_NAME: Final = "stdin"
SORTED_ENTRIES: Final = 10_000  # a folder of more is read as the disk has it, and not held to be sorted

_KINDS: Final = {
    stat.S_IFLNK: "skipped-link",
    stat.S_IFBLK: "skipped-device",
    stat.S_IFCHR: "skipped-device",
    stat.S_IFSOCK: "skipped-socket",
    stat.S_IFIFO: "skipped-pipe",
}


class WalkError(NamedEnd):
    """Nothing can be offered: "path-missing", "empty", "too-many", "one-file"; `detail` names what."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """An entry that is not offered, and why: a code of docs/engine.md."""

    path: str
    cause: str
    detail: str = ""


def name_sources(paths: Sequence[str]) -> dict[str, str]:
    """Return the name that each path is offered by, and its full path: the last part of it, made unique.

    Links that are named themselves are followed, as scp does. Raises `WalkError`.
    """
    if STDIN in paths:
        if len(paths) > 1:
            raise WalkError("one-file")
        return {STDIN_NAME: STDIN}
    sources: dict[str, str] = {}
    for given in paths:
        path = Path(given)
        try:
            real = path.resolve(strict=True)
        except (OSError, RuntimeError):  # RuntimeError: a loop of links
            raise WalkError("path-missing", given) from None
        name = path.name if path.name not in ("", "..") else real.name or "files"
        name = name.encode("utf-8", "replace").decode()
        unique, number = name, 0
        while unique in sources:
            number += 1
            unique = f"{Path(name).stem} ({number}){Path(name).suffix}"
        sources[unique] = str(real)
    return sources


def walk(sources: dict[str, str]) -> Iterator[Row | LeftOut]:
    """Yield the entries of a list, a folder before what is in it, and what is left out of it.

    Raises `WalkError` "too-many" past OFFER_ENTRIES.
    """
    number = 0
    for name, path in sources.items():
        for found in _walk_one(name, path):
            if isinstance(found, Row):
                number += 1
                if number > limits.OFFER_ENTRIES:
                    raise WalkError("too-many", f"{limits.OFFER_ENTRIES:,}")
                yield Row(number, found.path, found.kind, found.size, found.modified, found.inode)
            else:
                yield found


def _walk_one(name: str, path: str) -> Iterator[Row | LeftOut]:
    if path == STDIN:
        yield Row(0, name, "stream", None, time.time_ns())
        return
    top = _look(name, path, os.stat)
    yield top
    if not isinstance(top, Row) or top.kind != "folder":
        return
    # One iterator for each folder on the way down: what is held is the way, and not the tree.
    open_folders = [(name, path, _names(name, path))]
    while open_folders:
        shown, at, names = open_folders[-1]
        entry = next(names, None)
        if entry is None:
            open_folders.pop()
            continue
        if isinstance(entry, LeftOut):
            yield entry
            continue
        inner_shown, inner = f"{shown}/{entry}", os.path.join(at, entry)
        found = _look(inner_shown, inner, os.lstat)
        yield found
        if isinstance(found, Row) and found.kind == "folder":
            open_folders.append((inner_shown, inner, _names(inner_shown, inner)))


def _names(shown: str, path: str) -> Iterator[str | LeftOut]:
    """The names in a folder, sorted unless there are very many."""
    try:
        with os.scandir(path) as entries:
            names = (entry.name for entry in entries)
            begun = list(islice(names, SORTED_ENTRIES))
            more = next(names, None)
            yield from sorted(begun) if more is None else chain(begun, [more], names)
    except OSError as error:
        yield LeftOut(shown, "skipped-unreadable", os.strerror(error.errno or 0))


def _look(shown: str, path: str, look: Callable[[str], os.stat_result]) -> Row | LeftOut:
    try:
        size = len(shown.encode())
    except UnicodeEncodeError:
        return LeftOut(shown.encode("utf-8", "replace").decode(), "skipped-name")
    if size > limits.PATH_BYTES or shown.count("/") >= limits.PATH_DEPTH:
        return LeftOut(shown, "skipped-deep")
    try:
        found = look(path)
        if stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode):
            readable = os.access(path, os.R_OK | (os.X_OK if stat.S_ISDIR(found.st_mode) else 0))
            if not readable:
                return LeftOut(shown, "skipped-unreadable", os.strerror(13))
    except OSError as error:
        return LeftOut(shown, "skipped-unreadable", os.strerror(error.errno or 0))
    return _row(shown, found)


def stamp(found: os.stat_result) -> tuple[int, int]:
    """Return time of modification (ns) and inode, as far as the journal holds them: some disks go to the year 2446."""
    return min(found.st_mtime_ns, 2**63 - 1), found.st_ino % 2**63


def _row(shown: str, found: os.stat_result) -> Row | LeftOut:
    if stat.S_ISDIR(found.st_mode):
        return Row(0, shown, "folder", 0, *stamp(found))
    if stat.S_ISREG(found.st_mode) and found.st_size > limits.FILE_BYTES:
        return LeftOut(shown, "skipped-large")
    if stat.S_ISREG(found.st_mode):
        kind = "program" if found.st_mode & stat.S_IXUSR else "file"
        return Row(0, shown, kind, found.st_size, *stamp(found))
    return LeftOut(shown, _KINDS.get(stat.S_IFMT(found.st_mode), "skipped-device"))
