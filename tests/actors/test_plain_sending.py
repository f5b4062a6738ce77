"""Files that are sent in a plain call: to an original client, and to a peer that does not read."""

import errno
import json
import os
import socket
from pathlib import Path

import pytest
import trio

from actors.messages import (
    AnswerOffer,
    CancelTransfer,
    CommandRefused,
    Hang,
    ListOffer,
    OfferFiles,
    OfferRefused,
    PutFirst,
    TransferProgressed,
)
from relay import limits, wire
from tests.actors.original import open_client, open_server
from tests.actors.plain_call import Call, met, open_call, open_pair, open_place
from tests.support import eventually

pytestmark = pytest.mark.long


SIZE = 16 * limits.MIB  # more than sockets hold


@pytest.fixture
def large(tmp_path: Path) -> Path:
    path = tmp_path / "large.bin"
    path.write_bytes(os.urandom(SIZE))
    return path


def bytes_of(packets: list[wire.Packet]) -> bytes:
    return b"".join(packet.payload for packet in packets if packet.type == wire.FILE_CHUNK)


async def stalled(call: Call) -> None:
    """Until nothing more goes out."""
    await call.wait_transfer("moving")

    async def stands() -> bool:
        before = moved(call)
        await trio.sleep(2 * limits.PROGRESS_SECONDS)
        return before == moved(call) > 0

    await eventually(stands)


def moved(call: Call) -> int:
    return max((event.moved for event in call.events if isinstance(event, TransferProgressed)), default=0)


@pytest.mark.parametrize("place", ["original", "lobby"])
async def test_files_to_an_original_client(place: str, large: Path, tmp_path: Path):
    there = tmp_path / "there"
    there.mkdir()
    small = tmp_path / "사진 1.png"
    small.write_bytes(b"\x89PNG\r\n\x1a\n and so on")
    async with open_place(place) as address, open_call(address) as call:
        await eventually(call.joined)
        with open_client(address, there) as client:
            await eventually(lambda: met(call, client))
            request = await call.offer(large)
            done = await call.wait_transfer("done", 1)
            assert (done.mine, done.request, done.name, done.size) == (True, request, "large.bin", SIZE)
            assert (done.moved, done.moved_files) == (SIZE, 1)
            assert [transfer.state for transfer in call.transfers()] == ["moving", "done"]
            await call.offer(small)
            await call.wait_transfer("done", 3)
            await eventually(lambda: client.files == ["recv_large.bin", "recv_사진 1.png"])
            assert (there / "recv_large.bin").read_bytes() == large.read_bytes()
            assert (there / "recv_사진 1.png").read_bytes() == small.read_bytes()
            assert max(client.chunks) == limits.PLAIN_PIECE_BYTES
            assert client.images == []


async def test_what_goes_over_the_wire(tmp_path: Path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"contents")
    async with open_pair() as (call, peer):
        await call.offer(path)
        header, chunk, end = await peer.read_up_to(wire.FILE_END)
        assert (header.type, json.loads(header.payload)) == (wire.FILE_HEADER, {"filename": "a.txt", "filesize": 8})
        assert chunk == wire.Packet(wire.FILE_CHUNK, b"contents")
        assert end == wire.Packet(wire.FILE_END, b"")


async def test_an_empty_file(tmp_path: Path):
    (tmp_path / "empty").touch()
    async with open_pair() as (call, peer):
        await call.offer(tmp_path / "empty")
        packets = await peer.read_up_to(wire.FILE_END)
        assert [packet.type for packet in packets] == [wire.FILE_HEADER, wire.FILE_END]
        assert (await call.wait_transfer("done")).size == 0


async def test_a_link_is_followed_and_keeps_its_name(tmp_path: Path):
    (tmp_path / "a.txt").write_bytes(b"contents")
    (tmp_path / "b.txt").symlink_to("a.txt")
    async with open_pair() as (call, peer):
        await call.offer(tmp_path / "b.txt")
        packets = await peer.read_up_to(wire.FILE_END)
        assert json.loads(packets[0].payload)["filename"] == "b.txt"
        assert bytes_of(packets) == b"contents"


