"""Whether there is a desktop, asked of servers that answer, refuse, say nothing, or are none."""

import os
import socket
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trio
import trio.testing

from actors.sinks.display import display_answers
from tests.display import Display, desktop

Handler = Callable[[trio.SocketStream], object]
SUCCESS, REFUSED = b"\x01" + bytes(7), b"\x00" + bytes(7)


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:  # short: a socket's path has 107 bytes
        yield Path(name)


async def serve(nursery: trio.Nursery, answer: bytes | None) -> int:
    """An X server on TCP that answers the first hello with this (None: never); return its number."""
    for number in range(500, 900):
        listener = trio.socket.socket()
        try:
            await listener.bind(("127.0.0.1", 6000 + number))
        except OSError:
            listener.close()
            continue
        listener.listen()

        async def handle(stream: trio.SocketStream) -> None:
            assert (await stream.receive_some(100))[:1] == b"l"
            if answer is None:
                await trio.sleep_forever()
            await stream.send_all(answer)

        nursery.start_soon(trio.serve_listeners, handle, [trio.SocketListener(listener)])
        return number
    raise AssertionError("no port")


@pytest.mark.parametrize("value", ["", "nonsense", ":", ":x", "a b:0", ":99999999", "localhost:7", "[::1]:7", ":97"])
async def test_a_name_that_leads_nowhere_is_no_desktop(value: str, folder: Path) -> None:
    assert not await display_answers({"DISPLAY": value, "WAYLAND_DISPLAY": value, "XDG_RUNTIME_DIR": str(folder)})


async def test_nothing_said_is_no_desktop() -> None:
    assert not await display_answers({})


@pytest.mark.parametrize(
    ("answer", "authority", "there"),
    [
        (SUCCESS, False, True),
        (REFUSED, False, False),
        (REFUSED, True, True),
        (b"", True, False),
        (b"HTTP", True, False),
    ],
)
async def test_what_answers_as_x_is_one_and_who_has_a_cookie_is_let_in(
    nursery: trio.Nursery, folder: Path, monkeypatch: pytest.MonkeyPatch, answer: bytes, authority: bool, there: bool
) -> None:
    monkeypatch.setenv("HOME", str(folder))
    environment = {"DISPLAY": f"127.0.0.1:{await serve(nursery, answer)}.0"}
    if authority:
        environment["XAUTHORITY"] = "anything"
    assert await display_answers(environment) is there
    nursery.cancel_scope.cancel()


@pytest.mark.long
async def test_one_that_says_nothing_is_waited_for_a_second(nursery: trio.Nursery) -> None:
    began = trio.current_time()
    assert not await display_answers({"DISPLAY": f"127.0.0.1:{await serve(nursery, None)}"})
    assert trio.current_time() - began >= 1
    nursery.cancel_scope.cancel()


@pytest.mark.parametrize("absolute", [False, True])
async def test_wayland_is_one_where_something_listens(folder: Path, absolute: bool) -> None:
    place = folder / "wayland-7"
    environment = {
        "WAYLAND_DISPLAY": str(place) if absolute else place.name,
        "XDG_RUNTIME_DIR": "" if absolute else str(folder),
    }
    assert not await display_answers(environment)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(place))
        assert not await display_answers(environment)  # left behind by one that died
        listener.listen()
        assert await display_answers(environment)


@pytest.mark.device
async def test_a_real_x_server_is_one_until_it_ends() -> None:
    with desktop() as display:
        assert isinstance(display, Display)
        environment = {**os.environ, "DISPLAY": display.name}
        assert await display_answers(environment)
    assert not await display_answers(environment)
