"""The relay over real TCP: greeting, pairing, refusing, ending (docs/protocol.md, section 2)."""

import os
import random
import socket
import struct
from functools import partial
from pathlib import Path

import pytest
import trio
import trio.testing

from relay import limits, sockets, wire
from relay.server import Options, Relay, serve
from tests.relay.helpers import Client, running_relay, token
from tests.support import eventually


async def test_a_number_brings_two_together() -> None:
    async with running_relay() as relay:
        owner = await relay.hello("new")
        number = await owner.waits()
        joiner = await relay.hello("join", room=number)
        await joiner.is_paired()
        await owner.is_paired()
        await owner.stream.send_all(b"from the owner")
        await joiner.stream.send_all(b"from the joiner")
        assert await joiner.receive(14) == b"from the owner"
        assert await owner.receive(15) == b"from the joiner"


async def test_a_room_brings_two_together_lane_by_lane() -> None:
    room, sides = token(), (token(), token())
    async with running_relay() as relay:
        main = await relay.hello("room", room=room, side=sides[0], lane="main.0")
        file = await relay.hello("room", room=room, side=sides[0], lane="file.1")
        assert await main.waits() == await file.waits() == room
        other_file = await relay.hello("room", room=room, side=sides[1], lane="file.1")
        await other_file.is_paired()
        await file.is_paired()
        other_main = await relay.hello("room", room=room, side=sides[1], lane="main.0")
        await other_main.is_paired()
        await main.is_paired()


async def test_a_number_nobody_waits_under_is_answered_at_once() -> None:
    async with running_relay() as relay:
        assert await (await relay.hello("join", room="1234")).is_refused() == "nobody"
        assert await (await relay.hello("keep", room="1234")).is_refused() == "nobody"


async def test_an_owner_comes_back_to_its_number() -> None:
    side = token()
    async with running_relay() as relay:
        owner = await relay.hello("new", side=side)
        number = await owner.waits()
        await owner.stream.aclose()
        await eventually(lambda: relay.moods() == ["gone"])
        assert await (await relay.hello("join", room=number)).is_refused() == "nobody"
        assert await (await relay.hello("keep", room=number)).is_refused() == "nobody"
        back = await relay.hello("keep", room=number, side=side)
        assert await back.waits() == number
        await (await relay.hello("join", room=number)).is_paired()
        await back.is_paired()


async def test_a_newcomer_of_the_same_side_replaces_the_one_that_waits() -> None:
    room, side = token(), token()
    async with running_relay() as relay:
        old = await relay.hello("room", room=room, side=side)
        await old.waits()
        new = await relay.hello("room", room=room, side=side)
        await new.waits()
        assert await old.is_refused() == "replaced"
        await (await relay.hello("room", room=room)).is_paired()
        await new.is_paired()


async def test_a_newcomer_of_the_same_side_ends_its_pair_and_waits() -> None:
    room, side = token(), token()
    async with running_relay() as relay:
        old = await relay.hello("room", room=room, side=side)
        await old.waits()
        peer = await relay.hello("room", room=room)
        await peer.is_paired()
        await old.is_paired()
        new = await relay.hello("room", room=room, side=side)
        await new.waits()
        assert await old.rest() == b""
        assert await peer.rest() == b""
        await eventually(lambda: relay.moods() == ["replaced", "replaced"])


async def test_a_third_side_is_refused() -> None:
    room = token()
    async with running_relay() as relay:
        first = await relay.hello("room", room=room, lane="main.0")
        await first.waits()
        second = await relay.hello("room", room=room, lane="main.0")
        await second.is_paired()
        for lane in ("main.0", "file.1"):
            assert await (await relay.hello("room", room=room, lane=lane)).is_refused() == "full"
        await first.is_paired()
        await first.stream.send_all(b"still here")
        assert await second.receive(10) == b"still here"


NO_HELLO = {
    "another protocol": (b"GET / HTTP/1.1\r\nHost: relay\r\n\r\n", "hello"),
    "random bytes": (random.Random(1).randbytes(400), "hello"),
    "a size of 2^63": (wire.HEADER.pack(wire.HELLO, 2**63), "hello"),
    "a size one past its limit": (wire.HEADER.pack(wire.HELLO, limits.HELLO_BYTES + 1), "hello"),
    "nested 4,000 deep": (wire.encode(wire.HELLO, b"[" * 4000), "hello"),
    "a version of the wrong type": (wire.encode(wire.HELLO, b'{"v": "1"}'), "hello"),
    "fields of wrong types": (wire.encode(wire.HELLO, b'{"v": 1, "want": 7, "side": [], "lane": {}}'), "hello"),
    "another version": (wire.encode(wire.HELLO, b'{"v": 2}'), "version"),
    "another type": (wire.encode(wire.WAIT, b"{}"), "hello"),
    "a type of the original": (wire.encode(wire.TEXT, b"plain"), "hello"),
    "a byte too many": (wire.Hello("new", "0" * 32).encode() + b"!", "early"),
}


@pytest.mark.parametrize(("said", "code"), NO_HELLO.values(), ids=NO_HELLO.keys())
async def test_what_is_no_hello_is_answered_with_an_error(said: bytes, code: str) -> None:
    async with running_relay() as relay:
        client = await relay.connect()
        await client.stream.send_all(said)
        assert await client.is_refused() == code
        await eventually(lambda: relay.moods() == [code])


async def test_a_hello_of_exactly_its_limit_is_taken() -> None:
    hello = wire.Hello("new", token()).encode()[wire.HEADER.size :]
    async with running_relay() as relay:
        client = await relay.connect()
        await client.stream.send_all(wire.encode(wire.HELLO, hello + b" " * (limits.HELLO_BYTES - len(hello))))
        await client.waits()


async def test_an_error_is_read_even_by_who_goes_on_talking() -> None:
    async with running_relay() as relay:
        client = await relay.connect()
        await client.stream.send_all(b"\0" * 60_000)
        assert await client.is_refused() == "hello"


async def test_a_byte_while_waiting_is_one_too_many() -> None:
    async with running_relay() as relay:
        client = await relay.hello("new")
        number = await client.waits()
        await client.stream.send_all(b"!")
        assert await client.is_refused() == "early"
        assert await (await relay.hello("join", room=number)).is_refused() == "nobody"


@pytest.mark.parametrize("said", [b"", b"HE", wire.Hello("new", "0" * 32).encode()[:20]], ids=len)
async def test_a_hello_that_is_never_whole_ends_the_connection(said: bytes) -> None:
    async with running_relay(hello_seconds=0.05) as relay:
        client = await relay.connect()
        if said:
            await client.stream.send_all(said)
        assert await client.is_refused() == "hello"


async def test_a_connection_that_goes_before_its_hello_is_whole_leaves_a_line() -> None:
    async with running_relay() as relay:
        client = await relay.connect()
        await client.stream.send_all(b"HEL0\0\0")
        await client.stream.aclose()
        await eventually(lambda: relay.moods() == ["gone"])


async def test_the_end_of_one_side_is_passed_on_and_the_other_may_go_on() -> None:
    async with running_relay() as relay:
        first, second = await relay.pair()
        await first.stream.send_all(b"last words")
        await first.stream.send_eof()
        assert await second.rest() == b"last words"
        await second.stream.send_all(b"an answer")
        await second.stream.send_eof()
        assert await first.rest() == b"an answer"
        await eventually(lambda: relay.moods() == ["ended", "ended"])


async def test_a_broken_connection_closes_both() -> None:
    async with running_relay() as relay:
        first, second = await relay.pair()
        first.stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        await first.stream.aclose()  # a reset
        await second.is_cut()
        await eventually(lambda: relay.moods() == ["cut", "cut"])


async def test_last_words_reach_a_peer_that_still_talks() -> None:
    """Who says its last and closes at once is answered with a reset by its own kernel if the peer talks."""
    async with running_relay() as relay:
        first, second = await relay.pair()
        await first.stream.send_all(b"x" * 200_000 + b"goodbye")
        await first.stream.aclose()
        await second.stream.send_all(b"are you there?")
        assert (await second.rest()).endswith(b"goodbye")


