"""The local socket from the screen's end: attaching, coming back, being let go, and an engine that is gone."""

import asyncio
import contextlib
import os
import time

import pytest

from actors.messages import (
    Attach,
    Ended,
    LinesReplayed,
    OfferFiles,
    OfferRefused,
    PeerTyped,
    SendText,
    SetTyping,
    Snapshot,
    TextDelivered,
    TextQueued,
    TextReceived,
)
from actors.runfolder import socket_path
from relay import wire
from tests.tui.fake_engine import FakeEngine, running
from tests.tui.support import eventually
from tui import link as link_module
from tui.link import Detached, EngineGone, Link


@pytest.fixture(autouse=True)
def back_at_once(monkeypatch):
    monkeypatch.setattr(link_module, "AGAIN_SECONDS", 0.01)


@contextlib.asynccontextmanager
async def following(name):
    """A link and the list that its events go to."""
    link, seen = Link(name), []

    async def follow():
        async with contextlib.aclosing(link.events()) as events:
            async for event in events:
                seen.extend([event])

    task = asyncio.create_task(follow())
    try:
        yield link, seen
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def lines(seen):
    return [line.id for event in seen if isinstance(event, LinesReplayed) for line in event.lines]


async def test_attach_brings_the_snapshot_the_lines_then_events_in_order():
    engine = FakeEngine.in_call()
    engine.keep_lines(1200)
    async with running(engine), following(engine.name) as (_link, seen):
        await eventually(lambda: len(lines(seen)) == 1200)
        engine.hear("one")
        engine.hear("two")
        await eventually(lambda: len(seen) == 6)
        assert isinstance(seen[0], Snapshot)
        assert lines(seen) == [f"k{n}" for n in range(1200)]
        assert [event.text for event in seen[-2:]] == ["one", "two"]
        assert engine.attaches == [Attach(since=0, environment=engine.attaches[0].environment)]


async def test_attach_brings_the_displays_of_this_terminal(monkeypatch):
    for name in link_module.ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DISPLAY", ":7")
    async with running(FakeEngine.in_call()) as engine, following(engine.name):
        await eventually(lambda: engine.attaches)
        assert engine.attaches[0].environment == {"DISPLAY": ":7"}


async def test_commands_arrive_in_order_also_those_said_before_it_was_connected():
    async with running(FakeEngine.in_call()) as engine, following(engine.name) as (link, _seen):
        sent = [SendText(f"a{n}", f"text {n}") for n in range(50)]
        for command in sent:
            assert link.send(command)
        await eventually(lambda: len(engine.commands) == 50)
        assert engine.commands == sent


async def test_let_go_it_comes_back_with_what_came_since_and_nothing_twice():
    engine = FakeEngine.in_call()
    engine.keep_lines(10)
    async with running(engine), following(engine.name) as (_link, seen):
        await eventually(lambda: len(lines(seen)) == 10)
        engine.hear("before", line_id="x")
        last = await eventually(lambda: next((e for e in seen if isinstance(e, TextReceived)), None))
        engine.let_go()
        await eventually(lambda: len(engine.attaches) == 2)
        assert engine.attaches[1].since == last.seq
        engine.hear("after", line_id="y")
        await eventually(lambda: any(isinstance(e, TextReceived) and e.text == "after" for e in seen))
        assert sum(isinstance(event, Detached) for event in seen) == 1
        assert lines(seen) == [f"k{n}" for n in range(10)]


async def test_let_go_in_the_middle_of_the_replay_it_asks_for_all_of_it_again():
    engine = FakeEngine.in_call()
    engine.keep_lines(10)
    async with running(engine), following(engine.name) as (_link, seen):
        await eventually(lambda: any(isinstance(event, Snapshot) for event in seen))
        engine.let_go()
        await eventually(lambda: len(engine.attaches) == 2)
        assert engine.attaches[1].since == 0


async def test_what_was_said_while_let_go_is_said_once_it_is_back():
    async with running(FakeEngine.in_call()) as engine, following(engine.name) as (link, seen):
        await eventually(lambda: seen)
        await engine.refuse_connections()
        await eventually(lambda: isinstance(seen[-1], Detached))
        assert link.send(SendText("a", "kept"))
        await engine.start()
        await eventually(lambda: engine.texts() == ["kept"])
        await eventually(link.settled.is_set)


async def test_a_text_whose_answer_was_lost_is_taken_once():
    engine = FakeEngine.in_call()
    engine.takes_texts = False
    async with running(engine), following(engine.name) as (link, seen):
        link.send(SendText("a", "one"))
        link.send(SendText("b", "two"))
        await eventually(lambda: len(engine.commands) == 2)
        # The engine took the first; the connection went before it could say so.
        engine.let_go()
        engine.emit(TextQueued(id="a", text="one", at=time.time()))
        engine.takes_texts = True
        await eventually(lambda: any(isinstance(event, TextDelivered) and event.id == "b" for event in seen))
        await eventually(link.settled.is_set)
        assert engine.texts()[2:] == ["one", "two"]
        assert lines(seen) == ["a"]
        assert not any(type(event).__name__ == "TextRefused" for event in seen)


async def test_an_engine_that_ended_ends_it():
    async with running(FakeEngine.in_call()) as engine, following(engine.name) as (_link, seen):
        await eventually(lambda: seen)
        engine.emit(Ended(cause="peer-hung"))
        engine.hear("never read")
        await eventually(lambda: isinstance(seen[-1], Ended))


