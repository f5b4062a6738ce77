"""The command line: what it says of itself, how it ends, and how it complains."""

import errno
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tui import cli
from tui.words.catalogue import catalogue
from tui.words.english_cli import CATALOGUE

COMMANDS = ("call", "attach", "send", "receive", "relay", "engine", "demo", "doctor")


@pytest.fixture(autouse=True)
def excepthook_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)


def visavis(*arguments: str, **settings: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-m", "tui.cli", *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        **settings,
    )


def ends_with(arguments: list[str]) -> int:
    try:
        return cli.main(arguments)
    except SystemExit as end:
        return int(end.code or 0)


def one_sentence(text: str) -> bool:
    return text.startswith("visavis: ") and text.count("\n") == 1 and text.endswith(".\n")


# --- help ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_every_command_has_help_with_an_example(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert ends_with([*command.split(), "--help"]) == 0
    shown = capsys.readouterr().out
    assert "example" in shown
    assert f"  visavis {command}".rstrip() in shown or f"| visavis {command}" in shown


def test_examples_of_the_help_are_understood() -> None:
    parser = cli.build_parser()
    for words in (words for key, words in CATALOGUE.items() if key.endswith(".more")):
        for line in words.format().splitlines():
            if line.startswith("  ") and "visavis" in line:
                command = re.split(r"\s{3,}", line.strip())[0]
                parser.parse_args(shlex.split(command[command.index("visavis") :].split(" | ")[0])[1:])


@pytest.mark.parametrize("later", ["measure", "relay-here", "ready"])
def test_help_lists_only_what_is_there(later: str, capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("", *COMMANDS):
        ends_with([*command.split(), "--help"])
    shown = capsys.readouterr().out
    assert not re.search(rf"^ *(--)?{later}\b", shown, re.MULTILINE)


def test_every_word_the_command_line_asks_for_is_in_the_catalogue() -> None:
    for name in ("cli", "doctor", "demo", "headless", "send", "receive", "report", "output", "progress"):
        source = (Path(cli.__file__).parent / f"{name}.py").read_text(encoding="utf-8")
        for key in re.findall(r'say\(\s*"([^"{]+)"', source):
            assert key in catalogue()


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert ends_with(["--version"]) == 0
    assert re.fullmatch(r"visavis \d+\.\d+\.\d+\n", capsys.readouterr().out)


# --- what is misused -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        ["bogus"],
        ["--bogus"],
        ["--rel", "a:1"],  # not shortened: what is added later would change what it means
        ["--relay"],
        ["--relay", "a:b"],
        ["--relay", "a:0"],
        ["--relay", "a:65536"],
        ["--relay", "two words:1"],
        ["--plain", "a:1:b:c:zz]"],
        ["--plain", "a:1", "doctor"],
        ["--plain", "a:1", "call"],
        ["call", "one", "two"],
        ["relay", "--port", "65536"],
        ["relay", "--port", "-1"],
        ["relay", "--port", "²"],
        ["relay", "--drain", "-1"],
        ["relay", "--drain", "nan"],
        ["relay", "--drain", "inf"],
        ["relay", "--per-address", "0"],
        ["relay", "--per-address", "1.5"],
        ["engine"],
        ["engine", "--ready", "x"],
        ["send"],
        ["send", "-", "a.txt"],
        ["send", "--plain", "a:1", "a.txt"],
        ["receive", "one", "two"],
        ["receive", "-o", "a.txt"],
        ["receive", "-o", "-", "--to", "."],
        ["receive", "-o", "-", "--json", "--yes", "code"],
        ["receive", "--only"],
        ["receive", "--yes", "--only", "", "code"],
        ["receive", "--yes", "--relay", "a:1"],  # no code, and no terminal to ask in
        ["receive", "code", "--relay", "a:1"],  # no terminal to ask in, and not --yes
        ["receive", "code", "--yes"],  # no relay
    ],
)
def test_misuse_is_one_sentence_and_status_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert ends_with(arguments) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert one_sentence(shown.err), shown.err


@pytest.mark.parametrize(
    ("before", "after"),
    [(["--relay", "a:1", "doctor"], "a:1"), (["doctor", "--relay", "a:1"], "a:1"), (["doctor"], None)],
)
def test_the_relay_may_stand_before_or_after_the_command(before: list[str], after: str | None) -> None:
    assert cli.build_parser().parse_args(before).relay == after


