"""The documents are true: what they tabulate is in the code, what they show is run, what they link to is there."""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from actors import messages, offers, peer, shows, sounds
from actors.audio import frames as sound
from actors.files import packets
from actors.messages import Ended, EnterCode, SendText, SessionOpened, TextReceived
from actors.seal import KEX, PAKE_BYTES
from actors.video import frames
from relay import limits, wire
from tests.documents import (
    DESIGN,
    DOCS,
    ENGINE,
    PROTOCOL,
    ROOT,
    assigned_to_cause,
    causes_of,
    codes,
    constant,
    fields_had,
    fields_told,
    is_call,
    name_of,
    returned_by,
    rows,
    sources,
)
from tests.e2e.programs import Engine, Relay
from tui.words.catalogue import knows

EXAMPLE = DOCS / "examples" / "hello.py"


# --- protocol.md -----------------------------------------------------------------------------------------------------


def shown(name: str, value: float) -> str:
    if name.endswith("_BYTES"):
        unit, size = next((u, s) for u, s in (("MiB", limits.MIB), ("KiB", limits.KIB), ("B", 1)) if value % s == 0)
        return f"{value // size} {unit}"
    if name.endswith("_SECONDS"):
        return f"{value:,g} s"
    return f"{value:,}" if value >= 10_000 else f"{value:g}"


def test_the_table_of_limits_is_the_code() -> None:
    told = {row[0].strip("`"): row[1] for row in rows(PROTOCOL, "limit", "value", "why")}
    had = {name: shown(name, value) for name, value in vars(limits).items() if name.isupper()}
    assert told == {name: value for name, value in had.items() if name not in ("KIB", "MIB")}


def test_the_tables_of_packets_are_the_code() -> None:
    told = {
        packet_type: row[-1].strip("`")
        for row in rows(PROTOCOL, "type", "payload")
        for packet_type in re.findall(r"`(\w{4})`", row[0])
    }
    had = {t.decode(): limit for t, limit in {**wire.HANDSHAKE_LIMITS, **wire.PLAIN_LIMITS}.items()}
    del told["SEAL"]
    assert {t: int(told[t]) if told[t].isdigit() else getattr(limits, told[t]) for t in told} == had


def test_the_inner_types_that_are_built_are_the_code() -> None:
    told = [row[0] for row in rows(PROTOCOL, "inner type") if "Not built yet" not in row[-1]]
    on_file = (packets.LIST, packets.BLOCK, packets.WHOLE, packets.END, packets.SKIP)
    assert told == [
        f"`{t.decode()}`" for t in (wire.CONTROL, wire.MESSAGE, wire.BYE, *on_file, frames.FRAME, sound.FRAME)
    ]


def test_every_struct_between_engines_is_told() -> None:
    assert fields_told(PROTOCOL, "struct", "in", "field") == fields_had(
        [*get_args(peer.Control), *get_args(peer.Message)]
    )


def test_the_bytes_of_a_key_exchange_are_the_code() -> None:
    table = [(int(row[0]), int(row[1])) for row in rows(PROTOCOL, "at", "bytes", "of a `KEX0` payload")]
    assert [at for at, _ in table] == [sum(size for _, size in table[:place]) for place in range(len(table))]
    assert sum(size for _, size in table) == KEX.size == 70
    assert f"exactly {PAKE_BYTES} bytes" in PROTOCOL


def test_the_fields_of_a_hello_are_the_code() -> None:
    hello = msgspec.json.decode(wire.Hello("room", "a" * 32, "b" * 32, "main.0").encode()[wire.HEADER.size :])
    assert sorted(codes(PROTOCOL, "field", "value")) == sorted(hello)
    assert set(codes(PROTOCOL, "`want`", "meaning")) == set(wire.WANTS)
    for line in re.findall(r"^    (\{.*\})$", PROTOCOL, re.MULTILINE):
        shortened = msgspec.json.decode(line.replace("…", "0" * 28))
        assert wire.parse_hello(msgspec.json.encode(shortened)).encode()


