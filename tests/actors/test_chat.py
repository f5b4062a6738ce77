"""The chat: what is said, what came, and the marks."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio

from actors import messages as m
from actors.chat import ChatCommand, chat, refusal
from actors.epoch import SessionOver
from actors.news import Delivered, News, PeerTyping, Sent, Taken
from actors.peer import HaveUpTo, Message, Name, Text, encode_control
from actors.reliable import OutboxFullError
from actors.seal import SessionKeys
from actors.session import Session
from relay import limits, wire
from tests.actors.mallory import CutError, Mallory, pass_on
from tests.actors.sides import SECRET, until
from tests.actors.test_rogue_peer import join


class Voice:
    """A session as the chat sees it."""

    def __init__(self) -> None:
        self.said: list[Message] = []
        self.typing: list[bool] = []
        self.full = False
        self.hung_after: int | None = None

    def say(self, message: Message) -> int:
        if self.full:
            raise OutboxFullError
        self.said.append(message)
        return len(self.said)

    def set_typing(self, typing: bool) -> None:
        self.typing.append(typing)

    def hang(self) -> None:
        self.hung_after = len(self.said)


async def play(*items: ChatCommand | News, voice: Voice | None = None) -> tuple[list[tuple[Any, ...]], Voice]:
    """Give the chat these, in this order; return what it emitted, in short."""
    events: list[m.AnyEvent] = []
    voice = voice or Voice()
    send, receive = trio.open_memory_channel[ChatCommand | News](len(items))
    with send:
        for item in items:
            send.send_nowait(item)
    await chat(receive, voice, events.append)
    return [short(event) for event in events], voice


def short(event: m.AnyEvent) -> tuple[Any, ...]:
    fields = [getattr(event, f) for f in event.__struct_fields__ if f not in ("seq", "at")]
    return (type(event).__name__, *fields)


def send(text: str, line_id: str = "1") -> m.SendText:
    return m.SendText(id=line_id, text=text)


async def test_a_text_is_queued_sent_and_delivered():
    events, voice = await play(send("hello"), Sent(1), Delivered(1))
    assert voice.said == [Text("hello")]
    assert events == [("TextQueued", "1", "hello"), ("TextSent", "1"), ("TextDelivered", "1")]


async def test_marks_come_once_and_in_order_whatever_the_news():
    events, _ = await play(
        send("a", "x"), send("b", "y"), Delivered(1), Sent(1), Sent(2), Sent(2), Delivered(2), Delivered(2)
    )
    assert events[2:] == [("TextSent", "x"), ("TextDelivered", "x"), ("TextSent", "y"), ("TextDelivered", "y")]


async def test_names_are_numbered_too_and_have_no_marks():
    events, voice = await play(m.SetName(name="n"), send("a"), Sent(1), Delivered(1), Sent(2), Delivered(2))
    assert voice.said == [Name("n"), Text("a")]
    assert events == [("TextQueued", "1", "a"), ("TextSent", "1"), ("TextDelivered", "1")]


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("", "empty"),
        (" ", ""),
        ("\n", ""),
        ("\x00\x1b]0;x\x07", ""),
        ("x" * limits.CHAT_BYTES, ""),
        ("x" * (limits.CHAT_BYTES + 1), "too-long"),
        ("é" * (limits.CHAT_BYTES // 2), ""),
        ("é" * (limits.CHAT_BYTES // 2) + "x", "too-long"),
        ("😀" * (limits.CHAT_BYTES // 4), ""),
        ("😀" * (limits.CHAT_BYTES // 4 + 1), "too-long"),
    ],
    ids=lambda value: repr(value)[:12],
)
async def test_what_can_be_said(text: str, cause: str):
    assert refusal(text) == cause
    events, voice = await play(send(text))
    assert events == [("TextRefused", "1", cause) if cause else ("TextQueued", "1", text)]
    assert voice.said == ([] if cause else [Text(text)])


async def test_an_id_is_used_once():
    events, voice = await play(send("a"), send("b"), Sent(1), Delivered(1), send("c"))
    assert [event for event in events if event[0] == "TextRefused"] == [("TextRefused", "1", "repeated")] * 2
    assert voice.said == [Text("a")]


async def test_the_ids_of_the_peers_lines_are_taken():
    events, _ = await play(Taken(1, Text("theirs")), send("ours", "peer-1"), send("ours", "peer-2"))
    assert events[1:] == [("TextRefused", "peer-1", "repeated"), ("TextRefused", "peer-2", "repeated")]


async def test_a_refused_id_may_be_tried_again():
    events, _ = await play(send(""), send("x"))
    assert [event[0] for event in events] == ["TextRefused", "TextQueued"]


async def test_a_full_queue_is_said_and_nothing_is_lost():
    voice = Voice()
    voice.full = True
    events, _ = await play(send("x"), m.SetName(name="n"), voice=voice)
    assert events == [("TextRefused", "1", "queue-full"), ("CommandRefused", "queue-full", "", 0)]


async def test_what_the_peer_says_comes_as_it_is():
    hostile = "\x1b[2J\x00\u202eabc\n\n안녕"
    events, _ = await play(Taken(1, Name("\x1bpeer")), Taken(2, Text(hostile)), Taken(3, None), Taken(4, Text("")))
    assert events == [("PeerNamed", "\x1bpeer"), ("TextReceived", "peer-2", hostile), ("TextReceived", "peer-4", "")]


async def test_typing_is_said_when_it_changes_and_ends_with_the_text():
    events, voice = await play(
        PeerTyping(True), PeerTyping(True), Taken(1, Text("x")), PeerTyping(False), PeerTyping(True), PeerTyping(False)
    )
    assert [event[1] for event in events if event[0] == "PeerTyped"] == [True, False, True, False]
    assert [event[0] for event in events[:3]] == ["PeerTyped", "PeerTyped", "TextReceived"]
    assert voice.typing == []


async def test_our_own_typing_is_passed_on():
    _, voice = await play(m.SetTyping(typing=True), m.SetTyping(typing=False))
    assert voice.typing == [True, False]


async def test_hanging_up_comes_after_what_was_said_before_it():
    _, voice = await play(send("a", "x"), send("b", "y"), m.Hang())
    assert voice.hung_after == 2


# --- two chats over two sessions --------------------------------------------------------------------------------------


class Person:
    """A chat over a session, with its inbox and its screen."""

    def __init__(self, nursery: trio.Nursery, mallory: Mallory, role: Any, room: int) -> None:
        self.events: list[m.AnyEvent] = []
        self.inbox, inbox = trio.open_memory_channel[ChatCommand | News](room)
        self.session = Session(
            SessionKeys(SECRET, role), role, mallory.dialler(), self.inbox.clone(), self.events.append
        )
        nursery.start_soon(chat, inbox, self.session, self.events.append)
        nursery.start_soon(self._run)

    async def _run(self) -> None:
        with pytest.raises(SessionOver):
            await self.session.run()

    def of(self, kind: type[m.AnyEvent]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def marks(self) -> list[tuple[str, str]]:
        kinds = m.TextQueued | m.TextSent | m.TextDelivered
        return [(e.id, type(e).__name__) for e in self.events if isinstance(e, kinds)]


@asynccontextmanager
async def pair(room: int = 4) -> AsyncIterator[tuple[Person, Person, Mallory]]:
    async with trio.open_nursery() as nursery:
        mallory = Mallory(nursery)
        yield Person(nursery, mallory, "A", room), Person(nursery, mallory, "B", room), mallory
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("after", range(6, 16))
async def test_over_a_link_that_is_cut_again_and_again_every_mark_comes_once_and_in_order(
    autojump_clock: trio.testing.MockClock, after: int
):
    async with pair(0) as (a, b, mallory):
        mallory.cut_every(after)
        for number in range(12):
            await a.inbox.send(send(f"line {number}", str(number)))
            await b.inbox.send(send(f"other {number}", str(number)))
        await until(lambda: len(a.of(m.TextDelivered)) == len(b.of(m.TextDelivered)) == 12, 10_000)
        for one, other in ((a, b), (b, a)):
            assert [e.text for e in other.of(m.TextReceived)] == [e.text for e in one.of(m.TextQueued)]
            for number in range(12):
                mine = [mark for line, mark in one.marks if line == str(number)]
                assert mine == ["TextQueued", "TextSent", "TextDelivered"]
            for mark in ("TextSent", "TextDelivered"):
                assert [line for line, kind in one.marks if kind == mark] == [str(n) for n in range(12)]


async def test_whoever_goes_away_is_not_typing_and_may_type_again(autojump_clock: trio.testing.MockClock):
    async with pair() as (a, b, mallory):
        await until(lambda: mallory.pairs == 1 and b.of(m.RoundTripMeasured))
        await a.inbox.send(m.SetTyping(typing=True))
        await until(lambda: b.of(m.PeerTyped))

        def cut_once(*_: object) -> bytes:
            mallory.meddle = pass_on
            raise CutError

        mallory.meddle = cut_once
        await until(lambda: mallory.pairs == 2 and len(b.of(m.PeerTyped)) == 2)
        await until(lambda: b.of(m.LinkChanged)[-1].link == a.of(m.LinkChanged)[-1].link == "joined")
        await a.inbox.send(m.SetTyping(typing=True))
        await until(lambda: len(b.of(m.PeerTyped)) == 3)
        assert [event.typing for event in b.of(m.PeerTyped)] == [True, False, True]


async def test_no_mark_is_lost_when_the_link_breaks_while_marks_are_told(autojump_clock: trio.testing.MockClock):
    """The peer acknowledges five at once and is gone; whoever hears the news takes its time."""
    async with trio.open_nursery() as nursery:
        mallory, delivered = Mallory(nursery), list[int]()
        news, heard = trio.open_memory_channel[News](0)
        session = Session(SessionKeys(SECRET, "A"), "A", mallory.dialler(), news, lambda event: None)
        for number in range(5):
            session.say(Text(str(number)))

        async def hear_slowly() -> None:
            async for item in heard:
                if isinstance(item, Delivered):
                    delivered.append(item.number)
                    await trio.sleep(2 * limits.HEARTBEAT_SECONDS)

        nursery.start_soon(session.run)
        nursery.start_soon(hear_slowly)
        lane = await join(mallory)
        await lane.send(wire.CONTROL, encode_control(HaveUpTo(0)))
        messages = 0
        while messages < 5:
            messages += (await lane.receive())[0] == wire.MESSAGE
        await lane.send(wire.CONTROL, encode_control(HaveUpTo(5)))
        await until(lambda: delivered)
        await trio.aclose_forcefully(lane._stream)
        await until(lambda: len(delivered) == 5, 200)
        assert delivered == [1, 2, 3, 4, 5]
        nursery.cancel_scope.cancel()
