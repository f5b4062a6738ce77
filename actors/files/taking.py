"""Decides what is taken of an offer and where it goes, before a byte of it comes. Blocks: for a thread."""

import os
import secrets
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import platformdirs

from actors.ends import NamedEnd
from actors.files.landing import EntryError, Landing, LandingError, Output
from actors.files.rows import first_names, rows_of
from actors.files.selection import Runs, RunsError, Selection
from actors.store.journal import Journal, Totals

STDOUT: Final = "-"


class TakingError(NamedEnd):
    """The offer can't be taken so, and stays open: "part-empty", "part-scattered", "one-file", or the cause of a
    `LandingError`."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What is taken, and where it goes. `path` is where the first of it will lie; `runs` None for all."""

    runs: Runs | None
    totals: Totals
    landing: Landing | Output
    tops: dict[str, str]
    names: tuple[str, ...]  # the first of what is taken
    token: str  # in the names of its partial files
    folder: str
    path: str

    def give_back(self) -> None:
        """It is not taken after all: remove the top folders that were made, and close everything. Blocks."""
        if isinstance(self.landing, Landing):
            with suppress(LandingError):
                landing = Landing(self.landing.folder, self.token)
                for made in self.tops.values():
                    landing.unmake_top(made)
                landing.close()
        self.landing.close()


def take(
    journal: Journal, record: int, folder: str, only: Sequence[str], others: Sequence[tuple[str, int]] = ()
) -> Taken:
    """Take the list of this record, or the part that `only` names, into `folder` ("" is the download folder, "-"
    standard output), beside `others` that are coming (folder and bytes). Top folders are made here, under names that
    were free. Raises `TakingError` and `StoreError`.
    """
    runs = None
    if only:
        selection = Selection(only)
        try:
            runs = Runs.of(row.number for row in rows_of(journal, record, None) if selection.takes(row.path))
        except RunsError:
            raise TakingError("part-scattered") from None
        if not len(runs):
            raise TakingError("part-empty")
    totals = journal.totals(record, None if runs is None else runs.runs)
    if folder == STDOUT:
        if totals.files != 1:
            raise TakingError("one-file")
        return Taken(runs, totals, Output(), {}, first_names(journal, record, runs), "", STDOUT, "")
    token = secrets.token_hex(4)
    tops: dict[str, str] = {}
    first = ""
    try:
        with ExitStack() as undo:  # whatever goes wrong, no folder that was made stays
            landing = Landing(Path(folder) if folder else download_folder(), token)
            undo.callback(landing.close)
            coming = sum(size for other, size in others if _same_disk(other, landing.folder))
            landing.need((totals.size or 0) + coming)
            for row in rows_of(journal, record, runs):
                top, below, _ = row.path.partition("/")
                first = first or top
                if (below or row.kind == "folder") and top not in tops:
                    tops[top] = landing.make_top(top)
                    undo.callback(landing.unmake_top, tops[top])
            names = first_names(journal, record, runs)
            undo.pop_all()
    except (LandingError, EntryError) as error:
        raise TakingError(error.cause, error.detail) from None
    path = landing.folder / tops.get(first, first)
    return Taken(runs, totals, landing, tops, names, token, str(landing.folder), str(path))


def _same_disk(one: str, other: Path) -> bool:
    try:
        return os.stat(one).st_dev == os.stat(other).st_dev
    except OSError:
        return False


def download_folder() -> Path:
    """Return where downloads go on this system, or the home folder where there is no such place."""
    path = platformdirs.user_downloads_path()
    return path if path.is_dir() else Path.home()
