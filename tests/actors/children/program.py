"""A child as its engine has it: a real process, orders in, reports and frames out."""

import contextlib
import os
import select
import subprocess
import sys
import time
from typing import Self, TypeVar

from actors.children import orders
from actors.children.orders import AnyOrder, AnyReport
from relay import wire
from relay.wire import Packet

_Kind = TypeVar("_Kind")
WITHIN = 20.0


class ChildProgram:
    """`actors.children.NAME`, running; ended with the block."""

    def __init__(self, name: str, **environment: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", f"actors.children.{name}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **environment},
        )
        self._decoder = wire.Decoder(orders.FROM_CHILD)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def tell(self, *said: AnyOrder) -> None:
        assert self.process.stdin is not None
        for order in said:
            self.process.stdin.write(orders.encode_order(order))
        self.process.stdin.flush()

    def send(self, packet_type: bytes, payload: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(wire.encode(packet_type, payload))
        self.process.stdin.flush()

    def receive(self, within: float = WITHIN) -> AnyReport | Packet | None:
        """The next that it says; None once it has ended."""
        assert self.process.stdout is not None
        descriptor, deadline = self.process.stdout.fileno(), time.monotonic() + within
        while (packet := self._decoder.next_packet()) is None:
            ready, _, _ = select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))
            assert ready, "the child says nothing"
            data = os.read(descriptor, 1 << 20)
            if not data:
                return None
            self._decoder.feed(data)
        return orders.decode_report(packet.payload) if packet.type == wire.EVENT else packet

    def wait(self, kind: type[_Kind], within: float = WITHIN) -> _Kind:
        """The next of this kind; what comes before it is passed over."""
        while not isinstance(said := self.receive(within), kind):
            assert said is not None, "the child has ended"
        return said

    def end(self) -> int:
        """Close its input, wait for its end, return its exit status."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        try:
            return self.process.wait(10)
        finally:
            self.process.kill()
            self.process.wait()
            self.process.stdout.close()
