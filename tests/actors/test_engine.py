"""The engine as a whole, in this process: real relay, real sockets, thin screens."""

import os
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest
import trio

from actors import messages as m
from actors import runfolder
from actors.code import short_words
from actors.engine import Engine, clean_name
from relay import limits, wire
from relay.server import Options, serve
from tests.actors.thin_screen import Screen
from tests.support import eventually

OTHER_WORDS = " ".join(short_words()[:3])
LAST = short_words()[2]


def listener(name: str) -> trio.SocketListener:
    runfolder.run_folder()
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listening.bind(str(runfolder.socket_path(name)))
    listening.listen()
    return trio.SocketListener(trio.socket.from_stdlib_socket(listening))


class Running:
    """An engine that runs, and whether it has ended."""

    def __init__(self, nursery: trio.Nursery, name: str) -> None:
        self.name = name
        self.over = False
        self.screens: list[Screen] = []
        self._nursery = nursery
        nursery.start_soon(self._run)

    async def _run(self) -> None:
        await Engine(self.name, f"person {self.name}", stdio=False).run(listener(self.name))
        self.over = True

    async def screen(self, since: int = 0, environment: dict[str, str] | None = None) -> Screen:
        path = runfolder.socket_path(self.name)
        await eventually(path.exists)
        screen = Screen(await trio.open_unix_socket(path))
        self.screens.append(screen)
        self._nursery.start_soon(screen.read)
        await screen.send(m.Attach(since=since, environment=environment or {}))
        await eventually(lambda: screen.events)
        return screen


@asynccontextmanager
async def engines(*names: str) -> AsyncIterator[list[Running]]:
    async with trio.open_nursery() as nursery:
        running = [Running(nursery, name) for name in names]
        yield running
        for engine in running:
            for screen in engine.screens:
                await trio.aclose_forcefully(screen.stream)
        nursery.cancel_scope.cancel()


@pytest.fixture
async def relay(nursery: trio.Nursery) -> str:
    listeners = await nursery.start(
        partial(serve, Options(host="127.0.0.1", port=0), announce=lambda line: None, log=lambda line: None)
    )
    return wire.format_address(*listeners[0].socket.getsockname()[:2])


async def event(screen: Screen, kind: type[Any], **fields: Any) -> Any:
    """Wait for an event of this kind with these fields."""

    def find() -> Any:
        matching = [e for e in screen.events if isinstance(e, kind)]
        return next((e for e in matching if all(getattr(e, k) == v for k, v in fields.items())), None)

    return await eventually(find)


async def call(relay: str, a: Running, b: Running) -> tuple[Screen, Screen]:
    one, other = await a.screen(), await b.screen()
    await one.send(m.MakeCode(relay=relay))
    code = (await event(one, m.CodeMade)).code
    await other.send(m.EnterCode(relay=relay, code=code))
    await event(one, m.LinkChanged, link="joined")
    await event(other, m.LinkChanged, link="joined")
    return one, other


async def test_two_people_are_joined_talk_and_hang_up(relay: str):
    async with engines("1", "2") as (a, b):
        one, other = await call(relay, a, b)
        words = [(await event(screen, m.SessionOpened)).verification for screen in (one, other)]
        assert words[0] == words[1]
        assert (await event(one, m.PeerNamed)).name == "person 2"
        for number in range(3):
            await one.send(m.SendText(id=str(number), text=f"안녕 {number}"))
        await eventually(lambda: other.texts == ["안녕 0", "안녕 1", "안녕 2"])
        await event(one, m.TextDelivered, id="2")
        await one.send(m.SendText(id="last", text="bye"))
        await one.send(m.Hang())
        assert (await event(one, m.Ended)).cause == "hung"
        assert (await event(other, m.Ended)).cause == "peer-hung"
        assert other.texts[-1] == "bye"
        await eventually(lambda: a.over and b.over)
        seqs = [e.seq for e in other.events[1:] if e.seq]
        assert seqs == list(range(other.events[0].seq + 1, seqs[-1] + 1))


async def test_a_call_outlives_its_screens_and_another_finds_it(relay: str):
    async with engines("1", "2") as (a, b):
        one, other = await call(relay, a, b)
        seen = one.events[-1].seq
        await one.stream.aclose()
        await other.send(m.SendText(id="x", text="while you were away"))
        await event(other, m.TextDelivered, id="x")
        back = await a.screen(since=seen)
        await eventually(lambda: back.texts == ["while you were away"])
        snapshot = back.events[0]
        assert (snapshot.phase, snapshot.link, snapshot.peer) == ("call", "joined", "person 2")
        assert snapshot.code == ""


