"""A file over a slow link, and chat beside it: what share of the link is used, and what is left to a line. Beside: scp.

    python -m bench.link [--megabytes 20] [--rate 20mbit] [--delay 20ms] [--queue 128k] [--only NAME]

The link is tests/net/linksim.py's: the relay and the receiving engine on one side, the sending engine on the other, so
that lines and file pass the same way. Beside scp the line is a plain echo on a connection of its own. As root.
"""

import argparse
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from actors import messages as m
from bench.calls import WatchedEngine, chat, offer, pair
from bench.chat import PROGRAM, listening, ours, percentile
from bench.files import make_file
from bench.ground import RunError, digest, ground, say
from bench.peers import MissingError, sshd
from tests.net.linksim import Link, link
from tests.net.namespaces import why_not
from tests.net.way import measure

IDLE_SECONDS = 2.0
BEGUN_SECONDS = 1.0  # TCP has found its pace by then
LIMIT_SECONDS = 60.0
ECHO_PORT = 7000


@dataclass
class Passage:
    """What one of them did: the seconds of the file, and the milliseconds of each line before and beside it."""

    seconds: float
    idle: list[float]
    beside: list[float]


def over_ours(made: Link, source: Path, into: Path) -> Passage:
    """Two engines and our relay."""
    with ExitStack() as stack:
        host = made.addresses["a"]
        command = [*PROGRAM, "relay", "--host", host, "--port", "0"]
        _, port = made.inside("a", lambda: stack.enter_context(listening(command)))
        engines = {}
        for side in "ba":
            run = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            engines[side] = made.inside(side, lambda run=run: WatchedEngine(run))
            stack.callback(engines[side].end)
        one, other = engines["b"], engines["a"]
        pair(one, other, f"{host}:{port}")
        idle = chat(one, other, IDLE_SECONDS)
        begun = time.monotonic()
        offered = offer(one, other, source, str(into))
        beside: list[float] = []
        while not other.over_at:
            since = time.monotonic() - begun
            if since > LIMIT_SECONDS:
                raise RunError("it takes too long")
            trip = ours(one, other, 1)
            beside += trip if since > BEGUN_SECONDS else []
        if (transfer := other.transfers[offered]).state != "done":
            raise RunError(f"{transfer.state}: {transfer.cause} {transfer.detail}")
        one.do(m.Hang())
        return Passage(other.over_at - begun, idle, beside)


def over_scp(made: Link, source: Path, into: Path) -> Passage:
    """scp, and an echo on a connection of its own."""
    keys = into / "keys"
    keys.mkdir()
    with sshd(keys, made.addresses["a"], tuple(made.in_side("a"))) as server, echo(made) as end:
        idle = echoes(end, lambda since: since < IDLE_SECONDS)
        begun = time.monotonic()
        with subprocess.Popen(made.in_side("b", *server.scp(source, into))) as copying:
            time.sleep(BEGUN_SECONDS)
            beside = echoes(end, lambda _: copying.poll() is None)
            took = time.monotonic() - begun
        if copying.returncode:
            raise RunError(f"scp ended with {copying.returncode}")
        return Passage(took, idle, beside)


def echoes(end: socket.socket, going: Callable[[float], bool]) -> list[float]:
    """Return the milliseconds of each round trip, one after the other."""
    times = []
    start = time.monotonic()
    while going(time.monotonic() - start):
        begun = time.monotonic()
        end.sendall(b"?")
        end.recv(1)
        times.append((time.monotonic() - begun) * 1e3)
    return times


@contextmanager
def echo(made: Link) -> Iterator[socket.socket]:
    """Connect side b to an echo on side a."""

    def answer(far: socket.socket) -> None:
        while line := far.recv(1):
            far.sendall(line)

    with made.inside("a", socket.socket) as listener:
        listener.bind((made.addresses["a"], ECHO_PORT))
        listener.listen()
        near = made.inside("b", socket.socket)
        near.connect((made.addresses["a"], ECHO_PORT))
        far, _ = listener.accept()
    for end in (near, far):
        end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    answering = threading.Thread(target=answer, args=(far,))
    answering.start()
    with far:
        with near:
            yield near
        answering.join()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megabytes", type=int, default=20)
    for name, value in (("rate", "20mbit"), ("delay", "20ms"), ("queue", "128k")):
        parser.add_argument(f"--{name}", default=value)
    ways = {"visavis": over_ours, "scp": over_scp}
    parser.add_argument("--only", action="append", choices=ways)
    options = parser.parse_args()
    if missing := why_not():
        say(missing)
        return 0
    print(f"## {options.megabytes} MB over {options.rate}, {options.delay} each way, {options.queue} of queue\n")
    print("| through | seconds | share of the link | line, idle p50 | p99 | line, beside the file p50 | p99 |")
    print("|---|---|---|---|---|---|---|")
    failed = 0
    shares = {}
    with ground() as folder:
        source = folder / "film.bin"
        make_file(source, options.megabytes)
        for name in options.only or ways:
            into = folder / f"into {name}"
            into.mkdir()
            try:
                with link(rate=options.rate, delay=options.delay, queue=options.queue) as made:
                    passage = ways[name](made, source, into)
                if digest(into / source.name) != digest(source):
                    raise RunError("what arrived is not what was sent")
            except MissingError as error:
                say(f"{name}: {error}")
                continue
            except (RunError, OSError) as error:
                failed = 1
                say(f"{name} failed: {error}")
                continue
            shares[name] = share = options.megabytes * 8e6 / measure("rate", options.rate) / passage.seconds
            trips = [percentile(times, rank) for times in (passage.idle, passage.beside) for rank in (0.5, 0.99)]
            print(f"| {name} | {passage.seconds:.2f} | {share:.1%} |", " | ".join(f"{ms:.0f} ms" for ms in trips), "|")
    if len(shares) == len(ways):
        print(f"\nours is faster by {shares['visavis'] / shares['scp']:.2f}")
    return failed


if __name__ == "__main__":
    sys.exit(main())
