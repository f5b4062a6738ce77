"""What the documents say of files is true: every byte, every code, every name."""

import ast
import re
from typing import get_args, get_type_hints

import pytest
from blake3 import blake3

from actors.files import packets
from actors.files.names import BadPathError, clean_path, numbered, partial_name
from actors.files.tree import HASH_BYTES, TreeHash, block_hash, file_hash
from actors.store.database import store_path
from relay import limits
from tests.documents import (
    ENGINE,
    FILES,
    PROTOCOL,
    ROOT,
    assigned_to_cause,
    causes_of,
    codes,
    constant,
    name_of,
    rows,
    sources,
)
from tui.words.catalogue import knows, say

# --- protocol.md, section 6 ------------------------------------------------------------------------------------------

SMALL = (9).to_bytes(4, "big") + (5).to_bytes(4, "big") + bytes(HASH_BYTES) + b"bytes"
RESTS = {
    "LST0": (b'[["a","file",3,5]]', [packets.Entry("a", "file", 3, 5)]),
    "BLK0": (b"bytes", b"bytes"),
    "WHL0": (SMALL, [packets.SmallFile(9, bytes(HASH_BYTES), memoryview(b"bytes"))]),
    "END0": (b"", None),
    "SKP0": (b"changed", "changed"),
}


def layout(what: str) -> list[tuple[int, str, str]]:
    """Where what begins, how many bytes it has, what it is called: as a table says."""
    table = [row for article in ("a", "an") for row in rows(PROTOCOL, "at", "bytes", f"of {article} {what}")]
    named = [(int(row[0]), row[1], re.findall(r"`(\w+)`", row[2])) for row in table]
    return [(at, size, names[0] if names else "") for at, size, names in named]


@pytest.mark.parametrize("inner_type", RESTS)
def test_every_byte_on_the_lane_is_where_the_table_says(inner_type: str) -> None:
    rest, meaning = RESTS[inner_type]
    payload, expected = b"", {}
    for number, (at, size, name) in enumerate(layout(f"`{inner_type}` payload"), 1):
        assert at == len(payload)
        if size == "the rest":
            payload, expected[name] = payload + rest, meaning
        elif name == "hash":
            payload, expected[name] = payload + bytes(range(int(size))), bytes(range(int(size)))
        else:
            value = number if int(size) > 1 else 1
            payload, expected[name] = payload + value.to_bytes(int(size), "big"), value
    read = packets.decode(inner_type.encode(), payload)
    assert {name: getattr(read, name) for name in expected} == expected


def test_every_byte_of_a_small_file_is_where_the_table_says() -> None:
    table = layout("file in a `WHL0`")
    assert [at for at, _, _ in table] == [0, 4, 8, packets.RECORD_HEAD.size]
    assert [size for _, size, _ in table] == ["4", "4", str(HASH_BYTES), "n"]


def test_the_parts_of_an_entry_are_the_code() -> None:
    table = rows(PROTOCOL, "place", "of an entry", "")
    assert [row[1].strip("`") for row in table] == list(packets.Entry.__struct_fields__)
    kinds = get_args(get_type_hints(packets.Entry)["kind"])
    assert re.findall(r"`(\w+)`", table[1][2]) == list(kinds)


def test_the_hashes_are_those_of_the_program_and_of_the_formula() -> None:
    block = bytes(limits.BLOCK_BYTES)
    contents = {
        "empty": [],
        "hello and a newline": [b"hello\n"],
        "4 MiB of zeros, then an a": [block, b"a"],
    }
    told = dict(
        re.findall(r"^(.*) = (\w{64})$", PROTOCOL.partition("```hashes\n")[2].partition("```")[0], re.MULTILINE)
    )
    assert told.keys() == contents.keys()
    for name, blocks in contents.items():
        size = sum(map(len, blocks))
        by_hand = blake3(
            b"visavis/1 file" + b"".join(blake3(block).digest() for block in blocks) + size.to_bytes(8, "big")
        )
        assert by_hand.hexdigest() == TreeHash(block_hash([block]) for block in blocks).digest(size).hex()
        assert by_hand.hexdigest() == told[name]
        assert len(blocks) > 1 or file_hash(b"".join(blocks)).hex() == told[name]


