"""Network namespaces of this machine with a TUN device in each: what a simulated link is made of (Linux, root)."""

import ctypes
import fcntl
import os
import re
import shutil
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

MTU = 1500
TUN = Path("/dev/net/tun")
FOLDER = Path("/run/netns")
NAME = re.compile(r"visavis-(\d+)-[ab]")  # the process it belongs to, and the side

_TUNSETIFF, _IFF_TUN, _IFF_NO_PI = 0x400454CA, 0x0001, 0x1000  # linux/if_tun.h
_CLONE_NEWNET = 0x40000000  # linux/sched.h; os.setns is there from Python 3.12 on
_Made = TypeVar("_Made")


class NamespaceError(Exception):
    """A namespace could not be made, entered or removed."""


def why_not() -> str:
    """Return what this machine lacks for a link and what to do; "" if nothing."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "a simulated link needs Linux and root"
    if shutil.which("ip") is None:
        return "iproute2 is not installed (Debian: apt install iproute2)"
    try:
        os.close(os.open(TUN, os.O_RDWR))
    except OSError as error:
        return f"a simulated link needs {TUN}: {error.strerror}"
    return ""


@contextmanager
def two_namespaces(addresses: dict[str, str]) -> Iterator[tuple[dict[str, str], dict[str, int]]]:
    """Make a namespace of this process for each side; give their names and their TUN devices, which don't block.

    Raises `NamespaceError`.
    """
    names = {side: f"visavis-{os.getpid()}-{side}" for side in addresses}
    try:
        yield names, {side: _make(names[side], address) for side, address in addresses.items()}
    finally:
        for name in names.values():
            if (FOLDER / name).exists():
                _ip("netns", "del", name)


def clean() -> list[str]:
    """Remove the namespaces whose process is gone; return their names."""
    found = [NAME.fullmatch(path.name) for path in FOLDER.glob("visavis-*")]
    stale = [name[0] for name in found if name and not _carries(name[1])]
    for name in stale:
        _ip("netns", "del", name)
    return stale


def _carries(process: str) -> bool:
    try:
        return b"linksim" in Path(f"/proc/{process}/cmdline").read_bytes()  # of a zombie it is empty
    except OSError:
        return False


def in_namespace(name: str, *command: str) -> list[str]:
    """Return the command that runs `command` there; as a process it is `command` itself."""
    return ["ip", "netns", "exec", name, *command]


def inside(name: str, make: Callable[[], _Made]) -> _Made:
    """Return what `make` returns in a thread that is in this namespace.

    A socket that it opens, and a process that it starts, stay there. Raises what `make` raises, `NamespaceError`.
    """
    with ThreadPoolExecutor(1) as thread, (FOLDER / name).open() as entry:
        if thread.submit(ctypes.CDLL(None).setns, entry.fileno(), _CLONE_NEWNET).result():
            raise NamespaceError(f"can't enter the namespace {name}")
        return thread.submit(make).result()


def _make(name: str, address: str) -> int:
    _ip("netns", "add", name)
    device = inside(name, _open_tun)
    _ip("-n", name, "link", "set", "tun0", "addrgenmode", "none")  # else IPv6 speaks up by itself
    _ip("-n", name, "addr", "add", f"{address}/24", "dev", "tun0")
    _ip("-n", name, "link", "set", "tun0", "mtu", str(MTU), "txqueuelen", "1000", "up")  # what waits, waits with us
    _ip("-n", name, "link", "set", "lo", "up")
    return device


def _open_tun() -> int:
    device = os.open(TUN, os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(device, _TUNSETIFF, struct.pack("16sH22x", b"tun0", _IFF_TUN | _IFF_NO_PI))
    return device


def _ip(*arguments: str) -> None:
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True)
    if done.returncode:
        raise NamespaceError(f"ip {' '.join(arguments)}: {done.stderr.strip()}")
