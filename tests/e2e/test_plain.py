"""The plain protocol of the original: through our relay's lobby, and through a server like the original's."""

import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from actors.messages import (
    CancelTransfer,
    CodeMade,
    Ended,
    EnterCode,
    LinkChanged,
    MakeCode,
    MediaSkipped,
    OfferFiles,
    OfferRefused,
    OpenPlain,
    SessionOpened,
    Transfer,
    TransferChanged,
    TransferProgressed,
)
from relay.wire import format_address
from tests.actors.original import open_client, open_server
from tests.e2e.programs import Engine, Relay, Terminal, wait_until

TEXTS = ["hello", "안녕하세요", "two\nlines", "x" * 65536]


def test_two_of_ours_through_our_lobby(
    start_relay: Callable[..., Relay], start_engine: Callable[[str], Engine]
) -> None:
    relay = start_relay("--plain")
    pair = start_engine("Mina"), start_engine("Jun")
    for engine in pair:
        engine.tell(OpenPlain(relay.address))
        engine.wait_event(LinkChanged, lambda event: event.link in ("joined", "alone"))
    heard_together(pair)
    for here, there in (pair, pair[::-1]):
        here.say(*TEXTS)
        wait_until(lambda there=there: there.heard[-len(TEXTS) :] == TEXTS, lambda there=there: there.heard)


def heard_together(pair: tuple[Engine, Engine]) -> None:
    """Until the second is in the lobby (it is silent there at first), what the first says is dropped."""
    for here, there in (pair, pair[::-1]):
        tries = iter(range(10_000))

        def heard(here: Engine = here, there: Engine = there, tries: Iterator[int] = tries) -> bool:
            if not there.heard:
                here.say(f"can you hear me? {next(tries)}")
            return bool(there.heard)

        wait_until(heard)


def test_a_lobby_and_sealed_calls_share_a_relay(
    start_relay: Callable[..., Relay], start_engine: Callable[[str], Engine]
) -> None:
    relay = start_relay("--plain")
    maker, joiner = start_engine("Mina"), start_engine("Jun")
    maker.tell(MakeCode(relay.address))
    joiner.tell(EnterCode(relay.address, maker.wait_event(CodeMade).code))
    assert joiner.wait_event(SessionOpened).verification == maker.wait_event(SessionOpened).verification


def test_ours_and_an_original_client_through_the_original_server(start_engine: Callable[[str], Engine]) -> None:
    with open_server() as server, open_client(server.address) as original:
        engine = start_engine("Mina")
        engine.tell(OpenPlain(format_address(*server.address)))
        wait_until(lambda: server.seated() == 2)
        engine.say("from ours", "둘째 줄")
        wait_until(lambda: original.texts == ["from ours", "둘째 줄"], lambda: original.texts)
        original.send(b"VID0", b"\xff\xd8" + bytes(100_000))  # no picture, and no harm
        original.send(b"VH26", bytes(640))
        original.say("from the original")
        assert engine.wait_heard(1) == ["from the original"]
        engine.wait_event(MediaSkipped, lambda event: event.counts == {"VH26": 1})
        late = start_engine("Jun")
        late.tell(OpenPlain(format_address(*server.address)))
        assert late.wait_event(Ended).cause == "plain-full"
        assert late.wait_exit() == 0


@pytest.fixture
def start_in(
    start_engine: Callable[[str], Engine], monkeypatch: pytest.MonkeyPatch
) -> Callable[[str, Path, str], Engine]:
    """Start an engine of that name, in a plain call at that address, whose files come into that folder."""

    def start(name: str, folder: Path, address: str) -> Engine:
        folder.mkdir()
        monkeypatch.setenv("HOME", str(folder))
        (folder / "Downloads").mkdir()
        monkeypatch.setenv("XDG_DOWNLOAD_DIR", str(folder / "Downloads"))
        engine = start_engine(name)
        engine.tell(OpenPlain(address))
        engine.wait_event(LinkChanged)
        return engine

    return start


