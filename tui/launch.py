"""Starts an engine: a process of its own session, so that it outlives the terminal it was started in."""

import asyncio
import os
import select
import subprocess
import sys
import threading
import time
from typing import Final

READY_SECONDS: Final = 20.0  # a cold start on a slow, busy PC takes some seconds; more is a fault
READY_BYTES: Final = 4096  # one line: a name, or an error with its detail


class LaunchError(Exception):
    """The engine did not come up. `code` is its own error code, or "start", "silent", "died"."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
        self.detail = detail


def start_engine(name: str = "") -> str:
    """Start an engine and return the name to attach to it by.

    `name` is what the peer sees us as; empty leaves it to the settings. Blocks until the engine says that it is
    ready, `READY_SECONDS` at most. Raises `LaunchError`; an engine that did not get ready is ended.
    """
    reading, writing = os.pipe()
    try:
        try:
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "tui.cli", "engine", "--ready", str(writing)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                pass_fds=[writing],
                env={**os.environ, "VISAVIS_NAME": name} if name else None,
            )
        except OSError as error:
            raise LaunchError("start", error.strerror or str(error)) from None
        finally:
            os.close(writing)
        try:
            engine = parse_ready(_read_line(reading))
        except LaunchError:
            process.kill()
            process.wait()
            raise
        # It is on its own now; it may end long before us, and then somebody must have waited for it.
        threading.Thread(target=process.wait, daemon=True).start()
        return engine
    finally:
        os.close(reading)


async def start_engine_async(name: str = "") -> str:
    """Do `start_engine` in a thread. Cancelling stops the waiting, not the start."""
    return await asyncio.to_thread(start_engine, name)


def parse_ready(line: bytes) -> str:
    """Return the name in what an engine said on its ready pipe. Raises `LaunchError` for everything else."""
    words = line.decode("utf-8", "replace").strip().split(" ", 2)
    if words[0] == "error":
        raise LaunchError(*words[1:]) if len(words) > 1 else LaunchError("died")
    if not line.endswith(b"\n") or not words[0]:
        raise LaunchError("died")
    return words[0]


def _read_line(descriptor: int) -> bytes:
    line = b""
    deadline = time.monotonic() + READY_SECONDS
    while not line.endswith(b"\n") and len(line) < READY_BYTES:
        ready, _, _ = select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            raise LaunchError("silent")
        piece = os.read(descriptor, READY_BYTES)
        if not piece:
            break
        line += piece
    return line
