"""Where files race: contenders move the same files in turn, and each is timed, checked and weighed."""

import mmap
import os
import secrets
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from blake3 import blake3

from bench.peers import MissingError, work_folder

MARK = "VISAVIS_BENCH_MARK"  # in the environment of every process of a contender, and of their children

# Move `source` into the folder `into`; return the seconds of the run and, where it is known, of the moving alone.
Run = Callable[[Path, Path], tuple[float, float | None]]
# Set up in this folder what the runs need, until the end of the block.
Contender = Callable[[Path], AbstractContextManager[Run]]


class RunError(Exception):
    """A contender did not do its work."""


@contextmanager
def ground() -> Iterator[Path]:
    """Give a folder on the checkout's disk, until the end of the block; SIGTERM ends it in order from then on."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with tempfile.TemporaryDirectory(dir=work_folder(), prefix="run-", ignore_cleanup_errors=True) as folder:
        os.environ["XDG_DATA_HOME"] = str(Path(folder) / "data")  # the person's journal is not ours to fill
        yield Path(folder)


def say(text: str) -> None:
    """Tell how far it is."""
    print(text, file=sys.stderr, flush=True)


# --- memory --------------------------------------------------------------------------------------------------------


def marked(mark: str) -> Iterator[Path]:
    """Yield the folder in /proc of every process under this mark (Linux; elsewhere none)."""
    wanted = f"{MARK}={mark}".encode()
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it ended meanwhile
            if wanted in (folder / "environ").read_bytes().split(b"\0") and int(folder.name) != os.getpid():
                yield folder


class Memory(threading.Thread):
    """Looks at the processes under a mark until the end of the block; `peaks` has the most MiB of each kind."""

    def __init__(self, mark: str, peaks: dict[str, int]) -> None:
        super().__init__(daemon=True)
        self._mark = mark
        self._peaks = peaks
        self._over = threading.Event()

    def __enter__(self) -> None:
        self.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self.join()

    def run(self) -> None:
        while not self._over.wait(0.1):
            for folder in marked(self._mark):
                with suppress(OSError, IndexError):  # it ended meanwhile
                    self._note(folder)

    def _note(self, folder: Path) -> None:
        words = (folder / "cmdline").read_text().split("\0")
        peak = (folder / "status").read_text().partition("VmHWM:")[2].split()[0]
        kind = words[words.index("tui.cli") + 1] if "tui.cli" in words else program_name(words)
        self._peaks[kind] = max(self._peaks.get(kind, 0), int(peak) >> 10)


def program_name(words: list[str]) -> str:
    """Return what a command line is called; Python's by its script."""
    names = [Path(word.rstrip(":")).name for word in words]
    return names[1] if names[0].startswith("python") else names[0].split()[0]


# --- the race ------------------------------------------------------------------------------------------------------


@dataclass
class Result:
    """What one contender did."""

    seconds: list[float] = field(default_factory=list)
    moving: list[float] = field(default_factory=list)
    peaks: dict[str, int] = field(default_factory=dict)
    failure: str = ""
    missing: bool = False  # it is not here, which is no failure


def race(source: Path, contenders: dict[str, Contender], rounds: int, once: Iterable[str] = ()) -> int:
    """Run all contenders in turn, print a table of medians; return how many failed. Ours is called "visavis"."""
    results = {name: Result() for name in contenders}
    size, wanted = weigh(source), digest(source)
    with ExitStack() as stack:
        runs = {}
        for number in range(rounds):
            for place, (name, result) in enumerate(results.items()):
                if result.failure or (number and name in once):
                    continue
                folder = source.parent / f"contender-{place}"
                os.environ[MARK] = mark = f"{name} {os.getpid()}"
                try:
                    if name not in runs:
                        folder.mkdir()
                        runs[name] = stack.enter_context(contenders[name](folder))
                    settle(size)
                    with Memory(mark, result.peaks):
                        took, moving = measure(runs[name], source, folder, wanted)
                except (MissingError, RunError, OSError, subprocess.SubprocessError) as error:
                    result.failure = str(error).replace("\n", " ")
                    result.missing = isinstance(error, MissingError)
                    say(f"{name} failed: {error}")
                    for process in marked(mark):
                        os.kill(int(process.name), signal.SIGKILL)
                else:
                    say(f"round {number + 1} of {rounds}, {name}: {took:.2f} s")
                    result.seconds.append(took)
                    result.moving += [moving] if moving else []
    show(results, size)
    return sum(bool(result.failure) and not result.missing for result in results.values())


def settle(size: int) -> None:
    """Give every run the same start: nothing of the last one is still being written to the disk, and a guest's memory
    for what will be written is there (a host that gives it only now costs more than the programs do)."""
    os.sync()
    with mmap.mmap(-1, max(size + (size >> 1), mmap.PAGESIZE)) as memory:
        for place in range(0, len(memory), mmap.PAGESIZE):
            memory[place] = 1


def measure(run: Run, source: Path, folder: Path, wanted: bytes) -> tuple[float, float | None]:
    """Run once into a fresh folder, and check what came."""
    into = folder / f"into {secrets.token_hex(4)}"
    into.mkdir()
    os.sync()  # what the one before left to be written is not this one's burden
    found = run(source, into)
    if digest(into / source.name) != wanted:
        raise RunError("what arrived is not what was sent")
    if source.is_file():
        (into / source.name).unlink()  # a folder stays: ext4 makes files slowly for minutes after many were removed
    return found


def show(results: dict[str, Result], size: int) -> None:
    """Print the table."""
    ours = (
        statistics.median(results["visavis"].seconds) if "visavis" in results and results["visavis"].seconds else None
    )
    print("| through | seconds | MB/s | moving alone | ours is faster by | most memory of a process (MiB) |")
    print("|---|---|---|---|---|---|")
    for name, result in results.items():
        if result.failure or not result.seconds:
            print(f"| {name} | {'not here' if result.missing else 'failed'}: {result.failure} | | | | |")
            continue
        took = statistics.median(result.seconds)
        moving = f"{size / statistics.median(result.moving) / 1e6:.0f} MB/s" if result.moving else ""
        ratio = f"{took / ours:.2f}" if ours and name != "visavis" else ""
        memory = ", ".join(f"{kind} {peak}" for kind, peak in sorted(result.peaks.items()))
        print(f"| {name} | {took:.2f} | {size / took / 1e6:.0f} | {moving} | {ratio} | {memory} |")
    print(flush=True)


def weigh(source: Path) -> int:
    """Return the bytes of a file, or of all in a folder."""
    return sum(path.stat().st_size for path in (source, *source.rglob("*")) if path.is_file())


def digest(source: Path) -> bytes:
    """Return a hash of a file, or of all names and contents in a folder."""
    whole = blake3()
    for path in sorted((source, *source.rglob("*"))):
        whole.update(f"{path.relative_to(source)}\0".encode())
        if path.is_file():
            whole.update_mmap(path)
    return whole.digest()
