"""`visavis demo`: the same parts as between two people, and nothing left of it."""

import os
import re
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.programs import CODE, MARK, Terminal, marked_processes, marked_programs, wait_until
from tests.test_cli import visavis

FILES = ("offered", "taken", "sent back")


def test_once_plays_the_exchange_and_says_what_happened() -> None:
    done = visavis("demo", "--once")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    said = [line.split("  ", 1)[0] for line in done.stdout.splitlines()]
    talk = ["peer", "you", "delivered", "peer", "round trip"]
    assert said == ["relay", "code", "paired", *talk, "picture", *FILES, "heard", "hung up"]
    assert re.search(rf"^code +{CODE.pattern}$", done.stdout, re.MULTILINE)
    assert re.search(r"both sides see: ([a-z-]+ ?){6}$", done.stdout, re.MULTILINE)


def test_a_part_that_fails_is_a_sentence(tmp_path: Path) -> None:
    """Here: no engine can be met, since the path of its socket would be too long."""
    deep = tmp_path / ("x" * 90)
    deep.mkdir()
    done = visavis("demo", "--once", env={**os.environ, "TMPDIR": str(deep)})
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "doctor" in done.stderr


@pytest.mark.device
def test_with_the_screen(open_terminal: Callable[..., Terminal], tmp_path: Path) -> None:
    downloads = Path(os.environ["XDG_DOWNLOAD_DIR"])
    terminal = open_terminal(100, 30, "demo")
    terminal.wait_for("Demo", "sealed", "Demo shows the test card", "640 x 360")
    terminal.say("안녕")
    terminal.wait_for("2 characters", "6 bytes")
    terminal.say("help")
    terminal.wait_for("I answer what you write")
    terminal.say("/verify")
    shown = " ".join(terminal.wait_for("Ask the other side").split())
    words = re.search(r"((?:[a-z-]+ ){5}[a-z-]+) Ask the other side", shown)
    assert words is not None
    terminal.say("words")
    terminal.wait_for(f"I see these six words: {words[1]}.")
    file = tmp_path / "한글 이름.txt"
    file.write_text("for the peer")
    terminal.say(f"/send '{file}'")
    terminal.wait_for("한글 이름.txt is here: 1 file, whole.", "receipt 1.txt")
    terminal.say("/accept")
    terminal.wait_for(str(downloads / "receipt 1.txt"))
    assert "12 B" in (downloads / "receipt 1.txt").read_text()
    terminal.say("/detach")
    terminal.wait_for("A demo ends with its screen")
    terminal.press("C-q")
    assert terminal.wait_exit() == 0


def parts() -> int:
    """How many processes of the demo run: itself, its relay, the peer's engine, the screen and its engine."""
    return len(marked_programs(os.environ[MARK]))


@pytest.mark.device
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_ends_everything(how: signal.Signals, open_terminal: Callable[..., Terminal]) -> None:
    terminal = open_terminal(100, 30, "demo")
    terminal.wait_for("Write anything,")
    os.kill(terminal.process, how)
    wait_until(lambda: parts() == 0, lambda: marked_processes(os.environ[MARK]))


@pytest.mark.device
def test_a_lost_terminal_ends_everything(open_terminal: Callable[..., Terminal]) -> None:
    terminal = open_terminal(100, 30, "demo")
    terminal.wait_for("Write anything,")
    assert parts() == 5
    terminal.cut()
    wait_until(lambda: parts() == 0, lambda: marked_processes(os.environ[MARK]))
