"""`visavis send` and `visavis receive`: what they move, what they print, and what a script can build on."""

import os
import re
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from actors.messages import (
    AnswerOffer,
    CodeMade,
    MakeCode,
    SendText,
    TransferChanged,
)
from tests.e2e.commands import Commands, wait_both
from tests.e2e.programs import WITHIN, Engine, Relay, wait_until
from tests.e2e.transfers import described, make_tree

# --- what is moved ------------------------------------------------------------------------------------------------


def test_a_folder_arrives_as_it_was_and_standard_output_is_for_scripts(
    commands: Commands, tmp_path: Path, inbox: Path
) -> None:
    tree = make_tree(tmp_path / "notes")
    was = described(tree)
    sender, code = commands.send(tree)
    receiver = commands.receive(code, folder=inbox)
    assert wait_both(sender, receiver) == (0, 0)
    assert sender.printed == f"{code}\n"
    assert receiver.printed == f"{inbox / 'notes'}\n"
    assert described(inbox / "notes") == was
    six = [
        re.search(r"both sides see these words: (.*)", program.said, re.IGNORECASE) for program in (sender, receiver)
    ]
    assert six[0] is not None
    assert six[1] is not None
    assert six[0][1] == six[1][1]
    assert f"visavis receive {code}" in sender.said
    assert "The other side is called Jun." in sender.said
    assert "notes/: 304 files, 6.4 MB sent." in sender.said
    assert "Mina offers 304 files" in receiver.said


@pytest.mark.parametrize("name", ["empty", "강의 노트.txt", "빈 폴더/", "-rf"])
def test_one_thing_alone(commands: Commands, tmp_path: Path, inbox: Path, name: str) -> None:
    path = tmp_path / "from" / name
    path.parent.mkdir()
    if name.endswith("/"):
        path.mkdir()
    else:
        path.write_text("" if name == "empty" else "내용\n")
    was = described(path)
    sender, code = commands.send("--", path.name, folder=path.parent)
    receiver = commands.receive(code, "--to", inbox)
    assert wait_both(sender, receiver) == (0, 0), sender.said + receiver.said
    arrived = Path(receiver.printed.removesuffix("\n"))
    assert arrived == inbox / {"-rf": "_rf"}.get(name, name)
    assert described(arrived) == was


def test_three_thousand_small_files(commands: Commands, tmp_path: Path, inbox: Path) -> None:
    tree = tmp_path / "many"
    for number in range(3000):
        folder = tree / f"{number % 30:02}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number}.txt").write_bytes(b"%d\n" % number * (number % 50))
    was = described(tree)
    sender, code = commands.send(tree)
    receiver = commands.receive(code, "--to", inbox)
    assert wait_both(sender, receiver) == (0, 0)
    assert described(inbox / "many") == was
    assert "3,000 files" in sender.said
    assert "3,000 files" in receiver.said


def test_several_paths_are_one_offer(commands: Commands, tmp_path: Path, inbox: Path) -> None:
    tree = make_tree(tmp_path / "notes", 5)
    (tmp_path / "one.txt").write_text("one")
    (tmp_path / "둘.txt").write_text("two")
    sender, code = commands.send("notes", "./one.txt", tmp_path / "둘.txt", folder=tmp_path)
    receiver = commands.receive(code, "--to", inbox)
    assert wait_both(sender, receiver) == (0, 0)
    assert sorted(path.name for path in inbox.iterdir()) == ["notes", "one.txt", "둘.txt"]
    assert described(inbox / "notes") == described(tree)
    assert receiver.printed == f"{inbox / 'notes'}\n"


def test_a_name_that_is_taken_gets_a_number(commands: Commands, tmp_path: Path, inbox: Path) -> None:
    (tmp_path / "notes.txt").write_text("new")
    (inbox / "notes.txt").write_text("old")
    sender, code = commands.send(tmp_path / "notes.txt")
    receiver = commands.receive(code, "--to", inbox)
    assert wait_both(sender, receiver) == (0, 0)
    assert receiver.printed == f"{inbox / 'notes (1).txt'}\n"
    assert (inbox / "notes.txt").read_text() == "old"
    assert (inbox / "notes (1).txt").read_text() == "new"


