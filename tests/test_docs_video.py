"""What the documents say of video is true, and every code has a sentence."""

import ast

from tests.documents import ENGINE, ROOT, SOUND_FILES, codes, constant, name_of, returned_by, sources
from tui.words.catalogue import knows

FILES = [
    str(path.relative_to(ROOT))
    for part in ("sources", "children", "video")
    for path in sorted((ROOT / "actors" / part).glob("*.py"))
    if str(path.relative_to(ROOT)) not in SOUND_FILES
]


def causes_in_code() -> set[str]:
    """Every code that video, a window or a recording ends with."""
    found = returned_by("_why", "actors/sources/camera.py") | returned_by("_cause", "actors/children/recorder.py")
    for node in sources(*FILES):
        match node:
            case ast.Call(args=[first, *_]) if name_of(node) in ("SourceError", "Failed", "_end"):
                found |= constant(first)
            case ast.Call(args=[ast.Constant(value=False), second, *_]) if name_of(node) == "_told":
                found |= constant(second)
            case ast.Tuple(elts=[ast.Constant(value=str(code)), _]) if "-" in code or code == "closed":
                found.add(code)
            case _:
                pass
    return found


def test_every_cause_of_video_is_told() -> None:
    assert set(codes(ENGINE, "of video", "in", "meaning")) == causes_in_code()


def test_every_cause_of_video_has_a_sentence() -> None:
    assert [code for code in codes(ENGINE, "of video", "in", "meaning") if not knows(f"cause-{code}")] == []
