"""Whether there is a desktop: a window that is opened without one takes its process with it.

X: a server answers the connection setup (X Window System Protocol, chapter 8). Wayland: something listens.

`python -m actors.sinks.display` ends with 0 if there is one here, with 1 if not.
"""

import os
import re
import struct
import sys
from collections.abc import Mapping
from typing import Final

import trio

_SECONDS: Final = 1.0
_DISPLAY: Final = re.compile(r"(?P<host>[^:]*):(?P<number>\d{1,5})(\.\d+)?\Z")
_TCP_PORT: Final = 6000  # of display 0
_SETUP: Final = struct.pack("<BxHHHHxx", ord("l"), 11, 0, 0, 0)  # least byte first, version 11.0, no authorization
_FAILED, _SUCCESS = 0, 1


async def display_answers(environment: Mapping[str, str]) -> bool:
    """Tell whether the X or Wayland display that these variables name answers within a second."""
    with trio.move_on_after(_SECONDS):
        return await _wayland(environment) or await _x(environment)
    return False


async def _wayland(environment: Mapping[str, str]) -> bool:
    name, folder = environment.get("WAYLAND_DISPLAY", ""), environment.get("XDG_RUNTIME_DIR", "")
    if not name or not (folder or os.path.isabs(name)):
        return False
    stream = await _connected(os.path.join(folder, name))
    if stream is None:
        return False
    await stream.aclose()
    return True


async def _x(environment: Mapping[str, str]) -> bool:
    match = _DISPLAY.match(environment.get("DISPLAY", ""))
    if match is None:
        return False
    host, number = match["host"], int(match["number"])
    local = f"/tmp/.X11-unix/X{number}"
    places: list[str | tuple[str, int]] = (
        [f"\0{local}", local, ("localhost", _TCP_PORT + number)]
        if host in ("", "unix")
        else [(host, _TCP_PORT + number)]
    )
    for place in places:
        stream = await _connected(place)
        if stream is not None:
            return await _greeted(stream, authority="XAUTHORITY" in environment)
    return False


async def _greeted(stream: trio.SocketStream, *, authority: bool) -> bool:
    """Say hello without a cookie: a server that wants one refuses, and lets in whoever has it."""
    try:
        async with stream:
            await stream.send_all(_SETUP)
            said = await stream.receive_some(1)
    except trio.BrokenResourceError:
        return False
    return said == bytes([_SUCCESS]) or (said == bytes([_FAILED]) and (authority or _has_authority_file()))


def _has_authority_file() -> bool:
    return os.path.exists(os.path.expanduser("~/.Xauthority"))


async def _connected(place: str | tuple[str, int]) -> trio.SocketStream | None:
    """Return a connection to a socket in the file system, an abstract one, or host and port; None if there is none."""
    try:
        if isinstance(place, tuple):
            return await trio.open_tcp_stream(*place)
        sock = trio.socket.socket(trio.socket.AF_UNIX, trio.socket.SOCK_STREAM)
        try:
            await sock.connect(place)
        except BaseException:  # cancelled too: nothing else would close it
            sock.close()
            raise
        return trio.SocketStream(sock)
    except (OSError, ValueError, UnicodeError):
        return None


if __name__ == "__main__":
    sys.exit(not trio.run(display_answers, os.environ))
