"""`visavis receive`: how it asks, what it takes, what it says where, and how it ends."""

import asyncio
import json
import os
import pty
import signal
import subprocess

import pytest

from actors.messages import AnswerOffer, CancelTransfer, Ended, EnterCode, Hang, ListOffer
from actors.runfolder import engine_names
from tests.tui.headless_engine import CODE, PLAN, RELAY, FileEngine, Played, command_line, hang_up
from tests.tui.support import eventually
from tui.exits import CommandError
from tui.receive import STDOUT, Receive, checked_folder, checked_part

NOTES = {"name": "notes"}
PHOTOS = {"name": "photos", "names": ("photos", "photos/1.jpg")}
QUESTION = "Take it? "


def receiving(folder="/home/here", only=(), yes=False, json=False, live=False, offers=(NOTES,), **plan):
    engine = FileEngine(offers=offers, **plan)

    def make(name, output):
        return Receive(name, output, EnterCode(RELAY, CODE), folder=folder, only=only, yes=yes)

    return Played(make, engine, json=json, live=live)


async def answering(played, *answers):
    """Type an answer to each question; return the exit status."""
    playing = asyncio.create_task(played.run())
    for asked, answer in enumerate(answers, 1):
        await eventually(lambda asked=asked: played.said.count(QUESTION) == asked)
        played.type(answer + "\n")
    return await playing


def one_complaint(said):
    assert said.count("visavis: ") == 1, said
    return said.split("visavis: ")[1].splitlines()[0]


# --- taking ----------------------------------------------------------------------------------------------------------


async def test_yes_takes_it_and_the_path_is_on_standard_output():
    played = receiving(yes=True)
    assert await played.run() == 0
    assert played.engine.told(AnswerOffer) == [AnswerOffer(2, True, "/home/here")]
    assert played.out.getvalue() == "/home/here/notes\n"
    assert QUESTION not in played.said
    assert "3 files, 1.0 kB received." in played.said
    assert type(played.engine.commands[-1]) is Hang


async def test_a_part_that_was_wished_is_what_is_taken():
    played = receiving(yes=True, only=("*.pdf", "a b"))
    await played.run()
    assert played.engine.told(AnswerOffer) == [AnswerOffer(2, True, "/home/here", ("*.pdf", "a b"))]
    assert "'*.pdf' 'a b'" in played.said


async def test_standard_output_carries_the_bytes_alone():
    played = receiving(yes=True, folder=STDOUT)
    assert await played.run() == 0
    assert played.engine.told(AnswerOffer) == [AnswerOffer(2, True, "-")]
    assert played.out.getvalue() == ""


async def test_every_offer_that_comes_is_taken_before_it_ends():
    played = receiving(yes=True, offers=(NOTES, PHOTOS))
    assert await played.run() == 0
    assert [answer.transfer for answer in played.engine.told(AnswerOffer)] == [2, 4]
    assert played.out.getvalue().count("\n") == 2


# --- asking ----------------------------------------------------------------------------------------------------------


async def test_it_shows_what_is_offered_and_asks():
    names = tuple(f"notes/{number}.txt" for number in range(100))
    played = receiving(offers=({"files": 317, "names": names, "skipped": 4, "size": 1_200_000_000},))
    assert await answering(played, "y") == 0
    assert "Mina offers 317 files, 1.2 GB" in played.said
    assert "  notes/9.txt\n" in played.said
    assert "notes/10.txt" not in played.said
    assert "and 308 more" in played.said
    assert "left out: 4" in played.said
    assert "/home/here" in played.said
    assert played.engine.told(AnswerOffer) == [AnswerOffer(2, True, "/home/here")]


async def test_names_are_shown_safe_and_short():
    played = receiving(offers=({"names": ("\x1b[2Jx", "가" * 200)},), live=True)
    await answering(played, "y")
    assert "␛[2Jx" in played.said
    assert "가" * 38 + "…" in played.said
    assert "가" * 39 not in played.said


@pytest.mark.parametrize(
    ("typed", "accept", "only"),
    [
        ("y", True, ()),
        (" YES ", True, ()),
        ("n", False, ()),
        ("*.pdf notes/a.txt", True, ("*.pdf", "notes/a.txt")),
        ("'강의 영상.mp4'", True, ("강의 영상.mp4",)),
        ("it's", True, ("it's",)),
    ],
)
async def test_what_is_typed_is_the_answer(typed, accept, only):
    played = receiving()
    assert await answering(played, typed) == (0 if accept else 1)
    assert played.engine.told(AnswerOffer) == [AnswerOffer(2, accept, "/home/here" if accept else "", only)]


async def test_no_answer_is_asked_for_again():
    played = receiving()
    assert await answering(played, "", "y") == 0
    assert len(played.engine.told(AnswerOffer)) == 1


async def test_the_end_of_input_is_a_no():
    played = receiving()
    assert await answering(played, "\x04") == 1
    assert not played.engine.told(AnswerOffer)[0].accept


