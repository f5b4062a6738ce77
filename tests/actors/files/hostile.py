"""A call in memory whose one end runs the real file channel, and whose other end says and sends whatever it likes."""

import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import trio

from actors.epoch import SessionOver
from actors.files import packets
from actors.files.carrier import ARRIVALS, DEPTH, NAME, Arrival
from actors.files.channel import INBOX_ITEMS, Asked, FilesOf, files
from actors.files.packets import LANE_LIMIT, Entry, FilePacket
from actors.files.tree import file_hash
from actors.lanes import LaneOpened, LanePacket, LanePort
from actors.messages import (
    AnswerOffer,
    AnyEvent,
    EntryNoted,
    LinkChanged,
    ListOffer,
    OfferFiles,
    Transfer,
    TransferChanged,
    TransferProgressed,
)
from actors.news import ChatNews, FileNews, News, Post, Taken, Told
from actors.peer import Answer, Done, FileControl, Have, Message, Offer, Stop, Text
from actors.seal import SessionKeys
from actors.session import Session
from relay import limits
from tests.actors.files.support import contents, tree_hash, write
from tests.actors.mallory import Mallory
from tests.actors.sides import SECRET
from tests.support import eventually

Packet = tuple[bytes, bytes]

BYSTANDER = 1  # the number of a transfer that is under way while the peer misbehaves
OTHER = bytes(range(250)) * 800


class Honest:
    """An end with the real actor, a real journal and real folders; `events` are what a screen would be told."""

    def __init__(self, nursery: trio.Nursery, mallory: Mallory, role: Any, store: Path) -> None:
        self.events: list[AnyEvent] = []
        self.replies: list[AnyEvent] = []  # to whoever asked
        self.heard: list[str] = []
        self.over: SessionOver | None = None
        self.returned = trio.Event()  # the actor is done
        chat_in, chat = trio.open_memory_channel[ChatNews](64)
        self._files, inbox = trio.open_memory_channel[Asked | FileNews](INBOX_ITEMS)
        self._arriving, arrivals = trio.open_memory_channel[Arrival](ARRIVALS)
        ports = {NAME: LanePort(NAME, self._arriving, DEPTH, LANE_LIMIT)}
        keys = SessionKeys(SECRET, role)
        video_in, self._video_news = trio.open_memory_channel[Any](1000)  # nobody looks
        self.session = Session(
            keys, role, mallory.dialler(), Post(chat_in, self._files, video_in, video_in), self.events.append, ports
        )
        facts = FilesOf(role, keys.room, store / "visavis.db", lambda: self.link)

        async def act() -> None:
            await files(inbox, arrivals, self.session, self.events.append, facts)
            self.returned.set()

        async def hear() -> None:
            async for item in chat:
                if isinstance(item, Taken) and isinstance(item.message, Text):
                    self.heard.append(item.message.text)

        nursery.start_soon(act)
        nursery.start_soon(hear)
        nursery.start_soon(self._run, chat_in)

    async def _run(self, chat_in: trio.MemorySendChannel[ChatNews]) -> None:
        with chat_in, self._files, self._arriving:
            try:
                await self.session.run()
            except SessionOver as over:
                self.over = over

    def ask(self, *commands: Any) -> None:
        """Do what a screen does."""
        for command in commands:
            self._files.send_nowait((command, self.replies.append))

    async def offer(self, *paths: Path) -> int:
        """Offer these; return the number once the list is made."""
        request = f"request-{len(self.events)}"
        self.ask(OfferFiles(request, tuple(map(str, paths))))

        def number() -> int:
            made = (now.id for now in self.transfers.values() if now.request == request and now.state != "listing")
            return next(made, 0)

        return int(await eventually(number))

    @property
    def link(self) -> Any:
        return next((event.link for event in reversed(self.events) if isinstance(event, LinkChanged)), "none")

    @property
    def transfers(self) -> dict[int, Transfer]:
        return {event.transfer.id: event.transfer for event in self.events if isinstance(event, TransferChanged)}

    def state(self, number: int) -> str:
        now = self.transfers.get(number)
        return now.state if now else ""

    def end(self, number: int) -> tuple[str, str, str]:
        now = self.transfers[number]
        return now.state, now.cause, now.detail

    def progress(self, number: int) -> list[TransferProgressed]:
        return [e for e in self.events if isinstance(e, TransferProgressed) and e.id == number]

    def notes(self, number: int) -> list[tuple[str, str]]:
        return [(e.path, e.cause) for e in self.events if isinstance(e, EntryNoted) and e.transfer == number]