def test_a_part_is_taken_by_names_and_patterns(commands: Commands, tmp_path: Path, inbox: Path) -> None:
    tree = tmp_path / "course"
    (tree / "week 1").mkdir(parents=True)
    for name in ("week 1/강의.pdf", "week 1/notes.txt", "plan.pdf", "film.mp4"):
        (tree / name).write_text(name)
    sender, code = commands.send(tree)
    receiver = commands.receive(code, "--only", "*.pdf", "--only", "course/film.mp4", "--to", inbox)
    assert wait_both(sender, receiver) == (0, 0)
    files = sorted(str(path.relative_to(inbox)) for path in inbox.rglob("*") if path.is_file())
    assert files == ["course/film.mp4", "course/plan.pdf", "course/week 1/강의.pdf"]


def test_a_part_that_is_empty_refuses_the_offer(commands: Commands, tmp_path: Path, inbox: Path) -> None:
    (tmp_path / "notes.txt").touch()
    sender, code = commands.send(tmp_path / "notes.txt")
    receiver = commands.receive(code, "--only", "*.pdf", "--to", inbox)
    assert wait_both(sender, receiver) == (1, 1)
    assert "Nothing that is offered has such a name" in receiver.said
    assert "visavis: notes.txt: It was refused." in sender.said
    assert list(inbox.iterdir()) == []


# --- streams ------------------------------------------------------------------------------------------------------


def test_a_stream_goes_through_byte_for_byte(commands: Commands, tmp_path: Path) -> None:
    content = os.urandom(10_000_000)
    (tmp_path / "in").write_bytes(content)
    with (tmp_path / "in").open("rb") as source:
        sender, code = commands.send("-", stdin=source.fileno())
    receiver = commands.receive(code, "-o", "-")
    assert wait_both(sender, receiver) == (0, 0)
    assert receiver.out == content
    assert sender.printed == f"{code}\n"


SLOW = """
import pathlib, sys, time
print("first", flush=True)
while not pathlib.Path(sys.argv[1]).exists(): time.sleep(0.01)
print("second", flush=True)
"""