def test_every_error_of_the_relay_is_told() -> None:
    said = {"version", "early", "hello"}  # what becomes of a ProtocolError
    for node in sources("relay/server.py", "relay/pairing.py", "actors/pairing.py"):
        if isinstance(node, ast.Call):
            place = {"Refuse": 1, "decide": 0, "encode_error": 0, "error_payload": 0}.get(name_of(node))
            if place is not None:
                said |= constant(node.args[place])
    assert set(codes(PROTOCOL, "code", "when")) == said


# --- engine.md -------------------------------------------------------------------------------------------------------


def test_every_command_and_event_is_told_with_all_its_fields() -> None:
    commands, events = get_args(messages.AnyCommand), get_args(messages.AnyEvent)
    others = [
        offers.Transfer,
        offers.OfferEntry,
        shows.Video,
        shows.PeerVideo,
        shows.Recording,
        shows.Flow,
        shows.Stage,
        sounds.Sound,
        sounds.DeviceUse,
        sounds.PeerSound,
        sounds.Meter,
        sounds.Device,
    ]
    had = fields_had(commands) | fields_had(events, but="seq") | fields_had([messages.Line, *others])
    assert fields_told(ENGINE, "struct", "field") == had


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("Phase", "phase"),
        ("Link", "link"),
        ("TransferState", "state"),
        ("Stall", "stall"),
        ("VideoState", "video"),
        ("DeviceState", "device"),
    ],
)
def test_every_phase_link_state_and_stall_is_told(name: str, header: str) -> None:
    assert set(codes(ENGINE, header, "")) == set(get_args(getattr(messages, name))) - {""}


def test_what_the_document_shows_passing_is_what_passes() -> None:
    numbers = []
    for line in ENGINE.partition("```lines\n")[2].partition("```")[0].splitlines():
        payload = line[2:].encode()
        if line.startswith("< "):
            event = messages.decode_event(payload)
            numbers.append(event.seq)
            assert messages.encode(event) == payload
        else:
            assert messages.encode(messages.decode_command(payload)) == payload
    assert numbers == list(range(len(numbers)))


PLAIN_VIDEO = "actors/plain_video.py"
ENDS = ("DialError", "LaneEnded", "SessionOver", "PlainEnded", "CodeError")
CALLS = (
    "actors/code.py actors/dial.py actors/engine.py actors/epoch.py actors/lane.py actors/pairing.py actors/plain.py "
    "actors/plain_reader.py actors/session.py"
)


def causes_in_code() -> set[str]:
    """Every code that ends or breaks a call, wherever the code says it."""
    found = {"short", "altered", "exhausted"}  # what a lane makes of a SealError
    for node in sources(*CALLS.split()):
        match node:
            case ast.AnnAssign(target=ast.Name(id="_CAUSES"), value=ast.Dict(values=values)):
                found |= {text for value in values for text in constant(value)}
            case ast.Call(args=[first, *_]) if name_of(node) in ENDS:
                found |= constant(first)
            case ast.Call(args=[first, *_]) if name_of(node) in ("_end", "_over"):
                found |= constant(first)
            case ast.Call(args=[_, second, *_]) if name_of(node) == "_show":
                found |= constant(second)
            case ast.Assign(targets=[ast.Attribute(attr="_interrupted")], value=value):
                found |= constant(value)
            case _:
                pass
    return found


def test_every_cause_is_told() -> None:
    assert set(codes(ENGINE, "code", "in", "meaning")) == causes_in_code()


def test_every_refusal_is_told() -> None:
    burned = {
        text for n in sources("actors/pairing.py") if is_call(n, "CodeBurnedError") for text in constant(n.args[0])
    }
    assert set(codes(ENGINE, "burned", "meaning")) == burned
    assert set(codes(ENGINE, "because", "meaning")) == causes_of("CodeMade", "actors/pairing.py")
    texts = ("actors/chat.py", "actors/plain.py", "actors/engine.py")
    refused = causes_of("TextRefused", *texts) | assigned_to_cause(*texts) | returned_by("refusal", "actors/chat.py")
    assert set(codes(ENGINE, "refused", "meaning")) == refused
    commands = (
        "actors/chat.py",
        "actors/engine.py",
        "actors/screens.py",
        "actors/video/channel.py",
        "actors/video/keeping.py",
        PLAIN_VIDEO,
    )
    not_done = causes_of("CommandRefused", *commands) | returned_by("_refusal", "actors/screens.py")
    assert set(codes(ENGINE, "command", "meaning")) == not_done