async def test_a_lane_that_stops_reading_holds_nobody_else() -> None:
    async with running_relay() as relay:
        stalled, _unread = await relay.pair()
        first, second = await relay.pair()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(stalled.stream.send_all, bytes(64 * limits.MIB))
            for _ in range(50):
                await first.stream.send_all(b"." * 100_000)
                assert len(await second.receive(100_000)) == 100_000
            nursery.cancel_scope.cancel()


def _resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def test_memory_stays_flat_behind_lanes_that_do_not_read() -> None:
    async with running_relay(per_address=1000) as relay:
        pairs = [await relay.pair() for _ in range(20)]
        before = _resident_bytes()
        load = bytes(16 * limits.MIB)
        async with trio.open_nursery() as nursery:
            for first, _ in pairs:
                nursery.start_soon(first.stream.send_all, load)
            await trio.testing.wait_all_tasks_blocked(0.2)
            assert _resident_bytes() - before < 20 * limits.MIB
            nursery.cancel_scope.cancel()


LIVE = {"audio.1": True, "video.3": True, "file.1": False, "audios.1": False, "audio": True}


@pytest.mark.parametrize(("lane", "live"), LIVE.items())
async def test_sound_and_pictures_get_short_buffers(lane: str, live: bool) -> None:
    async with running_relay() as relay:
        await (await relay.hello("room", room=token(), lane=lane)).waits()
        [connection] = relay.server._alone
        assert connection.live == live
        for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
            size = connection.sock.getsockopt(socket.SOL_SOCKET, option)  # Linux doubles it, for its own book-keeping
            assert not live or size == 2 * limits.LIVE_SOCKET_BYTES


async def test_a_live_lane_holds_little() -> None:
    """What a receiver has not taken is delay: 512 KiB are 16 s of the original's sound."""
    async with running_relay() as relay:
        first, second = await relay.pair("audio.1")
        for client in (first, second):
            client.stream.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8192)
            client.stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        swallowed = 0
        waiting = trio.CancelScope()
        while not waiting.cancelled_caught:
            with trio.move_on_after(0.3) as waiting:
                swallowed += await first.stream.socket.send(bytes(4096))
        assert swallowed < 512 * limits.KIB


async def test_connections_over_the_limit_of_an_address_are_told_so() -> None:
    async with running_relay(per_address=3) as relay:
        waiting = [await relay.hello("new") for _ in range(3)]
        for client in waiting:
            await client.waits()
        assert await (await relay.hello("new")).is_refused() == "limit"
        await waiting[0].stream.aclose()
        await eventually(lambda: "gone" in relay.moods())
        await (await relay.hello("new")).waits()


async def test_unpaired_connections_have_a_limit_of_their_own() -> None:
    async with running_relay() as relay:
        for _ in range(limits.ADDRESS_UNPAIRED + 3):
            await relay.pair()  # leaves it
        for _ in range(limits.ADDRESS_UNPAIRED):
            await (await relay.hello("new")).waits()
        assert await (await relay.hello("new")).is_refused() == "limit"


async def test_guessing_numbers_ends_in_a_limit() -> None:
    async with running_relay() as relay:
        for _ in range(limits.JOINS):
            assert await (await relay.hello("join", room="1234")).is_refused() == "nobody"
        assert await (await relay.hello("join", room="1234")).is_refused() == "limit"
        await (await relay.hello("room", room=token())).waits()


