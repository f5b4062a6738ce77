"""What a bad network and a hostile relay can do to a lane beside `main`: close it, and nothing else."""

import os
from collections.abc import Callable

import pytest
import trio

from actors.lanes import LaneClosed
from relay import limits, wire
from relay.wire import Hello, Packet
from tests.actors.lane_ends import Clock, ends, next_epoch
from tests.actors.mallory import CutError, pass_on
from tests.actors.sides import until

# --- a network, or a relay, that is bad -------------------------------------------------------------------------------


async def test_a_lane_that_is_cut_costs_the_call_nothing_and_the_next_works(autojump_clock: Clock):
    async with ends() as (a, b, mallory):
        a.session.open_lane("file")
        await until(lambda: a.opened("file") and b.opened("file"))

        def cut(lane: str, sender: int, index: int, packet: Packet) -> bytes:
            if lane == "file.1":
                raise CutError
            return pass_on(lane, sender, index, packet)

        mallory.meddle = cut
        a.send("file", b"into the cut")
        await until(lambda: a.closed("file") and b.closed("file"))
        assert a.closed("file") == b.closed("file") == [LaneClosed(1, 1, "cut")]
        a.session.open_lane("file")
        a.send("file", b"again")
        await until(lambda: b.heard("file") == [b"again"])
        assert a.links.count("joined") == b.links.count("joined") == 1


async def test_a_peer_whose_connection_is_not_there_in_thirty_seconds_is_given_up_till_the_next(autojump_clock: Clock):
    async with ends() as (a, b, mallory):
        rooms = iter("0123456789abcdef")
        mallory.redirect = lambda h: h if h.lane == "main.0" else Hello("room", h.side, next(rooms) * 32, h.lane)
        a.session.open_lane("file")
        begun = trio.current_time()
        await until(lambda: a.closed("file") and b.closed("file"))
        assert trio.current_time() - begun == pytest.approx(limits.LANE_SECONDS, abs=1)
        assert a.closed("file") == b.closed("file") == [LaneClosed(1, 1, "silent")]
        mallory.redirect = lambda hello: hello
        b.session.open_lane("file")
        a.send("file", b"at last")
        await until(lambda: b.heard("file") == [b"at last"])
        assert b.opened("file") == [(1, 2)]


async def test_a_relay_that_says_no_to_a_lane_is_named_and_the_call_goes_on(autojump_clock: Clock):
    async with ends() as (a, b, mallory):
        mallory.refuse = "limit"
        a.session.open_lane("file")
        await until(lambda: a.closed("file") and b.closed("file"))
        assert a.closed("file") == [LaneClosed(1, 1, "relay-limit")]
        assert a.links[-1] == "joined"


async def test_nonces_that_do_not_come_close_the_lane(autojump_clock: Clock):
    async with ends() as (a, b, mallory):
        mallory.meddle = lambda lane, *rest: b"" if lane == "file.1" else pass_on(lane, *rest)
        a.session.open_lane("file")
        await until(lambda: a.closed("file") and b.closed("file"))
        assert a.closed("file") == [LaneClosed(1, 1, "silent")]


@pytest.mark.parametrize(
    "answer",
    [
        wire.encode(wire.NONCE, b""),
        wire.encode(wire.NONCE, bytes(33)),
        wire.encode(wire.EXCHANGE, bytes(32)),
        wire.encode(wire.SEAL, bytes(32)),
    ],
    ids=["empty", "long", "other", "sealed"],
)
async def test_what_is_no_nonce_closes_the_lane(autojump_clock: Clock, answer: bytes):
    async with ends() as (a, b, mallory):
        mallory.meddle = lambda lane, who, index, p: (
            answer if (lane, index) == ("file.1", 0) else pass_on(lane, who, index, p)
        )
        a.session.open_lane("file")
        await until(lambda: a.closed("file") and b.closed("file"))
        assert "protocol" in {a.closed("file")[0].cause, b.closed("file")[0].cause}
        assert a.links[-1] == b.links[-1] == "joined"


