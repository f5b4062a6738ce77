"""What the end-to-end tests of files share: trees to send, offers and answers, and what became of them."""

import hashlib
import os
import stat
import unicodedata
from collections.abc import Callable
from itertools import count
from pathlib import Path

from actors.messages import OVER, AnswerOffer, EntryNoted, OfferFiles, Transfer, TransferChanged, TransferProgressed
from tests.e2e.programs import Engine

_requests = (f"offer-{number}" for number in count(1))
MIB = 1 << 20


def make_tree(root: Path, files: int = 300) -> Path:
    """Make a folder of everything that people have: small files and a larger one, empty ones, dot names, Korean."""
    for number in range(files):
        folder = root / f"part {number % 7}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"note-{number}.txt").write_bytes(os.urandom(number * 37 % 9000))
    (root / "빈 폴더" / "deeper").mkdir(parents=True)
    (root / "강의 영상.mp4").write_bytes(os.urandom(5 * MIB + 17))
    (root / "empty").touch()
    (root / ".hidden").write_text("dots stay inside folders")
    (root / "run.sh").write_text("#!/bin/sh\n")
    (root / "run.sh").chmod(0o755)
    for number, path in enumerate(sorted(root.rglob("*"), reverse=True)):
        os.utime(path, ns=(0, 1_600_000_000_000_000_000 + number * 1_000_000_007))
    os.utime(root, ns=(0, 1_500_000_000_000_000_001))
    return root


def described(root: Path) -> dict[str, tuple[str, bool, int]]:
    """Of everything below `root`: its content, whether it may be run, its time."""
    found = {}
    for path in (root, *root.rglob("*")):
        name = unicodedata.normalize("NFC", str(path.relative_to(root)))
        content = "folder" if path.is_dir() else hashlib.sha256(path.read_bytes()).hexdigest()
        status = path.lstat()
        runs = bool(status.st_mode & stat.S_IXUSR) and not path.is_dir()
        found[name] = (content, runs, status.st_mtime_ns)
    return found


def sparse(path: Path, size: int) -> Path:
    """Make a file of this size that costs no disk: zeros, with a mark at its end."""
    with path.open("wb") as file:
        file.truncate(size - 8)
        file.seek(size - 8)
        file.write(b"the end.")
    return path


def offer(sender: Engine, receiver: Engine, *paths: Path) -> int:
    """Offer these; return the transfer's number once the receiver sees it."""
    request = next(_requests)
    sender.tell(OfferFiles(request, tuple(map(str, paths))))
    number = sender.wait_event(TransferChanged, lambda event: event.transfer.request == request).transfer.id
    wait_state(receiver, number, "offered")
    return number


def accept(receiver: Engine, number: int, folder: Path, *only: str) -> None:
    receiver.tell(AnswerOffer(number, True, str(folder), only))


def wait_transfer(engine: Engine, number: int, where: Callable[[Transfer], object]) -> Transfer:
    """Wait until a change of the transfer fits; return it as it was then."""
    return engine.wait_event(
        TransferChanged, lambda event: event.transfer.id == number and where(event.transfer)
    ).transfer


def wait_state(engine: Engine, number: int, *states: str) -> Transfer:
    return wait_transfer(engine, number, lambda transfer: transfer.state in states)


def wait_over(engine: Engine, number: int) -> Transfer:
    return wait_state(engine, number, *OVER)


def wait_moving(engine: Engine, number: int, after: int = 0) -> TransferProgressed:
    """Wait until the receiver has more than `after` bytes of it, and not all."""
    return engine.wait_event(TransferProgressed, lambda event: event.id == number and event.moved > after)


def notes(engine: Engine, number: int) -> dict[str, str]:
    """What was told of single entries: by path, the cause."""
    return {event.path: event.cause for event in engine.all_events(EntryNoted) if event.transfer == number}