@pytest.mark.parametrize(
    ("table", "key"),
    [
        (("code", "in", "meaning"), "cause-{}"),
        (("burned", "meaning"), "stage-burned-{}"),
        (("because", "meaning"), "code-again-{}"),
        (("refused", "meaning"), "cause-text-{}"),
        (("command", "meaning"), "cause-command-{}"),
    ],
)
def test_every_code_has_a_sentence(table: tuple[str, ...], key: str) -> None:
    assert [code for code in codes(ENGINE, *table) if not knows(key.format(code))] == []


# --- the example -----------------------------------------------------------------------------------------------------


def test_the_document_shows_the_example_as_it_is() -> None:
    assert ENGINE.partition("```python\n")[2].partition("```")[0] == EXAMPLE.read_text("utf-8")


@pytest.fixture
def closing(own_folders: None) -> Iterator[ExitStack]:
    """Ends what a test started, the last first."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def relay(closing: ExitStack) -> Relay:
    relay = Relay("--drain", "0")
    closing.callback(relay.end)
    return relay


@pytest.fixture
def start_hello(closing: ExitStack) -> Callable[..., subprocess.Popen[str]]:
    """Start the example as a person would: `visavis` is on the PATH."""

    def start(*arguments: str, **environment: str) -> subprocess.Popen[str]:
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        example = subprocess.Popen(
            [sys.executable, str(EXAMPLE), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PATH": path, **environment},
        )
        closing.callback(example.communicate, timeout=10)
        closing.callback(example.kill)  # its engine then hangs up: its input has ended
        return example

    return start


def code_of(example: subprocess.Popen[str]) -> str:
    assert example.stdout is not None
    return example.stdout.readline().removeprefix("code ").strip()


def finish(example: subprocess.Popen[str]) -> str:
    """Return what else it prints; it must end well."""
    assert example.stdout is not None
    said = example.stdout.read()
    assert example.wait(30) == 0, said
    return said


@pytest.mark.long
def test_the_example_talks_to_an_engine(
    relay: Relay, start_hello: Callable[..., subprocess.Popen[str]], closing: ExitStack
) -> None:
    other = Engine("Jun")
    closing.callback(other.close)
    example = start_hello(relay.address)
    other.tell(EnterCode(relay.address, code_of(example)))
    other.wait_event(SessionOpened)
    other.tell(SendText("1", "안녕 \x1b[31m"))
    assert finish(example) == "peer '\\uc548\\ub155 \\x1b[31m'\n"
    assert other.wait_event(TextReceived).text == "hello"
    assert other.wait_event(Ended).cause == "peer-hung"


@pytest.mark.long
def test_the_example_talks_to_itself(relay: Relay, start_hello: Callable[..., subprocess.Popen[str]]) -> None:
    maker = start_hello(relay.address)
    joiner = start_hello(relay.address, VISAVIS_CODE=code_of(maker))
    assert [finish(maker), finish(joiner)] == ["peer 'hello'\n"] * 2


def test_the_example_says_why_there_is_no_answer(start_hello: Callable[..., subprocess.Popen[str]]) -> None:
    example = start_hello("no address:0", "1234-acid-acid-acid")
    assert example.wait(30) == 1


# --- all of them -----------------------------------------------------------------------------------------------------

DOCUMENTS = sorted(path for path in (*DOCS.rglob("*.md"), ROOT / "README.md", ROOT / "CHANGELOG.md") if path.exists())


def anchors(text: str) -> set[str]:
    """What GitHub makes of the headings."""
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    text = path.read_text("utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" not in target:
            file, _, anchor = target.partition("#")
            linked = (path.parent / file) if file else path
            assert linked.exists(), target
            assert not anchor or anchor in anchors(linked.read_text("utf-8")), target


def test_the_house_is_as_drawn() -> None:
    house = DESIGN.partition("## The house")[2].partition("\n## ")[0]
    for part in ("relay", "actors", "tui"):
        modules = {path.name for path in (ROOT / part).rglob("*.py") if path.name != "__init__.py"}
        drawn = house.partition(f"\n    {part}/ ")[2].partition("\n\n")[0]
        assert set(re.findall(r"\b\w+\.py\b", drawn)) == modules, part
