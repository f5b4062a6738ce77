"""The real screen in a real terminal: typed into, read, lost, and come back to."""

import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from actors.messages import CodeMade, Ended, EnterCode, MakeCode, SessionOpened, TextDelivered
from tests.e2e.programs import CODE, MARK, Engine, Relay, Terminal, marked_processes, marked_programs, wait_until

pytestmark = pytest.mark.device

SMALL, LARGE = (60, 20), (200, 60)


def code_on(terminal: Terminal) -> str:
    """The code that a start screen shows."""
    found = wait_until(lambda: CODE.search(terminal.shown), lambda: f"\n{terminal.shown}")
    return str(found[0])


def words_on(terminal: Terminal) -> str:
    """The six words that a call screen shows after /verify."""
    shown = " ".join(terminal.wait_for("Ask the other side").split())
    found = re.search(r"((?:[a-z-]+ ){5}[a-z-]+) Ask the other side", shown)
    assert found is not None, shown
    return found[1]


@pytest.fixture
def open_shells(
    open_shell: Callable[..., Terminal], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[Terminal, ...]]:
    """Open that many shells in which `visavis` is found, as after an installation."""
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=":")
    return lambda count, size: tuple(open_shell(*size) for _ in range(count))


@pytest.mark.parametrize("size", [SMALL, LARGE])
def test_two_people_in_two_panes(size: tuple[int, int], open_shells: Callable[..., tuple[Terminal, ...]]) -> None:
    middle, mina, jun = open_shells(3, size)
    middle.say("visavis relay --host 127.0.0.1 --port 0")
    address = wait_until(lambda: re.search(r"listening on (\S+:\d+)", middle.shown))[1]
    mina.say(f"VISAVIS_NAME=Mina VISAVIS_RELAY={address} visavis call")
    code = code_on(mina)
    jun.say(f"VISAVIS_NAME=Jun visavis call {code} --relay {address}")
    mina.wait_for("Jun · sealed · here")
    jun.wait_for("Mina · sealed · here")

    mina.say("안녕하세요, 잘 보여요?")
    jun.wait_for("Mina 안녕하세요, 잘 보여요?")
    mina.wait_for("you 안녕하세요, 잘 보여요?", "✓✓")
    jun.say("yes, sharp")
    mina.wait_for("Jun yes, sharp")

    for person in (mina, jun):
        person.say("/verify")
    six = [words_on(person) for person in (mina, jun)]
    assert six[0] == six[1]

    jun.say("/quit")
    mina.wait_for("The other side hung up")
    mina.press("C-q")
    for person in (mina, jun):
        person.wait_shell()
        person.say("echo status=$?")
        person.wait_for("status=0")
    middle.press("C-c")
    middle.wait_shell()
    middle.say("echo status=$?")
    middle.wait_for("status=130")


def test_korean_stands_where_the_cursor_is(
    relay: Relay, start_engine: Callable[[str], Engine], open_terminal: Callable[..., Terminal]
) -> None:
    terminal, peer = call_with_engine(relay, start_engine, open_terminal, SMALL)
    terminal.type("가나다 a")
    terminal.wait_for("가나다 a")
    row = next(row for row, line in enumerate(terminal.lines) if "가나다 a" in line)
    prompt = terminal.lines[row].index("가")
    wait_until(lambda: terminal.cursor == (prompt + 8, row), lambda: terminal.cursor)
    terminal.press("Left", "Left", "BSpace", "라")  # in one burst, as over a slow line
    terminal.wait_for("가나라 a")
    terminal.press("Enter")
    assert peer.wait_heard(1) == ["가나라 a"]


def test_hostile_text_leaves_the_screen_whole(
    relay: Relay, start_engine: Callable[[str], Engine], open_terminal: Callable[..., Terminal]
) -> None:
    terminal, peer = call_with_engine(relay, start_engine, open_terminal, SMALL)
    peer.say(
        "\x1b[2J\x1b]0;owned\x07\x00 \u202egpj.exe",
        "[bold]not bold[/bold] [@click=app.quit]x[/]",
        "👩‍👩‍👧‍👦 family",
        "after",
    )
    shown = terminal.wait_for("␛[2J", "[bold]not bold[/bold]", "[@click=app.quit]x[/]", "family", "after")
    assert "\u202e" not in shown
    terminal.say("still here")
    assert peer.wait_heard(1) == ["still here"]


