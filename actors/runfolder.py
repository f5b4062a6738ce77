"""Where engines and screens of one user meet: a private folder with a socket and a lock for each engine.

`/tmp/visavis-UID/` as tmux does, and not `/run/user/UID`, which logind removes just when a detached engine must
be found. `NAME.sock` is an engine's socket, `NAME.lock` is held by it for as long as it lives: a socket whose
lock is free is stale, however its engine died.
"""

import fcntl
import os
import socket
import stat
import struct
from pathlib import Path
from typing import Protocol

from relay import limits


class RunFolderError(Exception):
    """The folder can't be trusted or used. `code`: "foreign", "not-folder", "open", "unwritable", "path-too-long"."""

    def __init__(self, code: str, path: Path) -> None:
        super().__init__(f"{code}: {path}")
        self.code = code
        self.path = path


def folder_path() -> Path:
    """Return the folder's path, whether or not it exists: VISAVIS_RUN, else /tmp/visavis-UID."""
    override = os.environ.get("VISAVIS_RUN")
    return Path(override) if override else Path(f"/tmp/visavis-{os.getuid()}")


def run_folder() -> Path:
    """Return the run folder, made if it was not there (mode 0700).

    Raises `RunFolderError` unless it is a real directory, ours, and closed to everyone else: whoever owns it
    could stand between a screen and its engine.
    """
    path = folder_path()
    try:
        path.mkdir(mode=0o700, parents=bool(os.environ.get("VISAVIS_RUN")), exist_ok=False)
    except FileExistsError:
        pass
    except OSError:
        raise RunFolderError("unwritable", path) from None
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise RunFolderError("not-folder", path)
    if found.st_uid != os.getuid():
        raise RunFolderError("foreign", path)
    if found.st_mode & 0o077:
        raise RunFolderError("open", path)
    return path


def socket_path(name: str) -> Path:
    """Return the socket of the engine called `name`. Raises `RunFolderError` if its path is over 104 bytes."""
    path = folder_path() / f"{name}.sock"
    if len(os.fsencode(path)) >= limits.SOCKET_PATH_BYTES:
        raise RunFolderError("path-too-long", path)
    return path


def claim_name() -> tuple[str, int]:
    """Take the smallest free engine name ("1", "2", …); return it with the descriptor of its lock.

    The lock is held until that descriptor is closed, at the latest by the end of the process.
    """
    folder = run_folder()
    number = 1
    while True:
        descriptor = try_lock(folder / f"{number}.lock")
        if descriptor is not None:
            return str(number), descriptor
        number += 1


def engine_names() -> list[str]:
    """Return the names of the engines that live, oldest name first. An empty list if there is no folder."""
    folder = folder_path()
    if not folder.exists():
        return []
    run_folder()
    names = []
    for path in folder.glob("*.sock"):
        descriptor = try_lock(path.with_suffix(".lock"), fcntl.LOCK_SH)  # two that look at once must not meet
        if descriptor is None:
            names.append(path.stem)
        else:
            os.close(descriptor)
    return sorted(names, key=lambda name: (len(name), name))


class _Connection(Protocol):
    def getsockopt(self, level: int, option: int, size: int, /) -> bytes: ...


def peer_is_us(connection: _Connection) -> bool:
    """Tell whether the process at the other end of a Unix socket runs as our user."""
    if hasattr(socket, "SO_PEERCRED"):
        credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    else:  # LOCAL_PEERCRED of macOS and BSD: struct xucred {version, uid, …}
        credentials = connection.getsockopt(0, 1, 76)
    return bool(struct.unpack_from("2I", credentials)[1] == os.getuid())


def try_lock(path: Path, kind: int = fcntl.LOCK_EX) -> int | None:
    """Lock a file, made if it was not there; return its descriptor, which holds the lock until it is closed. None if
    another holds it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor
