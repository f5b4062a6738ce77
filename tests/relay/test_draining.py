"""How a relay ends, and begins again on the same port."""

import pytest

from tests.relay.helpers import running_relay
from tests.support import eventually


async def test_draining_answers_who_waits_and_lets_pairs_finish() -> None:
    async with running_relay(drain=60.0) as relay:
        first, second = await relay.pair()
        waiting = await relay.hello("new")
        await waiting.waits()
        silent = await relay.connect()
        await eventually(lambda: len(relay.clients) == 4)
        relay.stop.set()
        assert await waiting.is_refused() == "draining"
        assert await silent.is_refused() == "draining"
        with pytest.raises(OSError, match=r".*"):
            await relay.connect()
        await first.stream.send_all(b"to the end")
        await first.stream.send_eof()
        assert await second.rest() == b"to the end"
        assert not relay.ended.is_set()
        await second.stream.send_eof()
        await relay.ended.wait()


async def test_draining_ends_after_its_time() -> None:
    async with running_relay(drain=0.05) as relay:
        first, second = await relay.pair()
        relay.stop.set()
        await relay.ended.wait()
        await first.is_cut()
        await second.is_cut()
        assert relay.moods() == ["stopped", "stopped"]


async def test_a_relay_restarts_at_once_on_the_same_port() -> None:
    async with running_relay() as relay:
        await relay.pair()
        relay.stop.set()
        await relay.ended.wait()
        async with running_relay(port=relay.port) as again:
            assert again.port == relay.port
            await again.pair()
