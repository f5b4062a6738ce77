"""A link with a rate, a delay, a queue and loss, between two network namespaces: real IP, so real TCP sees it.

    python -m tests.net.linksim [--rate 10mbit] [--delay 20ms] [--queue 128k] [--loss 0.5%]
    python -m tests.net.linksim --clean

Linux, root, iproute2. Each namespace has a TUN device; this program carries every packet from one to the other, up to
about 100 Mbit/s. Loopback inside a namespace is not touched. Once it is up it prints a line of JSON with the names of
the namespaces; each line on its standard input changes the link, and is answered by a line of JSON:

    rate 500k    delay 80ms    queue 64k    loss 2%    stall 10 (nothing passes for 10 s)    cut    join    stats

The namespaces go when standard input closes, on SIGTERM and on SIGINT; those of one that was killed, with --clean.
In Python: `with link(rate="20mbit") as between: …`.
"""

import argparse
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from math import inf
from pathlib import Path
from typing import Any, TypeVar

from tests.net.namespaces import MTU, NamespaceError, clean, in_namespace, inside, two_namespaces
from tests.net.way import Settings, Way, measure

ROOT = Path(__file__).parent.parent.parent
ADDRESSES = {"a": "10.77.0.1", "b": "10.77.0.2"}
DEFAULTS = {"rate": "10mbit", "delay": "20ms", "queue": "128k", "loss": "0"}

_Made = TypeVar("_Made")


class LinkError(Exception):
    """The link could not be made, or was told something that it does not know."""


# --- for programs and tests ----------------------------------------------------------------------------------------


class Link:
    """A link that is up. Its sides are "a" and "b"; `addresses` and `namespaces` have the address and name of each."""

    addresses = ADDRESSES

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self.namespaces: dict[str, str] = self._answer()

    def in_side(self, side: str, *command: str) -> list[str]:
        """Return the command that runs `command` on that side; as a process it is `command` itself."""
        return in_namespace(self.namespaces[side], *command)

    def run_in(self, side: str, *command: str) -> str:
        """Run a command there to its end; return what it wrote. Raises `CalledProcessError`."""
        return subprocess.run(self.in_side(side, *command), check=True, stdout=subprocess.PIPE, text=True).stdout

    def inside(self, side: str, make: Callable[[], _Made]) -> _Made:
        """Return what `make` returns on that side: a socket it opens, a process it starts stay there."""
        return inside(self.namespaces[side], make)

    def change(self, line: str) -> dict[str, Any]:
        """Change the link: "rate 500k", "delay 80ms", "queue 64k", "loss 2%"; return what `stats` does.

        Raises `LinkError`.
        """
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # then there is no answer either
            self._process.stdin.write(f"{line}\n".encode())
        return self._answer()

    def cut(self) -> None:
        """Lose whatever is under way, and whatever comes, until `join`."""
        self.change("cut")

    def join(self) -> None:
        """Let packets pass again."""
        self.change("join")

    def stall(self, seconds: float) -> None:
        """Hold everything back for so long; what the queue can't keep is lost."""
        self.change(f"stall {seconds}")

    def stats(self) -> dict[str, dict[str, float]]:
        """Return, for "a>b" and "b>a", packets and bytes that passed, packets dropped, bytes queued, and `late`: by
        how many seconds at most this machine passed one on too late."""
        return self.change("stats")

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        said = json.loads(line) if line else {"error": "the link is gone"}
        if "error" in said:
            raise LinkError(said["error"])
        return said


@contextmanager
def link(**settings: str) -> Iterator[Link]:
    """Make a link with this rate, delay, queue and loss; at the end of the block it is gone. Raises `LinkError`."""
    options = [f"--{name}={value}" for name, value in settings.items()]
    with subprocess.Popen(
        [sys.executable, "-m", "tests.net.linksim", *options],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        bufsize=0,  # nothing is left to be flushed into a pipe that broke
        start_new_session=True,  # Ctrl-C is for us, and we close its standard input then
    ) as process:  # its end closes the pipes and waits
        yield Link(process)


# --- the program ---------------------------------------------------------------------------------------------------


def _obey(line: str, settings: Settings) -> None:
    """Do what a line says. Raises `ValueError`."""
    match line.split():
        case [("rate" | "delay" | "queue" | "loss") as what, value]:
            setattr(settings, what, measure(what, value))
        case ["stall", seconds]:
            settings.stalled_until = time.monotonic() + float(seconds)
        case ["cut" | "join" as word]:
            settings.cut = word == "cut"
        case ["stats"]:
            pass
        case _:
            raise ValueError(f"not understood: {line.strip()!r}")


def _carry(settings: Settings, devices: dict[str, int]) -> None:
    """Carry packets and obey standard input until it closes."""
    ways = {f"{one}>{other}": (devices[one], devices[other], Way(settings)) for one, other in ("ab", "ba")}
    while True:
        wait = min(way.next_at() for *_, way in ways.values()) - time.monotonic()
        ready, _, _ = select.select([0, *devices.values()], [], [], None if wait == inf else max(wait, 0.0))
        if 0 in ready:
            if not (line := sys.stdin.buffer.raw.readline()):
                return
            try:
                _obey(line.decode(), settings)
                _say({name: way.stats() for name, (*_, way) in ways.items()})
            except ValueError as error:
                _say({"error": str(error)})
        now = time.monotonic()
        for source, sink, way in ways.values():
            if source in ready:
                for packet in _waiting(source):
                    way.put(packet, now)
            for packet in way.take_arrived(now):
                os.write(sink, packet)


def _waiting(device: int) -> Iterator[bytes]:
    try:
        while True:
            yield os.read(device, MTU)
    except BlockingIOError:
        return


def _say(what: object) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def _heed(handler: Any) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, handler)


def _end(*_: object) -> None:
    _heed(signal.SIG_IGN)  # once is enough: what follows is to come to its end
    sys.exit(0)


def main() -> int:
    """Make the link, carry, and take it away."""
    parser = argparse.ArgumentParser(description="two network namespaces and a link between them")
    for name, value in DEFAULTS.items():
        parser.add_argument(f"--{name}", default=value)
    parser.add_argument("--clean", action="store_true", help="remove the namespaces that a killed one left, and end")
    options = parser.parse_args()
    if options.clean:
        _say(clean())
        return 0
    _heed(_end)
    try:
        settings = Settings(**{name: measure(name, getattr(options, name)) for name in DEFAULTS})
        with two_namespaces(ADDRESSES) as (names, devices):
            _say(names)
            _carry(settings, devices)
            _heed(signal.SIG_IGN)
    except (NamespaceError, OSError, ValueError) as error:
        _say({"error": str(error)})
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
