"""Starting an engine: what it says on its ready pipe, and what it does not say."""

import os
import sys

import pytest

from tui import launch
from tui.launch import LaunchError, launch_engine, parse_ready, start_engine


@pytest.mark.parametrize(
    ("line", "code", "detail"),
    [
        (b"error open /tmp/visavis-1 is open\n", "open", "/tmp/visavis-1 is open"),
        (b"error busy\n", "busy", ""),
        (b"error\n", "died", ""),
        (b"", "died", ""),
        (b"\n", "died", ""),
        (b"1", "died", ""),
    ],
)
def test_what_is_no_name_is_an_error(line, code, detail):
    with pytest.raises(LaunchError) as caught:
        parse_ready(line)
    assert (caught.value.code, caught.value.detail) == (code, detail)


def test_a_name_is_the_name():
    assert parse_ready(b"12\n") == "12"


@pytest.fixture
def engine_program(monkeypatch, tmp_path):
    """Have a script run in the engine's place: `ready(text)` writes to the pipe."""

    def use(body):
        script = tmp_path / "engine"
        prelude = "import os, sys, time\ndef ready(text): os.write(int(sys.argv[-1]), text)\n"
        # A shell between: a path with a space can't stand behind "#!".
        python = f"#!/bin/sh\n'''exec' '{sys.executable}' \"$0\" \"$@\"\n'''\n"
        script.write_text(f"{python}{prelude}{body}\n")
        script.chmod(0o700)
        monkeypatch.setattr(sys, "executable", str(script))

    return use


def test_an_engine_that_gets_ready_is_named(engine_program):
    engine_program('assert sys.argv[1:5] == ["-P", "-m", "tui.cli", "engine"]\nready(b"3\\n")')
    assert start_engine() == "3"


def test_it_is_told_the_name_one_goes_by_and_has_a_session_of_its_own(engine_program):
    engine_program(
        'assert os.environ["VISAVIS_NAME"] == "미나"\nassert os.getsid(0) == os.getpid()\n'
        'assert all(os.fstat(n).st_rdev == os.stat("/dev/null").st_rdev for n in (0, 1, 2))\nready(b"4\\n")'
    )
    assert start_engine("미나") == "4"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ('ready(b"error unwritable /x\\n")', "unwritable"),
        ("sys.exit(1)", "died"),
        ('ready(b"3")\nos.close(int(sys.argv[-1]))\ntime.sleep(60)', "died"),
    ],
)
def test_an_engine_that_does_not_get_ready_is_an_error(engine_program, body, code):
    engine_program(body)
    with pytest.raises(LaunchError) as caught:
        start_engine()
    assert caught.value.code == code


def test_an_engine_that_says_nothing_is_ended(engine_program, monkeypatch):
    monkeypatch.setattr(launch, "READY_SECONDS", 0.2)
    engine_program("time.sleep(60)")
    with pytest.raises(LaunchError) as caught:
        start_engine()
    assert caught.value.code == "silent"


def test_a_program_that_cannot_be_started_is_an_error(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(LaunchError) as caught:
        start_engine()
    assert caught.value.code == "start"


def test_it_can_be_given_an_input_and_an_output(engine_program):
    engine_program('sys.stdout.buffer.write(sys.stdin.buffer.read()[::-1])\nsys.stdout.flush()\nready(b"5\\n")')
    (read_in, write_in), (read_out, write_out) = os.pipe(), os.pipe()
    os.write(write_in, b"abc")
    os.close(write_in)
    engine = launch_engine(stdin=read_in, stdout=write_out)
    engine.end(10)
    os.close(read_in)
    os.close(write_out)
    with open(read_out, "rb") as output:
        assert output.read() == b"cba"


def test_one_that_does_not_end_is_ended(engine_program):
    engine_program('ready(b"6\\n")\ntime.sleep(60)')
    engine = launch_engine()
    engine.end(0.01)
    assert engine.process.returncode < 0


def test_one_that_is_not_waited_for_is_ended(engine_program, monkeypatch, tmp_path):
    def interrupt(descriptor):
        os.read(descriptor, 1)
        raise KeyboardInterrupt

    monkeypatch.setattr(launch, "_read_line", interrupt)
    engine_program(f'open("{tmp_path}/pid", "w").write(str(os.getpid()))\nready(b"7\\n")\ntime.sleep(60)')
    with pytest.raises(KeyboardInterrupt):
        launch_engine()
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)
