"""The installed program, run as processes over real sockets; nothing of it is left after a test."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from actors.messages import CodeMade, EnterCode, LinkChanged, MakeCode
from tests.e2e.commands import Commands
from tests.e2e.programs import MARK, VISAVIS, Engine, Relay, Terminal, nothing_left


@pytest.fixture(autouse=True)
def leaves_nothing(own_folders: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    mark = os.urandom(8).hex()
    monkeypatch.setenv(MARK, mark)
    with nothing_left(mark):
        yield


@pytest.fixture
def closing(leaves_nothing: None) -> Iterator[ExitStack]:
    """Ends what a test started, the last first."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def start_relay(closing: ExitStack) -> Callable[..., Relay]:
    """Start a relay with these further arguments."""

    def start(*arguments: str) -> Relay:
        relay = Relay(*arguments)
        closing.callback(relay.end)
        return relay

    return start


@pytest.fixture
def relay(start_relay: Callable[..., Relay]) -> Relay:
    return start_relay("--drain", "0")


@pytest.fixture
def start_engine(closing: ExitStack) -> Callable[[str], Engine]:
    """Start an engine whose person has this name."""

    def start(name: str) -> Engine:
        engine = Engine(name)
        closing.callback(engine.close)
        return engine

    return start


@pytest.fixture
def pair(relay: Relay, start_engine: Callable[[str], Engine]) -> tuple[Engine, Engine]:
    """Two engines in a call: the one who made the code, the one who entered it."""
    maker, joiner = start_engine("Mina"), start_engine("Jun")
    maker.tell(MakeCode(relay.address))
    joiner.tell(EnterCode(relay.address, maker.wait_event(CodeMade).code))
    for engine in (maker, joiner):
        engine.wait_event(LinkChanged, lambda event: event.link == "joined")
    return maker, joiner


@pytest.fixture
def commands(relay: Relay, closing: ExitStack) -> Commands:
    """Run `visavis send` and `visavis receive` through the relay."""
    return Commands(relay.address, closing)


@pytest.fixture
def inbox(tmp_path: Path) -> Iterator[Path]:
    """Where things are received; what is large does not stay."""
    folder = tmp_path / "inbox"
    folder.mkdir()
    yield folder
    shutil.rmtree(folder, ignore_errors=True)  # a test may have removed it


@pytest.fixture
def open_shell(closing: ExitStack, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Terminal]:
    """Open a terminal of COLUMNS x ROWS with a shell that finds `visavis`, or with the command given (tests that use
    it are marked `device`)."""
    if shutil.which("tmux") is None:
        missing = pytest.fail if os.environ.get("CI") else pytest.skip
        missing("tmux is not installed (Debian: apt install tmux)")
    folder = tmp_path_factory.mktemp("t")

    def open_one(columns: int, rows: int, *command: str) -> Terminal:
        terminal = Terminal(folder, columns, rows, *(command or ("sh",)))
        closing.callback(terminal.cut)
        return terminal

    return open_one


@pytest.fixture
def open_terminal(open_shell: Callable[..., Terminal]) -> Callable[..., Terminal]:
    """Run `visavis ARGUMENTS` in a terminal of COLUMNS x ROWS."""
    return lambda columns, rows, *arguments: open_shell(columns, rows, *VISAVIS, *arguments)
