"""`visavis send`: what it says where, and how it ends."""

import asyncio
import json
import os
import pty
import signal
import socket
import subprocess

import pytest

from actors.messages import CancelTransfer, EnterCode, Hang, MakeCode, OfferFiles
from actors.runfolder import engine_names
from tests.tui.fake_engine import SIX_WORDS
from tests.tui.headless_engine import CODE, PLAN, RELAY, FileEngine, Played, command_line, hang_up
from tests.tui.support import eventually
from tui.exits import CommandError
from tui.send import Send, checked

pytestmark = pytest.mark.long


def sending(code="", paths=("/home/notes",), live=False, json=False, **plan):
    begin = EnterCode(RELAY, code) if code else MakeCode(RELAY)
    engine = FileEngine(**plan)
    return Played(lambda name, output: Send(name, output, begin, paths), engine, live=live, json=json)


def one_complaint(said):
    assert said.count("visavis: ") == 1, said
    return said.split("visavis: ")[1].splitlines()[0]


# --- what it says ----------------------------------------------------------------------------------------------------


async def test_the_code_alone_is_on_standard_output():
    played = sending()
    assert await played.run() == 0
    assert played.out.getvalue() == f"{CODE}\n"
    assert f"visavis receive {CODE} --relay {RELAY}" in played.said
    assert " ".join(SIX_WORDS) in played.said
    assert "Mina" in played.said


async def test_the_paths_are_offered_once_there_is_a_call_then_it_hangs_up():
    played = sending(paths=("/a/one", "/a/둘"))
    await played.run()
    assert [type(command) for command in played.engine.commands] == [MakeCode, OfferFiles, Hang]
    assert played.engine.told(OfferFiles)[0].paths == ("/a/one", "/a/둘")


async def test_it_joins_by_a_code_and_then_says_none():
    played = sending(code=CODE)
    assert await played.run() == 0
    assert played.engine.told(EnterCode) == [EnterCode(RELAY, CODE)]
    assert played.out.getvalue() == ""


async def test_a_log_gets_plain_lines():
    played = sending()
    await played.run()
    assert "\r" not in played.said
    assert "notes/: 50 %, 500 B of 1.0 kB, 41 MB/s, 12 s left" in played.said
    assert "3 files, 1.0 kB sent." in played.said


async def test_a_terminal_gets_one_line_that_is_drawn_anew():
    played = sending(live=True)
    await played.run()
    drawn = played.said.split("\r\x1b[K")
    assert sum("━" in line for line in drawn) == 2
    assert all("\n" not in line for line in drawn if "━" in line)


async def test_a_line_of_the_other_side_goes_above_the_progress():
    played = sending(live=True, holds="moving")
    playing = asyncio.create_task(played.run())
    await eventually(lambda: "━" in played.said)
    before = len(played.said)
    played.engine.hear("안녕\x1b[2J")
    await eventually(lambda: "안녕" in played.said)
    cleared, line, again = played.said[before:].partition("Mina: 안녕␛[2J\n")
    assert (cleared, bool(line)) == ("\r\x1b[K", True)
    assert "━" in again
    played.engine.change(1, state="done", moved_files=3)
    assert await playing == 0


async def test_a_stall_says_why():
    played = sending(stall="peer-disk")
    await played.run()
    assert "stands still" in played.said
    assert "goes on" in played.said


async def test_what_is_left_out_and_what_is_noted_is_named():
    played = sending(offer={"skipped": 2}, notes=[("notes/\x1bz", "changed")])
    await played.run()
    assert "left out: 2" in played.said
    assert "notes/␛z: " in played.said


# --- lines of JSON ---------------------------------------------------------------------------------------------------


async def test_json_begins_with_the_code_and_tells_everything():
    played = sending(json=True, stall="link", notes=[("notes/a.txt", "changed")], text="hello")
    assert await played.run() == 0
    records = played.records
    assert records[0] == {"event": "code", "code": CODE, "relay": RELAY}
    assert [record["event"] for record in records] == [
        *("code", "paired", "link", "peer", "text", "offered", "accepted", "note"),
        *("progress", "progress", "stalled", "resumed", "done", "ended"),
    ]
    by_event = {record["event"]: record for record in records}
    assert by_event["paired"]["verification"] == list(SIX_WORDS)
    assert by_event["note"]["path"] == "notes/a.txt"
    assert by_event["stalled"]["stall"] == "link"
    assert by_event["ended"] == {"event": "ended", "status": 0}
    assert played.said == ""


