"""The start: make a code, enter one, or come back to a call that is still running."""

from typing import TYPE_CHECKING, ClassVar, Final, Literal

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import Screen
from textual.widgets import Button, Footer, Input, Label, Static

from actors.messages import AnyEvent, EnterCode, MakeCode
from actors.runfolder import RunFolderError, engine_names
from relay.visible import visible
from relay.wire import parse_address
from tui.link import Detached, EngineGone
from tui.narrate import link_note
from tui.state import CallState
from tui.widgets.composer import whole
from tui.words.catalogue import say, say_cause

if TYPE_CHECKING:
    from tui.app import VisavisApp

ENGINES_SECONDS: Final = 3.0  # how often it is looked for engines that run
ENGINES_SHOWN: Final = 4

Stage = Literal["choose", "starting", "dialling", "waiting", "pairing", "burned"]


class StartScreen(Screen[None]):
    """Says where a call stands before there is someone to talk to."""

    app: "VisavisApp"
    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", say("key-back"), key_display="Esc"),
        Binding("c", "copy_line", say("key-copy")),
        Binding("enter", "again", say("key-again"), show=False),
        Binding("down", "app.focus_next", "", show=False),
        Binding("up", "app.focus_previous", "", show=False),
        Binding("f1", "app.help", say("key-help"), key_display="F1", priority=True),
    ]

    def __init__(self, relay: str, code: str = "") -> None:
        super().__init__()
        self.ready = False  # to be drawn in
        self._relay, self._code = relay, code
        self._engines: list[str] | None = None

    def compose(self) -> ComposeResult:
        """Lay out both faces: choosing, and waiting for the other side."""
        with VerticalScroll(id="start", can_focus=False):
            yield Label(say("start-title"), id="title")
            with Vertical(id="choosing"):
                yield Label(say("start-about"), classes="dim")
                with Horizontal(classes="field"):
                    yield Label(say("start-relay"))
                    yield Input(self._relay, placeholder=say("start-relay-hint"), id="relay", compact=True)
                with Horizontal(classes="field"):
                    yield Label(say("start-code"))
                    hint = say("start-code-hint")
                    # Not selected on focus: what is typed goes on, and what was wrong is mended.
                    yield Input(self._code, placeholder=hint, id="code", compact=True, select_on_focus=False)
                with Horizontal(id="buttons"):
                    yield Button(say("start-make"), id="make", compact=True)
                    yield Button(say("start-join"), id="join", compact=True)
                yield Vertical(id="engines")
            with Vertical(id="waiting"):
                yield Static(id="stage", markup=False)
                yield Static(id="big-code", markup=False)
                yield Static(id="how", markup=False)
                yield Static(id="line", markup=False)
                yield Static(id="where", markup=False, classes="dim")
                yield Button(say("start-again"), id="again", compact=True)
            yield Static(id="problem", markup=False)
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Show the stage, and put the cursor where something is missing."""
        self.ready = True
        for field in self.query(Input):
            field.cursor_blink = False  # a screen that is idle paints nothing
        self.show()
        self._look_for_engines()
        self.set_interval(ENGINES_SECONDS, self._look_for_engines)
        self._focus_first()

    def _focus_first(self) -> None:
        relay = self.query_one("#relay", Input)
        code = self.query_one("#code", Input)
        cause = self.app.state.problem[0] if self.app.state.problem else ""
        to_code = self._code or cause.startswith("code-")  # what was wrong with it is there to be mended
        to_relay = not relay.value or cause.startswith("relay-")
        (relay if to_relay else code if to_code else self.query_one("#make")).focus()

    def on_key(self, event: events.Key) -> None:
        """A letter or digit typed at a button is the beginning of a code."""
        typed = event.character or ""
        if typed.isalnum() and self.stage == "choose" and isinstance(self.focused, Button):
            event.stop()
            code = self.query_one("#code", Input)
            code.focus()
            code.value = typed
            code.cursor_position = 1

    # --- what happens

    @property
    def stage(self) -> Stage:
        """Where the call stands."""
        state = self.app.state
        if state.burned:
            return "burned"
        if self.app.starting or state.in_call:
            return "starting"
        match state.phase:
            case "dialling" | "pairing":
                return state.phase
            case "waiting":
                return "waiting" if state.code else "dialling"
            case _:
                return "choose"

    def follow(self, event: AnyEvent | Detached | EngineGone, was: CallState) -> None:
        """Show what `event` changed."""
        self.show()

    def show(self, problem: str = "", note: str = "") -> None:
        """Paint the stage; `problem` is a sentence to show instead of the engine's, `note` one that is none."""
        state, stage = self.app.state, self.stage
        choosing = self.query_one("#choosing")
        if choosing.display != (stage == "choose") and stage == "choose":
            self.call_after_refresh(self._focus_first)
        choosing.display = stage == "choose"
        self.query_one("#waiting").display = stage != "choose"
        again = self.query_one("#again", Button)
        if stage == "burned" and not again.display:
            self.call_after_refresh(again.focus)
        again.display = stage == "burned"
        line = say("start-line", code=state.code, relay=visible(state.relay)) if stage == "waiting" else ""
        words = {
            "#stage": self._stage_words(stage),
            "#big-code": state.code if stage == "waiting" else "",
            "#how": say("start-how") if stage == "waiting" else "",
            "#line": line,
            "#where": say("start-where", relay=visible(state.relay)) if state.relay else "",
        }
        for selector, text in words.items():
            static = self.query_one(selector, Static)
            static.update(text)
            static.display = bool(text)
        if not problem and state.problem and stage == "choose":
            problem = say_cause(state.problem[0], visible(state.problem[1]))
        if not problem and not state.attached and self.app.link and stage not in ("choose", "starting"):
            problem = say("activity-detached")
        if not problem and state.link == "out" and stage in ("dialling", "waiting", "pairing"):
            problem = link_note(state)
        below = self.query_one("#problem", Static)
        below.update(problem or note)
        below.set_class(not problem, "-note")
        self.refresh_bindings()

    def _stage_words(self, stage: Stage) -> str:
        state = self.app.state
        match stage:
            case "choose":
                return ""
            case "burned":
                return say(f"stage-burned-{state.burned}")
            case "waiting" if state.because:
                return say(f"code-again-{state.because}")
            case _:
                return say(f"stage-{stage}")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Show only the keys that do something at this stage."""
        match action:
            case "back":
                return self.stage != "choose"
            case "copy_line":
                return self.stage == "waiting"
            case "again":
                return self.stage == "burned"
            case _:
                return True

    def _look_for_engines(self) -> None:
        try:
            names = [name for name in engine_names() if self.app.link is None or name != self.app.link.name]
        except (RunFolderError, OSError):
            names = []
        if names == self._engines:
            return
        self._engines = names
        self.run_worker(self._show_engines(names), group="engines", exclusive=True)

    async def _show_engines(self, names: list[str]) -> None:
        engines = self.query_one("#engines", Vertical)
        await engines.remove_children()
        if names:
            buttons = [
                Button(say("start-engine", name=name), name=name, classes="engine", compact=True) for name in names
            ]
            await engines.mount(Label(say("start-engines"), classes="dim"), *buttons[-ENGINES_SHOWN:])

    # --- what one does

    @on(Button.Pressed, "#make")
    def _make(self) -> None:
        if relay := self._relay_given():
            self.app.begin(MakeCode(relay))

    @on(Button.Pressed, "#join")
    @on(Input.Submitted, "#code")
    def _join(self) -> None:
        code = self.query_one("#code", Input)
        if not code.value.strip():
            self.show(say("start-code-missing"))
            code.focus()
        elif relay := self._relay_given():
            self.app.begin(EnterCode(relay, whole(code.value.strip())))

    @on(Input.Submitted, "#relay")
    def _relay_entered(self) -> None:
        if self._relay_given():
            self.query_one("#code" if self.query_one("#code", Input).value else "#make").focus()

    @on(Button.Pressed, ".engine")
    def _come_back(self, event: Button.Pressed) -> None:
        if event.button.name:
            self.app.come_back(event.button.name)

    @on(Button.Pressed, "#again")
    def action_again(self) -> None:
        """Make a new code at the same relay."""
        if relay := self.app.state.relay or self._relay_given():
            self.app.begin(MakeCode(relay))

    def action_back(self) -> None:
        """Give up what was begun: a code that waits is dropped."""
        self.app.give_up()

    def action_copy_line(self) -> None:
        """Put the line for the friend on the clipboard, where the terminal lets us."""
        state = self.app.state
        self.app.copy_to_clipboard(say("start-line", code=state.code, relay=state.relay))
        self.show(note=say("start-copied"))

    def _relay_given(self) -> str:
        """Return the relay that was typed, or say what is wrong with it and return nothing."""
        field = self.query_one("#relay", Input)
        relay = whole(field.value.strip())
        try:
            parse_address(relay)
        except ValueError:
            self.show(say_cause("relay-address", visible(relay)) if relay else say("start-relay-missing"))
            field.focus()
            return ""
        return relay
