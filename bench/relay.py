"""What the relay costs: bytes per second and CPU-seconds per GB, beside three others in the same run.

    python -m bench.relay [--seconds 1.5] [--rounds 3] [--only NAME]

Sender, relay and receiver are processes of their own on this machine's loopback. "direct": the two without anything
between them. "relay": ours. "socat": `socat -b 65536`. "forwarder": a thread for each direction reads every packet
whole and sends it on. Each figure is the median of the rounds; the rounds go through all of them in turn.
"""

import argparse
import os
import secrets
import shutil
import socket
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

SIZES = {"4 KiB": 4 << 10, "64 KiB": 64 << 10, "1 MiB": 1 << 20}
TICKS = os.sysconf("SC_CLK_TCK")
RELAY = (
    "import sys; from relay.server import Options, main; "
    "sys.exit(main(Options(host='127.0.0.1', port=int(sys.argv[1]), drain=0)))"
)


def free_port() -> int:
    """Return a port that was free just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def process(*command: str, ready: bool = True) -> Iterator[subprocess.Popen[str]]:
    """Run a program, wait for its first line if it says one, end it at last."""
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        if ready:
            child.stdout.readline()
        yield child
    finally:
        child.terminate()
        child.wait()
        child.stdout.close()


def traffic(*arguments: object) -> tuple[str, ...]:
    """Return the command of a process of bench/traffic.py."""
    return (sys.executable, "-m", "bench.traffic", *map(str, arguments))


def cpu_seconds(pid: int) -> float:
    """Return what a process has used, in user and kernel mode, with all its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def measure(name: str, size: int, seconds: float) -> tuple[float, float]:
    """Return GB per second at the receiver, and CPU-seconds of what stands between per GB."""
    port, room = free_port(), ""
    between = None
    with ExitStack() as stack:
        if name == "relay":
            room = secrets.token_hex(16)
            between = stack.enter_context(process(sys.executable, "-c", RELAY, str(port)))
            receiver = stack.enter_context(process(*traffic("receive", "connect", port, room)))
        elif name == "forwarder":
            between = stack.enter_context(process(*traffic("forward", port)))
            receiver = stack.enter_context(process(*traffic("receive", "connect", port)))
        elif name == "socat":
            behind = free_port()
            receiver = stack.enter_context(process(*traffic("receive", "listen", behind)))
            addresses = (f"TCP-LISTEN:{port},bind=127.0.0.1,reuseaddr", f"TCP:127.0.0.1:{behind}")
            between = stack.enter_context(process("socat", "-b", "65536", *addresses, ready=False))
            wait_for_listener(port)
        else:
            receiver = stack.enter_context(process(*traffic("receive", "listen", port)))
        before = cpu_seconds(between.pid) if between else 0.0
        command = traffic("send", port, size, seconds, *([room] if room else []))
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        used = cpu_seconds(between.pid) - before if between else 0.0  # socat ends with its connection: a zombie yet
        total, took = receiver.stdout.readline().split()
    gigabytes = int(total) / 1e9
    return gigabytes / float(took), used / gigabytes


def wait_for_listener(port: int) -> None:
    """Wait until somebody listens there, without connecting: socat takes one connection only."""
    wanted = f"0100007F:{port:04X} 00000000:0000 0A"
    while wanted not in Path("/proc/net/tcp").read_text():
        os.sched_yield()


def main() -> None:
    """Print one table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=1.5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", action="append")
    options = parser.parse_args()
    names = options.only or ["direct", "relay", "socat", "forwarder"]
    if shutil.which("socat") is None and "socat" in names:
        print("socat is not here: apt-get install socat", file=sys.stderr)
        names.remove("socat")
    print("| packets | through | GB/s | of direct | CPU-s/GB |")
    print("|---|---|---|---|---|")
    for label, size in SIZES.items():
        runs: dict[str, list[tuple[float, float]]] = {name: [] for name in names}
        for _ in range(options.rounds):
            for name in names:
                runs[name].append(measure(name, size, options.seconds))
        speeds = {name: statistics.median(speed for speed, _ in found) for name, found in runs.items()}
        for name, found in runs.items():
            cpu = "" if name == "direct" else f"{statistics.median(used for _, used in found):.2f}"
            ratio = f"{speeds[name] / speeds['direct']:.2f}" if "direct" in speeds else ""
            print(f"| {label} | {name} | {speeds[name]:.2f} | {ratio} | {cpu} |", flush=True)


if __name__ == "__main__":
    main()