async def test_the_list_comes_in_pages():
    played = receiving(offers=({"files": 30},))
    assert await answering(played, "l", "list", "l", "y") == 0
    assert [(ask.first, ask.count) for ask in played.engine.told(ListOffer)] == [(1, 20), (21, 20), (1, 20)]
    assert played.said.count("  notes/20.txt  20 B\n") == 2
    assert played.said.count("  notes/30.txt  30 B\n") == 1


@pytest.mark.parametrize("cause", ["no-space", "folder-missing", "folder-unwritable", "part-empty", "part-scattered"])
async def test_an_answer_that_can_not_be_done_is_asked_for_again(cause):
    played = receiving(answers_refused=[(cause, "2000000 1000000")])
    assert await answering(played, "*.pdf", "y") == 0
    assert one_complaint(played.said)


async def test_space_is_said_in_readable_sizes():
    played = receiving(yes=True, answers_refused=[("no-space", "2000000 1000000")])
    await played.run()
    assert "2.0 MB" in played.said
    assert "1.0 MB" in played.said


async def test_offers_are_asked_for_one_after_the_other():
    played = receiving(offers=(NOTES, PHOTOS))
    assert await answering(played, "n", "y") == 1
    assert [(answer.transfer, answer.accept) for answer in played.engine.told(AnswerOffer)] == [(2, False), (4, True)]
    assert played.out.getvalue() == "/home/here/notes\n"


async def test_a_line_of_the_other_side_goes_above_the_question():
    played = receiving(live=True)
    playing = asyncio.create_task(played.run())
    await eventually(lambda: QUESTION in played.said)
    before = len(played.said)
    played.engine.hear("take it all")
    await eventually(lambda: "take it all" in played.said)
    assert played.said[before:].startswith("\r\x1b[KMina: take it all\n" + QUESTION)
    played.type("y\n")
    assert await playing == 0


async def test_an_offer_that_is_taken_back_is_asked_for_no_longer():
    played = receiving(live=True)
    playing = asyncio.create_task(played.run())
    await eventually(lambda: QUESTION in played.said)
    played.engine.change(2, state="cancelled", cause="cancelled", detail="there")
    assert await playing == 1
    assert one_complaint(played.said)


# --- lines of JSON ---------------------------------------------------------------------------------------------------


async def test_json_tells_everything():
    played = receiving(yes=True, json=True)
    assert await played.run() == 0
    assert [record["event"] for record in played.records] == [
        *("paired", "link", "peer", "offered", "accepted", "progress", "progress", "done", "ended")
    ]
    offered, accepted, done = (played.records[at] for at in (3, 4, 7))
    assert (offered["transfer"], offered["names"]) == (2, ["notes", "notes/a.txt"])
    assert accepted["folder"] == "/home/here"
    assert (done["path"], done["moved"], done["missed"]) == ("/home/here/notes", 1000, 0)
    assert played.said == ""


async def test_json_that_asks_shows_what_it_asks_for():
    played = receiving(json=True)
    assert await answering(played, "y") == 0
    assert "Mina offers" in played.said


# --- how it ends -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "plan",
    [
        {"fails": "code-nobody"},
        {"hangs": "peer-hung", "offers": ()},
        {"hangs": "out-of-reach", "offers": ()},
        {"ends": {"state": "cancelled", "cause": "cancelled", "detail": "there"}},
        {"ends": {"state": "failed", "cause": "disk-full", "partial": "/home/here/.part"}},
        {"ends": {"missed": 2}},
        {"answers_refused": [("no-space", "2 1")]},
    ],
    ids=str,
)
async def test_what_does_not_arrive_is_one_sentence_and_status_1(plan):
    played = receiving(yes=True, **plan)
    assert await played.run() == 1
    assert one_complaint(played.said)[-1] in ".?!"


async def test_an_answer_nobody_can_correct_refuses_the_offer():
    played = receiving(yes=True, answers_refused=[("folder-missing", "")])
    await played.run()
    assert [answer.accept for answer in played.engine.told(AnswerOffer)] == [True, False]


async def test_what_came_in_part_is_said_to_be_kept():
    played = receiving(yes=True, ends={"state": "failed", "cause": "disk-full", "partial": "/home/here/.part"})
    await played.run()
    assert "/home/here/.part" in played.said


async def test_what_is_kept_may_be_known_after_the_end():
    played = receiving(json=True, yes=True, holds="moving")
    playing = asyncio.create_task(played.run())
    await eventually(lambda: "progress" in played.out.getvalue())
    played.engine.answers_hang = False
    played.engine.change(2, state="cancelled", cause="cancelled", detail="there")
    await eventually(lambda: played.engine.told(Hang))
    played.engine.recall(2, partial="/home/here/.part")
    played.engine.emit(Ended(cause="hung"))
    assert await playing == 1
    assert [record["event"] for record in played.records[-3:]] == ["cancelled", "kept", "ended"]


async def test_one_of_several_that_fails_is_status_1():
    played = receiving(yes=True, offers=(NOTES, PHOTOS), holds="moving")
    playing = asyncio.create_task(played.run())
    await eventually(lambda: len(played.engine.told(AnswerOffer)) == 2)
    played.engine.change(2, state="failed", cause="source-gone")
    played.engine.change(4, state="done", moved_files=3)
    assert await playing == 1
    assert played.out.getvalue() == "/home/here/notes\n"