async def test_a_code_that_waits_is_there_for_a_screen_that_comes_later(relay: str):
    async with engines("1") as (a,):
        one = await a.screen()
        await one.send(m.MakeCode(relay=relay))
        code = (await event(one, m.CodeMade)).code
        await event(one, m.PhaseChanged, phase="waiting")
        snapshot = (await a.screen()).events[0]
        assert (snapshot.phase, snapshot.code, snapshot.relay) == ("waiting", code, relay)
        await one.send(m.MakeCode(relay=relay))
        assert (await event(one, m.CommandRefused)).detail == "waiting"
        await one.send(m.Hang())
        assert (await event(one, m.Ended)).cause == "hung"
        await eventually(lambda: a.over)


async def test_wrong_words_are_said_on_both_sides_and_both_may_begin_again(relay: str):
    async with engines("1", "2") as (a, b):
        one, other = await a.screen(), await b.screen()
        await one.send(m.MakeCode(relay=relay))
        number = (await event(one, m.CodeMade)).code.split("-")[0]
        await other.send(m.EnterCode(relay=relay, code=f"{number} {OTHER_WORDS}"))
        assert (await event(other, m.Failed)).cause == "code-words"
        assert (await event(one, m.CodeBurned)).cause == "words"
        await event(one, m.PhaseChanged, phase="idle")
        await one.send(m.MakeCode(relay=relay))
        await eventually(lambda: len([e for e in one.events if isinstance(e, m.CodeMade)]) == 2)
        assert not any(isinstance(e, m.SessionOpened) for e in one.events + other.events)


async def test_words_that_were_proved_are_not_proved_again_by_anyone(relay: str):
    async with engines("1", "2", "3") as (a, b, c):
        one, other, third = await a.screen(), await b.screen(), await c.screen()
        await one.send(m.MakeCode(relay=relay))
        number = (await event(one, m.CodeMade)).code.split("-")[0]
        await other.send(m.EnterCode(relay=relay, code=f"{number} {OTHER_WORDS}"))
        await event(other, m.Failed, cause="code-words")
        for screen in (other, third):
            await screen.send(m.EnterCode(relay=relay, code=f"{number} {OTHER_WORDS}"))
            await event(screen, m.Failed, cause="code-burned")


async def test_ended_is_the_last_that_anyone_hears():
    async with engines("1") as (a,):
        one = await a.screen()
        await one.send(m.MakeCode(relay="127.0.0.1:1"))
        await one.send(m.Hang())
        await event(one, m.Ended)
        await eventually(lambda: a.over)
        assert isinstance(one.events[-1], m.Ended)


async def test_an_address_of_a_megabyte_keeps_no_screen_out():
    async with engines("1") as (a,):
        one = await a.screen()
        await one.send(m.MakeCode(relay="x" * 900_000))
        await event(one, m.Failed)
        assert len((await event(await a.screen(), m.Snapshot)).relay) <= limits.ADDRESS_CHARACTERS


async def test_without_a_call_there_is_nobody_to_talk_to():
    async with engines("1") as (a,):
        screen = await a.screen()
        await screen.send(m.SendText(id="1", text="hello?"))
        assert (await event(screen, m.TextRefused)).cause == "no-call"
        await screen.send(m.SetTyping(typing=True))
        await screen.send(m.SetName(name="someone else"))
        await screen.send(m.Hang())
        assert (await event(screen, m.Ended)).cause == "hung"
        await eventually(lambda: a.over and screen.closed)


