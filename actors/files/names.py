"""What a stranger's file name becomes on this disk. Every name that is ever written passes through here. No I/O.

Names are made for Linux and macOS. What a name may lose:

- `/`, `\\`, `:`, NUL, control characters, characters that hide or turn text round, lone surrogates: each becomes `_`.
  `:` names drives and alternate streams elsewhere. `<>"|?*` stay: they do nothing here, and files come back the same.
- Dots, spaces and joiners at its end, spaces and joiners at its start: dropped, for they can't be seen or do not last.
- The names of Windows' devices (`CON`, `nul.txt`) get a `_` in front; so does a name that begins with a combining mark.
- At the top of an offer the first of `.`, `-` and `~` becomes `_`: no `.bashrc`, no file that `rm *` reads as an
  option, no `~` that someone removes with their home. Inside folders such names stay.
- What goes over 255 bytes is cut between two characters as people see them; an extension stays.

The result is NFC. Two names may become one: then the second is numbered (`numbered`, `fold`).
"""

import re
import unicodedata
from functools import lru_cache
from typing import Final

from relay import limits

PARTIAL_SUFFIX: Final = ".visavis-part"  # of our own partial files; no received name ends so

_EXTENSION_BYTES: Final = 32  # longer ones are sentences with a dot in them
_EXTENSION: Final = re.compile(r"(?:\.tar)?\.[^.\s]{1,31}\Z", re.IGNORECASE)
_DEVICE: Final = re.compile(
    r"(?:con|prn|aux|nul|conin\$|conout\$|clock\$|(?:com|lpt)[0-9¹²³])\s*(?:\..*)?\Z", re.IGNORECASE
)
_JOINERS: Final = "\u200c\u200d"  # Persian and joined emoji need them; they draw nothing themselves
_SPACES: Final = "".join(char for char in map(chr, range(0x3001)) if char.isspace())
_UNSAFE: Final = frozenset("/\\:\u115f\u1160\u3164\uffa0")  # the last four are letters that draw nothing
_UNSAFE_CATEGORIES: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_MARKS: Final = frozenset({"Mn", "Mc", "Me"})
# What disks that fold names pass over, of all that `clean_name` lets through: joiners, variation selectors.
_IGNORED: Final = re.compile("[\u034f\u17b4\u17b5\u180b-\u180f\u200c\u200d\ufe00-\ufe0f\U000e0100-\U000e01ef]")


class BadPathError(Exception):
    """No path can be made of this. `code` is "path-long", "path-deep" or "path-empty"."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@lru_cache(maxsize=1024)  # folders come again with each of their files
def clean_name(raw: str, *, top: bool = False) -> str:
    """Return the safe name that one part of a path becomes, `top` if it is the first part.

    1 to 255 bytes of UTF-8 in NFC, neither "." nor ".."; what is safe already stays as it is. Never raises.
    """
    name = raw[: limits.PATH_BYTES]  # no path is longer; normalising takes quadratic time
    # A rule may make work for one before it. Each leaves fewer characters that are no `_`, or puts the only `_` in
    # front that the name will ever get: it ends.
    while (better := _cleaned(name, top)) != name:
        name = better
    return name


def clean_path(raw: str) -> tuple[str, ...]:
    """Return the names of the folders and of the file that the path `raw` of an offer leads through.

    Empty parts and "." mean nothing and are dropped, so an absolute path becomes a relative one. ".." becomes `_`, for
    to follow it leaves the destination or meets the names of others. A backslash parts nothing: it is in a name.
    Raises `BadPathError` if there are over PATH_BYTES, over PATH_DEPTH parts, or none.
    """
    if _size(raw) > limits.PATH_BYTES:
        raise BadPathError("path-long")
    parts = [part for part in raw.split("/") if part not in ("", ".")]
    if not parts:
        raise BadPathError("path-empty")
    if len(parts) > limits.PATH_DEPTH:
        raise BadPathError("path-deep")
    names = tuple(clean_name(part, top=index == 0) for index, part in enumerate(parts))
    if _size("/".join(names)) > limits.PATH_BYTES:
        raise BadPathError("path-long")
    return names


def numbered(name: str, number: int) -> str:
    """Return the clean `name` with `number` before its extension: "name (1).ext"; another for every number."""
    stem, extension = _split(name)
    tail = f" ({number}){extension}"
    room = limits.FILE_NAME_BYTES - _size(tail)
    if (other := _head(stem, room) + tail) == name:  # it was cut, and ended with this very number
        return _head(stem, room - 1) + tail
    return other


def partial_name(name: str, token: str) -> str:
    """Return the hidden name under which `name` is written until it is whole. `token`, of ours, makes it unique."""
    tail = f".{token}{PARTIAL_SUFFIX}"
    return "." + _head(name, limits.FILE_NAME_BYTES - 1 - _size(tail)) + tail


def fold(name: str) -> str:
    """Return the key that two names share if the strictest usual disk holds them for one.

    Canonical forms, case and ignorable characters do not count, as on APFS and on ext4 with folded case. Compatibility
    forms do (NFC, not NFKC): no disk takes "x²" for "x2" unless told to, and then it says that the name is taken.
    """
    decomposed = unicodedata.normalize("NFD", _IGNORED.sub("", name))
    return unicodedata.normalize("NFC", decomposed.casefold())


def _cleaned(name: str, top: bool) -> str:
    if not (name.isascii() and name.isprintable()):
        name = unicodedata.normalize("NFC", name)
    name = "".join(map(_safe, name)).lstrip(_SPACES + _JOINERS)
    name = _shortened(name).rstrip("." + _SPACES + _JOINERS)
    if not name:
        return "_"
    if top and name[0] in ".-~":
        name = "_" + name[1:]
    if fold(name).endswith(PARTIAL_SUFFIX):
        name = name[:-1] + "_"
    if _DEVICE.match(name) or unicodedata.category(name[0]) in _MARKS:
        name = "_" + name
    return name


def _safe(char: str) -> str:
    if char in _UNSAFE or (unicodedata.category(char) in _UNSAFE_CATEGORIES and char not in _JOINERS):
        return "_"
    return char


def _size(text: str) -> int:
    return len(text.encode(errors="surrogatepass"))


def _split(name: str) -> tuple[str, str]:
    """Stem and extension (with its dot, ".tar.gz" whole); a name that begins with its only dots has none."""
    found = _EXTENSION.search(name)
    if found is None or not name[: found.start()].strip(".") or _size(found[0]) > _EXTENSION_BYTES:
        return name, ""
    return name[: found.start()], found[0]


def _shortened(name: str) -> str:
    if _size(name) <= limits.FILE_NAME_BYTES:
        return name
    stem, extension = _split(name)
    return _head(stem, limits.FILE_NAME_BYTES - _size(extension)) + extension


def _head(text: str, room: int) -> str:
    """As much of `text` as takes `room` bytes, without the part of a character that would look like another."""
    longest = len(text.encode()[:room].decode(errors="ignore"))
    if longest == len(text):
        return text
    end = longest
    while end and (_joins(text[end]) or text[end - 1] in _JOINERS):
        end -= 1
    return text[: end or longest]  # a character under a tower of marks loses some of them


def _joins(char: str) -> bool:
    return char in _JOINERS or unicodedata.category(char) in _MARKS
