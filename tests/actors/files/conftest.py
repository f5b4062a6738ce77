"""What tests of the file channel stand on: a journal, a ground that root's rights do not reach, a destination."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from actors.files.landing import Landing
from actors.store.journal import Journal
from tests.actors.files.support import NOBODY
from tests.actors.files.written import Writing


@pytest.fixture
def journal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Journal]:
    with closing(Journal(tmp_path_factory.mktemp("store") / "visavis.db", "room")) as one:
        yield one


@pytest.fixture
def ground() -> Iterator[Path]:
    """A folder that whoever is `unprivileged` owns, and can reach."""
    folder = Path(tempfile.mkdtemp(prefix="visavis-"))
    if os.geteuid() == 0:
        os.chown(folder, NOBODY, NOBODY)
    yield folder
    folder.chmod(0o700)
    for inner, names, _ in os.walk(folder):
        for name in names:
            os.chmod(os.path.join(inner, name), 0o700)
    shutil.rmtree(folder)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """The destination."""
    (tmp_path / "place").mkdir()
    return tmp_path / "place"


@pytest.fixture
def landing(place: Path) -> Iterator[Landing]:
    """The destination, ready to be landed in."""
    one = Landing(place, "c0ffee")
    yield one
    one.close()


@pytest.fixture
def start(tmp_path: Path, place: Path) -> Iterator[Callable[..., Writing]]:
    """Start to write, with the top folders called so."""
    begun: list[Writing] = []

    def start_one(**tops: str) -> Writing:
        begun.append(Writing(tmp_path / "store" / "visavis.db", place, tops))
        return begun[-1]

    yield start_one
    for one in begun:
        one.writer.close()
        one.journal.close()


@pytest.fixture
def writing(start: Callable[..., Writing]) -> Writing:
    return start()