async def test_an_engine_that_dies_is_gone():
    async with running(FakeEngine.in_call()) as engine, following(engine.name) as (_link, seen):
        await eventually(lambda: seen)
        await engine.stop()
        await eventually(lambda: seen[-1] == EngineGone("engine-gone"))


async def test_an_engine_that_never_was_is_gone():
    async with following("7") as (_link, seen):
        await eventually(lambda: seen == [EngineGone("engine-gone")])


async def test_a_dead_engine_whose_socket_is_still_there_is_gone():
    engine = FakeEngine.in_call()
    await engine.start()
    path, aside = socket_path(engine.name), socket_path("aside")
    path.rename(aside)
    await engine.stop()
    aside.rename(path)
    async with following(engine.name) as (_link, seen):
        await eventually(lambda: seen == [EngineGone("engine-gone")])


async def test_an_engine_of_another_version_is_said_and_not_tried_again():
    async with running(FakeEngine(version=2)) as engine, following(engine.name) as (_link, seen):
        await eventually(lambda: seen == [EngineGone("engine-version")])
        await asyncio.sleep(0)
        assert len(engine.attaches) == 1


@pytest.mark.parametrize(
    "garbage",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        wire.encode(wire.EVENT, b"not json"),
        wire.encode(wire.EVENT, b"[" * 4000),
        wire.HEADER.pack(wire.EVENT, 2**63),
        wire.HEADER.pack(b"XXXX", 1) + b"x",
    ],
)
async def test_an_engine_that_says_garbage_is_left(garbage):
    async with running(FakeEngine.in_call()) as engine, following(engine.name) as (_link, seen):
        await eventually(lambda: seen)
        engine._writers[0].write(garbage)
        await eventually(lambda: seen[-1] == EngineGone("engine-garbled"))


async def test_a_folder_that_is_open_to_others_is_not_used():
    async with running(FakeEngine.in_call()) as engine:
        os.chmod(os.environ["VISAVIS_RUN"], 0o755)
        async with following(engine.name) as (_link, seen):
            await eventually(lambda: seen == [EngineGone("run-open")])
        assert engine.attaches == []


async def test_a_socket_of_someone_else_is_told_nothing(monkeypatch):
    monkeypatch.setattr(link_module, "peer_is_us", lambda connection: False)
    async with running(FakeEngine.in_call()) as engine, following(engine.name) as (_link, seen):
        await eventually(lambda: seen == [EngineGone("engine-foreign")])
        assert engine.attaches == []


async def test_the_queue_is_bounded():
    link = Link("7")
    taken = [link.send(SetTyping(bool(n % 2))) for n in range(link_module.OUTBOX_COMMANDS + 1)]
    assert taken.count(True) == link_module.OUTBOX_COMMANDS
    assert taken[-1] is False


async def test_closing_does_not_wait_for_an_engine_that_does_not_read():
    stalled = asyncio.Event()

    async def never_read(reader, writer):
        writer.write(wire.encode(wire.EVENT, b'{"type":"Snapshot"}'))
        await stalled.wait()
        writer.close()

    server = await asyncio.start_unix_server(never_read, str(socket_path("1")))
    begun = time.monotonic()
    async with following("1") as (link, seen):
        await eventually(lambda: seen)
        for n in range(200):
            link.send(SendText(f"a{n}", "x" * 60_000))
    assert time.monotonic() - begun < 5
    stalled.set()
    server.close()
    await server.wait_closed()


async def test_typing_of_the_peer_passes_through():
    async with running(FakeEngine.in_call()) as engine, following(engine.name) as (_link, seen):
        await eventually(lambda: seen)
        engine.emit(PeerTyped(typing=True))
        await eventually(lambda: seen[-1] == PeerTyped(typing=True, seq=1))


class TestOffers:
    """An OfferFiles is neither lost nor doubled, whatever became of the connection it was said on."""

    @staticmethod
    def offers(engine):
        return [command.id for command in engine.commands if isinstance(command, OfferFiles)]

    async def test_one_that_was_never_read_is_said_again(self):
        engine = FakeEngine.in_call()
        engine.takes_offers = False
        async with running(engine), following(engine.name) as (link, _seen):
            link.send(OfferFiles("a", ("/x",)))
            await eventually(lambda: self.offers(engine) == ["a"])
            assert not link.settled.is_set()
            engine.takes_offers = True
            engine.let_go()
            await eventually(link.settled.is_set)
            assert self.offers(engine) == ["a", "a"]
            assert [transfer.request for transfer in engine.files.all.values()] == ["a"]

    async def test_one_whose_answer_was_lost_is_not(self):
        engine = FakeEngine.in_call()
        engine.takes_offers = False
        async with running(engine), following(engine.name) as (link, seen):
            link.send(OfferFiles("a", ("/x",)))
            await eventually(lambda: self.offers(engine) == ["a"])
            engine.let_go()
            engine.files.ours(engine.commands[0])
            await eventually(link.settled.is_set)
            assert link.send(SetTyping(True))
            await eventually(lambda: isinstance(engine.commands[-1], SetTyping))
            assert self.offers(engine) == ["a"]
            assert [transfer.request for transfer in seen[-1].transfers] == ["a"]

    async def test_a_refusal_answers_it(self):
        engine = FakeEngine.in_call()
        engine.refuses["/x"] = "empty"
        async with running(engine), following(engine.name) as (link, seen):
            link.send(OfferFiles("a", ("/x",)))
            await eventually(lambda: any(isinstance(event, OfferRefused) for event in seen))
            assert link.settled.is_set()
