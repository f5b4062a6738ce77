"""A program that the engine starts: its process, its pipes, its end (actors/children/orders.py says what is said)."""

import logging
import subprocess
import sys
from importlib.util import find_spec
from types import TracebackType
from typing import Final, Self

import trio

from actors.children import orders
from actors.children.orders import AnyOrder, AnyReport
from relay import limits, wire
from relay.wire import Packet, ProtocolError

log = logging.getLogger("visavis.children")

_READ_BYTES: Final = 256 * limits.KIB
_KEPT_BYTES: Final = 2000  # of what it wrote on standard error, for the log
_EXIT_SECONDS: Final = 0.5


_NEEDED: Final = {"recorder": "av", "microphone": "soxr", "speaker": "soxr", "devices": "pyaudio"}  # else "cv2"


class ChildGoneError(Exception):
    """The child has ended, or said what no child says."""


class NotInstalledError(ChildGoneError):
    """The library that the child needs is not there: video and sound are extras."""


class Child:
    """A running child. One task receives; any may tell. Leaving `async with` closes its input, gives it `patience`
    seconds to end by itself, kills it. Cancelled in `send`, the child must be left: a packet may be torn."""

    def __init__(self, name: str, process: trio.Process, patience: float) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._name = name
        self._process = process
        self._in = process.stdin
        self._out = process.stdout
        self._patience = patience
        self._lock = trio.Lock()
        self._decoder = wire.Decoder(orders.FROM_CHILD)
        self._noise = b""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with trio.CancelScope(shield=True):
            await self._in.aclose()
            with trio.move_on_after(self._patience):
                await self._process.wait()
            if self._process.returncode is None:
                self._process.kill()
                await self._process.wait()
            await self._out.aclose()

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    async def tell(self, order: AnyOrder) -> None:
        """Give an order. Raises `ChildGoneError`."""
        await self._write(orders.encode_order(order))

    async def send(self, packet_type: bytes, payload: bytes) -> None:
        """Send a frame. Raises `ChildGoneError`; waits while the child does not read."""
        await self._write(wire.encode(packet_type, payload))

    async def receive(self) -> AnyReport | Packet:
        """Return the next report, or packet with a frame or picture. Raises `ChildGoneError`."""
        try:
            while (packet := self._decoder.next_packet()) is None:
                data = await self._out.receive_some(_READ_BYTES)
                if not data:
                    raise ChildGoneError(f"{self._name} ended: {self._noise.decode('utf-8', 'replace')}")
                self._decoder.feed(data)
            return orders.decode_report(packet.payload) if packet.type == wire.EVENT else packet
        except (trio.BrokenResourceError, trio.ClosedResourceError, ProtocolError, ValueError) as error:
            raise ChildGoneError(f"{self._name}: {error}") from None

    async def _write(self, packet: bytes) -> None:
        async with self._lock:
            try:
                await self._in.send_all(packet)
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                raise ChildGoneError(f"{self._name} does not listen") from None

    async def listen_to_noise(self) -> None:
        """Read its standard error until it ends, and log the last of it."""
        assert self._process.stderr is not None
        async with self._process.stderr as stream:
            async for data in stream:
                self._noise = (self._noise + data)[-_KEPT_BYTES:]
        if self._noise:
            log.info("%s wrote: %s", self._name, self._noise.decode("utf-8", "replace"))


async def start_child(nursery: trio.Nursery, name: str, patience: float = _EXIT_SECONDS) -> Child:
    """Start `actors.children.NAME`; enter what is returned. `nursery` has a task of it until it ends. Raises
    `NotInstalledError`, and `ChildGoneError` if the system starts no process."""
    if find_spec(_NEEDED.get(name, "cv2")) is None:
        raise NotInstalledError(name)
    try:
        process = await trio.lowlevel.open_process(
            [sys.executable, "-P", "-m", f"actors.children.{name}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # Ctrl+C in a terminal is the engine's to take
        )
    except OSError as error:
        raise ChildGoneError(f"{name}: {error}") from None
    child = Child(name, process, patience)
    nursery.start_soon(child.listen_to_noise)
    return child
