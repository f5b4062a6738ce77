"""Which entries of an offered list a part takes: by names and patterns, then by runs of numbers. No I/O."""

import fnmatch
import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import Final

from relay import limits

Run = tuple[int, int]

_MAGIC: Final = re.compile(r"[*?[]")


class RunsError(Exception):
    """No runs: `code` is "too-many" (over PART_RANGES) or "order" (they do not rise)."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Selection:
    """Names and shell patterns of the person at this side; an empty one takes nothing.

    A pattern takes the entry whose whole path, or whose last part, it equals or matches (case counts, `*` matches `/`
    too), and all that lies in a folder it takes by name or by match. With "./" in front only whole paths count; "/"
    behind means nothing.
    """

    def __init__(self, patterns: Sequence[str]) -> None:
        wanted = {_plain(pattern) for pattern in patterns} - {""}
        loose = {_plain(pattern) for pattern in patterns if not pattern.startswith("./")}
        self._paths = frozenset(wanted)  # patterns too: a file may be called "[1].txt"
        # Since Python 3.11 `translate` makes atomic groups of stars: no pattern backtracks.
        self._patterns = [
            re.compile(fnmatch.translate(pattern)) for pattern in sorted(wanted) if _MAGIC.search(pattern)
        ]
        self._last_parts = frozenset(pattern for pattern in loose if "/" not in pattern)
        self._last_patterns = [
            re.compile(fnmatch.translate(pattern)) for pattern in sorted(loose) if _MAGIC.search(pattern)
        ]

    def takes(self, path: str) -> bool:
        """Whether the entry at `path` ("a/b/c", as `clean_path` made it) is taken."""
        parts = path.split("/")
        return any(self._names("/".join(parts[: end + 1]), parts[end]) for end in range(len(parts)))

    def _names(self, path: str, last: str) -> bool:
        if path in self._paths or last in self._last_parts:
            return True
        if any(pattern.match(path) for pattern in self._patterns):
            return True
        return any(pattern.match(last) for pattern in self._last_patterns)


class Runs:
    """Numbers as runs (first and last), rising, each after the end of the one before.

    Raises `RunsError` for over PART_RANGES runs, and for runs, those of a peer, that do not rise.
    """

    def __init__(self, runs: Sequence[Run]) -> None:
        if len(runs) > limits.PART_RANGES:
            raise RunsError("too-many")
        ends = [number for run in runs for number in run]
        if any(first > last for first, last in runs) or any(
            last >= first for last, first in zip(ends[1::2], ends[2::2], strict=False)
        ):
            raise RunsError("order")
        self.runs = tuple(runs)
        self._firsts = ends[::2]

    @classmethod
    def of(cls, numbers: Iterable[int]) -> "Runs":
        """Return the fewest runs that hold these rising numbers."""
        runs: list[Run] = []
        for number in numbers:
            if runs and runs[-1][1] + 1 == number:
                runs[-1] = (runs[-1][0], number)
            else:
                runs.append((number, number))
        return cls(runs)

    def __contains__(self, number: int) -> bool:
        at = bisect_right(self._firsts, number)
        return at > 0 and number <= self.runs[at - 1][1]

    def __len__(self) -> int:
        """How many numbers there are."""
        return sum(last - first + 1 for first, last in self.runs)


def _plain(pattern: str) -> str:
    """The pattern as paths are written: NFC, without "./" in front and "/" behind."""
    plain = unicodedata.normalize("NFC", pattern)
    while plain.startswith("./"):
        plain = plain[2:].lstrip("/")
    return plain.rstrip("/")
