"""All words of the screen stand in one catalogue: each key is there, each is used, and nothing is said past it."""

import ast
import string
from pathlib import Path

import pytest

from tui.words.catalogue import catalogue, knows, say, say_cause
from tui.words.english import CATALOGUE as CHAT
from tui.words.english_cli import CATALOGUE as COMMAND_LINE
from tui.words.english_sound import CATALOGUE as SOUND
from tui.words.english_video import CATALOGUE as VIDEO

SCREEN = CHAT | VIDEO | SOUND

TUI = Path(__file__).parents[2] / "tui"
WITHOUT_SCREEN = {"headless.py", "output.py", "progress.py", "receive.py", "report.py", "send.py"}
NOT_THE_SCREENS = {"cli.py", "demo.py", "demo_parts.py", "doctor.py"} | WITHOUT_SCREEN
FILES = sorted(path for path in TUI.rglob("*.py") if path.name not in NOT_THE_SCREENS and "words" not in path.parts)

# What paints its text; a position is that of the argument that is shown.
PAINTS = {
    **dict.fromkeys(("Static", "Label", "Button", "Composer"), (0,)),
    **dict.fromkeys(("note", "say_note", "notify", "update", "show"), (0,)),
    "Binding": (2,),
    "Input": (),
    "Hit": (1,),
}
PAINTED_NAMES = ("placeholder", "label", "description", "tooltip", "title", "help", "text")

# docs/engine.md: every cause of Failed, LinkChanged, Ended, TextRefused, CommandRefused, OfferRefused, EntryNoted and
# of a transfer that is over.
CAUSES = """
relay-address relay-unknown-host relay-refused relay-unreachable relay-not-visavis relay-version relay-limit
relay-draining relay-full relay-replaced relay-error relay-busy code-shape code-word code-nobody code-words
code-unproven code-answer cut silent slept bye elsewhere peer-absent protocol counter hung peer-hung unwatched
out-of-reach handshake altered short exhausted gap plain-full
text-too-long text-empty text-no-call text-queue-full text-repeated
command-malformed command-phase command-version command-screens command-queue-full
engine-gone engine-foreign engine-garbled run-foreign run-not-folder run-open run-unwritable run-path-too-long
engine-version launch-start launch-silent launch-died
refused cancelled disk-full folder-missing folder-unwritable disk-error list-differs file-protocol journal source-gone
output-closed too-many out-of-step call-over
skipped-link skipped-device skipped-socket skipped-pipe skipped-unreadable skipped-deep skipped-name
changed gone unreadable folder-changed hash unwritable no-name renamed not-folder
no-transfer no-call offers-open path-missing empty busy one-file no-space part-empty part-scattered
""".split()  # noqa: SIM905 - a hundred words read better so


def calls():
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                function = node.func
                name = function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")
                yield path, node, name


def key_patterns():
    """Every key said somewhere, as text before and after what is put in: a literal key has no after."""
    for _path, node, name in calls():
        if name in ("say", "say_cause") and node.args:
            yield from patterns_of(node.args[0], "cause-" if name == "say_cause" else "")
        elif name == "SlashCommand":
            for place in (1, 4):
                if place < len(node.args):
                    yield from patterns_of(node.args[place], "")


def patterns_of(node, prefix):
    match node:
        case ast.Constant(value=str(key)):
            yield prefix + key, None
        case ast.JoinedStr(values=[ast.Constant(value=str(start)), *_]):
            yield prefix + start, ""
        case ast.IfExp(body=body, orelse=orelse):
            yield from patterns_of(body, prefix)
            yield from patterns_of(orelse, prefix)
        case _ if prefix:
            yield prefix, ""


LITERAL = {key for key, after in key_patterns() if after is None}
OPEN = {key for key, after in key_patterns() if after is not None}


def test_every_key_that_is_said_is_there():
    assert {key for key in LITERAL if key not in SCREEN} == set()
    assert {start for start in OPEN if not any(key.startswith(start) for key in SCREEN)} == set()


def test_every_key_that_is_there_is_said():
    unused = {key for key in SCREEN if key not in LITERAL and not any(key.startswith(start) for start in OPEN)}
    assert unused == set()


def test_every_field_is_given_and_none_more():
    wrong = []
    for path, node, name in calls():
        if name == "say" and node.args and isinstance(node.args[0], ast.Constant):
            key = node.args[0].value
            given = {keyword.arg for keyword in node.keywords}
            wanted = {field for _, field, _, _ in string.Formatter().parse(SCREEN[key]) if field}
            if given != wanted:
                wrong.append((path.name, node.lineno, key, given ^ wanted))
    assert wrong == []


def test_nothing_is_painted_that_is_no_word_of_the_catalogue():
    found = []
    for path, node, name in calls():
        if name in PAINTS:
            shown = [node.args[place] for place in PAINTS[name] if place < len(node.args)]
            shown += [keyword.value for keyword in node.keywords if keyword.arg in PAINTED_NAMES]
            found += [
                (path.name, text.lineno, text.value)
                for argument in shown
                for text in ([argument] if isinstance(argument, ast.Constant) else literal_parts(argument))
                if isinstance(text.value, str) and any(char.isalpha() for char in text.value)
            ]
    assert found == []


def literal_parts(node):
    """The literal texts of an f-string or a sum; what a call returns is the call's business."""
    match node:
        case ast.JoinedStr(values=values):
            return [value for value in values if isinstance(value, ast.Constant)]
        case ast.BinOp(left=left, right=right):
            return [part for side in (left, right) for part in ([side] if isinstance(side, ast.Constant) else [])]
        case _:
            return []


def test_the_two_halves_share_no_key():
    assert SCREEN.keys() & COMMAND_LINE.keys() == set()
    assert catalogue() == SCREEN | COMMAND_LINE


@pytest.mark.parametrize("cause", CAUSES)
def test_every_cause_is_a_sentence(cause):
    assert knows(f"cause-{cause}")
    sentence = say_cause(cause, "DETAIL")
    assert sentence[-1] in ".?!" or sentence.endswith("DETAIL")
    assert "{" not in sentence


def test_a_cause_without_words_is_named():
    assert "new-thing (why {0})" in say_cause("new-thing", "why {0}")


def test_braces_of_a_stranger_stay_braces():
    assert "{0} {say} %s" in say("note-joined", peer="{0} {say} %s")


def test_every_sentence_of_the_screen_has_words_and_no_spaces_round_it():
    assert [key for key, words in SCREEN.items() if not words.strip() or words != words.strip()] == [
        "start-make",
        "start-join",
        "start-again",
        "start-engine",
        "status-no-round-trip",
    ]
