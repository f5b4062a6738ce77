"""`visavis send` and `visavis receive` when something breaks: it goes on, or a sentence says why not."""

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.e2e.commands import Commands, Program, wait_both
from tests.e2e.programs import MARK, Relay, marked_processes, marked_programs, wait_until, with_wrong_words
from tests.e2e.transfers import MIB, sparse

BIG = 2000 * MIB  # of zeros: takes seconds, costs little


@pytest.fixture
def held(closing: ExitStack) -> "Held":
    held = Held()
    closing.callback(held.close)
    return held


class Held:
    """A pipe to receive into: what takes it reads only when it is told to."""

    def __init__(self) -> None:
        self._reading, self.writing = os.pipe()
        self._open = {self._reading, self.writing}

    def close(self, *ends: int) -> None:
        for end in ends or tuple(self._open):
            if end in self._open:
                self._open.remove(end)
                os.close(end)

    def begin(self) -> None:
        """Who writes has its end by now."""
        self.close(self.writing)

    def read(self, count: int) -> bytes:
        """Return `count` bytes, or as many as there are."""
        return b"".join(self._pieces(count))

    def _pieces(self, count: int) -> Iterator[bytes]:
        while count > 0 and (piece := os.read(self._reading, min(count, 65536))):
            count -= len(piece)
            yield piece

    def leave(self) -> None:
        """Read no more, as `head` that has enough."""
        self.close(self._reading)


def begin_big(commands: Commands, tmp_path: Path, inbox: Path) -> tuple[Program, Program]:
    """A large file is on its way, some of it has come, and most has not."""
    sender, code = commands.send(sparse(tmp_path / "big.bin", BIG), "--json")
    receiver = commands.receive(code, "--json", "--to", inbox)
    receiver.wait_event("progress")
    return sender, receiver


def parts(folder: Path) -> list[Path]:
    return list(folder.rglob("*.visavis-part"))


# --- it goes on ---------------------------------------------------------------------------------------------------


def test_the_relay_is_killed_and_comes_back(commands: Commands, relay: Relay, held: Held, tmp_path: Path) -> None:
    content = os.urandom(30 * MIB)
    (tmp_path / "film.mp4").write_bytes(content)
    sender, code = commands.send(tmp_path / "film.mp4")
    receiver = commands.receive(code, "-o", "-", stdout=held.writing)
    held.begin()
    got = held.read(5 * MIB)
    relay.kill()
    for program in (sender, receiver):
        program.wait_said("The relay is out of reach. It goes on when it is back; Ctrl+C ends it.")
    sender.wait_said("film.mp4: stands still, the relay is out of reach")
    relay.start()
    for program in (sender, receiver):
        program.wait_said(": back.")
    got += held.read(8 * MIB)
    sender.wait_said("film.mp4: goes on")
    got += held.read(len(content))
    assert wait_both(sender, receiver) == (0, 0)
    assert got == content
    assert sender.said.count("stands still, the relay is out of reach") == 1
    assert "film.mp4: 1 file, 31 MB sent." in sender.said


def test_a_reader_that_pauses_is_said_to_hold_it_up(commands: Commands, held: Held, tmp_path: Path) -> None:
    content = os.urandom(60 * MIB)
    (tmp_path / "film.mp4").write_bytes(content)
    sender, code = commands.send(tmp_path / "film.mp4", "--json")
    receiver = commands.receive(code, "-o", "-", stdout=held.writing)
    held.begin()
    got = held.read(MIB)
    assert sender.wait_event("stalled")["stall"] == "peer-disk"
    receiver.wait_said("film.mp4: stands still, what takes the output here does not keep up.")
    got += held.read(20 * MIB)
    sender.wait_event("resumed")
    got += held.read(len(content))
    assert wait_both(sender, receiver) == (0, 0)
    assert got == content
    assert len(sender.seen("stalled")) == 1


# --- it ends, and says so -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("who", ["sender", "receiver"])
def test_either_side_stops_it(
    commands: Commands, tmp_path: Path, inbox: Path, who: str, number: signal.Signals
) -> None:
    sender, receiver = begin_big(commands, tmp_path, inbox)
    stopped, other = (sender, receiver) if who == "sender" else (receiver, sender)
    stopped.give(number)
    assert wait_both(stopped, other) == (128 + number, 1)
    assert stopped.said == "Stopped.\n"
    assert other.said == "visavis: big.bin: It was cancelled.\n"
    for program, detail in ((stopped, "here"), (other, "there")):
        (cancelled,) = program.seen("cancelled")
        assert (cancelled["cause"], cancelled["detail"]) == ("cancelled", detail)
    (kept,) = parts(inbox)
    assert 0 < kept.stat().st_size < BIG
    assert receiver.seen("kept")[0]["partial"] == str(kept)


