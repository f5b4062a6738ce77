"""Files in the real screen: offered, taken, picked, dragged in, ended; with `visavis send` and `receive` at the other
end, and in a real terminal."""

import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.commands import Commands, Program
from tests.e2e.programs import CODE, VISAVIS, Relay, Terminal, wait_until
from tests.e2e.transfers import MIB, described, make_tree, sparse

pytestmark = pytest.mark.device

SMALL, LARGE = (60, 20), (120, 40)
BIG = 3000 * MIB  # of zeros: takes seconds, costs little


@pytest.fixture
def downloads() -> Path:
    """Where the screen puts what it takes."""
    return Path(os.environ["XDG_DOWNLOAD_DIR"])


@pytest.fixture
def call(
    relay: Relay, open_terminal: Callable[..., Terminal], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Terminal]:
    """Open a call screen of Jun: CODE joins, without one it makes one."""
    monkeypatch.setenv("VISAVIS_NAME", "Jun")
    return lambda size, *code: open_terminal(*size, "call", "--relay", relay.address, *code)


def joined(
    commands: Commands, call: Callable[..., Terminal], size: tuple[int, int], *paths: Path
) -> tuple[Terminal, Program]:
    """A screen that joined `visavis send PATHS`."""
    sender, code = commands.send(*paths)
    terminal = call(size, code)
    terminal.wait_for("Mina · sealed · here")
    return terminal, sender


def receiving(
    commands: Commands, call: Callable[..., Terminal], size: tuple[int, int], inbox: Path
) -> tuple[Terminal, Program]:
    """A screen whose call `visavis receive` joined."""
    terminal = call(size)
    code = wait_until(lambda: CODE.search(terminal.shown), lambda: f"\n{terminal.shown}")[0]
    receiver = commands.receive(code, "--to", inbox)
    terminal.wait_for("sealed · here")
    return terminal, receiver


def paste(terminal: Terminal, text: str) -> None:
    """Paste as a terminal does, in brackets: so a dragged file comes too."""
    terminal._tmux("set-buffer", text)
    terminal._tmux("paste-buffer", "-p")


def percents(terminal: Terminal) -> list[int]:
    """The shares that stand beside a bar."""
    return [int(found) for found in re.findall(r"[━╸─]{5,}\s+(\d+) %", terminal.shown)]


# --- taking -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [SMALL, LARGE])
def test_an_offer_is_seen_and_taken(
    commands: Commands, call: Callable[..., Terminal], tmp_path: Path, downloads: Path, size: tuple[int, int]
) -> None:
    tree = make_tree(tmp_path / "notes", 30)
    terminal, sender = joined(commands, call, size, tree)
    terminal.wait_for("Mina offers notes/ (34 files", "/accept 1")  # a row each: beside is a column
    terminal.say("one moment, 잠깐만")
    sender.wait_said("Jun: one moment, 잠깐만")
    terminal.say("/accept")
    assert sender.wait_exit() == 0
    terminal.wait_for("notes/ is here (34 files")
    assert described(downloads / "notes") == described(tree)
    assert "notes/: 34 files, 5.3 MB sent." in sender.said
    terminal.wait_for("The other side hung up")


