"""Two engines that see each other, for the benchmarks of video."""

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from actors import messages as m
from bench.ground import RunError

_Event = TypeVar("_Event")
TICKS = os.sysconf("SC_CLK_TCK")
WAIT_SECONDS = 30.0


class SeeingEngine:
    """`bench.ticking` as a process. `start` starts it, perhaps in a namespace; with a `display` it may open windows."""

    def __init__(self, folder: Path, name: str, display: str = "") -> None:
        self.notes = folder / f"{name}.json"
        run = folder / f"run {name}"
        run.mkdir(mode=0o700)
        (folder / "downloads").mkdir(exist_ok=True)
        environment = {
            **os.environ,
            "VISAVIS_RUN": str(run),
            "XDG_DATA_HOME": str(run),
            "XDG_DOWNLOAD_DIR": str(folder / "downloads"),
            "VISAVIS_NAME": name,
            "BENCH_NOTES": str(self.notes),
            "DISPLAY": display,
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "bench.ticking"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
        )
        self.events: list[m.AnyEvent] = []
        self._changed = threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._changed:
                self.events.append(m.decode_event(line))
                self._changed.notify_all()

    def do(self, *commands: m.AnyCommand) -> None:
        assert self.process.stdin is not None
        for command in commands:
            self.process.stdin.write(msgspec.json.encode(command) + b"\n")
        self.process.stdin.flush()

    def wait(self, kind: type[_Event], where: Callable[[_Event], object] = lambda _: True) -> _Event:
        """Return the first event of this kind that fits, once there is one."""

        def find() -> _Event | None:
            return next((event for event in self.events if isinstance(event, kind) and where(event)), None)

        with self._changed:
            if not self._changed.wait_for(find, WAIT_SECONDS):
                raise RunError(f"no {kind.__name__}: {self.events[-3:]}")
            found = find()
        assert found is not None
        return found

    def flow(self) -> m.VideoMeasured:
        """The last that was measured."""
        return [event for event in self.events if isinstance(event, m.VideoMeasured)][-1]

    def end(self) -> dict[str, Any]:
        """Hang up; return what it noted."""
        self.do(m.Hang())
        self.process.wait(30)
        return json.loads(self.notes.read_text("utf-8"))


def processes(top: int) -> dict[str, list[int]]:
    """The process and its children, by what they are: "engine", "window", "pictures", "capture"."""
    found: dict[str, list[int]] = {"engine": [top]}
    children = [
        child for task in Path(f"/proc/{top}/task").iterdir() for child in (task / "children").read_text().split()
    ]
    for child in children:
        words = Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")
        name = next((word.decode().rpartition(".")[2] for word in words if b"actors.children." in word), "")
        found.setdefault(name, []).append(int(child))
    return found


def cpu_seconds(process: int) -> float:
    """What a process has used so far, of one core."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


class Load:
    """The share of a core that processes use between its making and `shares`."""

    def __init__(self, *tops: tuple[str, int]) -> None:
        self._at = time.monotonic()
        self._before = {
            (side, name, process): cpu_seconds(process)
            for side, top in tops
            for name, ids in processes(top).items()
            for process in ids
        }

    def shares(self) -> dict[str, float]:
        took = time.monotonic() - self._at
        return {
            f"{side} {name}": (cpu_seconds(process) - before) / took
            for (side, name, process), before in self._before.items()
            if Path(f"/proc/{process}").exists()
        }


def here(side: str, make: Callable[[], SeeingEngine]) -> SeeingEngine:
    """Make an engine where we are, on whichever side."""
    return make()


@contextmanager
def seeing(
    address: str, folder: Path, display: str, start: Callable[[str, Callable[[], SeeingEngine]], SeeingEngine] = here
) -> Iterator[tuple[SeeingEngine, SeeingEngine]]:
    """Two in a call through the relay at `address`: the second may open windows. `start` makes each on its side."""
    with ExitStack() as stack:
        engines = []
        for side, name in (("b", "shows"), ("a", "sees")):
            made = start(side, lambda name=name: SeeingEngine(folder, name, display))
            stack.callback(made.process.kill)
            engines.append(made)
        shows, sees = engines
        shows.do(m.MakeCode(address))
        sees.do(m.EnterCode(address, shows.wait(m.CodeMade).code))
        for each in engines:
            each.wait(m.LinkChanged, lambda event: event.link == "joined")
        yield shows, sees


@contextmanager
def own_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="visavis-bench-") as folder:
        yield Path(folder)
