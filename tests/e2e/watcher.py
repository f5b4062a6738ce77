"""A screen that looks at pictures and notes when it saw what."""

import socket
import threading
import time

import numpy as np

from actors.messages import Attach, PictureTaken, WatchPicture, encode
from actors.runfolder import socket_path
from actors.video.frames import unpack_picture
from relay import wire


class Watcher:
    """Watches what the peer of an engine shows. `seen` has when each picture came (s of CLOCK_MONOTONIC) and how bright
    it was, 0 to 1."""

    def __init__(self, engine: str, columns: int = 40, rows: int = 12) -> None:
        self.seen: list[tuple[float, float]] = []
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(str(socket_path(engine)))
        for command in (Attach(), WatchPicture(columns=columns, rows=rows)):
            self._socket.sendall(wire.encode(wire.COMMAND, encode(command)))
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        decoder = wire.Decoder(wire.LOCAL_LIMITS)
        while data := self._socket.recv(1 << 20):
            decoder.feed(data)
            while (packet := decoder.next_packet()) is not None:
                if packet.type == wire.PICTURE:
                    cells = np.frombuffer(unpack_picture(packet.payload).cells, "<u2")
                    self.seen.append((time.monotonic(), float(np.mean(cells & 31)) / 31))
                    self._socket.sendall(wire.encode(wire.COMMAND, encode(PictureTaken())))

    def flashes(self) -> list[float]:
        """When a dark picture was followed by a bright one."""
        return [
            at
            for (_, before), (at, bright) in zip(self.seen[:-1], self.seen[1:], strict=True)
            if before < 0.5 <= bright
        ]

    def close(self) -> None:
        """Look away."""
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()
