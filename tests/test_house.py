"""The lines between the parts of the house: who imports whom, what a command loads, what a file may be."""

import ast
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PARTS = ("relay", "actors", "tui")
FILE_LINES = 450

# What each part may import of the others; its own modules are its own affair.
MAY_IMPORT = {
    "relay": set[str](),
    "actors": {"relay.wire", "relay.limits", "relay.visible"},
    "tui": {
        "actors.messages",
        "actors.runfolder",
        "actors.video.frames",
        "relay.wire",
        "relay.limits",
        "relay.visible",
    },
}


def modules(part: str) -> list[Path]:
    return sorted((ROOT / part).rglob("*.py"))


def imported(node: ast.AST) -> Iterator[str]:
    """The dotted names that an import statement of ours or of others reaches."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        assert node.level == 0, "imports are absolute"
        assert node.module is not None
        if node.module in PARTS:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        else:
            yield node.module


def imports(path: Path, *, inside_functions: bool = True) -> set[str]:
    names: set[str] = set()
    waiting: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    while waiting:
        node = waiting.pop()
        names.update(imported(node))
        if inside_functions or not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            waiting.extend(ast.iter_child_nodes(node))
    return names


@pytest.mark.parametrize("part", PARTS)
def test_imports_go_one_way(part: str) -> None:
    for path in modules(part):
        # cli.py puts everything together, inside its subcommands.
        names = imports(path, inside_functions=path != ROOT / "tui" / "cli.py")
        ours = {name for name in names if name.split(".")[0] in PARTS and name.split(".")[0] != part}
        assert ours <= MAY_IMPORT[part], path


def test_the_relay_needs_trio_and_the_standard_library_alone() -> None:
    for path in modules("relay"):
        others = {name.split(".")[0] for name in imports(path)} - set(sys.stdlib_module_names)
        assert others <= {"relay", "trio"}, path


def test_init_files_are_empty() -> None:
    assert [path for part in PARTS for path in (ROOT / part).rglob("__init__.py") if path.read_bytes()] == []


def test_files_have_one_idea_and_its_length() -> None:
    files = [path for part in (*PARTS, "tests", "bench") for path in modules(part)]
    lengths = {str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines()) for path in files}
    assert {name: lines for name, lines in lengths.items() if lines > FILE_LINES} == {}


def catches_everything(handler: ast.ExceptHandler) -> bool:
    """Whether it takes any exception, and does not raise it again in the end."""
    if handler.type is None or (isinstance(handler.type, ast.Name) and handler.type.id.endswith("Exception")):
        last = handler.body[-1]
        return not (isinstance(last, ast.Raise) and last.exc is None)
    return False


def test_everything_is_caught_in_one_place_only() -> None:
    catching = [
        str(path.relative_to(ROOT))
        for part in PARTS
        for path in modules(part)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ExceptHandler) and catches_everything(node)
    ]
    assert catching == ["relay/server.py"]


def test_every_limit_is_used() -> None:
    tree = ast.parse((ROOT / "relay" / "limits.py").read_text(encoding="utf-8"))
    named = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    for part in PARTS:
        for path in modules(part):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "limits":
                    used.add(node.attr)
    assert named - used == set()


# --- what a command loads ------------------------------------------------------------------------------------------

RELAY = ("relay", "--host", "127.0.0.1", "--port", "0")
HEAVY = {"trio", "textual", "msgspec", "cryptography", "spake2", "cv2", "numpy", "pyaudio", "av"}


def loaded_by(*arguments: str) -> set[str]:
    """Which of the heavy packages the program loads with these arguments, its input closed, until it ends."""
    command = [sys.executable, "-P", "-X", "importtime", "-m", "tui.cli", *arguments]
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as program:
        if arguments == RELAY:
            assert program.stdout is not None
            program.stdout.readline()
            program.send_signal(signal.SIGTERM)
        _, noise = program.communicate(timeout=60)
    assert program.returncode in (0, 1, 2), noise
    return heavy_in(noise)


def heavy_in(importtime: str) -> set[str]:
    lines = (line.rsplit("|", 1)[-1].strip() for line in importtime.splitlines() if line.startswith("import time:"))
    return {name.split(".")[0] for name in lines} & HEAVY


@pytest.mark.parametrize(
    "command", [[], ["call"], ["attach"], ["send"], ["receive"], ["relay"], ["engine"], ["demo"], ["doctor"]]
)
def test_help_loads_nothing_heavy(command: list[str]) -> None:
    assert loaded_by(*command, "--help") == set()


@pytest.mark.parametrize("command", ["call", "attach", "demo", "engine"])
def test_a_command_that_can_not_start_loads_nothing_heavy(command: str) -> None:
    assert loaded_by(command) == set()


def test_the_relay_loads_trio_alone() -> None:
    assert loaded_by(*RELAY) == {"trio"}


def test_the_engine_loads_no_screen_and_no_media() -> None:
    assert loaded_by("engine", "--stdio") == {"trio", "msgspec", "cryptography", "spake2"}


def test_the_doctor_loads_neither_engine_nor_screen() -> None:
    assert loaded_by("doctor") <= {"msgspec"}


@pytest.mark.parametrize("arguments", [["send", "/nowhere"], ["receive", "--to", "/nowhere"]])
def test_send_and_receive_load_neither_engine_nor_screen(arguments: list[str]) -> None:
    assert loaded_by(*arguments) == {"msgspec"}


def test_the_screen_loads_no_engine() -> None:
    command = [sys.executable, "-P", "-X", "importtime", "-c", "import tui.app"]
    noise = subprocess.run(command, capture_output=True, text=True, check=True, env=dict(os.environ)).stderr
    assert heavy_in(noise) == {"textual", "msgspec"}