def test_stopping_before_anyone_comes(commands: Commands, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    sender, code = commands.send(tmp_path / "notes.txt")
    sender.give(signal.SIGINT)
    assert sender.wait_exit() == 130
    assert sender.said.endswith("Stopped.\n")
    receiver = commands.receive(code)
    assert receiver.wait_exit() == 1
    assert "Nobody waits under that number." in receiver.said


def test_the_other_side_learns_of_the_stop_in_words(commands: Commands, held: Held, tmp_path: Path) -> None:
    sender, code = commands.send(sparse(tmp_path / "big.bin", BIG))
    receiver = commands.receive(code, "-o", "-", stdout=held.writing)
    held.begin()
    held.read(MIB)
    sender.give(signal.SIGINT)
    assert wait_both(sender, receiver) == (130, 1)
    assert "visavis: big.bin: It was cancelled." in receiver.said
    assert sender.said.endswith("Stopped.\n")


def test_a_reader_that_has_enough_ends_it(commands: Commands, held: Held, tmp_path: Path) -> None:
    """As in `visavis receive CODE -o - | head -c 10`."""
    sender, code = commands.send(sparse(tmp_path / "big.bin", BIG))
    receiver = commands.receive(code, "-o", "-", stdout=held.writing)
    held.begin()
    assert held.read(10) == bytes(10)
    held.leave()
    assert wait_both(sender, receiver) == (1, 1)
    for program in (sender, receiver):
        assert "visavis: big.bin: What took the output was closed." in program.said


def test_standard_output_that_is_closed_ends_it(commands: Commands, held: Held, tmp_path: Path) -> None:
    """A script that read the code and went away does not leave a sender waiting."""
    (tmp_path / "notes.txt").touch()
    held.leave()
    sender = commands.start("send", tmp_path / "notes.txt", stdout=held.writing)
    held.begin()
    assert sender.wait_exit() == 1


def test_the_engine_of_the_sender_is_killed(commands: Commands, tmp_path: Path, inbox: Path) -> None:
    """The other side waits for it, and can be ended: it can't know that nothing will come."""
    sender, receiver = begin_big(commands, tmp_path, inbox)
    os.kill(sender.engine, signal.SIGKILL)
    assert sender.wait_exit() == 1
    assert sender.said == "visavis: The engine is gone, and the call with it. Start a new one.\n"
    receiver.wait_event("link", lambda event: event["link"] == "alone")
    assert receiver.wait_event("stalled")["stall"] == "peer-away"
    receiver.give(signal.SIGINT)
    assert receiver.wait_exit() == 130
    (kept,) = parts(inbox)
    assert receiver.seen("kept")[0]["partial"] == str(kept)


def test_the_engine_of_the_receiver_goes_on_without_it(commands: Commands, tmp_path: Path, inbox: Path) -> None:
    """It has the answer; what came is whole, and the sender says so."""
    size = 600 * MIB
    sender, code = commands.send(sparse(tmp_path / "big.bin", size), "--json")
    receiver = commands.receive(code, "--json", "--to", inbox)
    receiver.wait_event("progress")
    engine = receiver.engine
    receiver.give(signal.SIGKILL)
    assert receiver.wait_exit() == -signal.SIGKILL
    assert sender.wait_exit() == 0
    assert sender.seen("done")[0]["moved"] == size
    assert (inbox / "big.bin").stat().st_size == size
    assert parts(inbox) == []
    wait_until(lambda: engine not in marked_processes(os.environ[MARK]), lambda: marked_processes(os.environ[MARK]))


def test_a_lost_terminal_leaves_the_engine_to_finish(commands: Commands, tmp_path: Path, inbox: Path) -> None:
    size = 600 * MIB
    sender, code = commands.send(sparse(tmp_path / "big.bin", size), "--json")
    receiver = commands.receive(code, "--json", "--to", inbox)
    receiver.wait_event("progress")
    sender.give(signal.SIGHUP)
    assert sender.wait_exit() == 128 + signal.SIGHUP
    assert len(marked_programs(os.environ[MARK], "--ready")) == 2
    receiver.wait_event("done")
    # Nothing is open, so the receiver hangs up, which ends the engine that was left behind.
    assert receiver.wait_exit() == 0
    assert (inbox / "big.bin").stat().st_size == size


def test_a_wrong_word_burns_the_code(commands: Commands, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    sender, code = commands.send(tmp_path / "notes.txt")
    receiver = commands.receive(with_wrong_words(code))
    assert wait_both(sender, receiver) == (1, 1)
    assert "Someone tried this code with wrong words, so it is dead" in sender.said
    assert "Those were not the right words." in receiver.said
