"""Chat: round trip through two engines and the relay, and how soon a line goes through a restarted relay.

    python -m bench.chat [--lines N] [--restarts N]

Beside ours in the same run: the original's way (two plain sockets, one thread for each client in the server, nothing
encrypted), whose round trip is the floor that engines, sealing and acknowledgement are paid on top of.
"""

import argparse
import math
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from actors import messages as m
from relay import wire

PROGRAM = [sys.executable, "-P", "-m", "tui.cli"]


class Engine:
    """An engine of its own, driven over its local socket, one blocking call at a time."""

    def __init__(self, run: Path) -> None:
        ready, theirs = os.pipe()
        environment = {**os.environ, "VISAVIS_RUN": str(run), "XDG_STATE_HOME": str(run)}
        self.process = subprocess.Popen(
            [*PROGRAM, "engine", "--ready", str(theirs)], env=environment, pass_fds=[theirs], stdin=subprocess.DEVNULL
        )
        os.close(theirs)
        with os.fdopen(ready) as lines:
            self.name = lines.readline().strip()
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(str(run / f"{self.name}.sock"))
        self._decoder = wire.Decoder(wire.LOCAL_LIMITS)
        self.do(m.Attach())

    def do(self, command: m.Command) -> None:
        self.socket.sendall(wire.encode(wire.COMMAND, m.encode(command)))

    def events(self) -> Iterator[m.AnyEvent]:
        while True:
            while (packet := self._decoder.next_packet()) is None:
                self._decoder.feed(self.socket.recv(65536))
            yield m.decode_event(packet.payload)

    def wait(self, *kinds: type) -> m.AnyEvent:
        """Return the next event of one of these kinds; those before it are passed over."""
        return next(event for event in self.events() if isinstance(event, kinds))

    def wait_joined(self) -> None:
        while self.wait(m.LinkChanged).link != "joined":
            pass


@contextmanager
def relay(port: int = 0) -> Iterator[tuple[subprocess.Popen[str], int]]:
    command = [*PROGRAM, "relay", "--host", "127.0.0.1", "--port", str(port)]
    with listening(command) as (process, address):
        yield process, address


@contextmanager
def listening(command: list[str]) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Run a server until the end of the block; give it with the port that it says it listens on."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        yield process, int(re.findall(r":(\d+)$", process.stdout.readline().strip())[0])
    finally:
        process.kill()
        process.wait()


def percentile(values: list[float], share: float) -> float:
    """The nearest-rank percentile."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def ours(one: Engine, other: Engine, lines: int) -> list[float]:
    """Milliseconds from SendText at one engine to the answer's TextReceived there."""
    times = []
    for number in range(lines):
        begun = time.perf_counter()
        one.do(m.SendText(id=f"{begun}", text=f"ping {number}"))
        other.wait(m.TextReceived)
        other.do(m.SendText(id=f"{begun}", text=f"pong {number}"))
        one.wait(m.TextReceived)
        times.append((time.perf_counter() - begun) * 1e3)
    return times


def originals(lines: int) -> list[float]:
    """The same with two plain sockets through a server that does as the original's."""
    with listening([sys.executable, "-m", "tests.actors.original", "--port", "0"]) as (_, port):
        ends = [socket.create_connection(("127.0.0.1", port)) for _ in range(2)]
        for end in ends:
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        time.sleep(0.5)  # its server pairs at accept and says nothing of it
        decoders = [wire.Decoder(wire.PLAIN_LIMITS) for _ in ends]

        def pass_on(source: int, text: bytes) -> None:
            ends[source].sendall(wire.encode(wire.TEXT, text))
            sink, decoder = ends[1 - source], decoders[1 - source]
            while decoder.next_packet() is None:
                decoder.feed(sink.recv(65536))

        times = []
        for number in range(lines):
            begun = time.perf_counter()
            pass_on(0, b"ping %d" % number)
            pass_on(1, b"pong %d" % number)
            times.append((time.perf_counter() - begun) * 1e3)
        for end in ends:
            end.close()
        return times


def restarts(one: Engine, other: Engine, process: subprocess.Popen[str], port: int, times: int) -> list[float]:
    """Seconds from a restarted relay's `listening` to a line, written meanwhile, being at the other side."""
    found = []
    for number in range(times):
        time.sleep(11)  # an epoch shorter than 10 s counts as "open elsewhere"
        process.kill()
        process.wait()
        one.do(m.SendText(id=f"restart {number}", text="written while the relay was down"))
        time.sleep(1)
        with_port = subprocess.Popen(
            [*PROGRAM, "relay", "--host", "127.0.0.1", "--port", str(port)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        with_port.stdout.readline()
        begun = time.perf_counter()
        other.wait(m.TextReceived)
        found.append(time.perf_counter() - begun)
        process = with_port
    process.kill()
    process.wait()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lines", type=int, default=1000)
    parser.add_argument("--restarts", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, relay() as (process, port):
        run = Path(folder) / "run"
        run.mkdir(mode=0o700)
        one, other = Engine(run), Engine(run)
        try:
            address = f"127.0.0.1:{port}"
            one.do(m.MakeCode(address))
            other.do(m.EnterCode(address, one.wait(m.CodeMade).code))
            one.wait_joined()
            other.wait_joined()
            ours(one, other, 50)  # warm
            theirs = originals(options.lines)
            times = ours(one, other, options.lines)
            print("## Chat\n")
            print("| round trip | p50 | p99 |\n|---|---|---|")
            figures = {}
            for name, values in (("two engines, sealed, our relay", times), ("the original's way, in clear", theirs)):
                p50, p99 = figures[name] = (percentile(values, 0.5), percentile(values, 0.99))
                print(f"| {name} | {p50:.2f} ms | {p99:.2f} ms |")
            ratios = [mine / other for mine, other in zip(*figures.values(), strict=True)]
            print(f"| ours / original | {ratios[0]:.1f} | {ratios[1]:.1f} |\n")
            found = restarts(one, other, process, port, options.restarts)
            print(f"From a restarted relay's `listening` (down for 1 s) to the first line through, {len(found)} times:")
            print(f"median {percentile(found, 0.5):.2f} s, worst {max(found):.2f} s")
        finally:
            for engine in (one, other):
                engine.process.send_signal(signal.SIGKILL)
                engine.process.wait()


if __name__ == "__main__":
    main()