class Hostile:
    """An end that keeps everything it is told and sends what a test likes, through a session that keeps to the rules:
    what it says is authentic."""

    def __init__(self, nursery: trio.Nursery, mallory: Mallory, role: Any) -> None:
        self.said: list[Message | None] = []  # to this end
        self.told: list[FileControl] = []
        self.came: list[FilePacket] = []
        self.lane: LaneOpened | None = None
        self.over: SessionOver | None = None
        arriving, arrivals = trio.open_memory_channel[Arrival](0)
        ports = {NAME: LanePort(NAME, arriving, DEPTH, LANE_LIMIT)}
        self.session = Session(SessionKeys(SECRET, role), role, mallory.dialler(), self, lambda event: None, ports)
        nursery.start_soon(self._run)
        nursery.start_soon(self._listen, arrivals)

    async def _run(self) -> None:
        try:
            await self.session.run()
        except SessionOver as over:
            self.over = over

    async def _listen(self, arrivals: trio.MemoryReceiveChannel[Arrival]) -> None:
        async for item in arrivals:
            if isinstance(item, LaneOpened):
                self.lane = item
            elif isinstance(item, LanePacket):
                said = packets.decode(item.type, item.payload)
                assert said is not None
                self.came.append(said)
            else:
                self.lane = None

    async def send(self, news: News) -> None:
        """Take the session's news."""
        await trio.lowlevel.checkpoint()
        if isinstance(news, Taken):
            self.said.append(news.message)
        elif isinstance(news, Told):
            self.told.append(news.control)

    def say(self, *messages: Any) -> None:
        for message in messages:
            self.session.say(message)

    async def tell(self, control: FileControl) -> None:
        """Say a control, and wait till it is on its way: a newer one would replace it."""
        self.session.tell(control)
        for _ in range(5):
            await trio.lowlevel.checkpoint()

    async def open_lane(self) -> LaneOpened:
        """Open the next generation of the lane."""
        before = self.lane
        await eventually(lambda: self.session.open_lane(NAME))  # the other end may have joined a moment sooner
        await eventually(lambda: self.lane not in (None, before))
        assert self.lane is not None
        return self.lane

    async def put(self, *sent: Packet) -> None:
        """Send these on the lane."""
        lane = self.lane or await self.open_lane()
        with suppress(trio.BrokenResourceError):
            for packet in sent:
                await lane.outgoing.send(packet)

    def of(self, kind: type[Any], number: int) -> list[Any]:
        """Everything of this kind that was said, told or sent to this end of a transfer."""
        everything: list[Any] = [*self.said, *self.told, *self.came]
        return [item for item in everything if isinstance(item, kind) and item.transfer == number]

    def stops(self, number: int) -> list[str]:
        return [stop.reason for stop in self.of(Stop, number)]

    async def offer(self, number: int, entries: Sequence[Entry], **lies: Any) -> None:
        """Offer this list and send all of it; `lies` are in the offer."""
        if self.lane is None:
            await self.open_lane()
        self.say(offer_of(number, entries, **lies))
        await eventually(lambda: self.of(Have, number))  # what comes before is of a transfer that nobody knows
        await self.put(page(number, entries))

    async def have(self, number: int, **wrong: Any) -> None:
        """Say what is had, for the lane that is open."""
        fields = {"generation": self.lane.generation if self.lane else 1, "listed": 0, "entry": 0, "block": 0}
        await self.tell(Have(number, **{**fields, "offset": 0, **wrong}))

    async def take_list(self, number: int) -> list[Entry]:
        """Take the list of an offer of the honest end, as an honest receiver does."""
        await eventually(lambda: self.of(Offer, number) and self.lane)
        await self.have(number)

        def pages() -> Any:
            came = self.of(packets.ListPage, number)
            return came if came and came[-1].whole else None

        return [entry for each in await eventually(pages) for entry in each.entries]

    async def receive(self, number: int) -> None:
        """Take an offer of the honest end whole, as an honest receiver does, and say Done."""
        entries = await self.take_list(number)
        sizes = [entry.size or 0 for entry in entries if entry.kind != "folder"]
        self.say(Answer(number))

        def whole() -> bool:
            small = sum(len(packet.files) for packet in self.of(packets.SmallFiles, number))
            return small + len(self.of(packets.FileEnd, number)) == len(sizes)

        await eventually(whole)
        self.say(Done(number, len(sizes), sum(sizes)))


