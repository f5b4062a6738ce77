"""The programs that ours is compared with, set up for one run: magic-wormhole with its servers, an sshd.

    python -m bench.peers       make the environment of magic-wormhole now (else it is made when it is first needed)

magic-wormhole lives in an environment of its own, `.bench/peers` (group `bench` of pyproject.toml), or in the one that
VISAVIS_BENCH_PEERS names; it shares nothing with ours. scp and ssh are the system's.
"""

import getpass
import os
import shutil
import socket
import subprocess
import sys
import time
import tomllib
import venv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.relay import free_port

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / ".bench"
START_SECONDS = 20.0  # within which a server has to listen
PRIVILEGE_FOLDER = Path("/run/sshd")  # Debian's sshd, started by root, wants it


class MissingError(Exception):
    """A peer is not here; says what to do."""


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


# --- ssh -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Ssh:
    """An sshd that runs, and how to reach it."""

    host: str
    port: int
    options: tuple[str, ...]

    def ssh(self, command: str) -> list[str]:
        """Return the command that has `command` done there."""
        return ["ssh", *self.options, "-p", str(self.port), self.host, command]

    def scp(self, source: Path, into: Path, *flags: str) -> list[str]:
        """Return the command that copies `source` into the folder `into` there."""
        return ["scp", "-q", *flags, *self.options, "-P", str(self.port), str(source), f"{self.host}:{into}/"]


@contextmanager
def sshd(folder: Path, host: str = "127.0.0.1", prefix: tuple[str, ...] = ()) -> Iterator[Ssh]:
    """Run an sshd with a key and a configuration of its own in `folder`, for this user alone.

    `prefix` stands before its command: where it is to run.
    """
    # sshd starts itself anew for each connection, and must be called by its full path for it.
    program = shutil.which("sshd", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/usr/local/sbin")
    if program is None or shutil.which("scp") is None:
        raise MissingError("scp and sshd are not installed (Debian: apt install openssh-server openssh-client)")
    for name in ("host", "user"):
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    port = free_port()
    configuration = folder / "sshd_config"
    configuration.write_text(
        f'Port {port}\nListenAddress {host}\nHostKey "{folder}/host"\nAuthorizedKeysFile "{folder}/user.pub"\n'
        "PidFile none\nUsePAM no\nStrictModes no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n"
        f"PermitRootLogin prohibit-password\nAllowUsers {getpass.getuser()}\nSubsystem sftp internal-sftp\n"
    )
    made = os.geteuid() == 0 and not PRIVILEGE_FOLDER.exists()
    if made:
        PRIVILEGE_FOLDER.mkdir(mode=0o755)
    log = folder / "sshd.log"
    try:
        with log.open("wb") as errors:
            server = subprocess.Popen([*prefix, program, "-D", "-e", "-f", str(configuration)], stderr=errors)
        with ended(server):
            wait_listening(server, lambda: "listening" in log.read_text())
            settings = (f"UserKnownHostsFile={os.devnull}", "StrictHostKeyChecking=no", "IdentitiesOnly=yes")
            quiet = ("LogLevel=ERROR", "BatchMode=yes")
            options = [f"-o{setting}" for setting in (*settings, *quiet)]
            yield Ssh(host, port, ("-F", os.devnull, "-i", str(folder / "user"), *options))
    finally:
        if made:
            PRIVILEGE_FOLDER.rmdir()


if __name__ == "__main__":
    print(programs())
