"""Files that come in a plain call: where they land, and what a sender can't do."""

import hashlib
import json
import os
from pathlib import Path

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from actors.files.names import clean_name
from actors.messages import CancelTransfer, CommandRefused, Hang, TransferProgressed
from actors.plain_files import image_name, parse_header
from relay import limits, wire
from tests.actors.original import open_client, open_server
from tests.actors.plain_call import Call, Peer, met, open_call, open_pair, open_place
from tests.support import eventually

pytestmark = pytest.mark.long


DATA = bytes(range(256)) * 1000


@pytest.fixture(autouse=True)
def downloads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "Downloads"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DOWNLOAD_DIR", str(folder))
    return folder


def parts(folder: Path) -> list[bytes]:
    """What is kept there of files that did not come whole."""
    return [path.read_bytes() for path in folder.glob(".*.visavis-part")]


# --- what is read from them: pure --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"not json",
        b"[" * 60_000,
        b"[]",
        b'"text"',
        b"\xff\xfe",
        b'{"filesize": 1}',
        b'{"filename": 1, "filesize": 1}',
        b'{"filename": null, "filesize": 1}',
        b'{"filename": ["a"], "filesize": 1}',
        b'{"filename": "a"}',
        b'{"filename": "a", "filesize": -1}',
        b'{"filename": "a", "filesize": 1.0}',
        b'{"filename": "a", "filesize": 1e400}',
        b'{"filename": "a", "filesize": NaN}',
        b'{"filename": "a", "filesize": true}',
        b'{"filename": "a", "filesize": "1"}',
        b'{"filename": "a", "filesize": null}',
        b'{"filename": "a", "filesize": 4611686018427387904}',
        b'{"filename": "a", "filesize": ' + b"9" * 5000 + b"}",
    ],
)
def test_a_header_that_tells_no_name_or_size(payload: bytes):
    assert parse_header(payload) is None


@pytest.mark.parametrize("more", ["null", '"h263"', "[1]", "Infinity", '{"a": "b"}', "-1"])
def test_what_else_is_in_a_header_does_not_matter(more: str):
    payload = f'{{"filename": "a", "filesize": 9, "codec": {more}, "psnr": {more}, "ssim": {more}}}'
    assert parse_header(payload.encode()) == ("a", 9)


def test_sizes_at_their_ends():
    assert parse_header(b'{"filename": "", "filesize": 0}') == ("", 0)
    assert parse_header(json.dumps({"filename": "a", "filesize": 2**62 - 1}).encode()) == ("a", 2**62 - 1)


@given(st.binary(max_size=200))
def test_random_bytes_are_a_header_or_none(payload: bytes):
    parse_header(payload)


IMAGES = {
    b"\xff\xd8\xff\xe0....JFIF": "image.jpg",
    b"\x89PNG\r\n\x1a\n....": "image.png",
    b"GIF89a......": "image.gif",
    b"BM..........": "image.bmp",
    b"RIFF....WEBPVP8 ": "image.webp",
    b"RIFF....WAVE": "image.bin",
    b"\x89PNG": "image.bin",
    b"": "image.bin",
}


@pytest.mark.parametrize("head", IMAGES)
def test_an_image_is_called_by_its_kind(head: bytes):
    assert image_name(head) == IMAGES[head]


# --- from an original client -------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", ["original", "lobby"])
async def test_a_file_of_an_original_client(place: str, downloads: Path):
    data = os.urandom(3 * limits.MIB + 5)
    async with open_place(place) as address, open_call(address) as call:
        await eventually(call.joined)
        with open_client(address) as client:
            await eventually(lambda: met(call, client))
            await trio.to_thread.run_sync(client.send_file, "보고서.pdf", data)
            client.say("got it?")
            done = await call.wait_transfer("done")
            assert (done.id, done.mine, done.name, done.size) == (2, False, "보고서.pdf", len(data))
            assert (done.moved, done.moved_files, done.folder) == (len(data), 1, str(downloads))
            assert done.path == str(downloads / "보고서.pdf")
            assert hashlib.sha256(Path(done.path).read_bytes()).digest() == hashlib.sha256(data).digest()
            assert os.listdir(downloads) == ["보고서.pdf"]
            assert [transfer.state for transfer in call.transfers()] == ["moving", "done"]
            await eventually(lambda: "got it?" in call.heard())
            assert call.skipped() == []


