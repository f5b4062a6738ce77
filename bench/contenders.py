"""Who races in bench/ground.py: ours, magic-wormhole, scp, and tar through ssh, each with servers of its own."""

import json
import os
import shlex
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.chat import PROGRAM, relay
from bench.ground import Contender, Run, RunError
from bench.peers import sshd, wormhole_servers

LIMIT_SECONDS = 180.0  # a run that takes longer has failed


@contextmanager
def limited(*processes: subprocess.Popen[str]) -> Iterator[None]:
    """End these processes when they take too long, or when the block fails."""

    def kill() -> None:
        for process in processes:
            process.kill()

    timer = threading.Timer(LIMIT_SECONDS, kill)
    timer.start()
    try:
        yield
    except BaseException:  # interrupted, too: no run may outlive its measurement
        kill()
        raise
    finally:
        timer.cancel()
        for process in processes:
            process.wait()


@contextmanager
def visavis(folder: Path) -> Iterator[Run]:
    """`visavis send` and `visavis receive` through our relay."""
    with tempfile.TemporaryDirectory() as run_folder, relay() as (_, port):  # a socket's path must be short
        state = {name: str(folder) for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME")}
        environment = {**os.environ, **state, "VISAVIS_RUN": run_folder}

        def start(*arguments: str) -> subprocess.Popen[str]:
            command = [*PROGRAM, *arguments, "--json", "--relay", f"127.0.0.1:{port}"]
            streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE}
            return subprocess.Popen(command, env=environment, text=True, **streams)

        def run(source: Path, into: Path) -> tuple[float, float | None]:
            sender = start("send", str(source))
            with limited(sender):
                try:
                    code = json.loads(sender.stdout.readline())["code"]
                except (ValueError, KeyError):
                    raise RunError("visavis send says no code") from None
                threading.Thread(target=sender.stdout.read, daemon=True).start()
                begun = time.monotonic()
                receiver = start("receive", code, "--to", str(into), "--yes")
                times = {}
                with limited(receiver):
                    for line in receiver.stdout:
                        times[json.loads(line)["event"]] = time.monotonic()
            took = time.monotonic() - begun
            if sender.returncode or receiver.returncode:
                raise RunError(f"visavis send ended with {sender.returncode}, receive with {receiver.returncode}")
            return took, times["done"] - times["accepted"] if {"done", "accepted"} <= times.keys() else None

        yield run


@contextmanager
def wormhole(folder: Path) -> Iterator[Run]:
    """`wormhole send` and `wormhole receive` through mailbox and transit relay of our own."""
    with wormhole_servers(folder) as command:

        def run(source: Path, into: Path) -> tuple[float, None]:
            options = ["--no-listen", "--hide-progress"]
            said = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
            sender = subprocess.Popen([*command, "send", *options, "--no-qr", str(source)], **said)
            with limited(sender):
                code = next((line.split()[-1] for line in sender.stderr if line.startswith("Wormhole code is:")), "")
                threading.Thread(target=sender.stderr.read, daemon=True).start()
                begun = time.monotonic()
                complete([*command, "receive", *options, "--accept-file", "-o", str(into), code])
            return time.monotonic() - begun, None

        yield run


def scp(*flags: str) -> Contender:
    """`scp` to an sshd of our own, with these flags."""

    @contextmanager
    def contender(folder: Path) -> Iterator[Run]:
        with sshd(folder) as server:

            def run(source: Path, into: Path) -> tuple[float, None]:
                begun = time.monotonic()
                complete(server.scp(source, into, *flags))
                return time.monotonic() - begun, None

            yield run

    return contender


@contextmanager
def tar(folder: Path) -> Iterator[Run]:
    """`tar` here, `ssh`, `tar` there."""
    with sshd(folder) as server:

        def run(source: Path, into: Path) -> tuple[float, None]:
            begun = time.monotonic()
            there = server.ssh(f"tar -xf - -C {shlex.quote(str(into))}")
            pack = ["tar", "-cf", "-", "-C", str(source.parent), source.name]
            with subprocess.Popen(pack, stdout=subprocess.PIPE) as packing:
                status = subprocess.run(there, stdin=packing.stdout).returncode
            if packing.returncode or status:
                raise RunError(f"tar ended with {packing.returncode}, ssh with {status}")
            return time.monotonic() - begun, None

        yield run


def complete(command: list[str]) -> None:
    """Run a command to its end. Raises `RunError` with what it said if it fails."""
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=LIMIT_SECONDS)
    if done.returncode:
        raise RunError(done.stderr.strip())
