"""Disks that take no more: a transfer fails alone, what came stays, and everyone is told why."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from actors.messages import CancelTransfer, CommandRefused, Transfer
from tests.e2e.commands import Commands, wait_both
from tests.e2e.programs import Engine
from tests.e2e.transfers import (
    MIB,
    accept,
    described,
    make_tree,
    offer,
    sparse,
    wait_moving,
    wait_over,
    wait_state,
    wait_transfer,
)

pytestmark = pytest.mark.device

Pair = tuple[Engine, Engine]
DISK = 4 * MIB


@pytest.fixture
def small_disk(mount: Callable[..., Path]) -> Path:
    """A disk of 4 MiB."""
    return mount(f"size={DISK}")


@pytest.fixture
def line(pair: Pair, tmp_path: Path) -> Iterator[Callable[[], None]]:
    """Something large moves, and what is taken after it waits in line, until this is called."""
    maker, joiner = pair
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    number = offer(maker, joiner, sparse(tmp_path / "large.bin", 3000 * MIB))
    accept(joiner, number, elsewhere)
    wait_moving(joiner, number)

    def let_go() -> None:
        maker.tell(CancelTransfer(number))
        wait_over(joiner, number)

    yield let_go
    shutil.rmtree(elsewhere)


def fails(pair: Pair, number: int, cause: str) -> Transfer:
    """See that both are told so, and that the call goes on; return what the receiver was told."""
    for engine in pair:
        over = wait_over(engine, number)
        assert (over.state, over.cause) == ("failed", cause)
    for here, there in (pair, pair[::-1]):
        heard = len(there.heard)
        here.say(f"{number} failed, {here.name} is here")
        there.wait_heard(heard + 1)
    return wait_over(pair[1], number)


def test_a_disk_that_fills_up_fails_this_transfer_alone(
    pair: Pair, line: Callable[[], None], small_disk: Path, tmp_path: Path
) -> None:
    """It had room when it was taken; others took that meanwhile."""
    maker, joiner = pair
    (tmp_path / "film.mp4").write_bytes(os.urandom(3 * MIB))
    number = offer(maker, joiner, tmp_path / "film.mp4")
    accept(joiner, number, small_disk)
    wait_state(joiner, number, "waiting")
    (small_disk / "of others").write_bytes(bytes(2 * MIB))
    line()
    fails(pair, number, "disk-full")
    kept = Path(wait_transfer(joiner, number, lambda transfer: transfer.partial).partial)
    assert [path.name for path in small_disk.glob(".*")] == [kept.name]
    assert (tmp_path / "film.mp4").read_bytes().startswith(kept.read_bytes())
    assert kept.stat().st_size > MIB

    (small_disk / "of others").unlink()
    kept.unlink()
    again = offer(maker, joiner, tmp_path / "film.mp4")
    accept(joiner, again, small_disk)
    assert wait_over(joiner, again).state == "done"
    assert (small_disk / "film.mp4").read_bytes() == (tmp_path / "film.mp4").read_bytes()


def test_a_folder_that_fills_the_disk_keeps_what_came_whole(
    pair: Pair, line: Callable[[], None], small_disk: Path, tmp_path: Path
) -> None:
    maker, joiner = pair
    tree = tmp_path / "notes"
    tree.mkdir()
    for number in range(30):
        (tree / f"{number:02}.txt").write_bytes(os.urandom(100_000))
    was = described(tree)
    number = offer(maker, joiner, tree)
    accept(joiner, number, small_disk)
    wait_state(joiner, number, "waiting")
    (small_disk / "of others").write_bytes(bytes(2 * MIB))
    line()
    fails(pair, number, "disk-full")
    came = described(small_disk / "notes")
    files = [name for name in came if name.endswith(".txt")]
    assert 10 < len(files) < 30
    assert {name: came[name] for name in files}.items() <= was.items()


def test_a_stream_of_unknown_size_fills_the_disk(commands: Commands, small_disk: Path, tmp_path: Path) -> None:
    with sparse(tmp_path / "zeros", 50 * MIB).open("rb") as source:
        sender, code = commands.send("-", stdin=source.fileno())
    receiver = commands.receive(code, "--to", small_disk)
    assert wait_both(sender, receiver) == (1, 1)
    for program in (sender, receiver):
        assert "The disk is full. Make room, and have it offered again." in program.said
    (kept,) = small_disk.glob(".*.visavis-part")
    assert f"What came in part is kept: {kept}" in receiver.said
    assert receiver.out == b""


def test_too_little_room_refuses_the_offer(commands: Commands, small_disk: Path, tmp_path: Path) -> None:
    sender, code = commands.send(sparse(tmp_path / "film.mp4", 50 * MIB))
    receiver = commands.receive(code, "--to", small_disk)
    assert wait_both(sender, receiver) == (1, 1)
    assert "There is not enough space: 52 MB are needed, 4.2 MB are free." in receiver.said
    assert "It was refused." in sender.said
    assert list(small_disk.iterdir()) == []


def test_a_folder_that_can_not_be_written(
    pair: Pair, commands: Commands, mount: Callable[..., Path], tmp_path: Path
) -> None:
    (tmp_path / "really").mkdir()
    folder = mount("ro", tmp_path / "really")
    maker, joiner = pair
    number = offer(maker, joiner, make_tree(tmp_path / "notes", 5))
    accept(joiner, number, folder)
    refused = joiner.wait_event(CommandRefused)
    assert (refused.cause, refused.transfer) == ("folder-unwritable", number)
    accept(joiner, number, tmp_path / "really")
    assert wait_over(maker, number).state == "done"

    receiver = commands.receive("1234-acrobat-enzyme-vicinity", "--to", folder)
    assert receiver.wait_exit() == 1
    assert receiver.said == f"visavis: Nothing can be written into {folder}: name another folder with --to.\n"


def test_a_disk_that_becomes_read_only(pair: Pair, line: Callable[[], None], small_disk: Path, tmp_path: Path) -> None:
    """As one does that met an error."""
    maker, joiner = pair
    (tmp_path / "film.mp4").write_bytes(os.urandom(3 * MIB))
    number = offer(maker, joiner, tmp_path / "film.mp4")
    accept(joiner, number, small_disk)
    wait_state(joiner, number, "waiting")
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    line()
    fails(pair, number, "folder-unwritable")
    assert list(small_disk.iterdir()) == []
