"""`visavis doctor`: what works here, and what to do about what does not; one line each.

Facts are gathered first, each kind by a function that touches the machine; what they mean is decided by functions
that touch nothing.
"""

import glob
import json
import locale
import os
import platform
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final, Literal

import platformdirs

from actors.runfolder import RunFolderError, engine_names, folder_path, run_folder, socket_path
from relay import limits, wire
from relay.visible import visible
from tui import settings
from tui.words.catalogue import say, say_cause

PACKAGES: Final = ("visavis", "trio", "textual", "cryptography")
SMALLEST: Final = (60, 20)  # columns and rows at which nothing of the screen is lost
TMUX_SECONDS: Final = 2.0  # a tmux server answers at once; one that hangs must not hang us
DESKTOP_SECONDS: Final = 5.0  # one second for its answer, and Python's start
SOUND_SECONDS: Final = 8.0  # PortAudio asks every server that it knows
RECEIVE_BYTES: Final = 4096

Sign = Literal["good", "note", "bad"]  # works; worth knowing; something needs doing
Colours = Literal["truecolor", "256", "16", "none"]


@dataclass(frozen=True)
class Finding:
    """One line: what was looked at, what was found, and what to do about it ("" if nothing)."""

    sign: Sign
    what: str
    found: str
    advice: str = ""

    def __str__(self) -> str:
        key = "doctor.line.advice" if self.advice else "doctor.line"
        sign = say(f"doctor.{self.sign}")
        return say(key, sign=sign, what=self.what, found=self.found, advice=self.advice)


def examine(relay: str | None) -> int:
    """Print a line for everything; return 0 if nothing is broken, 1 if something needs doing.

    `relay` is the one of the command line, None leaves it to the environment and the settings.
    """
    broken = 0
    for finding in findings(relay):
        print(finding, flush=True)
        broken += finding.sign == "bad"
    print(say("doctor.summary.bad", count=broken) if broken else say("doctor.summary.good"))
    return 1 if broken else 0


def findings(relay: str | None) -> Iterable[Finding]:
    """Look at everything, one after the other."""
    environment = os.environ
    yield judge_versions({name: _version(name) for name in PACKAGES}, platform.python_version())
    yield judge_terminal(_terminal_size(), environment)
    yield judge_encoding(locale.getencoding())
    yield judge_tmux(_tmux_facts(environment))
    yield judge_ssh(environment.get("SSH_CONNECTION", ""))
    opencv = _version("opencv-python") or _version("opencv-python-headless")
    yield judge_video(opencv, _version("av"))
    yield judge_desktop(windows=_version("opencv-python") is not None, answers=_desktop_answers())
    yield judge_cameras({path: os.access(path, os.R_OK | os.W_OK) for path in sorted(glob.glob("/dev/video*"))})
    sound = {name: _version(name) for name in ("pyaudio", "soxr")}
    yield judge_sound(sound, _sound_devices() if None not in sound.values() else {})
    address = relay or settings.load().relay
    yield judge_relay(address, probe_relay(address) if address else None)
    yield from look_at_paths()


# --- this program --------------------------------------------------------------------------------------------------


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def judge_versions(packages: Mapping[str, str | None], python: str) -> Finding:
    """Say which versions are installed; `packages` has None for one that is missing."""
    missing = say("doctor.versions.missing")
    found = say("doctor.versions.found", python=python, **{name: packages[name] or missing for name in PACKAGES})
    if None in packages.values():
        return Finding("bad", say("doctor.versions"), found, say("doctor.versions.advice"))
    return Finding("good", say("doctor.versions"), found)


# --- the terminal --------------------------------------------------------------------------------------------------


def _terminal_size() -> tuple[int, int] | None:
    for stream in (sys.stdout, sys.stdin, sys.stderr):
        try:
            return os.get_terminal_size(stream.fileno())
        except (OSError, ValueError, AttributeError):
            continue
    return None