class Call:
    """The honest end (role B, so its offers are even), the hostile one (A), and the ground they stand on."""

    def __init__(self, tmp_path: Path) -> None:
        self.ground = tmp_path
        self.place = tmp_path / "place"  # where everything may be written
        self.store = tmp_path / "store"
        for folder in (self.place, self.store):
            folder.mkdir()
        write(tmp_path / "outside" / "precious.txt", "mine")
        self.outside_at_first = self.outside()
        self._said = 0
        self._last = 2**40 + 1  # number of a transfer that shows that all is well

    async def start(self, nursery: trio.Nursery) -> None:
        self.mallory = Mallory(nursery)
        self.honest = Honest(nursery, self.mallory, "B", self.store)
        self.hostile = Hostile(nursery, self.mallory, "A")
        await eventually(lambda: self.honest.link == "joined")

    def outside(self) -> dict[str, bytes | None]:
        """Everything that is neither in the destination nor in the journal."""
        found = contents(self.ground)
        return {path: data for path, data in found.items() if not path.startswith(("place", "store/visavis.db"))}

    @property
    def arrived(self) -> dict[str, bytes | None]:
        return contents(self.place)

    async def accepted(self, number: int, **answer: Any) -> None:
        """Have the honest end accept, and wait until it does."""
        await eventually(lambda: self.honest.state(number) == "offered")
        self.honest.ask(AnswerOffer(number, True, folder=str(self.place), **answer))
        await eventually(lambda: self.hostile.of(Answer, number))

    async def offered(self, number: int, entries: Sequence[Entry]) -> None:
        """Have the hostile end offer this as an honest one would, and the honest end accept it."""
        await self.hostile.offer(number, entries)
        await self.accepted(number)

    async def over(self, number: int) -> tuple[str, str, str]:
        """Wait until a transfer is over on the honest side; return how."""
        await eventually(lambda: self.honest.state(number) in ("done", "refused", "cancelled", "failed"))
        return self.honest.end(number)

    async def begin_bystander(self) -> None:
        """A transfer is under way, in the middle of a block."""
        await self.offered(BYSTANDER, [Entry("other.bin", "file", len(OTHER), 0)])
        await self.hostile.put(piece(BYSTANDER, 1, OTHER[:100_000]))
        await self.written("other.bin", 100_000)

    async def written(self, name: str, size: int = 1) -> None:
        """Wait until so much of a file that is not whole lies on the disk."""
        await eventually(lambda: any(p.stat().st_size >= size for p in self.place.glob(f".{name}.*.visavis-part")))

    async def finish_bystander(self) -> None:
        await self.hostile.put(
            piece(BYSTANDER, 1, OTHER[100_000:], offset=100_000), end(BYSTANDER, 1, len(OTHER), tree_hash(OTHER))
        )
        assert await self.over(BYSTANDER) == ("done", "", "")
        assert (self.place / "other.bin").read_bytes() == OTHER

    async def settle(self) -> None:
        """Have everything that was said and sent before be taken: what comes after it has passed."""
        self._said += 1
        text = f"settled {self._said}"
        self.hostile.say(Text(text))
        await eventually(lambda: text in self.honest.heard)
        asked = len(self.honest.replies)
        self.honest.ask(ListOffer(BYSTANDER))
        await eventually(lambda: len(self.honest.replies) > asked)
        for _ in range(3):  # a thread's turn
            await trio.to_thread.run_sync(time.sleep, 0.01)

    async def check(self) -> None:
        """Nothing was hurt: the call goes on, a new transfer passes both ways, nothing is anywhere else."""
        await eventually(lambda: self.honest.link == "joined")
        self.hostile.say(Text("still there"))
        await eventually(lambda: "still there" in self.honest.heard)
        self._last += 2
        number = self._last
        await self.offered(number, [Entry("last.txt", "file", 4, 0)])
        await self.hostile.put(small(number, (1, b"last")))
        assert await self.over(number) == ("done", "", "")
        await eventually(lambda: self.hostile.of(Done, number))
        assert b"last" in self.arrived.values()
        assert self.honest.over is None
        assert not self.honest.returned.is_set()