def test_a_part_goes_where_it_is_told(commands: Commands, call: Callable[..., Terminal], tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    for name in ("강의.pdf", "plan.pdf", "film.mp4"):
        (tmp_path / name).write_text(name)
    terminal, sender = joined(
        commands, call, LARGE, *(tmp_path / name for name in ("강의.pdf", "plan.pdf", "film.mp4"))
    )
    terminal.wait_for("Mina offers", "3 files")
    terminal.say(f"/accept *.pdf --to {tmp_path / 'elsewhere'}")
    assert sender.wait_exit() == 0
    assert sorted(path.name for path in (tmp_path / "elsewhere").iterdir()) == ["plan.pdf", "강의.pdf"]


def test_an_offer_is_refused(
    commands: Commands, call: Callable[..., Terminal], tmp_path: Path, downloads: Path
) -> None:
    (tmp_path / "notes.txt").touch()
    terminal, sender = joined(commands, call, SMALL, tmp_path / "notes.txt")
    terminal.wait_for("/accept 1")
    terminal.say("/refuse")
    assert sender.wait_exit() == 1
    terminal.wait_for("You refused notes.txt.")
    assert "visavis: notes.txt: It was refused." in sender.said
    assert list(downloads.iterdir()) == []


@pytest.mark.parametrize("size", [SMALL, LARGE])
def test_bars_move_and_a_transfer_can_be_ended(
    commands: Commands, call: Callable[..., Terminal], tmp_path: Path, downloads: Path, size: tuple[int, int]
) -> None:
    terminal, sender = joined(commands, call, size, sparse(tmp_path / "film.mp4", BIG))
    terminal.wait_for("/accept 1")
    terminal.say("/accept 1")
    wait_until(lambda: any(0 < share < 100 for share in percents(terminal)), lambda: f"\n{terminal.shown}")
    terminal.say("/cancel")
    assert sender.wait_exit() == 1
    terminal.wait_for("You cancelled film.mp4.", "What came in part is kept:")
    assert "visavis: film.mp4: It was cancelled." in sender.said
    (kept,) = downloads.iterdir()
    assert 0 < kept.stat().st_size < BIG
    kept.unlink()


def test_the_list_by_keyboard_alone(
    commands: Commands, call: Callable[..., Terminal], tmp_path: Path, downloads: Path
) -> None:
    tree = tmp_path / "notes"
    tree.mkdir()
    for name in ("a.txt", "b.txt", "c.txt"):
        (tree / name).write_text(name)
    terminal, sender = joined(commands, call, SMALL, tree)
    terminal.wait_for("/accept 1")
    terminal.press("F9")
    terminal.wait_for("a.txt", "b.txt", "c.txt", "mark")
    terminal.press("Down", "Down", "Space")
    terminal.wait_for("1 marked")
    terminal.press("a")
    assert sender.wait_exit() == 0
    assert [path.name for path in (downloads / "notes").iterdir()] == ["b.txt"]


# --- offering -----------------------------------------------------------------------------------------------------


def test_a_typed_path_is_offered(commands: Commands, call: Callable[..., Terminal], tmp_path: Path) -> None:
    (tmp_path / "inbox").mkdir()
    tree = make_tree(tmp_path / "강의 노트", 20)
    terminal, receiver = receiving(commands, call, LARGE, tmp_path / "inbox")
    terminal.say("/send /nowhere/at all")
    terminal.wait_for("is not there, so nothing was offered")
    clear(terminal)
    terminal.say(f"/send '{tree}'")
    assert receiver.wait_exit() == 0
    assert described(tmp_path / "inbox" / "강의 노트") == described(tree)
    terminal.wait_for("has 강의 노트/ (24 files")


def clear(terminal: Terminal) -> None:
    """Take away what stands in the line to write in."""
    terminal.press("C-e", "C-u")


@pytest.mark.parametrize("quote", ["'{}'", "file://{}"])
def test_a_dragged_file_is_offered_by_enter(
    commands: Commands, call: Callable[..., Terminal], tmp_path: Path, quote: str
) -> None:
    (tmp_path / "inbox").mkdir()
    (tmp_path / "one word.txt").write_text("dragged")
    terminal, receiver = receiving(commands, call, SMALL, tmp_path / "inbox")
    path = str(tmp_path / "one word.txt")
    paste(terminal, quote.format(path.replace(" ", "%20") if quote.startswith("file") else path))
    terminal.wait_for("Enter offers this.")
    terminal.press("Enter")
    assert receiver.wait_exit() == 0
    assert (tmp_path / "inbox" / "one word.txt").read_text() == "dragged"


def test_files_are_picked_by_keyboard_alone(
    relay: Relay,
    commands: Commands,
    open_shell: Callable[..., Terminal],
    tmp_path: Path,
) -> None:
    inbox, home = tmp_path / "inbox", tmp_path / "home"
    inbox.mkdir()
    (home / "course").mkdir(parents=True)
    for name in ("course/a.txt", "course/b.txt", "course/c.txt", "z.txt"):
        (home / name).write_text(name)
    visavis = 'cd "$1"; shift; exec "$@"'
    terminal = open_shell(*SMALL, "sh", "-c", visavis, "sh", str(home), *VISAVIS, "call", "--relay", relay.address)
    code = wait_until(lambda: CODE.search(terminal.shown), lambda: f"\n{terminal.shown}")[0]
    receiver = commands.receive(code, "--to", inbox)
    terminal.wait_for("sealed · here")
    terminal.press("F4")
    terminal.wait_for("Offer files and folders", "course/", "z.txt")
    terminal.press("Down", "Enter")
    terminal.wait_for("a.txt", "b.txt", "c.txt")
    terminal.press("Home", "Down", "Space", "Space")
    terminal.wait_for("2 marked: b.txt, a.txt")
    terminal.press("o")
    assert receiver.wait_exit() == 0
    assert sorted(path.name for path in inbox.iterdir()) == ["a.txt", "b.txt"]


# --- asking in a terminal -----------------------------------------------------------------------------------------


def test_receive_asks_in_its_terminal(
    relay: Relay, commands: Commands, open_terminal: Callable[..., Terminal], tmp_path: Path
) -> None:
    tree = tmp_path / "notes"
    tree.mkdir()
    (tmp_path / "inbox").mkdir()
    for number in range(15):
        (tree / f"{number:02}.txt").write_text("words")
    sender, code = commands.send(tree)
    terminal = open_terminal(*LARGE, "receive", "--relay", relay.address, "--to", str(tmp_path / "inbox"))
    terminal.wait_for("Code:")
    terminal.say(code)
    terminal.wait_for("Mina offers 15 files", "and 6 more", "Take it? [y]es, [n]o, [l]ist")
    terminal.type("l")
    terminal.press("Enter")
    terminal.wait_for("notes/14.txt", "5 B")
    terminal.type("notes/0[1-3].txt")
    terminal.press("Enter")
    assert terminal.wait_exit() == 0
    assert sender.wait_exit() == 0
    terminal.wait_for("notes/01.txt and 2 more: 3 files, 15 B received.", str(tmp_path / "inbox" / "notes"))
    assert sorted(path.name for path in (tmp_path / "inbox" / "notes").iterdir()) == ["01.txt", "02.txt", "03.txt"]


def test_a_bar_of_send_and_ctrl_c(
    relay: Relay,
    commands: Commands,
    open_shell: Callable[..., Terminal],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "inbox").mkdir()
    monkeypatch.setenv("VISAVIS_RELAY", relay.address)
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=":")
    sparse(tmp_path / "film.mp4", BIG)
    terminal = open_shell(*LARGE)
    terminal.say(f"cd {tmp_path}")
    terminal.say("visavis send film.mp4")
    code = wait_until(lambda: CODE.search(terminal.shown), lambda: f"\n{terminal.shown}")[0]
    receiver = commands.receive(code, "--to", tmp_path / "inbox")
    wait_until(lambda: any(0 < share < 100 for share in percents(terminal)), lambda: f"\n{terminal.shown}")
    terminal.press("C-c")
    terminal.wait_shell()
    terminal.say("echo status=$?")
    terminal.wait_for("Stopped.", "status=130")
    assert percents(terminal) == []
    assert receiver.wait_exit() == 1
    assert "visavis: film.mp4: It was cancelled." in receiver.said
    for kept in (tmp_path / "inbox").iterdir():
        kept.unlink()
