"""Starts an engine: a process of its own session, so that it outlives the terminal it was started in."""

import asyncio
import os
import select
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from typing import Final

READY_SECONDS: Final = 20.0  # a cold start on a slow, busy PC takes some seconds; more is a fault
READY_BYTES: Final = 4096  # one line: a name, or an error with its detail


class LaunchError(Exception):
    """The engine did not come up. `code` is its own error code, or "start", "silent", "died"."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
        self.detail = detail


@dataclass(frozen=True)
class StartedEngine:
    """An engine that is ready: the name to attach to it by, and its process. Whoever has it waits for its end."""

    name: str
    process: subprocess.Popen[bytes]

    def end(self, seconds: float) -> None:
        """Block until it has ended by itself; kill it after `seconds`."""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def launch_engine(
    name: str = "", *, stdin: int | None = subprocess.DEVNULL, stdout: int | None = subprocess.DEVNULL
) -> StartedEngine:
    """Start an engine; return it once it is ready.

    `name` is what the peer sees us as; empty leaves it to the settings. `stdin` and `stdout` are as for Popen: None
    gives it ours, for OfferFiles of "-" and a folder "-". Blocks until the engine says that it is ready,
    `READY_SECONDS` at most. Raises `LaunchError`; an engine that did not get ready, or was not waited for (Ctrl+C), is
    ended.
    """
    reading, writing = os.pipe()
    try:
        try:
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "tui.cli", "engine", "--ready", str(writing)],
                stdin=stdin,
                stdout=stdout,
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
            return StartedEngine(parse_ready(_read_line(reading)), process)
        except BaseException:  # interrupted, too: nobody else would end it
            process.kill()
            process.wait()
            raise
    finally:
        os.close(reading)


def start_engine(name: str = "") -> str:
    """Do `launch_engine`, and leave the engine to itself; return its name."""
    engine = launch_engine(name)
    # It is on its own now; it may end long before us, and then somebody must have waited for it.
    threading.Thread(target=engine.process.wait, daemon=True).start()
    return engine.name


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
