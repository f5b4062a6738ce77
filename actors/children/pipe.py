"""A child's end of its pipes: orders and frames in, reports and frames out, blocking."""

import os
import sys
import threading
from collections.abc import Iterator
from typing import Final

from actors.children import orders
from actors.children.orders import AnyOrder, AnyReport
from relay import limits, wire
from relay.wire import Packet

_READ_BYTES: Final = 256 * limits.KIB


class Pipe:
    """Standard input and output, taken away from everybody else: what a library prints goes to standard error.

    One thread iterates; any may write.
    """

    def __init__(self) -> None:
        self._in, self._out = os.dup(0), os.dup(1)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        os.dup2(2, 1)
        threading.excepthook = _end_child
        self._lock = threading.Lock()
        self._decoder = wire.Decoder(orders.TO_CHILD)

    def __iter__(self) -> Iterator[AnyOrder | Packet]:
        """Yield orders, and packets with frames, until the engine closes the pipe or is gone."""
        while True:
            while (packet := self._decoder.next_packet()) is None:
                if (rest := self._decoder.rest()) is not None:
                    with rest:
                        count = os.readv(self._in, [rest])
                    self._decoder.filled(count)
                else:
                    data = os.read(self._in, _READ_BYTES)
                    count = len(data)
                    self._decoder.feed(data)
                if not count:
                    return
            yield orders.decode_order(packet.payload) if packet.type == wire.COMMAND else packet

    def report(self, report: AnyReport) -> None:
        """Write a report. Ends the child when the engine is gone, as `send` does."""
        self._write(orders.encode_report(report))

    def send(self, packet_type: bytes, payload: bytes) -> None:
        """Write a packet; blocks while the engine does not read."""
        self._write(wire.HEADER.pack(packet_type, len(payload)), payload)

    def _write(self, *pieces: bytes) -> None:
        with self._lock:
            try:
                for piece in pieces:
                    rest = memoryview(piece)
                    while rest:
                        rest = rest[os.write(self._out, rest) :]
            except BrokenPipeError:
                os._exit(0)  # from whichever thread: there is nobody left to work for


def _end_child(arguments: threading.ExceptHookArgs) -> None:
    """A mistake in any thread ends the child, and the engine learns of it; half a child would be silent for ever."""
    threading.__excepthook__(arguments)
    sys.stderr.flush()
    os._exit(1)