async def test_json_tells_why_it_failed():
    played = sending(json=True, fails="relay-refused")
    assert await played.run() == 1
    assert [record["event"] for record in played.records] == ["error", "ended"]
    assert played.records[0]["cause"] == "relay-refused"
    one_complaint(played.said)


# --- how it ends -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "plan",
    [
        {"fails": "relay-refused"},
        {"burned": "words"},
        {"burned": "tries"},
        {"burned": "expired"},
        {"offer_refused": "path-missing"},
        {"hangs": "peer-hung"},
        {"ends": {"state": "refused"}},
        {"ends": {"state": "cancelled", "cause": "cancelled", "detail": "there"}},
        {"ends": {"state": "failed", "cause": "disk-full"}},
        {"ends": {"missed": 1}},
    ],
    ids=str,
)
async def test_what_does_not_arrive_is_one_sentence_and_status_1(plan):
    played = sending(**plan)
    assert await played.run() == 1
    assert one_complaint(played.said)[-1] in ".?!"


async def test_an_engine_that_dies_is_a_sentence():
    played = sending(joins=False)
    playing = asyncio.create_task(played.run())
    await eventually(lambda: CODE in played.out.getvalue())
    await played.engine.stop()
    assert await playing == 1
    one_complaint(played.said)


async def test_what_happened_while_the_engine_had_let_go_is_told():
    played = sending(holds="moving")
    playing = asyncio.create_task(played.run())
    await eventually(lambda: "50 %" in played.said)
    played.engine.let_go()
    played.engine.change(1, state="done", moved=1000, moved_files=3)
    assert await playing == 0
    assert len(played.engine.told(OfferFiles)) == 1
    assert "sent." in played.said


async def test_an_offer_that_was_lost_on_the_way_is_made_again():
    played = sending(joins=False)
    playing = asyncio.create_task(played.run())
    await eventually(lambda: CODE in played.out.getvalue())
    done, played.engine.on_command = played.engine.on_command, None
    played.engine.join()
    await eventually(lambda: played.engine.told(OfferFiles))
    played.engine.on_command = done
    played.engine.let_go()
    assert await playing == 0
    assert len({offer.id for offer in played.engine.told(OfferFiles)}) == 1


async def test_an_offer_of_theirs_is_left_to_a_screen():
    played = sending(holds="moving", offers=[{"name": "photos"}])
    playing = asyncio.create_task(played.run())
    await eventually(lambda: f"visavis attach {played.engine.name}" in played.said and "50 %" in played.said)
    played.engine.change(1, state="done")
    assert await playing == 0


async def test_ctrl_c_cancels_says_what_is_kept_and_hangs_up():
    played = sending(holds="moving", partial="/home/.part")
    playing = asyncio.create_task(played.run())
    await eventually(lambda: "50 %" in played.said)
    os.kill(os.getpid(), signal.SIGINT)
    assert await playing == 130
    assert [type(command) for command in played.engine.commands[-2:]] == [CancelTransfer, Hang]
    assert "/home/.part\n" in played.said


async def test_ctrl_c_while_nobody_came_hangs_up():
    played = sending(joins=False)
    playing = asyncio.create_task(played.run())
    await eventually(lambda: CODE in played.out.getvalue())
    os.kill(os.getpid(), signal.SIGTERM)
    assert await playing == 143
    assert played.engine.told(Hang)


# --- what can't be sent ----------------------------------------------------------------------------------------------


def test_paths_become_absolute(tmp_path, monkeypatch):
    (tmp_path / "한글").mkdir()
    (tmp_path / ".dot").touch()
    monkeypatch.chdir(tmp_path)
    assert checked(["한글", ".dot", "."]) == (str(tmp_path / "한글"), str(tmp_path / ".dot"), str(tmp_path))
    assert checked(["한글/.."]) == (str(tmp_path),)
    assert checked(["-"]) == ("-",)


def test_a_link_that_is_named_stays_named(tmp_path):
    (tmp_path / "there").touch()
    (tmp_path / "link").symlink_to("there")
    assert checked([str(tmp_path / "link")]) == (str(tmp_path / "link"),)


def missing(folder):
    return folder / "missing"


def broken_link(folder):
    (folder / "link").symlink_to("nowhere")
    return folder / "link"


def under_a_file(folder):
    (folder / "file").touch()
    return folder / "file" / "x"


def pipe(folder):
    os.mkfifo(folder / "pipe")
    return folder / "pipe"


