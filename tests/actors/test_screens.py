"""Screens on a real local socket: attached, stalled, gone, hostile."""

import os
import random
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
import trio

from actors import messages as m
from actors import runfolder
from actors.record import Record
from actors.screens import Screens
from relay import limits, wire
from tests.actors.thin_screen import Screen
from tests.support import eventually


class Host:
    """What an engine has of screens: a record, the socket, and the commands that came."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.record = Record("1", "me")
        self._send, self._receive = trio.open_memory_channel[tuple[m.AnyCommand, m.Emit]](16)
        self.screens = Screens(self.record, self._send)
        self.commands: list[m.AnyCommand] = []
        self.replies: list[m.Emit] = []
        self.connected: list[Screen] = []

    async def take(self) -> None:
        async for command, reply in self._receive:
            self.commands.append(command)
            self.replies.append(reply)

    def say(self, *texts: str) -> None:
        for text in texts:
            self.screens.emit(m.TextReceived(id=f"peer-{self.record.snapshot.seq}", text=text, at=1.0))


@asynccontextmanager
async def hosting() -> AsyncIterator[tuple[Host, trio.Nursery]]:
    path = runfolder.run_folder() / "1.sock"
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listening.bind(str(path))
    listening.listen()
    async with trio.open_nursery() as nursery:
        host = Host(path)
        nursery.start_soon(host.screens.serve, trio.SocketListener(trio.socket.from_stdlib_socket(listening)))
        nursery.start_soon(host.take)
        yield host, nursery
        for screen in host.connected:
            await trio.aclose_forcefully(screen.stream)
        nursery.cancel_scope.cancel()


async def connect(host: Host) -> Screen:
    screen = Screen(await trio.open_unix_socket(host.path))
    host.connected.append(screen)
    return screen


async def attach(host: Host, nursery: trio.Nursery, since: int = 0, *, read: bool = True) -> Screen:
    """Attach a screen, and wait until it has its beginning."""
    screen = await connect(host)
    await screen.send(m.Attach(since=since))
    if read:
        nursery.start_soon(screen.read)
        await eventually(lambda: screen.events)
    return screen


# --- attaching --------------------------------------------------------------------------------------------------------


async def test_a_screen_gets_the_state_the_lines_and_then_what_happens():
    async with hosting() as (host, nursery):
        host.say("one", "two")
        screen = await attach(host, nursery)
        host.say("three")
        await eventually(lambda: len(screen.events) == 3)
        snapshot, replayed, event = screen.events
        assert (snapshot.seq, snapshot.lines, snapshot.engine) == (2, 2, "1")
        assert [line.text for line in replayed.lines] == ["one", "two"]
        assert (event.seq, event.text) == (3, "three")
        assert isinstance(host.commands[0], m.Attach)


async def test_one_that_comes_back_gets_what_it_missed():
    async with hosting() as (host, nursery):
        host.say("one")
        first = await attach(host, nursery)
        await first.stream.aclose()
        await eventually(lambda: host.screens.count == 0)
        host.say("two", "three")
        again = await attach(host, nursery, since=first.events[0].seq)
        await eventually(lambda: again.texts)
        assert again.texts == ["two", "three"]


async def test_nothing_is_missed_or_doubled_by_screens_that_attach_while_it_rains():
    async with hosting() as (host, nursery):
        said = 0

        async def rain() -> None:
            nonlocal said
            while said < 400:
                host.say(str(said))
                said += 1
                await trio.lowlevel.checkpoint()

        nursery.start_soon(rain)
        screens = [await attach(host, nursery) for _ in range(8)]
        for screen in screens:
            await eventually(lambda screen=screen: len(screen.texts) == 400)
            assert screen.texts == [str(number) for number in range(400)]
            seqs = [event.seq for event in screen.events if isinstance(event, m.TextReceived)]
            assert seqs == list(range(screen.events[0].seq + 1, 401))


async def test_several_screens_see_the_same_and_an_answer_is_for_who_asked():
    async with hosting() as (host, nursery):
        one, other = await attach(host, nursery), await attach(host, nursery)
        await one.send(m.SendText(id="1", text="x"))
        await eventually(lambda: m.SendText(id="1", text="x") in host.commands)
        host.replies[-1](m.TextRefused(id="1", cause="no-call"))
        host.say("hello")
        await eventually(lambda: one.texts == other.texts == ["hello"])
        assert [type(e).__name__ for e in one.events] == ["Snapshot", "TextRefused", "TextReceived"]
        assert [type(e).__name__ for e in other.events] == ["Snapshot", "TextReceived"]
        assert one.events[1].seq == 0


async def test_typing_is_withdrawn_when_the_last_screen_leaves():
    async with hosting() as (host, nursery):
        one, other = await attach(host, nursery), await attach(host, nursery)
        await one.stream.aclose()
        await eventually(lambda: host.screens.count == 1)
        assert m.SetTyping(typing=False) not in host.commands
        await other.stream.aclose()
        await eventually(lambda: m.SetTyping(typing=False) in host.commands)


async def test_sixteen_screens_and_not_one_more():
    async with hosting() as (host, nursery):
        screens = [await attach(host, nursery) for _ in range(limits.SCREENS)]
        late = await attach(host, nursery)
        await eventually(lambda: late.closed)
        assert [(e.cause, type(e)) for e in late.events] == [("screens", m.CommandRefused)]
        await screens[0].stream.aclose()
        await eventually(lambda: host.screens.count == limits.SCREENS - 1)
        assert isinstance((await attach(host, nursery)).events[0], m.Snapshot)


# --- screens that are not as they should be ---------------------------------------------------------------------------


async def test_a_screen_of_another_version_is_told_so():
    async with hosting() as (host, nursery):
        screen = await connect(host)
        nursery.start_soon(screen.read)
        await screen.send(m.Attach(version=m.VERSION + 1))
        await eventually(lambda: screen.closed)
        assert screen.events == [m.CommandRefused(cause="version", detail=str(m.VERSION))]
        assert host.screens.count == 0


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00" * 100,
        random.Random(1).randbytes(1000),
        b"GET / HTTP/1.0\r\n\r\n",
        wire.HEADER.pack(wire.COMMAND, 2**63),
        wire.HEADER.pack(wire.COMMAND, limits.CONTROL_BYTES + 1),
        wire.HEADER.pack(wire.COMMAND, 5) + b"[",
        wire.encode(wire.EVENT, b"{}"),
        wire.encode(wire.COMMAND, b""),
        wire.encode(wire.COMMAND, b"\xff\xfe"),
        wire.encode(wire.COMMAND, b"[" * 100_000),
        wire.encode(wire.COMMAND, b'{"type":"Attach","environment":{"DISPLAY":"\\u0000"}}'),
        wire.encode(wire.COMMAND, m.encode(m.Hang())),
    ],
    ids=lambda data: repr(data)[:24],
)
async def test_what_is_no_screen_costs_only_itself(data: bytes):
    async with hosting() as (host, nursery):
        good = await attach(host, nursery)
        bad = await connect(host)
        nursery.start_soon(bad.read)
        await bad.stream.send_all(data)
        await bad.stream.send_eof()
        await eventually(lambda: bad.closed)
        host.say("still here")
        await eventually(lambda: good.texts == ["still here"])
        assert not any(isinstance(command, m.Hang) for command in host.commands)


@pytest.mark.parametrize(
    "payload",
    [b"", b"null", b"{", b"\xff", b'{"type":"Jump"}', b'{"type":"SendText","id":"","text":"x"}', b"[" * 10_000],
)
async def test_a_command_that_is_none_is_answered_and_the_next_is_taken(payload: bytes):
    async with hosting() as (host, nursery):
        screen = await attach(host, nursery)
        await screen.send(payload)
        await screen.send(m.SetTyping(typing=True))
        await eventually(lambda: m.SetTyping(typing=True) in host.commands)
        await eventually(lambda: len(screen.events) == 2)
        assert screen.events[1].cause == "malformed"
        assert screen.events[1].detail


async def test_one_that_stops_reading_is_let_go_while_everyone_else_goes_on():
    async with hosting() as (host, nursery):
        good = await attach(host, nursery)
        stalled = await attach(host, nursery, read=False)
        await eventually(lambda: host.screens.count == 2)
        text, said = "x" * 32 * limits.KIB, 0
        while host.screens.count == 2:
            host.say(text)
            said += 1
            assert said < 200
            await eventually(lambda: len(good.texts) == said)  # noqa: B023
        assert said * len(text) > limits.SCREEN_MAILBOX_BYTES
        host.say("after")
        await eventually(lambda: good.texts[-1] == "after")
        nursery.start_soon(stalled.read)  # it wakes up, reads what was under way, and finds itself let go
        await eventually(lambda: stalled.closed)
        assert not any(isinstance(event, m.Ended) for event in stalled.events)
        last = max(event.seq for event in stalled.events)
        again = await attach(host, nursery, since=last)
        await eventually(lambda: len(stalled.texts) + len(again.texts) == said + 1)
        assert again.texts[-1] == "after"


async def test_meters_do_not_fill_a_screen_that_stalls():
    async with hosting() as (host, nursery):
        stalled = await attach(host, nursery, read=False)
        await eventually(lambda: host.screens.count == 1)
        for number in range(50_000):
            host.screens.emit(m.RoundTripMeasured(ms=float(number)))
            if number % 1000 == 0:
                await trio.lowlevel.checkpoint()
        assert host.screens.count == 1
        nursery.start_soon(stalled.read)
        await eventually(lambda: stalled.events and getattr(stalled.events[-1], "ms", None) == 49_999.0)
        assert len(stalled.events) < 25_000


async def test_flushed_means_that_every_screen_was_told():
    async with hosting() as (host, nursery):
        screen = await attach(host, nursery)
        host.screens.emit(m.Ended(cause="hung"))
        await host.screens.wait_flushed()
        await eventually(lambda: isinstance(screen.events[-1], m.Ended))


async def test_a_long_conversation_is_replayed_in_pieces_that_fit():
    async with hosting() as (host, nursery):
        for _ in range(40):
            host.say("\x00" * limits.CHAT_BYTES)
        screen = await attach(host, nursery)
        await eventually(lambda: len(screen.texts) == 40)
        assert not screen.closed


# --- standard input and output ----------------------------------------------------------------------------------------


@asynccontextmanager
async def stdio(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[Host, int, int]]:
    """A host whose script is this test: where to write commands, where to read events."""
    (stdin, commands), (events, stdout) = os.pipe(), os.pipe()
    real_read, real_write = os.read, os.write
    monkeypatch.setattr("actors.screens.os.read", lambda fd, size: real_read(stdin if fd == 0 else fd, size))
    monkeypatch.setattr("actors.screens.os.write", lambda fd, data: real_write(stdout if fd == 1 else fd, data))
    host = Host(Path())
    try:
        yield host, commands, events
    finally:
        for descriptor in (stdin, stdout, events):
            os.close(descriptor)


async def test_a_script_speaks_in_lines_and_its_end_is_a_hang(monkeypatch: pytest.MonkeyPatch):
    async with stdio(monkeypatch) as (host, commands, events), trio.open_nursery() as nursery:
        nursery.start_soon(host.take)
        os.write(
            commands,
            b"\n" * 3000 + m.encode(m.Hang()) + b"\n\r\n \nnonsense\n" + m.encode(m.SetTyping(typing=True))[:9],
        )
        os.close(commands)
        nursery.start_soon(host.screens.serve_stdio)
        await eventually(lambda: host.commands.count(m.Hang()) == 2)  # its own, and that of the end
        host.screens.emit(m.Ended(cause="hung"))
        with trio.fail_after(30):
            await host.screens.wait_flushed()
        first, *_, last = os.read(events, 65536).splitlines()
        assert isinstance(m.decode_event(first), m.Snapshot)
        assert isinstance(m.decode_event(last), m.Ended)  # it still reads what comes of it
        nursery.cancel_scope.cancel()


def test_what_is_coalesced_has_no_line_of_its_own():
    """An event that replaces an older one must not be one that a conversation is made of."""
    from actors.screens import _COALESCED

    assert {kind.__name__ for kind in _COALESCED} == {
        "RoundTripMeasured",
        "MediaSkipped",
        "VideoMeasured",
        "VideoPlayed",
        "SoundMeasured",
    }
    assert all("id" not in kind.__struct_fields__ for kind in _COALESCED)
    assert msgspec.json.encode(m.RoundTripMeasured(ms=1.0))
