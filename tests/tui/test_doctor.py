"""`visavis doctor`: what its findings mean, from facts alone; and its question to a relay, over real sockets."""

import contextlib
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from actors.runfolder import folder_path
from relay import wire
from tui import doctor
from tui.doctor import Answer, Finding, TmuxFacts


def sign(finding: Finding) -> str:
    assert "\n" not in str(finding)
    return finding.sign


def test_a_line_says_sign_what_and_what_to_do() -> None:
    assert str(Finding("good", "tmux", "there")) == "✓ tmux       there"
    assert str(Finding("bad", "relay", "lab:1", "start it")) == "✗ relay      lab:1: start it"


def test_versions() -> None:
    versions = {"visavis": "1.0", "trio": "0.35", "textual": "8.2", "cryptography": "50"}
    assert sign(doctor.judge_versions(versions, "3.11.2")) == "good"
    missing = doctor.judge_versions({**versions, "textual": None}, "3.11.2")
    assert sign(missing) == "bad"
    assert "textual not installed" in missing.found


@pytest.mark.parametrize(
    ("opencv", "av", "expected"), [("4.14", "17", "good"), (None, "17", "note"), ("4.14", None, "note")]
)
def test_pictures_are_an_extra_that_is_told_of(opencv: str | None, av: str | None, expected: str) -> None:
    finding = doctor.judge_video(opencv, av)
    assert sign(finding) == expected
    assert ("pip install" in finding.advice) is (expected == "note")


def test_a_window_takes_a_desktop_and_an_opencv_that_opens_one() -> None:
    assert sign(doctor.judge_desktop(windows=True, answers=True)) == "good"
    assert "headless" in doctor.judge_desktop(windows=False, answers=True).advice
    assert "terminal" in doctor.judge_desktop(windows=True, answers=False).advice


def test_cameras() -> None:
    assert doctor.judge_cameras({"/dev/video0": True, "/dev/video1": False}).found == "/dev/video0, /dev/video1"
    assert sign(doctor.judge_cameras({"/dev/video0": True})) == "good"
    assert sign(doctor.judge_cameras({})) == "note"
    assert "group `video`" in doctor.judge_cameras({"/dev/video0": False}).advice


INSTALLED = {"pyaudio": "0.2.14", "soxr": "1.1"}


def test_sound_is_an_extra_that_is_told_of() -> None:
    finding = doctor.judge_sound({"pyaudio": None, "soxr": "1.1"}, {})
    assert sign(finding) == "note"
    assert "visavis[audio]" in finding.advice


def test_microphones_and_speakers() -> None:
    device = {"id": "a", "name": "A"}
    both = doctor.judge_sound(INSTALLED, {"microphones": [device, device], "speakers": [device]})
    assert sign(both) == "good"
    assert both.found.endswith("microphones: 2, speakers: 1")
    assert "/speaker new.wav" in doctor.judge_sound(INSTALLED, {"microphones": [device], "speakers": []}).advice


def test_a_portaudio_that_does_not_answer_is_said() -> None:
    finding = doctor.judge_sound(INSTALLED, {"type": "Failed", "cause": "sound-missing", "detail": "libportaudio\x1b"})
    assert "libportaudio2" in finding.advice
    assert "\x1b" not in finding.found
    assert sign(doctor.judge_sound(INSTALLED, {})) == "note"


def test_devices_are_looked_for_as_the_engine_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULSE_SERVER", "unix:/nowhere")
    assert {"microphones", "speakers"} <= doctor._sound_devices().keys()


def test_the_desktop_is_asked_as_the_engine_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setenv("DISPLAY", ":9797")
    assert not doctor._desktop_answers()