def wait_transfer(engine: Engine, state: str, number: int) -> Transfer:
    where = lambda event: (event.transfer.state, event.transfer.id) == (state, number)  # noqa: E731
    return engine.wait_event(TransferChanged, where).transfer


def digest(path: str | Path) -> bytes:
    return hashlib.sha256(Path(path).read_bytes()).digest()


def test_files_of_two_of_ours_through_our_lobby(
    start_relay: Callable[..., Relay], start_in: Callable[[str, Path, str], Engine], tmp_path: Path
) -> None:
    relay = start_relay("--plain")
    pair = start_in("Mina", tmp_path / "mina", relay.address), start_in("Jun", tmp_path / "jun", relay.address)
    heard_together(pair)
    file = tmp_path / "사진.bin"
    file.write_bytes(os.urandom(20_000_000))
    for engine in pair:  # both ways at once
        engine.tell(OfferFiles("one", (str(file),)))
    for name, engine in zip(("mina", "jun"), pair, strict=True):
        landed = wait_transfer(engine, "done", 2)
        assert landed.path == str(tmp_path / name / "Downloads" / "사진.bin")
        assert digest(landed.path) == digest(file)
        assert wait_transfer(engine, "done", 1).request == "one"

    here, there = pair
    large = tmp_path / "large.bin"
    large.touch()
    os.truncate(large, 2**30)
    here.tell(OfferFiles("two", (str(large),)))
    here.tell(OfferFiles("three", (str(file),)))
    assert here.wait_event(OfferRefused).cause == "busy"
    there.wait_event(TransferProgressed, lambda event: event.id == 4 and event.moved)
    here.tell(CancelTransfer(3))
    assert wait_transfer(here, "cancelled", 3).detail == "here"
    failed = wait_transfer(there, "failed", 4)
    assert failed.cause == "out-of-step"
    assert 0 < failed.moved < 2**30
    here.say("that was too large")
    wait_until(lambda: "that was too large" in there.heard)


def test_files_of_ours_and_of_an_original_client_through_the_original_server(
    start_in: Callable[[str, Path, str], Engine], tmp_path: Path
) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    file = tmp_path / "report.pdf"
    file.write_bytes(os.urandom(5_000_000))
    with open_server() as server, open_client(server.address, theirs) as original:
        engine = start_in("Mina", tmp_path / "mina", format_address(*server.address))
        wait_until(lambda: server.seated() == 2)
        engine.tell(OfferFiles("one", (str(file),)))
        wait_transfer(engine, "done", 1)
        wait_until(lambda: original.files == ["recv_report.pdf"], lambda: original.files)
        assert digest(theirs / "recv_report.pdf") == digest(file)

        image = b"\xff\xd8\xff" + os.urandom(1_000_000)
        original.send_file("../photo.jpg", image, image=True, codec=None, psnr=float("inf"), ssim=1.0)
        assert Path(wait_transfer(engine, "done", 2).path).name == "_._photo.jpg"
        wait_transfer(engine, "done", 4)
        downloads = tmp_path / "mina" / "Downloads"
        assert {path.name: path.read_bytes() for path in downloads.iterdir()} == {
            "_._photo.jpg": image,
            "image.jpg": image,
        }
        original.say("did it come?")
        assert engine.wait_heard(1) == ["did it come?"]


@pytest.mark.device
def test_the_screen_says_that_nothing_is_encrypted(open_terminal: Callable[..., Terminal]) -> None:
    with open_server() as server, open_client(server.address) as original:
        terminal = open_terminal(60, 20, "--plain", format_address(*server.address))
        terminal.wait_for("NOT ENCRYPTED")
        wait_until(lambda: server.seated() == 2)
        terminal.say("안녕")
        wait_until(lambda: original.texts == ["안녕"], lambda: original.texts)
        original.say("hello")
        terminal.wait_for("hello")
        original.send(b"VID0", b"\xff\xd8 a frame")
        terminal.wait_for("video")
        terminal.say("/verify")
        terminal.wait_for("nothing to verify")
        terminal.say("/quit")
        assert terminal.wait_exit() == 0
