"""Ten thousand connections: what each costs the relay in memory, and that every one is served.

    python -m bench.connections [--connections 10000]

Half of them come first and wait, each in a room of its own; then the other half comes and all are paired; then each
pair passes a few bytes. From one address past its limit: refused, and told so.
"""

import argparse
import resource
import secrets
import socket
import struct
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from bench.relay import free_port, process
from bench.traffic import read_whole
from relay import limits, wire

RELAY = (
    "import sys; from relay.server import Options, main; "
    "sys.exit(main(Options(host='127.0.0.1', port=int(sys.argv[1]), per_address=int(sys.argv[2]) or None, drain=0)))"
)


def memory_kib(relay: subprocess.Popen[str]) -> int:
    """Return the resident memory of the relay."""
    status = Path(f"/proc/{relay.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0])


def hello(port: int, room: str) -> socket.socket:
    """Connect and say the hello, without waiting for its answer."""
    connection = socket.create_connection(("127.0.0.1", port))
    connection.sendall(wire.Hello("room", secrets.token_hex(16), room, "bench.1").encode())
    return connection


def answer(connection: socket.socket) -> bytes:
    """Return the type of the next packet."""
    packet_type, size = wire.HEADER.unpack(read_whole(connection, wire.HEADER.size))
    read_whole(connection, size)
    return packet_type


def serve_all(count: int) -> None:
    """Print what `count` connections cost."""
    port = free_port()
    with process(sys.executable, "-c", RELAY, str(port), str(count)) as relay:
        idle = memory_kib(relay)
        rooms = [secrets.token_hex(16) for _ in range(count // 2)]
        start = time.monotonic()
        waiting = []
        for room in rooms:
            waiting.append(hello(port, room))
            assert answer(waiting[-1]) == wire.WAIT
        half = memory_kib(relay)
        joining = [hello(port, room) for room in rooms]
        for connection in (*joining, *waiting):
            assert answer(connection) == wire.PAIR
        took = time.monotonic() - start
        paired = memory_kib(relay)
        for first, second in zip(waiting, joining, strict=True):
            first.sendall(b"12345678")
            assert read_whole(second, 8) == b"12345678"
        used = memory_kib(relay)
        for connection in (*waiting, *joining):
            connection.close()
    print(f"| {count} connections | idle | half of them wait | all are paired | all have spoken | served in |")
    print("|---|---|---|---|---|---|")
    memory = " | ".join(f"{kib >> 10} MiB" for kib in (idle, half, paired, used))
    print(f"| relay's memory | {memory} | {took:.1f} s |")
    print(f"| for each | | {(half - idle) / len(rooms):.1f} KiB | {(paired - idle) / count:.1f} KiB | | |")


def refuse_most(count: int) -> None:
    """Print what one address is answered that wants `count` connections."""
    port = free_port()
    answers: Counter[str] = Counter()
    with process(sys.executable, "-c", RELAY, str(port), "0") as relay:
        connections = []
        for _ in range(count):
            connection = hello(port, secrets.token_hex(16))
            try:
                packet_type = answer(connection)
            except (OSError, struct.error):
                answers["reset"] += 1
            else:
                answers[packet_type.decode()] += 1
            connections.append(connection)
        print(f"\none address, {count} connections, {limits.ADDRESS_UNPAIRED} may wait: {dict(answers)}, ", end="")
        print(f"{memory_kib(relay) >> 10} MiB")
        for connection in connections:
            connection.close()


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--connections", type=int, default=10_000)
    count = parser.parse_args().connections
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    serve_all(count)
    refuse_most(count)


if __name__ == "__main__":
    main()
