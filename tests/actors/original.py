"""How the original's programs behave on the wire: its server and its client, made again for our tests.

Threads and blocking sockets, as there. The server pairs at accept, reads each packet whole and hands it to the other
of two clients, drops it if there is none, and answers a third with three bare bytes. The client says nothing of
itself: it connects, and sends text, pictures and sound as packets at once. Files go in chunks of 4 KiB; one that comes
is written as `recv_NAME` into the working folder, over whatever is there, until as much came as was said, or its end.

    python -m tests.actors.original --port 0        prints `listening on HOST:PORT`, runs until it is killed
"""

import argparse
import contextlib
import json
import socket
import struct
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

HEADER = struct.Struct("!4sQ")
SEATS = 2
CHUNK_BYTES = 4096
WAIT_SECONDS = 30.0  # of a test that waits for what does not come


def receive_exactly(sock: socket.socket, count: int) -> bytes | None:
    """Return `count` bytes, or None when the connection ended before."""
    pieces = []
    while count:
        try:
            piece = sock.recv(min(count, 1 << 16))
        except OSError:
            return None
        if not piece:
            return None
        pieces.append(piece)
        count -= len(piece)
    return b"".join(pieces)


def receive_packet(sock: socket.socket) -> tuple[bytes, bytes] | None:
    """Return type and payload of the next packet, or None at the end."""
    header = receive_exactly(sock, HEADER.size)
    if header is None:
        return None
    packet_type, size = HEADER.unpack(header)
    payload = receive_exactly(sock, size)
    return None if payload is None else (packet_type, payload)


class Server:
    """Two clients, packet by packet. `address` is where it listens."""

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        self._listener = socket.create_server((host, port))
        self.address: tuple[str, int] = self._listener.getsockname()[:2]
        self._clients: list[socket.socket] = []
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []

    def run(self) -> None:
        """Serve until `close`."""
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                seated = len(self._clients) < SEATS
                if seated:
                    self._clients.append(client)
            if seated:
                thread = threading.Thread(target=self._serve, args=(client,), daemon=True)
                self._threads.append(thread)
                thread.start()
            else:
                client.sendall(b"REJ")
                client.close()

    def seated(self) -> int:
        """Return how many clients are there."""
        with self._lock:
            return len(self._clients)

    def close(self) -> None:
        """Stop listening and let everyone go, as if killed."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for client in self._clients:
                with contextlib.suppress(OSError):
                    client.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(WAIT_SECONDS)

    def _serve(self, client: socket.socket) -> None:
        while (packet := receive_packet(client)) is not None:
            packet_type, payload = packet
            with self._lock:
                others = [other for other in self._clients if other is not client]
            for other in others:
                with contextlib.suppress(OSError):
                    other.sendall(HEADER.pack(packet_type, len(payload)) + payload)
        with self._lock:
            self._clients.remove(client)
        client.close()


class Client:
    """One original client: what it received is in `texts`, `counts`, `images`, `sounds` and (the last ten) `frames`,
    files are in `folder`.

    `files` are the names of those that are closed; `chunks` the sizes of the chunks that came.
    """

    def __init__(self, address: tuple[str, int], folder: Path | None = None) -> None:
        self._sock = socket.create_connection(address)
        self._folder = folder
        self._file: BinaryIO | None = None
        self._left = 0
        self._name = ""
        self.texts: list[str] = []
        self.counts: Counter[bytes] = Counter()
        self.images: list[bytes] = []
        self.frames: list[bytes] = []
        self.sounds: list[bytes] = []
        self.files: list[str] = []
        self.chunks: Counter[int] = Counter()
        self._thread = threading.Thread(target=self._receive, daemon=True)
        self._thread.start()

    def send(self, packet_type: bytes, payload: bytes) -> None:
        """Send one packet."""
        self.send_bytes(HEADER.pack(packet_type, len(payload)) + payload)

    def say(self, text: str) -> None:
        """Send a line of chat."""
        self.send(b"TEX0", text.encode())

    def begin_file(self, name: object, size: object, **more: object) -> None:
        """Send a file header."""
        self.send(b"FHD0", json.dumps({"filename": name, "filesize": size, **more}).encode())

    def send_file(self, name: str, data: bytes, *, image: bool = False, **more: object) -> None:
        """Send a file; an image goes once more as such."""
        self.begin_file(name, len(data), **more)
        for start in range(0, len(data), CHUNK_BYTES):
            self.send(b"FCH0", data[start : start + CHUNK_BYTES])
        self.send(b"FEND", b"")
        if image:
            self.send(b"IMG0", data)

    def send_bytes(self, data: bytes) -> None:
        """Send what is no packet, or half of one."""
        self._sock.sendall(data)

    def ended(self) -> bool:
        """Tell whether the connection is over."""
        return not self._thread.is_alive()

    def close(self) -> None:
        """Leave, without a word as always."""
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)
        self._thread.join(WAIT_SECONDS)
        self._sock.close()
        self._close_file()

    def _receive(self) -> None:
        while (packet := receive_packet(self._sock)) is not None:
            packet_type, payload = packet
            self.counts[packet_type] += 1
            if packet_type == b"TEX0":
                self.texts.append(payload.decode("utf-8", "replace"))
            elif packet_type == b"VID0":
                self.frames = [*self.frames[-9:], payload]
            elif packet_type == b"AUD0":
                self.sounds.append(payload)
            elif packet_type == b"IMG0":
                self.images.append(payload)
            elif packet_type == b"FHD0" and self._folder is not None:
                header = json.loads(payload)
                self._name, self._left = f"recv_{header['filename']}", header["filesize"]
                self._file = (self._folder / self._name).open("wb")
            elif packet_type == b"FCH0":
                self.chunks[len(payload)] += 1
                self._left -= len(payload)
                if self._file is not None:
                    self._file.write(payload)
                    if self._left <= 0:
                        self._close_file()
            elif packet_type == b"FEND":
                self._close_file()

    def _close_file(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
            self.files.append(self._name)


@contextlib.contextmanager
def open_server() -> Iterator[Server]:
    """Run a server in a thread of its own."""
    server = Server()
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.close()
        thread.join(WAIT_SECONDS)


@contextlib.contextmanager
def open_client(address: tuple[str, int], folder: Path | None = None) -> Iterator[Client]:
    """Connect a client; with `folder` it keeps files there."""
    client = Client(address, folder)
    try:
        yield client
    finally:
        client.close()


def main() -> None:
    """Run the server as a program."""
    parser = argparse.ArgumentParser(description="the original's server")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=9999)
    options = parser.parse_args()
    server = Server(options.host, options.port)
    sys.stdout.write("listening on {}:{}\n".format(*server.address))
    sys.stdout.flush()
    server.run()


if __name__ == "__main__":
    main()