async def test_what_happened_while_the_engine_had_let_go_is_told():
    played = receiving(yes=True, holds="moving")
    playing = asyncio.create_task(played.run())
    await eventually(lambda: "50 %" in played.said)
    played.engine.let_go()
    played.engine.change(2, state="done", moved=1000, moved_files=3)
    assert await playing == 0
    assert played.out.getvalue() == "/home/here/notes\n"


async def test_ctrl_c_at_the_question_takes_nothing():
    played = receiving(live=True)
    playing = asyncio.create_task(played.run())
    await eventually(lambda: QUESTION in played.said)
    os.kill(os.getpid(), signal.SIGINT)
    assert await playing == 130
    assert [type(command) for command in played.engine.commands] == [EnterCode, CancelTransfer, Hang]


# --- what can't be wished --------------------------------------------------------------------------------------------


def test_the_folder_is_absolute_and_the_current_one_by_default(tmp_path, monkeypatch):
    (tmp_path / "받은 것").mkdir()
    monkeypatch.chdir(tmp_path)
    assert checked_folder(None) == str(tmp_path)
    assert checked_folder("받은 것") == str(tmp_path / "받은 것")


@pytest.mark.parametrize("name", ["missing", "file", "x" * 300, "\udcff", "a\0b"])
def test_a_folder_that_is_not_there_is_a_sentence(name, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CommandError) as caught:
        checked_folder(name)
    assert caught.value.status == 1
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("part", [[""], ["\udcff"], ["x" * 4097], ["x"] * 1001])
def test_a_part_that_no_engine_understands_is_misuse(part):
    with pytest.raises(CommandError) as caught:
        checked_part(part)
    assert caught.value.status == 2


# --- as a program ----------------------------------------------------------------------------------------------------


@pytest.fixture
def program(tmp_path, monkeypatch):
    """Start `visavis receive` with an engine of this plan."""
    started = []

    def start(*arguments, plan=None, **settings):
        monkeypatch.setenv(PLAN, json.dumps({"offers": [NOTES], **(plan or {})}))
        process = subprocess.Popen(
            command_line(tmp_path, "receive", "--relay", RELAY, *arguments),
            cwd=tmp_path,
            **({"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | settings),
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_the_program_prints_the_path_alone_and_leaves_no_engine(program, tmp_path):
    process = program(CODE, "--yes")
    out, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    assert out == os.fsencode(f"{tmp_path}/notes\n")
    assert engine_names() == []


def test_the_code_comes_from_the_environment_too(program, monkeypatch):
    monkeypatch.setenv("VISAVIS_CODE", CODE)
    process = program("--yes")
    _, err = process.communicate(timeout=30)
    assert process.returncode == 0, err


def test_standard_output_is_the_engines_with_o(program):
    process = program(CODE, "--yes", "-o", "-", plan={"writes": "bytes of a file"})
    out, _ = process.communicate(timeout=30)
    assert (process.returncode, out) == (0, b"bytes of a file")


def test_standard_output_that_is_closed_is_a_quiet_end(program):
    reading, writing = os.pipe()
    os.close(reading)
    process = program(CODE, "--yes", stdout=writing)
    os.close(writing)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 1
    assert b"Broken" not in err
    assert b"visavis: " not in err
    assert engine_names() == []


@pytest.fixture
def terminal():
    """A terminal: what is typed and shown there, and the end that a program gets."""
    ours, theirs = pty.openpty()
    yield ours, theirs
    os.close(theirs)
    os.close(ours)


def shown_until(ours, words):
    shown = b""
    while words not in shown:
        shown += os.read(ours, 4096)
    return shown.decode()


def test_at_a_terminal_it_asks_for_the_code_and_then_whether_to_take_it(program, terminal):
    ours, theirs = terminal
    process = program(stdin=theirs, stderr=theirs)
    shown_until(ours, b"Code: ")
    os.write(ours, f"{CODE}\n".encode())
    shown_until(ours, QUESTION.encode())
    os.write(ours, b"y\n")
    shown_until(ours, b"received.")
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    assert out.endswith(b"/notes\n")


def test_a_terminal_shows_bytes_of_a_stranger_to_nobody(program, terminal):
    _, theirs = terminal
    process = program(CODE, "--yes", "-o", "-", stdout=theirs)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 2
    assert err.count(b"\n") == 1


def test_a_terminal_lost_at_the_question_answers_nothing_and_leaves_the_engine(program, terminal):
    ours, theirs = terminal
    process = program(CODE, stdin=theirs, stderr=theirs)
    shown_until(ours, QUESTION.encode())
    process.send_signal(signal.SIGHUP)
    assert process.wait(30) == 129
    [name] = engine_names()
    offered = asyncio.run(hang_up(name))
    assert [transfer.state for transfer in offered] == ["offered"]


def test_ctrl_c_leaves_no_engine(program):
    process = program(CODE, "--yes", plan={"holds": "moving", "partial": "/x/.part"})
    while b"50 %" not in process.stderr.readline():
        pass
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert b"/x/.part\n" in err
    assert engine_names() == []
