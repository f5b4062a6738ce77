"""The processes of the relay benchmark: a sender, a receiver, and a forwarder to compare with.

    python -m bench.traffic receive listen PORT
    python -m bench.traffic receive connect PORT ROOM
    python -m bench.traffic send PORT PACKET_BYTES SECONDS [ROOM]
    python -m bench.traffic forward PORT

Each says "ready" on its standard output when the other may come. With a ROOM the connection is joined through our
relay. The receiver ends with the stream and prints bytes and seconds, from its first byte to its last.
"""

import socket
import sys
import threading
import time

from relay import wire

SIDES = {"receive": "a" * 32, "send": "b" * 32}
PACKET_TYPE = wire.IMAGE
READ_BYTES = 1 << 18


def receive(how: str, port: int, room: str = "") -> None:
    """Take everything in, as fast as it comes."""
    if how == "listen":
        with socket.create_server(("127.0.0.1", port)) as listener:
            ready()
            connection, _ = listener.accept()
    else:
        connection = connect(port)
        if room:
            say_hello(connection, "receive", room)
        ready()
        if room:
            wait_for_pair(connection)
    buffer = bytearray(READ_BYTES)
    total = start = 0.0
    with connection:
        while count := connection.recv_into(buffer):
            start = start or time.monotonic()
            total += count
    print(int(total), time.monotonic() - start, flush=True)


def send(port: int, size: int, seconds: float, room: str = "") -> None:
    """Send packets of `size` payload bytes for `seconds`, then end."""
    packet = wire.encode(PACKET_TYPE, bytes(size))
    with connect(port) as connection:
        if room:
            say_hello(connection, "send", room)
            wait_for_pair(connection)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            connection.sendall(packet)


def forward(port: int) -> None:
    """Pair the first two connections; a thread for each reads a packet whole and sends it on."""
    with socket.create_server(("127.0.0.1", port)) as listener:
        ready()
        first, second = (listener.accept()[0] for _ in range(2))
    for source, target in ((first, second), (second, first)):
        source.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=forward_packets, args=(source, target)).start()


def forward_packets(source: socket.socket, target: socket.socket) -> None:
    """Forward until the source ends."""
    while header := read_whole(source, wire.HEADER.size):
        _, size = wire.HEADER.unpack(header)
        target.sendall(header + read_whole(source, size))
    target.shutdown(socket.SHUT_WR)


def read_whole(source: socket.socket, size: int) -> bytes:
    """Return `size` bytes, fewer at the end of the stream."""
    data = bytearray()
    while len(data) < size:
        piece = source.recv(min(size - len(data), READ_BYTES))
        if not piece:
            break
        data += piece
    return bytes(data)


def connect(port: int) -> socket.socket:
    """Connect to a forwarder on this machine."""
    connection = socket.create_connection(("127.0.0.1", port))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def say_hello(connection: socket.socket, role: str, room: str) -> None:
    """Ask our relay for the other side of this room."""
    connection.sendall(wire.Hello("room", SIDES[role], room, "bench.1").encode())


def wait_for_pair(connection: socket.socket) -> None:
    """Read, and not a byte more, up to PAIR."""
    while True:
        packet_type, size = wire.HEADER.unpack(read_whole(connection, wire.HEADER.size))
        if packet_type == wire.PAIR:
            return
        read_whole(connection, size)


def ready() -> None:
    """Tell whoever started us that the next process may start."""
    print("ready", flush=True)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["receive", how, port, *room]:
            receive(how, int(port), *room)
        case ["send", port, size, seconds, *room]:
            send(int(port), int(size), float(seconds), *room)
        case ["forward", port]:
            forward(int(port))
