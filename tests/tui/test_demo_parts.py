"""The demo's peer: what it says to what is said, by an engine that is played here."""

import asyncio
import hashlib
from pathlib import Path

import pytest

from actors.code import parse_code
from actors.messages import (
    AnswerOffer,
    AnyCommand,
    AnyEvent,
    CodeMade,
    CommandRefused,
    Ended,
    Failed,
    LinkChanged,
    MakeCode,
    OfferFiles,
    SendText,
    SessionOpened,
    SetTyping,
    ShowVideo,
    TextReceived,
    Transfer,
    TransferChanged,
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
    await Peer(engine, "lab:1", Path("/nowhere"), pause=0.0).converse()
    return [command.text for command in engine.commands if isinstance(command, SendText)]


async def test_it_makes_a_code_at_the_relay() -> None:
    engine = PlayedEngine(CodeMade(code="4217-a-b-c"))
    assert await Peer(engine, "lab:1", Path("/nowhere"), pause=0.0).make_code() == "4217-a-b-c"
    assert engine.commands == [MakeCode("lab:1")]


async def test_a_code_that_can_not_be_made_says_why() -> None:
    with pytest.raises(DemoError, match="relay-refused"):
        await Peer(PlayedEngine(Failed(cause="relay-refused")), "lab:1", Path("/nowhere"), pause=0.0).make_code()


async def test_it_greets_once_however_often_one_comes_back() -> None:
    greetings = await said_by_peer(*joined(), LinkChanged(link="out", since=0.0), *joined())
    assert len(greetings) == 1


async def test_it_types_before_it_speaks() -> None:
    engine = PlayedEngine(*joined(), Ended(cause="peer-hung"))
    await Peer(engine, "lab:1", Path("/nowhere"), pause=0.0).converse()
    said = [command for command in engine.commands if isinstance(command, SetTyping | SendText)]
    assert [type(command) for command in said] == [SetTyping, SendText, SetTyping]
    assert said[0] == SetTyping(True)
    assert said[2] == SetTyping(False)


async def test_it_shows_a_moving_picture() -> None:
    engine = PlayedEngine(*joined(), Ended(cause="peer-hung"))
    await Peer(engine, "lab:1", Path("/nowhere"), pause=0.0).converse()
    assert ShowVideo("card") in engine.commands


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


def transfer(state: str, **fields: object) -> AnyEvent:
    return TransferChanged(transfer=Transfer(id=7, mine=False, state=state, name="notes.txt", **fields))


async def test_it_takes_what_it_is_offered_and_sends_a_receipt_back(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_bytes(b"12345")
    done = transfer("done", path=str(tmp_path / "notes.txt"), moved=5, moved_files=1)
    engine = PlayedEngine(*joined(), transfer("offered"), transfer("moving"), done, Ended(cause="peer-hung"))
    await Peer(engine, "lab:1", tmp_path, pause=0.0).converse()
    assert AnswerOffer(7, True, str(tmp_path)) in engine.commands
    (back,) = [command for command in engine.commands if isinstance(command, OfferFiles)]
    receipt = Path(back.paths[0]).read_text("utf-8")
    assert "notes.txt" in receipt
    assert hashlib.sha256(b"12345").hexdigest() in receipt
    assert "1 file" in engine.commands[-3].text


async def test_what_it_has_no_room_for_it_refuses_with_a_sentence(tmp_path: Path) -> None:
    refused = CommandRefused(cause="no-space", detail="9 5", transfer=7)
    engine = PlayedEngine(*joined(), transfer("offered"), refused, Ended(cause="peer-hung"))
    await Peer(engine, "lab:1", tmp_path, pause=0.0).converse()
    assert AnswerOffer(7, False) in engine.commands
    assert "not enough space" in engine.commands[-2].text


async def test_an_engine_that_dies_is_said() -> None:
    with pytest.raises(DemoError):
        await Peer(PlayedEngine(*joined()), "lab:1", Path("/nowhere"), pause=0.0).converse()


async def test_the_parts_are_real_and_end() -> None:
    async with asyncio.timeout(30), open_relay() as relay, open_engine("Demo") as engine:
        peer = Peer(engine, relay, Path("/nowhere"), pause=0.0)
        code = await peer.make_code()
        assert str(parse_code(code)) == code