async def test_an_image_comes_as_a_file_and_once_more_as_an_image(downloads: Path):
    image = b"\xff\xd8\xff" + os.urandom(100_000)
    with open_server() as server:
        async with open_call(server.address) as call:
            await eventually(lambda: server.seated() == 1)
            with open_client(server.address) as client:
                await eventually(lambda: server.seated() == 2)
                client.send_file("photo.jpg", image, image=True)
                client.send(b"IMG0", image)
                await call.wait_transfer("done", 6)
    assert {path.name: path.read_bytes() for path in downloads.iterdir()} == {
        "photo.jpg": image,
        "image.jpg": image,
        "image (1).jpg": image,
    }


# --- by hand -----------------------------------------------------------------------------------------------------


async def whole_after(call: Call, peer: Peer, downloads: Path) -> None:
    """Whatever was before: chat goes on, and the next file comes whole."""
    await peer.send(wire.TEXT, b"still there?")
    await eventually(lambda: "still there?" in call.heard())
    await peer.send_file("after.bin", DATA)
    await eventually(lambda: any(t.state == "done" and t.name == "after.bin" for t in call.transfers()))
    assert (downloads / "after.bin").read_bytes() == DATA


async def test_nothing_that_is_there_is_written_over(downloads: Path):
    (downloads / "a.txt").write_bytes(b"mine")
    (downloads / "a (1).txt").symlink_to("/nowhere")
    async with open_pair() as (call, peer):
        await peer.send_file("a.txt", b"theirs")
        done = await call.wait_transfer("done")
        assert done.path == str(downloads / "a (2).txt")
        assert (downloads / "a.txt").read_bytes() == b"mine"
        assert (downloads / "a (2).txt").read_bytes() == b"theirs"


@pytest.mark.parametrize(
    "name",
    [
        "../../x",
        "/etc/passwd",
        "..",
        ".",
        "",
        ".bashrc",
        "-rf",
        "a\0b",
        "a\nb",
        "\x1b[2J\x1b]0;title\x07.txt",
        "\u202egnp.exe",
        "\ud800.txt",
        "x" * 10_000,
        "한" * 10_000 + ".pdf",
        "..\\..\\x",
        ".x.1234.visavis-part",
    ],
)
async def test_a_name_is_made_safe(name: str, downloads: Path, tmp_path: Path):
    async with open_pair() as (call, peer):
        await peer.send_file(name, b"data")
        done = await call.wait_transfer("done")
        assert done.name == clean_name(name, top=True)
        assert [path.name for path in downloads.iterdir()] == [done.name]
        assert [path.name for path in tmp_path.iterdir()] == ["Downloads"]
        await whole_after(call, peer, downloads)


@pytest.mark.parametrize("payload", [b"", b"{}", b'{"filename": "a", "filesize": -1}', b"x" * limits.FILE_HEADER_BYTES])
async def test_a_header_that_can_not_be_read_fails_that_file(payload: bytes, downloads: Path):
    async with open_pair() as (call, peer):
        await peer.send(wire.FILE_HEADER, payload)
        await peer.send(wire.FILE_CHUNK, DATA)
        await peer.send(wire.FILE_END)
        failed = await call.wait_transfer("failed")
        assert (failed.id, failed.cause) == (2, "protocol")
        assert os.listdir(downloads) == []
        await whole_after(call, peer, downloads)
        assert call.skipped() == []


