"""The demo's peer: what it says to what is said, by an engine that is played here."""

import asyncio

import pytest

from actors.messages import (
    AnyCommand,
    AnyEvent,
    CodeMade,
    Ended,
    Failed,
    LinkChanged,
    MakeCode,
    SendText,
    SessionOpened,
    SetTyping,
    TextReceived,
)
from tui.demo_parts import DemoError, Engine, Peer, open_engine, open_relay

WORDS = ("one", "two", "three", "four", "five", "six")


class PlayedEngine(Engine):
    """Says these events; remembers the commands."""

    def __init__(self, *events: AnyEvent) -> None:
        self.commands: list[AnyCommand] = []
        self._events = list(events)

    def send(self, command: AnyCommand) -> None:
        self.commands.append(command)

    async def next_event(self) -> AnyEvent:
        if not self._events:
            raise DemoError("it ended")
        return self._events.pop(0)


def joined() -> tuple[AnyEvent, ...]:
    return SessionOpened(verification=WORDS), LinkChanged(link="joined", since=0.0)


async def said_by_peer(*events: AnyEvent) -> list[str]:
    engine = PlayedEngine(*events, Ended(cause="peer-hung"))
    await Peer(engine, "lab:1", pause=0.0).converse()
    return [command.text for command in engine.commands if isinstance(command, SendText)]


async def test_it_makes_a_code_at_the_relay() -> None:
    engine = PlayedEngine(CodeMade(code="4217-a-b-c"))
    assert await Peer(engine, "lab:1", pause=0.0).make_code() == "4217-a-b-c"
    assert engine.commands == [MakeCode("lab:1")]


async def test_a_code_that_can_not_be_made_says_why() -> None:
    with pytest.raises(DemoError, match="relay-refused"):
        await Peer(PlayedEngine(Failed(cause="relay-refused")), "lab:1", pause=0.0).make_code()


async def test_it_greets_once_however_often_one_comes_back() -> None:
    greetings = await said_by_peer(*joined(), LinkChanged(link="out", since=0.0), *joined())
    assert len(greetings) == 1


async def test_it_types_before_it_speaks() -> None:
    engine = PlayedEngine(*joined(), Ended(cause="peer-hung"))
    await Peer(engine, "lab:1", pause=0.0).converse()
    assert [type(command) for command in engine.commands] == [SetTyping, SendText, SetTyping]
    assert engine.commands[0] == SetTyping(True)
    assert engine.commands[2] == SetTyping(False)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("안녕", "2 characters; as UTF-8 it was 6 bytes"),
        ("x", "1 character; as UTF-8 it was 1 byte,"),
        ("help", "`words`"),
        (" HELP! ", "`words`"),
        ("words", " ".join(WORDS)),
        ("relay", "lab:1"),
        ("bye", "/quit"),
        ("{braces}", "8 characters"),
    ],
)
async def test_it_answers_every_line(text: str, part: str) -> None:
    _, answer = await said_by_peer(*joined(), TextReceived(id="1", text=text, at=0.0))
    assert part in answer


async def test_an_engine_that_dies_is_said() -> None:
    with pytest.raises(DemoError):
        await Peer(PlayedEngine(*joined()), "lab:1", pause=0.0).converse()


async def test_the_parts_are_real_and_end() -> None:
    async with asyncio.timeout(30), open_relay() as relay, open_engine("Demo") as engine:
        peer = Peer(engine, relay, pause=0.0)
        assert (await peer.make_code()).count("-") == 3