def test_an_address_without_a_port_means_the_usual_one() -> None:
    assert cli.build_parser().parse_args(["--relay", "lab.example"]).relay == "lab.example:9999"
    assert cli.build_parser().parse_args(["--relay", "::1"]).relay == "[::1]:9999"


@pytest.mark.parametrize("arguments", [[], ["call"], ["call", "1234-a-b-c"], ["attach"], ["demo"], ["--plain", "a:1"]])
def test_without_a_terminal_the_screen_is_misused(arguments: list[str]) -> None:
    done = visavis(*arguments)
    assert done.returncode == 2
    assert one_sentence(done.stderr)
    assert "terminal" in done.stderr


# --- which call to come back to ------------------------------------------------------------------------------------


def test_the_only_call_needs_no_name() -> None:
    assert cli.choose_engine(None, ["3"]) == "3"
    assert cli.choose_engine("3", ["1", "3"]) == "3"


@pytest.mark.parametrize(
    ("wanted", "running", "status", "says"),
    [
        (None, [], 1, ["visavis call"]),
        ("1", [], 1, ["visavis call"]),
        (None, ["1", "4"], 2, ["1, 4", "visavis attach 1"]),
        ("2", ["1", "4"], 1, ["'2'", "1, 4"]),
    ],
)
def test_a_call_that_is_not_clear(wanted: str | None, running: list[str], status: int, says: list[str]) -> None:
    with pytest.raises(cli.CommandError) as caught:
        cli.choose_engine(wanted, running)
    assert caught.value.status == status
    for part in says:
        assert part in str(caught.value)


# --- what fails ----------------------------------------------------------------------------------------------------


def test_a_relay_setting_that_is_no_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISAVIS_RELAY", "a:b")
    with pytest.raises(cli.CommandError, match="VISAVIS_RELAY") as caught:
        cli.relay_of(cli.build_parser().parse_args([]))
    assert caught.value.status == 2


def test_a_port_that_is_taken() -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = visavis("relay", "--host", "127.0.0.1", "--port", port)
    assert done.returncode == 1
    assert done.stdout == ""
    assert one_sentence(done.stderr)
    assert port in done.stderr


def test_an_address_this_machine_does_not_have() -> None:
    done = visavis("relay", "--host", "192.0.2.1", "--port", "0")
    assert done.returncode == 1
    assert one_sentence(done.stderr)
    assert "192.0.2.1" in done.stderr


def test_a_reader_that_leaves_is_no_error() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-P", "-m", "tui.cli", "doctor"], stdout=writing, stderr=subprocess.PIPE, timeout=60
    )
    os.close(writing)
    assert done.stderr == b""
    assert done.returncode == 1


def test_a_run_folder_that_others_can_read_is_a_sentence(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    done = visavis("engine", "--stdio", env={**os.environ, "VISAVIS_RUN": str(tmp_path)})
    assert done.returncode == 1
    assert one_sentence(done.stderr)
    assert "chmod 700" in done.stderr


def test_interrupted_is_130(monkeypatch: pytest.MonkeyPatch) -> None:
    from tui import doctor

    def interrupt(relay: str | None) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(doctor, "examine", interrupt)
    assert cli.main(["doctor"]) == 130


BUG = """
import sys
from tui import cli, doctor
def bug(relay): raise LookupError("kept for the log")
doctor.examine = bug
sys.exit(cli.main(["doctor", *sys.argv[1:]]))
"""


def test_what_nobody_expected_is_a_sentence_and_a_log(tmp_path: Path) -> None:
    environment = {**os.environ, "XDG_STATE_HOME": str(tmp_path), "HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", BUG], capture_output=True, text=True, env=environment)
    assert done.returncode == 1
    assert one_sentence(done.stderr.replace("--debug shows it here.", "."))
    assert "LookupError" in done.stderr
    log = next(tmp_path.rglob("*.log"))
    assert str(log) in done.stderr
    assert "kept for the log" in log.read_text()


def test_debug_shows_the_traceback() -> None:
    done = subprocess.run([sys.executable, "-c", BUG, "--debug"], capture_output=True, text=True)
    assert done.returncode == 1
    assert "Traceback" in done.stderr


@pytest.mark.parametrize(
    ("number", "says"),
    [
        (errno.EADDRINUSE, "taken"),
        (errno.EACCES, "1024"),
        (errno.EADDRNOTAVAIL, "no address"),
        (errno.ENOBUFS, os.strerror(errno.ENOBUFS)),
    ],
)
def test_why_a_relay_can_not_listen(number: int, says: str) -> None:
    assert says in cli.listen_sentence(OSError(number, os.strerror(number)), "h", 80)