@pytest.mark.parametrize("data", [b"", b"1", DATA])
async def test_any_size_in_any_chunks(data: bytes, downloads: Path):
    async with open_pair() as (call, peer):
        await peer.send_header("a", len(data))
        for start in range(0, len(data), 7777):
            await peer.send(wire.FILE_CHUNK)
            await peer.send(wire.VIDEO, b"a frame")
            await peer.send(wire.FILE_CHUNK, data[start : start + 7777])
        await peer.send(wire.FILE_END)
        await call.wait_transfer("done")
        assert (downloads / "a").read_bytes() == data


async def test_more_than_was_said_fails_it(downloads: Path):
    async with open_pair() as (call, peer):
        await peer.send_header("a", 5)
        await peer.send(wire.FILE_CHUNK, b"12345")
        await eventually(lambda: parts(downloads) == [b"12345"])
        await peer.send(wire.FILE_CHUNK, b"6")
        failed = await call.wait_transfer("failed")
        assert (failed.cause, failed.moved) == ("list-differs", 5)
        assert Path(failed.partial).read_bytes() == b"12345"
        await peer.send(wire.FILE_CHUNK, DATA)
        await peer.send(wire.FILE_END)
        await whole_after(call, peer, downloads)
        assert parts(downloads) == [b"12345"]


async def test_an_end_before_its_last_byte_fails_it(downloads: Path):
    async with open_pair() as (call, peer):
        await peer.send_header("a", 5)
        await peer.send(wire.FILE_CHUNK, b"1234")
        await peer.send(wire.FILE_END)
        failed = await call.wait_transfer("failed")
        assert failed.cause == "out-of-step"
        assert Path(failed.partial).read_bytes() == b"1234"
        assert not (downloads / "a").exists()
        await whole_after(call, peer, downloads)


async def test_a_header_before_the_end_of_another_fails_the_first(downloads: Path):
    async with open_pair() as (call, peer):
        await peer.send_header("a", 5)
        await peer.send(wire.FILE_CHUNK, b"1234")
        await peer.send_file("b", b"56789")
        assert (await call.wait_transfer("failed")).cause == "out-of-step"
        assert (await call.wait_transfer("done")).name == "b"
        assert (downloads / "b").read_bytes() == b"56789"
        assert parts(downloads) == [b"1234"]


async def test_what_belongs_to_no_file_is_counted(downloads: Path):
    async with open_pair() as (call, peer):
        await peer.send(wire.FILE_CHUNK, DATA)
        await peer.send(wire.FILE_CHUNK, b"")
        await peer.send(wire.FILE_END)
        await eventually(lambda: call.skipped()[-1:] == [{"FCH0": 2, "FEND": 1}])
        assert call.transfers() == []
        await whole_after(call, peer, downloads)


async def test_a_disk_is_never_filled_to_its_end(downloads: Path, monkeypatch: pytest.MonkeyPatch):
    async with open_pair() as (call, peer):
        await peer.send_header("huge", 2**61)
        await peer.send(wire.FILE_CHUNK, DATA)
        await peer.send(wire.FILE_END)
        assert (await call.wait_transfer("failed")).cause == "no-space"
        found = os.statvfs(downloads)
        monkeypatch.setattr(limits, "PLAIN_RESERVE_BYTES", found.f_bavail * found.f_frsize * 2)
        await peer.send_file("small", b"1")
        await peer.send(wire.IMAGE, b"GIF8")
        failed = await call.wait_transfer("failed", 6)
        assert (failed.cause, failed.name) == ("no-space", "image")
        assert [t.cause for t in call.transfers()] == ["no-space"] * 3
        assert os.listdir(downloads) == []
        monkeypatch.undo()
        monkeypatch.setenv("XDG_DOWNLOAD_DIR", str(downloads))
        await whole_after(call, peer, downloads)


