"""What the documents are held against: their tables, and the codes that stand in the sources."""

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PROTOCOL, ENGINE, DESIGN, FILES = (
    (DOCS / f"{name}.md").read_text("utf-8") for name in ("protocol", "engine", "design", "files")
)


SOUND_FILES = (  # where sound fails
    *(f"actors/children/{name}.py" for name in ("microphone", "speaker", "devices", "portaudio")),
    *(f"actors/sources/{name}.py" for name in ("microphone", "audio_file", "sound")),
    *(f"actors/sinks/{name}.py" for name in ("speaker", "wave_file")),
    *(f"actors/audio/{name}.py" for name in ("device", "channel")),
)


def rows(document: str, *header: str) -> list[list[str]]:
    """The cells of every table whose header begins with these cells."""
    found: list[list[str]] = []
    inside = False
    for line in document.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" |")] if line.startswith("|") else []
        if tuple(cells[: len(header)]) == header:
            inside = True
        elif not cells:
            inside = False
        elif inside and not set(line) <= set("|-"):
            found.append(cells)
    return found


def codes(document: str, *header: str) -> list[str]:
    """The names in the first column, of which each stands once."""
    names = [name for row in rows(document, *header) for name in re.findall(r"`([^`]+)`", row[0])]
    assert len(names) == len(set(names)) > 0
    return names


def fields_told(document: str, *header: str) -> dict[str, list[str]]:
    """Struct by struct, the fields that its rows name."""
    told: dict[str, list[str]] = {}
    name = ""
    place = header.index("field")
    for row in rows(document, *header):
        name = row[0].strip("`") or name
        told.setdefault(name, []).extend(re.findall(r"`(\w+)`", row[place]))
    return told


def fields_had(structs: Iterable[Any], *, but: str = "") -> dict[str, list[str]]:
    return {struct.__name__: [name for name in struct.__struct_fields__ if name != but] for struct in structs}


def sources(*names: str) -> Iterator[ast.AST]:
    for name in names:
        yield from ast.walk(ast.parse((ROOT / name).read_text("utf-8")))


def constant(node: ast.AST | None) -> set[str]:
    """The text that an expression is, or may be."""
    match node:
        case ast.Constant(value=str(text)) if text:
            return {text}
        case ast.IfExp(body=body, orelse=orelse):
            return constant(body) | constant(orelse)
        case _:
            return set()


def name_of(call: ast.Call) -> str:
    return getattr(call.func, "attr", getattr(call.func, "id", ""))


def is_call(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Call) and name_of(node) == name


def causes_of(event: str, *files: str, beside: str = "") -> set[str]:
    """The codes that an event is made with, where it is made with the keyword `beside`; "": without `transfer`."""
    return {
        text
        for node in sources(*files)
        if isinstance(node, ast.Call) and name_of(node) == event
        if any(keyword.arg == (beside or "transfer") for keyword in node.keywords) == bool(beside)
        for keyword in node.keywords
        if keyword.arg in ("cause", "because")
        for text in constant(keyword.value)
    }


def assigned_to_cause(*files: str) -> set[str]:
    return {
        text
        for node in sources(*files)
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "cause"
        for text in constant(node.value)
    }


def returned_by(function: str, file: str) -> set[str]:
    """The codes that a function returns."""
    return {
        text
        for outer in sources(file)
        if isinstance(outer, ast.FunctionDef) and outer.name == function
        for node in ast.walk(outer)
        if isinstance(node, ast.Return)
        for text in constant(node.value)
    }
