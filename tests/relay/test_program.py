"""The relay as a program: what it prints, what signals do to it, what it returns."""

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from relay import wire
from relay.options import Options
from relay.server import main
from tests.relay.helpers import token

PROGRAM = "import sys; from relay.server import Options, main; sys.exit(main(Options(host='127.0.0.1', {})))"


@contextmanager
def program(options: str = "port=0") -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Run a relay; give it and its port."""
    child = subprocess.Popen(
        [sys.executable, "-c", PROGRAM.format(options)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        first = child.stdout.readline()
        assert first.startswith("listening on 127.0.0.1:"), first
        yield child, wire.parse_address(first.removeprefix("listening on "))[1]
    finally:
        child.kill()
        child.communicate()


def waiting(port: int, room: str) -> socket.socket:
    """A connection that says its hello and has its first answer read."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=30)
    connection.sendall(wire.Hello("room", token(), room, "main.0").encode())
    assert connection.recv(4) in (wire.WAIT, wire.PAIR)
    return connection


def test_sigterm_without_connections_ends_it_with_0() -> None:
    with program() as (relay, _):
        relay.send_signal(signal.SIGTERM)
        assert relay.wait(30) == 0
        assert relay.stderr.read() == ""


def test_sigterm_answers_who_waits_and_lets_a_pair_finish() -> None:
    with program() as (relay, port):
        room = token()
        with waiting(port, room) as first, waiting(port, room) as second, waiting(port, token()) as alone:
            relay.send_signal(signal.SIGTERM)
            assert b"draining" in alone.makefile("rb").read()
            first.sendall(b"last words")
            first.shutdown(socket.SHUT_WR)
            assert second.makefile("rb").read().endswith(b"last words")
            second.shutdown(socket.SHUT_WR)
            first.makefile("rb").read()
        assert relay.wait(30) == 0
        assert sorted(line.split()[0] for line in relay.stderr) == ["draining", "ended", "ended"]


@pytest.mark.parametrize(
    "signals", [[signal.SIGINT], [signal.SIGTERM, signal.SIGTERM], [signal.SIGTERM, signal.SIGINT]], ids=len
)
def test_what_ends_it_at_once(signals: list[signal.Signals]) -> None:
    with program() as (relay, port):
        room = token()
        with waiting(port, room) as first, waiting(port, room), waiting(port, token()) as alone:
            for number in signals[:-1]:
                relay.send_signal(number)
                assert b"draining" in alone.makefile("rb").read()
            relay.send_signal(signals[-1])
            assert relay.wait(30) == 130
            first.settimeout(30)
            first.makefile("rb").read()


def test_after_sigkill_it_restarts_at_once_on_the_same_port() -> None:
    with program() as (relay, port):
        room = token()
        with waiting(port, room), waiting(port, room):
            relay.kill()
            relay.wait(30)
            with program(f"port={port}") as (_, again), waiting(again, room):
                assert again == port


def test_a_port_that_is_taken_is_an_os_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
        main(Options(host="127.0.0.1", port=taken.getsockname()[1]))


def test_a_host_that_is_unknown_is_an_os_error() -> None:
    with pytest.raises(OSError, match=r".*"):
        main(Options(host="nowhere.invalid"))


def test_it_goes_on_when_nobody_reads_its_output_any_more() -> None:
    with program() as (relay, port):
        relay.stdout.close()
        relay.stderr.close()
        for _ in range(2):
            waiting(port, token()).close()
        relay.send_signal(signal.SIGTERM)
        assert relay.wait(30) == 0
        relay.stdout = relay.stderr = None


def test_options_load_no_trio() -> None:
    code = "import sys, relay.options; sys.exit('trio' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.long
def test_a_log_that_nobody_reads_stops_nobody() -> None:
    """2,000 lines of 40 bytes and more are not what the pipe of standard error holds."""
    with program("port=0, drain=0.0") as (relay, port):
        room = token()
        with waiting(port, room) as first, waiting(port, room) as second:
            for _ in range(2000):
                with socket.create_connection(("127.0.0.1", port), timeout=30) as short:
                    short.shutdown(socket.SHUT_WR)
                    assert short.recv(1) == b""  # the relay has seen it: it does not lie in the backlog
            first.makefile("rb").read(len(wire.encode_wait(room)) + wire.HEADER.size - 4)
            second.sendall(b"still moving")
            assert first.recv(100) == b"still moving"
        relay.send_signal(signal.SIGTERM)
        assert relay.wait(30) == 0
