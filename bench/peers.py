"""The programs that ours is compared with, set up for one run: magic-wormhole with its servers, an sshd.

    python -m bench.peers       make the environment of magic-wormhole now (else it is made when it is first needed)

magic-wormhole lives in an environment of its own, `.bench/peers` (group `bench` of pyproject.toml), or in the one that
VISAVIS_BENCH_PEERS names; it shares nothing with ours. scp and ssh are the system's.
"""

import os
import socket
import subprocess
import sys
import time
import tomllib
import venv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.relay import free_port
from tests.sshd import MissingError as MissingError
from tests.sshd import Ssh as Ssh
from tests.sshd import sshd as sshd

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / ".bench"
START_SECONDS = 20.0  # within which a server has to listen


def work_folder() -> Path:
    """Return `.bench`, on the same disk as the checkout, which git does not see."""
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / ".gitignore").write_text("*\n")
    return FOLDER


def wait_listening(server: subprocess.Popen[bytes], ready: Callable[[], bool]) -> None:
    """Wait until a server that was just started is ready."""
    deadline = time.monotonic() + START_SECONDS
    while not ready():
        if server.poll() is not None or time.monotonic() > deadline:
            raise MissingError(f"{server.args[0]} does not start")
        time.sleep(0.05)


@contextmanager
def ended(process: subprocess.Popen[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """End this process, and no other, at the end of the block."""
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


# --- magic-wormhole ------------------------------------------------------------------------------------------------


def programs() -> Path:
    """Return the folder with `wormhole` and `twist`, after making the environment if it is not there or not current."""
    if given := os.environ.get("VISAVIS_BENCH_PEERS"):
        return Path(given) / "bin"
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]["bench"]
    place = work_folder() / "peers"
    stamp = place / "stamp"
    if not stamp.exists() or stamp.read_text() != repr(wanted):
        print("making the environment of magic-wormhole", file=sys.stderr)
        venv.create(place, clear=True, symlinks=True)
        pip = [sys.executable, "-m", "pip", "--python", str(place / "bin" / "python"), "--disable-pip-version-check"]
        if subprocess.run([*pip, "install", "-qq", "--group", "bench"], cwd=ROOT, stdout=sys.stderr).returncode:
            raise MissingError("magic-wormhole can't be installed: see above (often the network)")
        stamp.write_text(repr(wanted))
    return place / "bin"


@contextmanager
def wormhole_servers(folder: Path) -> Iterator[list[str]]:
    """Run mailbox and transit relay on loopback; give the command `wormhole` that uses them."""
    found = programs()
    mailbox, transit = free_port(), free_port()
    arguments = {
        mailbox: ["wormhole-mailbox", "--channel-db", "mailbox.sqlite"],
        transit: ["transitrelay"],
    }
    servers = []
    try:
        for port, (plugin, *more) in arguments.items():
            command = [str(found / "twist"), "--log-level=error", plugin, "--port", f"tcp:{port}:interface=127.0.0.1"]
            with (folder / f"{plugin}.log").open("wb") as log:
                servers.append(subprocess.Popen([*command, *more], cwd=folder, stdout=log, stderr=log))
            wait_listening(servers[-1], lambda port=port: listens(port))
        urls = ["--relay-url", f"ws://127.0.0.1:{mailbox}/v1", "--transit-helper", f"tcp:127.0.0.1:{transit}"]
        yield [str(found / "wormhole"), *urls]
    finally:
        for server in servers:
            server.terminate()
            server.wait()


def listens(port: int) -> bool:
    """Tell whether somebody listens there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


if __name__ == "__main__":
    print(programs())