async def test_joins_that_meet_someone_count_too() -> None:
    """Else five joins that end before a proof would burn any code, as often as one likes."""
    async with running_relay() as relay:
        for _ in range(limits.JOINS // 2):
            owner = await relay.hello("new")
            number = await owner.waits()
            joiner = await relay.hello("join", room=number)
            await joiner.is_paired()
            await joiner.stream.aclose()
            await owner.stream.aclose()
        for _ in range(limits.JOINS - limits.JOINS // 2):
            assert await (await relay.hello("join", room="1234")).is_refused() == "nobody"
        assert await (await relay.hello("join", room="1234")).is_refused() == "limit"


async def test_an_address_that_may_hold_more_may_join_as_often() -> None:
    many = limits.JOINS + 10
    async with running_relay(per_address=many) as relay:
        for count in range(many):
            assert await (await relay.hello("join", room="1234")).is_refused() == "nobody"
            await eventually(partial(lambda wanted: len(relay.log) == wanted, count + 1))
        assert await (await relay.hello("join", room="1234")).is_refused() == "limit"


async def test_an_address_that_may_hold_less_may_join_as_often_as_any() -> None:
    async with running_relay(per_address=2) as relay:
        for count in range(limits.JOINS):
            assert await (await relay.hello("join", room="1234")).is_refused() == "nobody"
            await eventually(partial(lambda wanted: len(relay.log) == wanted, count + 1))
        assert await (await relay.hello("join", room="1234")).is_refused() == "limit"


async def test_an_address_can_not_use_up_the_numbers() -> None:
    async with running_relay() as relay:
        for count in range(limits.NUMBERS_MADE):
            client = await relay.hello("new")
            await client.waits()
            await client.stream.aclose()
            await eventually(partial(lambda wanted: len(relay.log) == wanted, count + 1))
        assert await (await relay.hello("new")).is_refused() == "limit"


async def test_the_log_tells_no_secret() -> None:
    side, room = token(), token()
    async with running_relay() as relay:
        number = await (await relay.hello("new", side=side)).waits()
        await (await relay.hello("room", side=side, room=room)).waits()
        relay.stop.set()
        await relay.ended.wait()
        text = "\n".join(relay.log)
        assert len(relay.log) == 2
        assert side not in text
        assert room not in text
        assert f"={number} " not in text


async def test_some_hundred_connections_at_once() -> None:
    async with running_relay(per_address=1000) as relay:
        pairs: list[tuple[Client, Client]] = []

        async def chat(number: int) -> None:
            first, second = await relay.pair()
            await first.stream.send_all(b"%04d" % number)
            assert await second.receive(4) == b"%04d" % number
            pairs.append((first, second))

        async with trio.open_nursery() as nursery:
            for number in range(150):
                nursery.start_soon(chat, number)
        assert len(pairs) == 150
        for first, second in pairs:
            await first.stream.aclose()
            await second.stream.aclose()
        await eventually(lambda: relay.moods().count("ended") == 300)


async def test_the_errors_of_a_connection_end_it_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running_relay() as relay:
        first, second = await relay.pair()

        async def fail(*_: object) -> None:
            raise LookupError("a secret")

        with monkeypatch.context() as patch:
            patch.setattr(Relay, "_find_other", fail)
            await (await relay.hello("new")).is_cut()
        await first.stream.send_all(b"still here")
        assert await second.receive(10) == b"still here"
        await (await relay.hello("new")).waits()
        assert relay.moods() == ["LookupError", "exception"]
        assert "a secret" not in " ".join(relay.log)


async def test_nobody_waits_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "WAIT_SECONDS", 0.05)
    monkeypatch.setattr(limits, "EXPIRY_SECONDS", 0.02)
    async with running_relay() as relay:
        client = await relay.hello("new")
        await client.waits()
        assert await client.is_refused() == "nobody"


async def test_every_connection_is_watched_by_the_kernel() -> None:
    """A peer that is gone without a word is found; one that only pauses is left alone."""
    watched = []

    def look(sock: socket.socket) -> None:
        sockets_keep_alive(sock)
        watched.append(
            (
                sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE),
                sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE),
                sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL),
                sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT),
                sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT),
            )
        )

    sockets_keep_alive = sockets.keep_alive
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sockets, "keep_alive", look)
        async with running_relay() as relay:
            await (await relay.hello("new")).waits()
    assert watched == [(1, 25, 10, 3, 0)]


async def test_serve_announces_where_it_listens() -> None:
    announced: list[str] = []
    async with trio.open_nursery() as nursery:
        start = partial(serve, Options(port=0), announce=announced.append, log=lambda _: None)
        listeners = await nursery.start(start)
        port = listeners[0].socket.getsockname()[1]
        assert announced == [f"0.0.0.0:{port}", f"[::]:{port}"]
        nursery.cancel_scope.cancel()
