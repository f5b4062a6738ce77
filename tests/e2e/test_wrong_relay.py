"""A relay address that is wrong in its ways: another cause for each, and another sentence."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from actors.messages import EnterCode, Failed, MakeCode, OpenPlain
from relay import wire
from tests.e2e.programs import Engine
from tests.test_cli import visavis


@contextmanager
def answering(answer: bytes) -> Iterator[str]:
    """Something that listens, reads a little, and says `answer` to everyone."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                connection.recv(4096)
                connection.sendall(answer)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield "{}:{}".format(*listener.getsockname())
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


@contextmanager
def nobody() -> Iterator[str]:
    """A port at which nobody listens, kept from everyone else by being bound."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield "{}:{}".format(*taken.getsockname())


@contextmanager
def unknown_host() -> Iterator[str]:
    yield "no-such-host.invalid:9999"


WRONG = {
    "relay-refused": nobody,
    "relay-unknown-host": unknown_host,
    "relay-not-visavis": lambda: answering(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
    "relay-version": lambda: answering(wire.encode_error("version", "this side speaks version 2")),
}


@pytest.mark.parametrize("cause", WRONG)
def test_an_engine_says_what_is_wrong_and_stays_usable(cause: str, start_engine: Callable[[str], Engine]) -> None:
    engine = start_engine("Mina")
    with WRONG[cause]() as address:
        engine.tell(MakeCode(address))
        assert engine.wait_event(Failed).cause == cause
        after = engine.last_seq
        engine.tell(EnterCode(address, "4217-acid-acid-acid"))
        assert engine.wait_event(Failed, after=after + 1).cause == cause


def test_an_address_that_is_none(start_engine: Callable[[str], Engine]) -> None:
    engine = start_engine("Mina")
    engine.tell(MakeCode("a:b:c:]"))
    assert engine.wait_event(Failed).cause == "relay-address"


@pytest.mark.parametrize("cause", ["relay-refused", "relay-unknown-host"])
def test_plain_says_it_too(cause: str, start_engine: Callable[[str], Engine]) -> None:
    engine = start_engine("Mina")
    with WRONG[cause]() as address:
        engine.tell(OpenPlain(address))
        assert engine.wait_event(Failed).cause == cause


def test_the_doctor_has_a_sentence_for_each() -> None:
    sentences = set()
    for wrong in WRONG.values():
        with wrong() as address:
            done = visavis("doctor", "--relay", address)
        assert done.returncode == 1
        line = next(line for line in done.stdout.splitlines() if "✗ relay" in line)
        assert address in line
        sentences.add(line.split(address, 1)[1])
    assert len(sentences) == len(WRONG)
    assert not any("no words for" in sentence for sentence in sentences)