async def test_a_relay_address_that_is_wrong_in_five_ways_and_then_right(relay: str):
    async def ssh(stream: trio.SocketStream) -> None:
        await stream.send_all(b"SSH-2.0-OpenSSH_9.2\r\n")
        await stream.receive_some(4096)

    async def later(stream: trio.SocketStream) -> None:
        await stream.receive_some(4096)
        await stream.send_all(wire.encode_error("version", "this side speaks version 2"))

    async with trio.open_nursery() as nursery, engines("1") as (a,):
        addresses = []
        for handler in (ssh, later):
            listeners = await nursery.start(partial(trio.serve_tcp, handler, 0, host="127.0.0.1"))
            addresses.append(wire.format_address(*listeners[0].socket.getsockname()[:2]))
        with socket.socket() as bound:
            bound.bind(("127.0.0.1", 0))
            refused = wire.format_address(*bound.getsockname())
            screen = await a.screen()
            for address, cause in (
                ("not an address", "relay-address"),
                (refused, "relay-refused"),
                ("no-such-host.invalid:9999", "relay-unknown-host"),
                (addresses[0], "relay-not-visavis"),
                (addresses[1], "relay-version"),
            ):
                for command in (m.MakeCode(relay=address), m.EnterCode(relay=address, code=f"4711 {OTHER_WORDS}")):
                    screen.events.clear()
                    await screen.send(command)
                    assert (await event(screen, m.Failed)).cause == cause
                    await event(screen, m.PhaseChanged, phase="idle")
        await screen.send(m.MakeCode(relay=relay))
        await event(screen, m.CodeMade)
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize(
    ("code", "cause", "detail"),
    [
        ("", "code-shape", ""),
        ("4711", "code-shape", ""),
        ("x" * (limits.CODE_CHARACTERS + 1), "code-shape", ""),
        (f"4711 {OTHER_WORDS}xx", "code-word", f"{LAST}xx → {LAST}"),
        (f"9999 {OTHER_WORDS}", "code-nobody", "nobody waits here"),
    ],
    ids=["empty", "number", "long", "word", "nobody"],
)
async def test_a_code_that_leads_nowhere(relay: str, code: str, cause: str, detail: str):
    async with engines("1") as (a,):
        screen = await a.screen()
        await screen.send(m.EnterCode(relay=relay, code=code))
        failed = await event(screen, m.Failed)
        assert failed.cause == cause
        if cause != "code-nobody":
            assert failed.detail == detail
        await event(screen, m.PhaseChanged, phase="idle")


async def test_devices_are_those_of_the_terminal_that_came_last(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DISPLAY", ":7")
    monkeypatch.setenv("PATH", os.environ["PATH"])
    async with engines("1") as (a,):
        screen = await a.screen()
        await screen.stream.aclose()
        again = await a.screen(environment={"DISPLAY": ":8", "PATH": "/nowhere"})
        await eventually(lambda: os.environ["DISPLAY"] == ":8")
        assert os.environ["PATH"] != "/nowhere"
        assert isinstance(again.events[0], m.Snapshot)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_hangs_up_for_both(relay: str, number: signal.Signals):
    async with engines("1") as (a,):
        screen = await a.screen()
        await screen.send(m.MakeCode(relay=relay))
        await event(screen, m.CodeMade)
        await eventually(lambda: signal.getsignal(number) not in (signal.SIG_DFL, signal.default_int_handler))
        os.kill(os.getpid(), number)
        assert (await event(screen, m.Ended)).cause == "hung"
        await eventually(lambda: a.over)


async def test_one_that_nobody_watches_and_that_has_nothing_to_wait_for_ends(
    autojump_clock: trio.testing.MockClock,
):
    await Engine("1", "n", stdio=False).run(listener("1"))
    assert limits.UNWATCHED_SECONDS <= trio.current_time() <= limits.UNWATCHED_SECONDS + 5


async def test_a_screen_has_two_minutes_to_come_and_hear_that_the_code_was_burned(
    autojump_clock: trio.testing.MockClock,
):
    engine = Engine("1", "n", stdio=False)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(engine.run, listener("1"))
        engine._emit(m.PhaseChanged(phase="waiting"))
        await trio.sleep(3600)
        engine._emit(m.CodeBurned(cause="words"))
        engine._emit(m.PhaseChanged(phase="idle"))
        await trio.sleep(limits.UNWATCHED_SECONDS - 5)
        assert not engine._ended.is_set()
        await trio.sleep(10)
        assert engine._ended.is_set()


@pytest.mark.parametrize(
    ("given", "clean"),
    [
        ("", "?"),
        ("  ", "?"),
        (" n ", "n"),
        ("n" * 65, "n" * 64),
        ("\udcff", "?"),
        ("\x1b[2J", "\x1b[2J"),
        ("이름", "이름"),
    ],
    ids=ascii,
)
def test_a_name_that_can_be_sent(given: str, clean: str):
    assert clean_name(given) == clean