@pytest.mark.parametrize(
    ("deed", "cause"),
    [
        (lambda p: wire.encode(p.type, p.payload) * 2, "altered"),
        (lambda p: wire.encode(p.type, p.payload[:-1]), "altered"),
        (lambda p: wire.encode(p.type, p.payload[:-1] + bytes([p.payload[-1] ^ 1])), "altered"),
        (lambda p: wire.encode(p.type, os.urandom(len(p.payload))), "altered"),
        (lambda p: b"", "altered"),
        (lambda p: wire.encode(p.type, bytes(19)), "short"),
        (lambda p: wire.HEADER.pack(wire.SEAL, 2**63), "protocol"),
        (lambda p: wire.encode_error("full", "x"), "relay-error"),
    ],
    ids=["replayed", "truncated", "altered", "forged", "dropped", "short", "huge", "ERR0"],
)
async def test_what_a_relay_does_to_a_lane_is_named_and_stays_there(
    autojump_clock: Clock, deed: Callable[[Packet], bytes], cause: str
):
    async with ends() as (a, b, mallory):
        mallory.meddle = lambda lane, who, index, p: (
            deed(p) if (lane, index) == ("file.1", 2) else pass_on(lane, who, index, p)
        )
        a.session.open_lane("file")
        a.send("file", b"one", b"two", b"three")
        await until(lambda: b.closed("file"))
        assert b.closed("file") == [LaneClosed(1, 1, cause)]
        assert b.heard("file") in ([b"one"], [b"one", b"two"])
        a.session.open_lane("file")
        a.session.open_lane("video")
        a.send("video", b"frame")
        await until(lambda: b.heard("video") == [b"frame"])
        assert a.links.count("joined") == 1


async def test_a_lane_crossed_with_another_opens_neither(autojump_clock: Clock):
    async with ends() as (a, b, mallory):
        sides: list[str] = []
        crossed = {"file.1": "video.1", "video.1": "file.1"}

        def cross(hello: Hello) -> Hello:
            if hello.lane not in crossed:
                return hello
            sides.append(hello.side)
            return Hello("room", hello.side, hello.room, crossed[hello.lane]) if hello.side == sides[0] else hello

        mallory.redirect = cross
        a.session.open_lane("file")
        a.session.open_lane("video")
        a.send("file", b"of the file")
        a.send("video", b"of the video")
        await until(lambda: b.closed("file") and b.closed("video"))
        assert {closed.cause for closed in (*b.closed("file"), *b.closed("video"))} == {"altered"}
        assert b.heard("file") == b.heard("video") == []


async def test_a_lane_reflected_to_its_sender_opens_nothing(autojump_clock: Clock):
    async with ends() as (a, b, mallory):
        said: dict[int, list[bytes]] = {0: [], 1: []}

        def reflect(lane: str, sender: int, index: int, packet: Packet) -> bytes:
            if lane != "file.1":
                return pass_on(lane, sender, index, packet)
            said[sender].append(pass_on(lane, sender, index, packet))
            return said[1 - sender].pop(0) if said[1 - sender] else b""

        mallory.meddle = reflect
        a.session.open_lane("file")
        for number in range(8):
            a.send("file", b"a%d" % number)
            b.send("file", b"b%d" % number)
            await trio.sleep(0.1)
        await until(lambda: a.closed("file") and b.closed("file"))
        assert a.heard("file") == b.heard("file") == []


async def test_yesterdays_lane_does_not_open_today(autojump_clock: Clock):
    async with ends() as (a, b, mallory):
        day, recorded = 1, dict[tuple[int, int], bytes]()

        def tape(lane: str, sender: int, index: int, packet: Packet) -> bytes:
            if lane == "file.1" and day == 1:
                recorded[sender, index] = pass_on(lane, sender, index, packet)
            if lane == "file.1" and day == 2:
                return recorded.get((sender, index), b"")
            return pass_on(lane, sender, index, packet)

        mallory.meddle = tape
        a.session.open_lane("file")
        await until(lambda: a.opened("file") and b.opened("file"))
        a.send("file", b"pay 5")
        b.send("file", b"paid")
        await until(lambda: b.heard("file") and a.heard("file"))
        await next_epoch(a, b, mallory, tape)
        day = 2
        a.session.open_lane("file")
        a.send("file", b"today")
        b.send("file", b"today")
        await until(lambda: a.closed("file") and b.closed("file"))
        assert "altered" in {a.closed("file")[0].cause, b.closed("file")[0].cause}
        assert (b.heard("file"), a.heard("file")) == ([b"pay 5"], [b"paid"])