def colours_of(environment: Mapping[str, str]) -> Colours:
    """Return how many colours a program may use, by what the terminal says of itself."""
    if environment.get("NO_COLOR"):
        return "none"
    if environment.get("COLORTERM", "").lower() in ("truecolor", "24bit"):
        return "truecolor"
    return "256" if "256color" in environment.get("TERM", "") else "16"


def judge_terminal(size: tuple[int, int] | None, environment: Mapping[str, str]) -> Finding:
    """Say what the terminal can do; `size` is columns and rows, None without a terminal."""
    what, term = say("doctor.terminal"), environment.get("TERM", "")
    if size is None:
        return Finding("note", what, say("doctor.terminal.none", term=term), say("doctor.terminal.none.advice"))
    colours = colours_of(environment)
    found = say(
        "doctor.terminal.found", term=term, columns=size[0], rows=size[1], colours=say(f"doctor.colours.{colours}")
    )
    if term in ("", "dumb", "unknown"):
        return Finding("bad", what, found, say("doctor.terminal.dumb.advice", term=term))
    if size[0] < SMALLEST[0] or size[1] < SMALLEST[1]:
        return Finding("note", what, found, say("doctor.terminal.small.advice"))
    if colours in ("256", "16"):
        return Finding("note", what, found, say("doctor.colours.advice"))
    return Finding("good", what, found)


def judge_encoding(encoding: str) -> Finding:
    """Say whether every letter can be shown; `encoding` is that of the locale."""
    if encoding.lower().replace("-", "") == "utf8":
        return Finding("good", say("doctor.locale"), encoding)
    return Finding("bad", say("doctor.locale"), encoding, say("doctor.locale.advice"))


@dataclass(frozen=True)
class TmuxFacts:
    """`version` is None without tmux. The rest is of the tmux that we are inside of, None where it did not say."""

    version: str | None
    inside: bool = False
    features: str | None = None
    clipboard: str | None = None


def _tmux_facts(environment: Mapping[str, str]) -> TmuxFacts:
    if shutil.which("tmux") is None:
        return TmuxFacts(None)
    name = _ask_tmux("-V") or "tmux"
    if not environment.get("TMUX"):
        return TmuxFacts(name)
    return TmuxFacts(
        name,
        inside=True,
        features=_ask_tmux("display-message", "-p", "#{client_termfeatures}"),
        clipboard=_ask_tmux("show-options", "-gsv", "set-clipboard"),
    )