@asynccontextmanager
async def call(tmp_path: Path, *, spares: bool = True, goes_on: bool = True) -> AsyncIterator[Call]:
    """A call in which the peer does what a test tells it to; afterwards everything must be as if it had not.

    A transfer is under way, and ends well if what the peer does `spares` it. Unless the call is to end, it `goes_on`.
    """
    one = Call(tmp_path)
    async with trio.open_nursery() as nursery:
        await one.start(nursery)
        await one.begin_bystander()
        yield one
        if goes_on and spares:
            await one.finish_bystander()
        if goes_on:
            await one.check()
        assert one.outside() == one.outside_at_first
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def honest_pair(tmp_path: Path) -> AsyncIterator[tuple[Honest, Honest, Mallory]]:
    """Two honest ends, A and B, each with a store of its own."""
    async with trio.open_nursery() as nursery:
        mallory = Mallory(nursery)
        both = []
        for role in ("A", "B"):
            (tmp_path / f"store-{role}").mkdir()
            both.append(Honest(nursery, mallory, role, tmp_path / f"store-{role}"))
        await eventually(lambda: both[0].link == both[1].link == "joined")
        yield both[0], both[1], mallory
        nursery.cancel_scope.cancel()


# --- what is said and sent ---------------------------------------------------------------------------------------


def offer_of(number: int, entries: Sequence[Entry], **lies: Any) -> Offer:
    """The offer that belongs to this list, but for the `lies`."""
    folders = sum(entry.kind == "folder" for entry in entries)
    size = None if any(entry.size is None for entry in entries) else sum(entry.size or 0 for entry in entries)
    names = tuple(entry.path for entry in entries[: limits.OFFER_NAMES])
    honest = {"files": len(entries) - folders, "folders": folders, "size": size, "names": names}
    return Offer(number, **{**honest, **lies})


def page(number: int, entries: Sequence[Entry], first: int = 1, *, whole: bool = True) -> Packet:
    return packets.LIST, packets.encode_list(number, first, [*map(packets.encode_entry, entries)], whole=whole)


def piece(number: int, entry: int, data: bytes, block: int = 0, offset: int = 0) -> Packet:
    return packets.BLOCK, packets.PIECE_HEAD.pack(number, entry, block, offset) + data


def small(number: int, *sent: tuple[int, bytes], wrong: bool = False) -> Packet:
    hashed: Callable[[bytes], bytes] = (lambda data: bytes(32)) if wrong else file_hash
    return packets.WHOLE, packets.encode_whole(number, [(entry, hashed(data), data) for entry, data in sent])


def end(number: int, entry: int, size: int, known: bytes = bytes(32)) -> Packet:
    return packets.END, packets.encode_end(number, entry, size, known)


def skip(number: int, entry: int, reason: str = "gone") -> Packet:
    return packets.SKIP, packets.encode_skip(number, entry, reason)


def of(path: str, size: int = 2, kind: Any = "file") -> Entry:
    return Entry(path, kind, size, 0)


def folder(path: str) -> Entry:
    return Entry(path, "folder", 0, 0)
