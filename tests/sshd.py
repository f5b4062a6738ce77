"""An sshd of our own on the loopback, for this user alone, and how to reach it."""

import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

UNPACKED = Path(__file__).resolve().parent.parent / ".venv" / "sshd"  # by the test recipe
PRIVILEGE_FOLDER = Path("/run/sshd")  # Debian's sshd, started by root, wants it
START_SECONDS = 20.0  # within which it has to listen


class MissingError(Exception):
    """A program is not here; says what to do."""


@dataclass(frozen=True)
class Ssh:
    """An sshd that runs, and how to reach it."""

    host: str
    port: int
    options: tuple[str, ...]

    def ssh(self, command: str, *flags: str) -> list[str]:
        """Return the command that has `command` done there."""
        return ["ssh", *flags, *self.options, "-p", str(self.port), self.host, command]

    def scp(self, source: Path, into: Path, *flags: str) -> list[str]:
        """Return the command that copies `source` into the folder `into` there."""
        return ["scp", "-q", *flags, *self.options, "-P", str(self.port), str(source), f"{self.host}:{into}/"]


def find_sshd() -> tuple[str, dict[str, str]]:
    """Return the program, by its full path since it starts itself anew for each connection, and what its environment
    needs. Raises `MissingError`."""
    places = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/usr/local/sbin"
    if (program := shutil.which("sshd", path=places)) is not None:
        return program, {}
    if (program := shutil.which("sshd", path=str(UNPACKED / "usr" / "sbin"))) is not None:
        folders = [*UNPACKED.glob("lib/*-linux-*"), *UNPACKED.glob("usr/lib/*-linux-*")]
        return program, {"LD_LIBRARY_PATH": ":".join(map(str, folders))}
    raise MissingError("sshd is not installed (Debian: apt install openssh-server)")


@contextmanager
def sshd(folder: Path, host: str = "127.0.0.1", prefix: tuple[str, ...] = ()) -> Iterator[Ssh]:
    """Run an sshd with a key and a configuration of its own in `folder`. Raises `MissingError`.

    `prefix` stands before its command: where it is to run.
    """
    program, needed = find_sshd()
    if shutil.which("scp") is None:
        raise MissingError("ssh and scp are not installed (Debian: apt install openssh-client)")
    for name in ("host", "user"):
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    port = _free_port()
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
            server = subprocess.Popen(
                [*prefix, program, "-D", "-e", "-f", str(configuration)],
                stderr=errors,
                env={**os.environ, **needed},
            )
        try:
            deadline = time.monotonic() + START_SECONDS
            while "listening" not in log.read_text():
                if server.poll() is not None or time.monotonic() > deadline:
                    raise MissingError(f"sshd does not start: {log.read_text().strip()}")
                time.sleep(0.05)
            settings = (f"UserKnownHostsFile={os.devnull}", "StrictHostKeyChecking=no", "IdentitiesOnly=yes")
            quiet = ("LogLevel=ERROR", "BatchMode=yes")
            options = [f"-o{setting}" for setting in (*settings, *quiet)]
            yield Ssh(host, port, ("-F", os.devnull, "-i", str(folder / "user"), *options))
        finally:
            server.terminate()
            server.wait()
    finally:
        if made:
            PRIVILEGE_FOLDER.rmdir()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