def _ask_tmux(*arguments: str) -> str | None:
    try:
        answer = subprocess.run(
            ["tmux", *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TMUX_SECONDS,
            text=True,
            errors="replace",
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip() or None


def judge_tmux(facts: TmuxFacts) -> Finding:
    """Say whether we are inside tmux and which of its settings are worth knowing."""
    what = say("doctor.tmux")
    if facts.version is None:
        return Finding("note", what, say("doctor.tmux.missing"), say("doctor.tmux.missing.advice"))
    if not facts.inside:
        return Finding("good", what, say("doctor.tmux.outside", version=facts.version))
    found = say("doctor.tmux.inside", version=facts.version)
    colours_cut = facts.features is not None and "RGB" not in facts.features.split(",")
    copies_stay = facts.clipboard == "off"
    for wrong, key in ((colours_cut and copies_stay, "both"), (colours_cut, "rgb"), (copies_stay, "clipboard")):
        if wrong:
            return Finding("note", what, found, say(f"doctor.tmux.{key}.advice"))
    return Finding("good", what, found)


def judge_ssh(connection: str) -> Finding:
    """Say whether this is the far end of an SSH line; `connection` is SSH_CONNECTION."""
    if not connection:
        return Finding("good", say("doctor.ssh"), say("doctor.ssh.outside"))
    found = say("doctor.ssh.inside", client=connection.split(" ", 1)[0])
    return Finding("note", say("doctor.ssh"), found, say("doctor.ssh.inside.advice"))


# --- pictures ------------------------------------------------------------------------------------------------------


def judge_video(opencv: str | None, av: str | None) -> Finding:
    """Say whether pictures can be shown and sent; None is what is not installed."""
    missing = say("doctor.versions.missing")
    found = say("doctor.video.found", opencv=opencv or missing, av=av or missing)
    if opencv is None or av is None:
        return Finding("note", say("doctor.video"), found, say("doctor.video.advice"))
    return Finding("good", say("doctor.video"), found)


def _desktop_answers() -> bool:
    """Ask in a process of its own, as the engine does before it opens a window."""
    command = [sys.executable, "-P", "-m", "actors.sinks.display"]
    try:
        return subprocess.run(command, stdin=subprocess.DEVNULL, timeout=DESKTOP_SECONDS, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def judge_desktop(*, windows: bool, answers: bool) -> Finding:
    """Say whether a picture may have a window; `windows` is whether the OpenCV that is installed can open one."""
    what = say("doctor.desktop")
    if not answers:
        return Finding("note", what, say("doctor.desktop.none"), say("doctor.desktop.none.advice"))
    if not windows:
        return Finding("note", what, say("doctor.desktop.found"), say("doctor.desktop.headless.advice"))
    return Finding("good", what, say("doctor.desktop.found"))


def judge_cameras(cameras: Mapping[str, bool]) -> Finding:
    """Say which cameras are there: their device paths, and whether we may open each."""
    what = say("doctor.camera")
    if not cameras:
        return Finding("note", what, say("doctor.camera.none"), say("doctor.camera.none.advice"))
    found = ", ".join(cameras)
    if not any(cameras.values()):
        return Finding("note", what, found, say("doctor.camera.forbidden.advice"))
    return Finding("good", what, found)


# --- sound ---------------------------------------------------------------------------------------------------------


def _sound_devices() -> Mapping[str, Any]:
    """Look for devices in a process of its own, as the engine does: DevicesFound or Failed, as fields; empty if it
    says nothing."""
    command = [sys.executable, "-P", "-m", "actors.children.devices"]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=SOUND_SECONDS, check=False
        )
        decoder = wire.Decoder({wire.EVENT: limits.CONTROL_BYTES})
        decoder.feed(done.stdout)
        packet = decoder.next_packet()
        return json.loads(packet.payload) if packet is not None else {}
    except (OSError, subprocess.TimeoutExpired, wire.ProtocolError, ValueError):
        return {}


def judge_sound(versions: Mapping[str, str | None], devices: Mapping[str, Any]) -> Finding:
    """Say whether people can hear each other here: `versions` of pyaudio and soxr, None is what is not installed;
    `devices` as `_sound_devices` has them."""
    what, missing = say("doctor.sound"), say("doctor.versions.missing")
    named = {name: version or missing for name, version in versions.items()}
    if None in versions.values():
        return Finding("note", what, say("doctor.sound.missing", **named), say("doctor.sound.missing.advice"))
    if "microphones" not in devices:
        detail = visible(str(devices.get("detail", say("doctor.sound.none"))))
        found = say("doctor.sound.broken", pyaudio=named["pyaudio"], detail=detail)
        return Finding("note", what, found, say("doctor.sound.broken.advice"))
    counts = {name: len(devices[name]) or say("doctor.sound.none") for name in ("microphones", "speakers")}
    found = say("doctor.sound.found", pyaudio=named["pyaudio"], **counts)
    if not devices["microphones"] or not devices["speakers"]:
        return Finding("note", what, found, say("doctor.sound.none.advice"))
    return Finding("good", what, found)


# --- the relay -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Answer:
    """What a relay said to a hello: "" and the milliseconds it took, or a cause of docs/engine.md with its detail."""

    cause: str
    detail: str = ""
    milliseconds: float = 0.0


_CAUSES: Final = {"version": "relay-version", "limit": "relay-limit", "draining": "relay-draining"}


def probe_relay(relay: str, seconds: float = limits.ANSWER_SECONDS) -> Answer:
    """Ask the relay at HOST:PORT for a number, as a call does, and give it back by leaving. Never raises.

    Takes `seconds` for each address of the host at most, and as long again for its answer.
    """
    try:
        address = wire.parse_address(relay)
    except ValueError:
        return Answer("relay-address", relay)
    try:
        connection = socket.create_connection(address, timeout=seconds)
    except (socket.gaierror, UnicodeError):  # UnicodeError: a name that can't be one
        return Answer("relay-unknown-host")
    except ConnectionRefusedError:
        return Answer("relay-refused")
    except OSError as error:
        return Answer("relay-unreachable", error.strerror or str(error))
    with connection:
        return _greet(connection, seconds)


def _greet(connection: socket.socket, seconds: float) -> Answer:
    decoder = wire.Decoder(wire.HANDSHAKE_LIMITS)
    began = time.monotonic()
    try:
        connection.sendall(wire.Hello("new", secrets.token_hex(16)).encode())
        while (packet := decoder.next_packet()) is None:
            connection.settimeout(max(0.001, began + seconds - time.monotonic()))
            data = connection.recv(RECEIVE_BYTES)
            if not data:
                return Answer("relay-busy" if decoder.take_rest() == wire.REJECT else "relay-not-visavis")
            decoder.feed(data)
        if packet.type == wire.ERROR:
            code, message = wire.parse_error(packet.payload)
            return Answer(_CAUSES.get(code, "relay-error"), message or code)
        if packet.type != wire.WAIT:
            return Answer("relay-not-visavis")
        wire.parse_wait(packet.payload)
    except (wire.ProtocolError, OSError):
        return Answer("relay-not-visavis")
    return Answer("", milliseconds=(time.monotonic() - began) * 1000)


def judge_relay(relay: str, answer: Answer | None) -> Finding:
    """Say whether the relay can be used; no `answer` if none is configured."""
    what = say("doctor.relay")
    if answer is None:
        return Finding("note", what, say("doctor.relay.unset"), say("doctor.relay.unset.advice"))
    if answer.cause:
        return Finding("bad", what, relay, say_cause(answer.cause, answer.detail))
    return Finding("good", what, say("doctor.relay.good", relay=relay, milliseconds=answer.milliseconds))


# --- folders and files ---------------------------------------------------------------------------------------------


def look_at_paths() -> Iterable[Finding]:
    """Say where things are kept, whether the run folder can be trusted, and which calls run."""
    what = say("doctor.run")
    names: list[str] = []
    try:
        folder = run_folder()
        socket_path("1")
        names = engine_names()
    except RunFolderError as error:
        yield Finding("bad", what, str(folder_path()), say(f"cli.run.{error.code}", path=error.path))
    except OSError as error:
        advice = say("cli.run.unwritable", path=folder_path())
        yield Finding("bad", what, error.strerror or str(error), advice)
    else:
        yield Finding("good", what, say("doctor.run.good", path=folder))
    for key, path in (("settings", settings.settings_path()), ("log", platformdirs.user_log_path("visavis"))):
        yield judge_path(say(f"doctor.{key}"), path, there=path.exists())
    yield judge_engines(names)


def judge_path(what: str, path: Path, *, there: bool) -> Finding:
    """Say where something is kept."""
    return Finding("good", what, say("doctor.path.found" if there else "doctor.path.none", path=path))


def judge_engines(names: list[str]) -> Finding:
    """Say which calls run."""
    if not names:
        return Finding("good", say("doctor.engines"), say("doctor.engines.none"))
    advice = say("doctor.engines.advice", first=names[0])
    return Finding("good", say("doctor.engines"), say("doctor.engines.found", names=", ".join(names)), advice)