def test_a_long_conversation_can_be_scrolled(
    relay: Relay, start_engine: Callable[[str], Engine], open_terminal: Callable[..., Terminal]
) -> None:
    terminal, peer = call_with_engine(relay, start_engine, open_terminal, SMALL)
    peer.say(*(f"line {number} of many" for number in range(60)))
    terminal.wait_for("line 59 of many")
    terminal.press("PageUp")
    wait_until(lambda: "line 59 of many" not in terminal.shown, lambda: terminal.shown)
    peer.say("one more")
    terminal.press("C-End")
    terminal.wait_for("one more")


def test_the_window_may_change_its_size(
    relay: Relay, start_engine: Callable[[str], Engine], open_terminal: Callable[..., Terminal]
) -> None:
    terminal, peer = call_with_engine(relay, start_engine, open_terminal, LARGE)
    peer.say("before it shrank")
    terminal.wait_for("before it shrank")
    terminal.resize(*SMALL)
    terminal.say("and after")
    assert peer.wait_heard(1) == ["and after"]
    terminal.wait_for("before it shrank", "and after")


def said(person: Terminal) -> list[str]:
    """The number words that stand in lines of the conversation, in their order."""
    return re.findall(r"\d\d:\d\d .* (one|two|three|four)\b", person.shown)