def socket_file(folder):
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(os.path.relpath(folder / "socket"))
    return folder / "socket"


def no_text(folder):
    path = os.fsencode(folder) + b"/\xff"
    with open(path, "wb"):
        return os.fsdecode(path)


def too_long(folder):
    return folder / ("x" * 300)


def with_a_nul(folder):
    return f"{folder}/\0"


@pytest.mark.parametrize("make", [missing, broken_link, under_a_file, pipe, socket_file, no_text, too_long, with_a_nul])
def test_what_can_not_be_sent_is_a_sentence(make, tmp_path):
    with pytest.raises(CommandError) as caught:
        checked([str(make(tmp_path))])
    assert caught.value.status == 1
    assert str(caught.value).endswith(".")
    assert str(caught.value).isprintable()


def test_more_paths_than_an_offer_takes(tmp_path):
    with pytest.raises(CommandError) as caught:
        checked([str(tmp_path)] * 1001)
    assert caught.value.status == 2
    assert len(checked([str(tmp_path)] * 1000)) == 1000


# --- as a program ----------------------------------------------------------------------------------------------------


@pytest.fixture
def program(tmp_path, monkeypatch):
    """Start `visavis send` with an engine of this plan."""
    started = []

    def start(*arguments, path=tmp_path, plan=None, **settings):
        monkeypatch.setenv(PLAN, json.dumps(plan or {}))
        process = subprocess.Popen(
            command_line(tmp_path, "send", str(path), "--relay", RELAY, *arguments),
            **({"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | settings),
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_the_program_prints_the_code_alone_and_leaves_no_engine(program):
    process = program()
    out, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    assert out == f"{CODE}\n".encode()
    assert engine_names() == []


def test_the_code_is_there_at_once_and_a_reader_that_leaves_ends_nothing(program):
    process = program(plan={"joins": False})
    assert process.stdout.readline() == f"{CODE}\n".encode()
    process.stdout.close()
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 130
    assert engine_names() == []


def test_the_relay_is_asked_for_where_there_is_a_terminal(tmp_path, monkeypatch):
    monkeypatch.setenv(PLAN, "{}")
    ours, theirs = pty.openpty()
    command = command_line(tmp_path, "send", str(tmp_path))
    with subprocess.Popen(command, stdin=theirs, stderr=theirs, stdout=subprocess.PIPE) as process:
        shown = b""
        while b"Relay (HOST:PORT): " not in shown:
            shown += os.read(ours, 4096)
        os.write(ours, b"lab.example\n")
        while f"--relay {RELAY}".encode() not in shown:
            shown += os.read(ours, 4096)
    assert process.returncode == 0
    for end in (ours, theirs):
        os.close(end)


def test_a_path_that_is_missing_starts_no_engine(program, tmp_path):
    process = program(path=tmp_path / "missing")
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err.count(b"\n")) == (1, b"", 1)


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_standard_output_that_is_closed_is_a_quiet_end(options, program):
    reading, writing = os.pipe()
    os.close(reading)
    process = program(*options, plan={"joins": False}, stdout=writing)
    os.close(writing)
    _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (1, b"")
    assert engine_names() == []


def test_standard_output_that_is_full_is_a_sentence(program):
    with open("/dev/full", "wb") as full:
        process = program(plan={"joins": False}, stdout=full)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 1
    assert err.startswith(b"visavis: ")
    assert err.count(b"\n") == 1
    assert engine_names() == []


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_second_signal_leaves_at_once_and_no_engine_behind(number, status, program):
    process = program(plan={"joins": False, "deaf": True})
    process.stdout.readline()
    process.send_signal(number)
    while b"Stopped" not in process.stderr.readline():
        pass
    process.send_signal(number)
    assert process.wait(5) == status
    assert engine_names() == []


def test_a_lost_terminal_leaves_the_engine_running(program):
    process = program(plan={"holds": "moving"})
    while b"50 %" not in process.stderr.readline():
        pass
    process.send_signal(signal.SIGHUP)
    assert process.wait(30) == 129
    [name] = engine_names()
    asyncio.run(hang_up(name))


def test_a_terminal_lost_before_the_offer_is_made_loses_no_offer(program):
    process = program(plan={"joins": False, "joins_late": True, "holds": "moving"})
    process.stdout.readline()
    process.send_signal(signal.SIGHUP)
    assert process.wait(30) == 129
    [name] = engine_names()
    assert [transfer.mine for transfer in asyncio.run(hang_up(name))] == [True]
