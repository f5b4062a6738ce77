"""Where a relay listens."""

import socket

import pytest
import trio

from relay import limits, listening
from relay.listening import connection_limit, open_listeners
from tests.relay.helpers import running_relay


async def test_without_a_host_both_families_get_the_same_port() -> None:
    listeners = await open_listeners(None, 0)
    try:
        families = [listener.socket.family for listener in listeners]
        ports = {listener.socket.getsockname()[1] for listener in listeners}
        assert families == [socket.AF_INET, socket.AF_INET6]
        assert len(ports) == 1
    finally:
        for listener in listeners:
            await listener.aclose()


async def test_a_port_that_is_taken_is_an_error() -> None:
    [listener] = await open_listeners("127.0.0.1", 0)
    async with listener:
        with pytest.raises(OSError, match="in use"):
            await open_listeners("127.0.0.1", listener.socket.getsockname()[1])


async def test_a_host_that_is_unknown_is_an_error() -> None:
    with pytest.raises(OSError, match=r".*"):
        await open_listeners("nowhere.invalid", 0)


async def test_an_address_that_is_not_ours_is_an_error() -> None:
    with pytest.raises(OSError, match=r"(?i)assign"):
        await open_listeners("192.0.2.1", 0)


async def test_a_port_taken_in_one_family_is_not_the_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """With port 0 the second family may find the first one's port taken: another is tried."""
    real = listening._listen_on
    attempts: list[int] = []

    async def listen_on(family: int, address: tuple[str, int]) -> trio.SocketListener:
        attempts.append(family)
        if attempts == [socket.AF_INET, socket.AF_INET6]:
            raise OSError(98, "Address already in use")
        return await real(family, address)

    monkeypatch.setattr(listening, "_listen_on", listen_on)
    for listener in await open_listeners(None, 0):
        await listener.aclose()
    assert attempts == [socket.AF_INET, socket.AF_INET6] * 2


async def test_it_is_reached_by_ipv4_and_ipv6() -> None:
    async with running_relay(host=None) as relay:
        four, six = await relay.connect("127.0.0.1"), await relay.connect("::1")
        await four.say("new")
        await six.say("join", room=await four.waits())
        await six.is_paired()
        await four.is_paired()


def test_the_connection_limit_leaves_room_for_pipes_and_listeners(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("resource.getrlimit", lambda _: (20_000, 20_000))
    assert connection_limit() == 20_000 - 2 * limits.PIPES - limits.DESCRIPTORS_SPARE
    monkeypatch.setattr("resource.getrlimit", lambda _: (64, 64))
    assert connection_limit() == 1
