"""What the documents say of sound is true, and every code has a sentence."""

import ast

from tests.documents import ENGINE, SOUND_FILES, codes, constant, name_of, sources
from tui.words.catalogue import knows

OF_FILES = {"source-missing", "source-unreadable", "source-broken"}  # told of video


def causes_in_code() -> set[str]:
    """Every code that a microphone, a speaker, or the list of devices fails with."""
    found = set()
    for node in sources(*SOUND_FILES):
        match node:
            case ast.Call(args=[first, *_]) if name_of(node) in ("SourceError", "DeviceError", "Failed"):
                found |= constant(first)
                if isinstance(first, ast.IfExp) and isinstance(first.orelse, ast.JoinedStr):
                    found |= {"microphone-none", "speaker-none"}
            case ast.keyword(arg="cause", value=value):
                found |= constant(value)
            case ast.Tuple(elts=[ast.Constant(value=str(code)), _]) if "-" in code:
                found.add(code)
            case ast.Assign(targets=[ast.Name(id="cause")], value=value):
                found |= constant(value)
            case _:
                pass
    return found | {"microphone-died", "speaker-died"} - OF_FILES


def test_every_cause_of_sound_is_told() -> None:
    assert set(codes(ENGINE, "of sound", "in", "meaning")) == causes_in_code() - OF_FILES


def test_every_cause_of_sound_has_a_sentence() -> None:
    told = set(codes(ENGINE, "of sound", "in", "meaning")) - {"source-ended"}  # its sentence is the microphone's
    assert [code for code in sorted(told) if not knows(f"cause-{code}")] == []