def test_the_relay_dies_under_two_screens(
    relay: Relay, open_terminal: Callable[..., Terminal], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VISAVIS_RELAY", relay.address)
    mina = open_terminal(*SMALL, "call")
    monkeypatch.setenv("VISAVIS_CODE", code_on(mina))
    jun = open_terminal(*SMALL, "call")
    for person in (mina, jun):
        person.wait_for("sealed · here")
    mina.say("one")
    jun.wait_for("one")
    relay.kill()
    mina.wait_for("reconnecting since")
    jun.wait_for("reconnecting since")
    mina.say("two")
    jun.say("three")
    relay.start()
    jun.wait_for("two")
    mina.wait_for("three")
    mina.say("four")
    jun.wait_for("four")
    for person in (mina, jun):
        person.wait_for("root is here")
        # One's own line may be painted after the other has read it.
        wait_until(lambda person=person: len(said(person)) >= 4, lambda person=person: person.shown)
        assert sorted(said(person)) == ["four", "one", "three", "two"], person.shown
    mina.press("C-q")
    assert mina.wait_exit() == 0
    jun.wait_for("The other side hung up")


def test_a_call_outlives_its_terminal(
    relay: Relay,
    start_engine: Callable[[str], Engine],
    open_terminal: Callable[..., Terminal],
) -> None:
    terminal, peer = call_with_engine(relay, start_engine, open_terminal, SMALL)
    peer.say("before the line drops")
    terminal.wait_for("before the line drops")
    terminal.cut()
    mark = os.environ[MARK]
    wait_until(lambda: not marked_programs(mark, "call"), lambda: marked_processes(mark))
    assert len(marked_programs(mark, "--ready")) == 1  # the engine that lost its screen
    peer.say("while nobody looked")
    peer.wait_event(TextDelivered, lambda event: event.id == "while nobody looked")

    name = next(name for name in ("1", "2") if name != peer.name)
    again = open_terminal(*LARGE, "attach", name)
    again.wait_for("before the line drops", "while nobody looked")
    again.say("back again")
    assert peer.wait_heard(1) == ["back again"]
    again.say("/detach")
    again.wait_for(f"visavis attach {name}")
    assert again.wait_exit() == 0
    peer.say("and once more")

    once_more = open_terminal(*SMALL, "attach", name)
    once_more.wait_for("back again", "and once more")
    once_more.say("/quit")
    assert once_more.wait_exit() == 0
    assert peer.wait_event(Ended).cause == "peer-hung"


def test_two_screens_on_one_call_show_the_same(
    relay: Relay, start_engine: Callable[[str], Engine], open_terminal: Callable[..., Terminal]
) -> None:
    terminal, peer = call_with_engine(relay, start_engine, open_terminal, SMALL)
    name = next(name for name in ("1", "2") if name != peer.name)
    second = open_terminal(*LARGE, "attach", name)
    second.wait_for("sealed · here")
    terminal.say("from the first")
    second.wait_for("from the first", "✓✓")
    second.say("from the second")
    terminal.wait_for("from the second")
    assert peer.wait_heard(2) == ["from the first", "from the second"]


def test_attach_says_which_calls_there_are(
    open_terminal: Callable[..., Terminal], start_engine: Callable[[str], Engine]
) -> None:
    none = open_terminal(*LARGE, "attach")
    none.wait_for("No call is running here")
    assert none.wait_exit() == 1
    first, second = start_engine("Mina"), start_engine("Jun")
    several = open_terminal(*LARGE, "attach")
    several.wait_for(f"{first.name}, {second.name}", f"visavis attach {first.name}")
    assert several.wait_exit() == 2
    unknown = open_terminal(*LARGE, "attach", "7")
    unknown.wait_for("No call '7'")
    assert unknown.wait_exit() == 1


def test_the_start_screen_by_keyboard_alone(
    relay: Relay, start_engine: Callable[[str], Engine], open_terminal: Callable[..., Terminal]
) -> None:
    """Without a relay set: it is asked for, a wrong one is a sentence, a right one goes on."""
    terminal = open_terminal(*SMALL)
    terminal.wait_for("Relay", "Make a code")
    terminal.type("127.0.0.1:1")
    terminal.wait_for("127.0.0.1:1")
    press_and_see(terminal, "Enter", "Make a code")  # goes on to the button
    terminal.press("Enter")
    terminal.wait_for("Nothing listens there")
    terminal.press("C-q")
    assert terminal.wait_exit() == 0

    maker = start_engine("Mina")
    maker.tell(MakeCode(relay.address))
    code = maker.wait_event(CodeMade).code
    joiner = open_terminal(*SMALL, "--relay", relay.address)
    joiner.wait_for("Make a code")
    press_and_see(joiner, "BTab", "Make a code")  # back from the button to the code's field
    joiner.type(code)
    joiner.wait_for(code)
    joiner.press("Enter")
    joiner.wait_for("Mina · sealed")
    maker.wait_event(SessionOpened)


BUG = """
import sys
from tui import app, cli
def bug(self, *_): said = "a secret line"; raise LookupError("kept for the log")
app.VisavisApp.action_help = bug
sys.exit(cli.main(sys.argv[1:]))
"""


def test_a_bug_in_the_screen_is_a_sentence(open_shell: Callable[..., Terminal]) -> None:
    """No traceback, and the terminal is given back; the log has the traceback, and nothing that was said."""
    terminal = open_shell(*LARGE, sys.executable, "-c", BUG)
    terminal.wait_for("Make a code")
    terminal.press("F1")
    terminal.wait_for("Something unexpected went wrong (LookupError)")
    assert terminal.wait_exit() == 1
    assert "Traceback" not in terminal.shown
    log = next(Path(os.environ["XDG_STATE_HOME"]).rglob("screen.log")).read_text()
    assert "kept for the log" in log
    assert "secret" not in log


def press_and_see(terminal: Terminal, key: str, text: str) -> None:
    """Press a key and wait until the line with `text` looks different: the focus has moved."""
    before = wait_until(lambda: terminal.drawn(text))
    terminal.press(key)
    wait_until(lambda: terminal.drawn(text) != before, lambda: f"\n{terminal.shown}")


def call_with_engine(
    relay: Relay, start_engine: Callable[[str], Engine], open_terminal: Callable[..., Terminal], size: tuple[int, int]
) -> tuple[Terminal, Engine]:
    """A screen in a call with an engine that a test drives."""
    terminal = open_terminal(*size, "call", "--relay", relay.address)
    peer = start_engine("Mina")
    peer.tell(EnterCode(relay.address, code_on(terminal)))
    peer.wait_event(SessionOpened)
    terminal.wait_for("Mina · sealed · here")
    return terminal, peer