async def test_a_connection_that_is_lost_keeps_what_came(downloads: Path):
    async with open_pair() as (call, peer):
        await peer.send_header("a", 50)
        await peer.send(wire.FILE_CHUNK, b"1234")
        await peer.stream.send_all(wire.HEADER.pack(wire.IMAGE, 40) + b"GIF8")
        await eventually(lambda: sorted(parts(downloads)) == [b"1234", b"GIF8"])
        await peer.stream.aclose()
        assert await call.wait_ended() == ("cut", "")
        for number in (2, 4):
            failed = await call.wait_transfer("failed", number)
            assert (failed.cause, Path(failed.partial).parent) == ("call-over", downloads)


async def test_hanging_up_keeps_what_came(downloads: Path):
    async with open_pair() as (call, peer):
        await peer.send_header("a", 50)
        await peer.send(wire.FILE_CHUNK, b"1234")
        await eventually(lambda: parts(downloads) == [b"1234"])
        await call.commands.send(Hang())
        assert await call.wait_ended() is None
        assert (await call.wait_transfer("failed")).cause == "call-over"


@pytest.mark.parametrize("head", IMAGES)
async def test_an_image_beside_a_file(head: bytes, downloads: Path):
    image = head + (bytes(100_000) if len(head) > 4 else b"")
    async with open_pair() as (call, peer):
        await peer.send_header("a", 8)
        await peer.send(wire.FILE_CHUNK, b"1234")
        for byte in wire.encode(wire.IMAGE, image)[:40]:
            await peer.stream.send_all(bytes([byte]))
        await peer.stream.send_all(wire.encode(wire.IMAGE, image)[40:])
        await peer.send(wire.FILE_CHUNK, b"5678")
        await peer.send(wire.FILE_END)
        done = await call.wait_transfer("done", 4)
        assert (done.name, done.path) == (IMAGES[head], str(downloads / IMAGES[head]))
        assert Path(done.path).read_bytes() == image
        assert (await call.wait_transfer("done", 2)).name == "a"
        assert (downloads / "a").read_bytes() == b"12345678"


async def test_what_is_cancelled_here_is_kept_in_part_and_the_rest_passed_over(downloads: Path):
    async with open_pair() as (call, peer):
        await peer.send_header("a", len(DATA) + 4)
        await peer.send(wire.FILE_CHUNK, b"1234")
        await eventually(lambda: parts(downloads) == [b"1234"])
        await eventually(lambda: any(isinstance(e, TransferProgressed) and e.moved == 4 for e in call.events))
        await call.ask(CancelTransfer(2))
        cancelled = await call.wait_transfer("cancelled")
        assert (cancelled.cause, cancelled.detail) == ("cancelled", "here")
        assert Path(cancelled.partial).read_bytes() == b"1234"
        await call.ask(CancelTransfer(2))
        refused = CommandRefused(cause="no-transfer", detail="2", transfer=2)
        await eventually(lambda: refused in call.events)
        await peer.send(wire.FILE_CHUNK, DATA)
        await peer.send(wire.FILE_END)
        await whole_after(call, peer, downloads)
        assert not (downloads / "a").exists()


async def test_a_file_that_stands_still_says_so(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(limits, "STALL_SECONDS", 0.1)
    async with open_pair() as (call, peer):
        await peer.send_header("a", 50)
        await eventually(lambda: any(isinstance(e, TransferProgressed) and e.stall == "link" for e in call.events))


async def test_ours_is_heard_while_a_file_comes(downloads: Path):
    async with open_pair() as (call, peer):
        await peer.send_header("a", 100 * len(DATA))
        async with trio.open_nursery() as nursery:

            async def send() -> None:
                for _ in range(100):
                    await peer.send(wire.FILE_CHUNK, DATA)

            nursery.start_soon(send)
            for n in range(10):
                await call.say(f"line {n}")
                packets = await peer.read_up_to(wire.TEXT)
                assert [packet.payload for packet in packets] == [f"line {n}".encode()]
        await peer.send(wire.FILE_END)
        await call.wait_transfer("done")
        assert (downloads / "a").read_bytes() == DATA * 100