@pytest.mark.parametrize(
    ("environment", "colours"),
    [
        ({"TERM": "xterm", "COLORTERM": "truecolor"}, "truecolor"),
        ({"TERM": "xterm", "COLORTERM": "24bit"}, "truecolor"),
        ({"TERM": "tmux-256color"}, "256"),
        ({"TERM": "linux"}, "16"),
        ({}, "16"),
        ({"COLORTERM": "truecolor", "NO_COLOR": "1"}, "none"),
    ],
)
def test_colours(environment: dict[str, str], colours: str) -> None:
    assert doctor.colours_of(environment) == colours


@pytest.mark.parametrize(
    ("size", "term", "expected"),
    [
        ((120, 40), "xterm-256color", "good"),
        ((60, 20), "xterm-256color", "good"),
        ((59, 20), "xterm-256color", "note"),
        ((60, 19), "xterm-256color", "note"),
        ((120, 40), "dumb", "bad"),
        ((120, 40), "", "bad"),
        (None, "dumb", "note"),
    ],
)
def test_terminal(size: tuple[int, int] | None, term: str, expected: str) -> None:
    assert sign(doctor.judge_terminal(size, {"TERM": term, "COLORTERM": "truecolor"})) == expected


def test_a_terminal_with_few_colours_is_told_how_to_get_more() -> None:
    finding = doctor.judge_terminal((120, 40), {"TERM": "screen-256color"})
    assert sign(finding) == "note"
    assert "COLORTERM" in finding.advice


@pytest.mark.parametrize(
    ("encoding", "expected"), [("UTF-8", "good"), ("utf8", "good"), ("ANSI_X3.4-1968", "bad"), ("EUC-KR", "bad")]
)
def test_letters(encoding: str, expected: str) -> None:
    assert sign(doctor.judge_encoding(encoding)) == expected


@pytest.mark.parametrize(
    ("facts", "expected", "advice"),
    [
        (TmuxFacts(None), "note", "visavis attach"),
        (TmuxFacts("tmux 3.3a"), "good", ""),
        (TmuxFacts("tmux 3.3a", inside=True, features="256,RGB,title", clipboard="external"), "good", ""),
        (TmuxFacts("tmux 3.3a", inside=True, features="256,title", clipboard="on"), "note", "RGB"),
        (TmuxFacts("tmux 3.3a", inside=True, features="RGB", clipboard="off"), "note", "set-clipboard"),
        (TmuxFacts("tmux 3.3a", inside=True, features="256", clipboard="off"), "note", "RGB"),
        (TmuxFacts("tmux 3.3a", inside=True), "good", ""),  # it did not say: nothing is guessed
    ],
)
def test_tmux(facts: TmuxFacts, expected: str, advice: str) -> None:
    finding = doctor.judge_tmux(facts)
    assert sign(finding) == expected
    assert advice in finding.advice


def test_ssh() -> None:
    assert sign(doctor.judge_ssh("")) == "good"
    inside = doctor.judge_ssh("192.0.2.7 51234 192.0.2.1 22")
    assert sign(inside) == "note"
    assert "192.0.2.7" in inside.found
    assert "docs/ssh.md" in inside.advice


def test_no_relay_is_worth_knowing_and_not_broken() -> None:
    assert sign(doctor.judge_relay("", None)) == "note"


CAUSES = ("address", "unknown-host", "refused", "unreachable", "not-visavis", "version", "limit", "draining", "busy")


def test_every_wrong_relay_has_its_own_sentence() -> None:
    findings = [doctor.judge_relay("lab:1", Answer(f"relay-{cause}", "detail")) for cause in CAUSES]
    assert {sign(finding) for finding in findings} == {"bad"}
    assert len({finding.advice for finding in findings}) == len(CAUSES)
    assert not any("no words for" in finding.advice for finding in findings)


def test_paths_of_a_home_that_is_new() -> None:
    findings = list(doctor.look_at_paths())
    assert [sign(finding) for finding in findings] == ["good"] * 4
    assert str(folder_path()) in findings[0].found


def test_a_run_folder_that_is_open_to_others_is_broken() -> None:
    folder_path().chmod(0o755)
    finding = next(iter(doctor.look_at_paths()))
    assert sign(finding) == "bad"
    assert "chmod 700" in finding.advice


