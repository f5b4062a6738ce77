"""Chat while files pass: round trips idle, beside a transfer flat out, and beside a receiver that takes 1.25 MB/s.

    python -m bench.loaded_chat [--seconds 5] [--only ours] [--only original]

Ours: two engines through our relay; flat out, the file goes to the disk; the slow receiver reads the engine's standard
output (a transfer into "-"). Beside it the original's way: one stream for all, files in packets of 4096 bytes, through
a server that does as the original's. There a line is said every half a second (every 50 ms where nothing is slow),
before the next packet of the file, and answered as soon as it is read.
"""

import argparse
import os
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from math import inf
from pathlib import Path

from actors import messages as m
from bench.calls import WatchedEngine, chat, offer, pair
from bench.chat import listening, originals, percentile, relay
from bench.ground import RunError, ground, say
from relay import wire

SLOW = 1.25e6  # bytes a second
CHUNK = 4096  # of a file, in the original
FILE_BYTES = 16 << 30  # a hole, of which most is never sent
LINES = 12  # said beside a file in the original's way
Trips = tuple[list[float], float]  # milliseconds of each round trip, and MB/s of the file meanwhile


# --- ours ----------------------------------------------------------------------------------------------------------


@contextmanager
def call(output: int | None = None) -> Iterator[tuple[WatchedEngine, WatchedEngine]]:
    """Two engines in a call: the one that sends, and the one that receives."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        _, port = stack.enter_context(relay())
        engines = []
        for side in (None, output):
            run = Path(folder) / f"run-{len(engines)}"
            run.mkdir(mode=0o700)
            engines.append(WatchedEngine(run, side))
            stack.callback(engines[-1].end)
        pair(*engines, f"127.0.0.1:{port}")
        yield engines[0], engines[1]


def loaded(one: WatchedEngine, other: WatchedEngine, source: Path, into: str, seconds: float) -> Trips:
    """Chat while `source` moves into the folder `into`; the transfer is cancelled then."""
    offered = offer(one, other, source, into)
    other.wait_transfer("moving")
    chat(one, other, 1)  # until it runs as it will
    seen = max(len(other.moved) - 1, 0)
    times = chat(one, other, seconds)
    if (state := other.transfers[offered].state) != "moving":
        raise RunError(f"the file was too small: {state} before the end")
    other.do(m.CancelTransfer(offered))
    (first, had), *_, (last, has) = other.moved[seen:]
    return times, (has - had) / (last - first) / 1e6


def read_slowly(source: int, rate: float) -> None:
    """Take what comes, so many bytes a second, until it ends."""
    begun, taken = time.monotonic(), 0
    with os.fdopen(source, "rb", buffering=0) as pipe:
        while piece := pipe.read(CHUNK):
            taken += len(piece)
            time.sleep(max(0.0, begun + taken / rate - time.monotonic()))


def measure_ours(seconds: float) -> dict[str, Trips]:
    with ground() as folder:
        source = folder / "film.bin"
        with source.open("wb") as file:
            file.truncate(FILE_BYTES)
        found = {}
        with call() as (one, other):
            found["idle"] = (chat(one, other, seconds), 0.0)
            say("ours, flat out")
            into = folder / "into"
            into.mkdir()
            found["flat out"] = loaded(one, other, source, str(into), seconds)
        say("ours, to a slow receiver")
        reading, writing = os.pipe()
        reader = threading.Thread(target=read_slowly, args=(reading, SLOW))
        reader.start()
        with call(writing) as (one, other):
            os.close(writing)
            found["1.25 MB/s"] = loaded(one, other, source, "-", seconds)
        reader.join()
    return found


# --- the original's way --------------------------------------------------------------------------------------------


def original(rate: float, pause: float) -> Trips:
    """Say a line every `pause` seconds into a stream of file packets; the receiver takes `rate` bytes a second."""
    said: list[float] = []
    with listening([sys.executable, "-m", "tests.actors.original", "--port", "0"]) as (_, port):
        sender, receiver = (socket.create_connection(("127.0.0.1", port)) for _ in range(2))
        with sender, receiver:
            time.sleep(0.5)  # its server pairs at accept and says nothing of it
            threading.Thread(target=send_all, args=(sender, said, pause), daemon=True).start()
            taken = [0.0, time.monotonic()]
            threading.Thread(target=answer_all, args=(receiver, rate, taken), daemon=True).start()
            answers = packets(sender)
            times = []
            for number in range(LINES):
                next(answers)
                times.append((time.monotonic() - said[number]) * 1e3)
            speed = taken[0] / (time.monotonic() - taken[1]) / 1e6
            for end in (sender, receiver):
                end.shutdown(socket.SHUT_RDWR)
    return times, speed


def packets(end: socket.socket) -> Iterator[wire.Packet]:
    """Yield what comes, until the stream ends."""
    decoder = wire.Decoder(wire.PLAIN_LIMITS)
    while piece := end.recv(65536):
        decoder.feed(piece)
        while packet := decoder.next_packet():
            yield packet


def send_all(end: socket.socket, said: list[float], pause: float) -> None:
    """Send a file without an end, and in between lines, noting when."""
    piece, line = wire.encode(wire.FILE_CHUNK, bytes(CHUNK)), wire.encode(wire.TEXT, b"ping")
    due = time.monotonic() + 1  # when the stream runs as it will
    with suppress(OSError):
        while True:
            if time.monotonic() >= due and len(said) < LINES:
                said.append(time.monotonic())
                due += pause
                end.sendall(line)
            end.sendall(piece)


def answer_all(end: socket.socket, rate: float, taken: list[float]) -> None:
    """Take the file at this rate, and answer every line."""
    with suppress(OSError):
        for packet in packets(end):
            if packet.type == wire.TEXT:
                end.sendall(wire.encode(wire.TEXT, b"pong"))
            taken[0] += len(packet.payload)
            time.sleep(max(0.0, taken[1] + taken[0] / rate - time.monotonic()))


def measure_original() -> dict[str, Trips]:
    found = {"idle": (originals(1000), 0.0)}
    say("the original's way, flat out")
    found["flat out"] = original(inf, 0.05)
    say("the original's way, to a slow receiver")
    found["1.25 MB/s"] = original(SLOW, 0.5)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--only", action="append", choices=["ours", "original"])
    options = parser.parse_args()
    wanted = options.only or ["ours", "original"]
    results, failed = {}, 0
    if "ours" in wanted:
        try:
            results["ours"] = measure_ours(options.seconds)
        except (RunError, OSError) as error:
            failed = 1
            say(f"ours failed: {error}")
    if "original" in wanted:
        results["original"] = measure_original()
    print("## Chat beside a file\n")
    print("| round trip | beside | p50 | p99 | file meanwhile | original's p50 / ours |\n|---|---|---|---|---|---|")
    for name, found in results.items():
        for load, (times, speed) in found.items():
            p50, p99 = (percentile(times, share) for share in (0.5, 0.99))
            beaten = name == "original" and "ours" in results
            ratio = f"{p50 / percentile(results['ours'][load][0], 0.5):.1f}" if beaten else ""
            moved = f"{speed:.1f} MB/s" if speed else ""
            print(f"| {name} | {load} | {p50:.2f} ms | {p99:.2f} ms | {moved} | {ratio} |")
    return failed


if __name__ == "__main__":
    sys.exit(main())