# --- engine.md -------------------------------------------------------------------------------------------------------

CHANNEL = [str(path.relative_to(ROOT)) for path in sorted((ROOT / "actors").glob("files/*.py"))]
PLAIN = ["actors/plain.py", *(f"actors/plain_{name}.py" for name in ("files", "receiving", "sending"))]
RAISED = ("WalkError", "ListError", "LandingError", "EntryError", "TakingError")


def causes_in_code() -> set[str]:
    """Every code that is told of a transfer, an entry, or a command about one, wherever the code says it."""
    found = assigned_to_cause(*CHANNEL)
    for node in sources(*CHANNEL, *PLAIN):
        match node:
            case ast.Call(args=[first, *_]) if name_of(node) in (*RAISED, "fail"):
                found |= constant(first)
            case ast.Call(args=[_, second, *_]) if name_of(node) in ("LeftOut", "Stop", "note", "end", "GiveUp"):
                found |= constant(second)
            case ast.Call(args=[_, _, third, *_]) if name_of(node) in ("_end", "_fail"):
                found |= constant(third)
            case ast.Call(keywords=keywords) if name_of(node) in ("_end", "change"):
                found |= {text for keyword in keywords if keyword.arg == "cause" for text in constant(keyword.value)}
            case ast.Assign(targets=[ast.Attribute(attr="_ending")], value=value):
                tuples = [inner for inner in ast.walk(value) if isinstance(inner, ast.Tuple)]
                found |= {text for inner in tuples for text in constant(inner.elts[1])}
            case ast.AnnAssign(target=ast.Name(id="_KINDS"), value=ast.Dict(values=values)):
                found |= {text for value in values for text in constant(value)}
            case ast.AnnAssign(target=ast.Name(id="SENDER_REASONS"), value=ast.Call(args=[ast.Set(elts=reasons)])):
                found |= {text for reason in reasons for text in constant(reason)}
            case _:
                pass
    everywhere = ("actors/engine.py", *CHANNEL, *PLAIN)
    refused = causes_of("OfferRefused", *everywhere) | causes_of("CommandRefused", *everywhere, beside="transfer")
    return found | refused - {"phase"}  # that one is told with the other commands


def test_every_cause_of_files_is_told() -> None:
    assert set(codes(ENGINE, "of files", "in", "meaning")) == causes_in_code()


def test_every_cause_of_files_has_a_sentence() -> None:
    of_its_own = {"protocol": "file-protocol"}  # a transfer's, and not the call's
    told = codes(ENGINE, "of files", "in", "meaning")
    assert [code for code in told if not knows(f"cause-{of_its_own.get(code, code)}")] == []


# --- files.md --------------------------------------------------------------------------------------------------------


def name_of_path(raw: str) -> str:
    try:
        return "/".join(clean_path(raw))
    except BadPathError as error:
        return error.code


def test_the_names_that_the_document_shows_are_those_of_the_name_function() -> None:
    table = rows(FILES, "offered", "on this disk", "")
    assert len(table) > 10
    for offered, kept, _ in table:
        raw = ast.literal_eval(f'"{offered[1:-1]}"') if "\\x" in offered or "\\u" in offered else offered[1:-1]
        assert name_of_path(raw) == kept[1:-1], offered


def test_numbered_and_hidden_names_are_those_of_the_code() -> None:
    for shown in (numbered("notes.txt", 1), numbered("notes.tar.gz", 2), partial_name("notes.txt", "1f2e3d4c")):
        assert f"`{shown}`" in FILES


def test_the_database_lies_where_the_document_says(own_folders: None) -> None:
    assert store_path().name == "visavis.db"
    assert store_path().parent.name == "visavis"
    assert "`~/.local/share/visavis/visavis.db`" in FILES


def test_every_slash_command_of_files_is_told() -> None:
    for name in ("send", "accept", "refuse", "list", "cancel", "first"):
        assert f"`/{name}`" in FILES or f"`/{name} " in FILES, say(f"command-{name}")