@pytest.mark.parametrize("names", [["."], ["a", "a"], ["pipe"], ["socket"], ["/dev/null"], ["-"]])
async def test_only_one_regular_file(names: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    Path("a").touch()
    os.mkfifo("pipe")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket")
        async with open_pair() as (call, peer):
            request = await call.offer(*names)
            await eventually(lambda: OfferRefused(id=request, cause="one-file") in call.events)
            await call.offer("a", request=request)
            await peer.read_up_to(wire.FILE_END)
            await call.wait_transfer("done", 1)
            assert [transfer.id for transfer in call.transfers()] == [1, 1]


async def test_a_file_that_is_not_there(tmp_path: Path):
    path = str(tmp_path / "nothing")
    async with open_pair() as (call, _):
        request = await call.offer(path)
        await eventually(lambda: OfferRefused(id=request, cause="path-missing", detail=path) in call.events)
        assert call.transfers() == []


async def test_one_at_a_time(large: Path):
    async with open_pair() as (call, peer):
        first = await call.offer(large)
        second = await call.offer(large)
        await eventually(lambda: OfferRefused(id=second, cause="busy") in call.events)
        await call.ask(OfferFiles(id=first, paths=(str(large),)))  # said again by a screen that came back
        assert bytes_of(await peer.read_up_to(wire.FILE_END)) == large.read_bytes()
        await call.wait_transfer("done", 1)
        await call.ask(OfferFiles(id=first, paths=(str(large),)))
        await call.offer(large, request=second)
        await peer.read_up_to(wire.FILE_END)
        await call.wait_transfer("done", 3)
        assert [t.id for t in call.transfers()] == [1, 1, 3, 3]
        assert sum(isinstance(event, OfferRefused) for event in call.events) == 1


async def test_texts_do_not_wait_behind_a_file(large: Path):
    async with open_pair() as (call, peer):
        await call.offer(large)
        await stalled(call)
        before = moved(call)
        for n in range(5):
            await call.say(f"line {n}")
        packets = await peer.read_up_to(wire.FILE_END)
        texts = [place for place, packet in enumerate(packets) if packet.type == wire.TEXT]
        assert [packets[place].payload for place in texts] == [f"line {n}".encode() for n in range(5)]
        assert texts == list(range(texts[0], texts[0] + 5))  # in one go
        assert len(bytes_of(packets[: texts[0]])) <= before + 2 * limits.PLAIN_PIECE_BYTES
        assert bytes_of(packets) == large.read_bytes()


async def test_what_is_cancelled_ends_early(large: Path):
    async with open_pair() as (call, peer):
        await call.offer(large)
        await stalled(call)
        await call.ask(CancelTransfer(1))
        data = bytes_of(await peer.read_up_to(wire.FILE_END))
        cancelled = await call.wait_transfer("cancelled")
        assert (cancelled.cause, cancelled.detail, cancelled.moved) == ("cancelled", "here", len(data))
        assert data == large.read_bytes()[: len(data)]
        assert len(data) < SIZE
        await call.ask(CancelTransfer(1))
        await eventually(lambda: CommandRefused(cause="no-transfer", detail="1", transfer=1) in call.events)
        await call.offer(large)
        assert bytes_of(await peer.read_up_to(wire.FILE_END)) == large.read_bytes()


def shrink(path: Path) -> None:
    os.truncate(path, SIZE - 1)


def grow(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"more")


def rewrite(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(b"other")


@pytest.mark.parametrize("change", [shrink, grow, rewrite])
async def test_a_file_that_changes_is_never_sent_to_its_end(change, large: Path):
    async with open_pair() as (call, peer):
        await call.offer(large)
        await stalled(call)
        change(large)
        packets = await peer.read_up_to(wire.FILE_END)
        failed = await call.wait_transfer("failed")
        assert (failed.cause, failed.size) == ("changed", SIZE)
        assert len(bytes_of(packets)) == failed.moved < SIZE


async def test_a_file_that_can_not_be_read_any_more_ends_early(large: Path, monkeypatch: pytest.MonkeyPatch):
    def fail(*_: object) -> int:
        raise OSError(errno.EIO, "the disk is broken")

    async with open_pair() as (call, peer):
        await call.offer(large)
        await stalled(call)
        monkeypatch.setattr(os, "preadv", fail)  # disks do not fail when asked to
        packets = await peer.read_up_to(wire.FILE_END)
        failed = await call.wait_transfer("failed")
        assert (failed.cause, failed.detail) == ("source-gone", os.strerror(errno.EIO))
        assert len(bytes_of(packets)) == failed.moved < SIZE


async def test_hanging_up_ends_it_early(large: Path):
    async with open_pair() as (call, peer):
        await call.offer(large)
        await stalled(call)
        await call.say("bye")
        await call.commands.send(Hang())
        packets = await peer.read_up_to(wire.FILE_END)
        assert [packet.payload for packet in packets if packet.type == wire.TEXT] == [b"bye"]
        assert await peer.read() is None
        assert await call.wait_ended() is None
        assert (await call.wait_transfer("failed")).cause == "call-over"


async def test_a_peer_that_reads_nothing_does_not_keep_who_hangs_up(large: Path):
    async with open_pair() as (call, _):
        await call.offer(large)
        await stalled(call)
        await call.commands.send(Hang())
        assert await call.wait_ended() is None
        assert (await call.wait_transfer("failed")).cause == "call-over"


async def test_a_connection_that_is_lost_fails_it(large: Path):
    async with open_pair() as (call, peer):
        await call.offer(large)
        await stalled(call)
        await peer.stream.aclose()
        assert await call.wait_ended() == ("cut", "")
        assert (await call.wait_transfer("failed")).cause == "call-over"


@pytest.mark.parametrize("command", [AnswerOffer(1, accept=True), PutFirst(1), ListOffer(1)])
async def test_there_is_nothing_to_answer_here(command: AnswerOffer | PutFirst | ListOffer):
    async with open_pair() as (call, _):
        await call.ask(command)
        await eventually(lambda: CommandRefused(cause="phase", detail="plain", transfer=1) in call.events)


async def test_two_of_ours_both_ways_at_once(large: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("XDG_DOWNLOAD_DIR", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    with open_server() as server:
        async with open_call(server.address) as one, open_call(server.address) as two:
            await eventually(lambda: server.seated() == 2)
            for call in (one, two):
                await call.offer(large)
            for call in (one, two):
                landed = await call.wait_transfer("done", 2)
                assert Path(landed.path).read_bytes() == large.read_bytes()
                assert (await call.wait_transfer("done", 1)).mine