def test_a_run_folder_that_can_not_be_made_is_broken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("VISAVIS_RUN", str(tmp_path / "file" / "run"))
    finding = next(iter(doctor.look_at_paths()))
    assert sign(finding) == "bad"
    assert "VISAVIS_RUN" in finding.advice


def test_calls_that_run_are_named() -> None:
    finding = doctor.judge_engines(["1", "3"])
    assert "1, 3" in finding.found
    assert "visavis attach 1" in finding.advice


# --- asking a relay ------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def listening(*answer: bytes, silent: bool = False) -> Iterator[tuple[str, list[bytes]]]:
    """Something at a loopback port that says `answer`, in these pieces, to the first who comes; what that one said."""
    heard: list[bytes] = []
    done = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with listener.accept()[0] as connection:
                heard.append(connection.recv(4096))
                for piece in answer:
                    connection.sendall(piece)
                if silent:
                    done.wait(10)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield "{}:{}".format(*listener.getsockname()), heard
        finally:
            done.set()
            thread.join()


def test_a_relay_that_gives_a_number_is_good() -> None:
    wait = wire.encode_wait("4217")
    with listening(wait[:5], wait[5:]) as (relay, heard):
        answer = doctor.probe_relay(relay)
    assert answer.cause == ""
    assert 0 < answer.milliseconds < 10_000
    decoder = wire.Decoder(wire.HANDSHAKE_LIMITS)
    decoder.feed(heard[0])
    packet = decoder.next_packet()
    assert packet is not None
    assert wire.parse_hello(packet.payload).want == "new"


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        ([b"SSH-2.0-OpenSSH_9.2p1\r\n"], "relay-not-visavis"),
        ([], "relay-not-visavis"),
        ([wire.encode(wire.PAIR)], "relay-not-visavis"),
        ([wire.encode(wire.WAIT, b"{}")], "relay-not-visavis"),
        ([wire.encode(wire.WAIT, b"[" * 4000)], "relay-not-visavis"),
        ([b"WAIT" + b"\xff" * 8], "relay-not-visavis"),
        ([wire.REJECT], "relay-busy"),
        ([wire.encode_error("version", "speaks 2")], "relay-version"),
        ([wire.encode_error("limit", "too many")], "relay-limit"),
        ([wire.encode_error("draining", "ends")], "relay-draining"),
        ([wire.encode_error("odd", "something else")], "relay-error"),
    ],
)
def test_other_answers(said: list[bytes], cause: str) -> None:
    with listening(*said) as (relay, _):
        assert doctor.probe_relay(relay).cause == cause


def test_a_relay_that_says_nothing_is_not_waited_for_long() -> None:
    with listening(silent=True) as (relay, _):
        assert doctor.probe_relay(relay, seconds=0.05).cause == "relay-not-visavis"


def test_addresses_that_lead_nowhere() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        assert doctor.probe_relay("{}:{}".format(*taken.getsockname())).cause == "relay-refused"
    assert doctor.probe_relay("no-such-host.invalid:1").cause == "relay-unknown-host"
    assert doctor.probe_relay("x" * 64 + ".example:1").cause == "relay-unknown-host"
    assert doctor.probe_relay("a:b").cause == "relay-address"


def test_everything_is_looked_at(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(os.environ, "TERM", "xterm-256color")
    assert doctor.examine(None) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line[2:12].strip() for line in lines[:-1]] == [
        *("versions", "terminal", "letters", "tmux", "SSH", "pictures", "desktop", "cameras", "sound"),
        *("relay", "run folder", "settings", "logs", "calls"),
    ]
    assert lines[-1] == "Nothing is broken."


def test_something_broken_is_counted(capsys: pytest.CaptureFixture[str]) -> None:
    assert doctor.examine("a:b") == 1
    assert "To mend: 1" in capsys.readouterr().out