def test_a_slow_producer_is_not_waited_for(commands: Commands, tmp_path: Path, closing: ExitStack) -> None:
    """What was written goes out before there is more."""
    go_on = tmp_path / "go on"
    producer = closing.enter_context(
        subprocess.Popen([sys.executable, "-c", SLOW, go_on], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    )
    closing.callback(go_on.touch)
    assert producer.stdout is not None
    sender, code = commands.send("-", stdin=producer.stdout.fileno())
    receiver = commands.receive(code, "-o", "-")
    wait_until(lambda: receiver.out == b"first\n", lambda: receiver.said)
    go_on.touch()
    assert wait_both(sender, receiver) == (0, 0)
    assert receiver.out == b"first\nsecond\n"
    assert producer.wait(WITHIN) == 0


def test_a_stream_can_be_kept_as_a_file_and_a_file_written_to_a_stream(
    commands: Commands, tmp_path: Path, inbox: Path
) -> None:
    (tmp_path / "in").write_text("words\n")
    with (tmp_path / "in").open("rb") as source:
        sender, code = commands.send("-", stdin=source.fileno())
    receiver = commands.receive(code, "--to", inbox)
    assert wait_both(sender, receiver) == (0, 0)
    assert Path(receiver.printed.removesuffix("\n")).read_text() == "words\n"

    sender, code = commands.send(tmp_path / "in")
    receiver = commands.receive(code, "-o", "-")
    assert wait_both(sender, receiver) == (0, 0)
    assert receiver.printed == "words\n"


def test_a_folder_does_not_go_into_a_stream(commands: Commands, tmp_path: Path) -> None:
    sender, code = commands.send(make_tree(tmp_path / "notes", 3))
    receiver = commands.receive(code, "-o", "-")
    assert wait_both(sender, receiver) == (1, 1)
    assert receiver.out == b""
    assert "This takes one file at a time." in receiver.said
    assert "It was refused." in sender.said


# --- scripts ------------------------------------------------------------------------------------------------------


def test_lines_of_json_tell_all_of_it(commands: Commands, tmp_path: Path, inbox: Path) -> None:
    tree = make_tree(tmp_path / "notes", 50)
    sender, code = commands.send(tree, "--json")
    receiver = commands.receive(code, "--json", "--to", inbox)
    assert wait_both(sender, receiver) == (0, 0)
    assert sender.events[0]["event"] == "code"
    assert sender.events[0]["code"] == code
    for program in (sender, receiver):
        names = [event["event"] for event in program.events]
        assert program.events[-1] == {"event": "ended", "status": 0}
        told = [name for name in names if name in ("paired", "offered", "accepted", "done")]
        assert told == ["paired", "offered", "accepted", "done"]
        assert program.said == ""
        assert program.seen("done")[0]["moved_files"] == 54
        assert "stalled" not in names
    assert receiver.seen("done")[0]["path"] == str(inbox / "notes")
    assert sender.seen("paired")[0]["verification"] == receiver.seen("paired")[0]["verification"]
    assert sender.seen("peer")[0]["name"] == "Jun"


def test_the_code_may_be_in_the_environment(commands: Commands, tmp_path: Path, inbox: Path) -> None:
    (tmp_path / "notes.txt").write_text("words")
    sender, code = commands.send(tmp_path / "notes.txt")
    receiver = commands.start("receive", "--yes", folder=inbox, VISAVIS_CODE=code)
    assert wait_both(sender, receiver) == (0, 0)
    assert (inbox / "notes.txt").read_text() == "words"


def test_send_joins_the_one_who_made_a_code(
    commands: Commands, relay: Relay, start_engine, tmp_path: Path, inbox: Path
) -> None:
    """Also what the other side says meanwhile is shown."""
    maker: Engine = start_engine("Jun")
    maker.tell(MakeCode(relay.address))
    (tmp_path / "notes.txt").write_text("words")
    sender = commands.start("send", "--code", maker.wait_event(CodeMade).code, tmp_path / "notes.txt")
    offered = maker.wait_event(TransferChanged, lambda event: event.transfer.state == "offered")
    maker.tell(SendText("1", "one moment \x1b[2J"))
    assert "\x1b" not in sender.wait_said("Jun: one moment")
    maker.tell(AnswerOffer(offered.transfer.id, True, str(inbox)))
    assert sender.wait_exit() == 0
    assert sender.printed == ""
    assert (inbox / "notes.txt").read_text() == "words"
    assert maker.wait_exit() == 0


# --- what can not be begun ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "status", "sentence"),
    [
        (("send", "nowhere"), 1, "There is no nowhere: check the path."),
        (("send", "-", "-"), 2, "- is standard input, and is sent alone"),
        (("send", "/dev/null"), 1, "/dev/null is neither a file nor a folder"),
        (("receive", "1-a-b-c", "--yes", "--to", "nowhere"), 1, "There is no folder nowhere: make it"),
        (("receive", "1-a-b-c"), 2, "There is no terminal to ask in: --yes takes what is offered."),
        (("receive", "--yes"), 2, "Which code?"),
        (("receive", "1-a-b-c", "--yes", "--json", "-o", "-"), 2, "--json and -o - both want standard output"),
        (("receive", "nonsense", "--yes"), 1, "A code looks like 4821-word-word-word."),
        (("receive", "9999-acrobat-acrobat-acrobat", "--yes"), 1, "Nobody waits under that number."),
    ],
)
def test_what_can_not_be_begun_is_one_sentence(
    commands: Commands, inbox: Path, arguments: tuple[str, ...], status: int, sentence: str
) -> None:
    program = commands.start(*arguments, folder=inbox)
    assert program.wait_exit() == status
    assert program.said.startswith("visavis: ")
    assert sentence in program.said
    assert program.said.count("\n") == 1
    assert program.out == b""


def test_without_a_relay(commands: Commands, inbox: Path) -> None:
    program = commands.start("send", ".", folder=inbox, VISAVIS_RELAY="")
    assert program.wait_exit() == 2
    assert program.said == "visavis: No relay is set: give one with --relay HOST:PORT, or set VISAVIS_RELAY.\n"
    program = commands.start("send", ".", folder=inbox, VISAVIS_RELAY="127.0.0.1:1")
    assert program.wait_exit() == 1
    assert "Nothing listens there." in program.said
