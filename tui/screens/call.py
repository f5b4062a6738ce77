"""The call: status on top, the conversation, what one writes, the keys."""

import time
from typing import TYPE_CHECKING, ClassVar, Final

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal
from textual.screen import Screen
from textual.timer import Timer
from textual.widgets import Footer, Static

from actors.messages import AnyEvent, SendText, SetTyping, SoundChanged, SoundMeasured
from relay import limits
from relay.visible import visible
from tui import commands, paths
from tui.cells import cut_cells
from tui.conversation import Conversation
from tui.link import Detached, EngineGone, PictureDrawn
from tui.narrate import narrate
from tui.pasted import pasted_arguments
from tui.state import CallState
from tui.widgets.command_list import Choice, CommandList
from tui.widgets.composer import Composer
from tui.widgets.conversation import ConversationView
from tui.widgets.picture_pane import PicturePane
from tui.widgets.sound import SoundLine
from tui.widgets.status import Status, peer_name
from tui.widgets.transfers import TransferList, column_cells
from tui.words.catalogue import say

if TYPE_CHECKING:
    from tui.app import VisavisApp

TYPING_SECONDS: Final = 5.0  # without a key: no longer typing
CLOSING_SECONDS: Final = 1.5  # after the end: Enter may still be that of a sentence
AGE_SECONDS: Final = 5.0  # how often what has an age is looked at


class CallScreen(Screen[None]):
    """Draws the app's call and sends what is written."""

    app: "VisavisApp"
    AUTO_FOCUS = "Composer"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("pageup", "page(-1)", "", show=False, priority=True),
        Binding("pagedown", "page(1)", "", show=False, priority=True),
        Binding("ctrl+home", "home", "", show=False, priority=True),
        Binding("ctrl+end", "end", "", show=False, priority=True),
        Binding("escape", "compose", "", show=False),
        Binding("q", "close", "", show=False),
        Binding("f1", "app.help", say("key-help"), key_display="F1", priority=True),
        Binding("f4", "order('send')", say("key-send"), key_display="F4", priority=True),
        Binding("f2", "camera", say("key-camera"), key_display="F2", priority=True),
        Binding("f3", "order('mic')", say("key-microphone"), key_display="F3", priority=True),
        Binding("f5", "mute", say("key-mute"), key_display="F5", priority=True),
        Binding("f6", "look", say("key-look"), key_display="F6", priority=True),
        Binding("f7", "counts", "", show=False, priority=True),
        Binding("f8", "app.video_panel", say("key-panel"), key_display="F8", priority=True),
        Binding("f9", "order('list')", say("key-offer"), key_display="F9", priority=True),
    ]

    def __init__(self, conversation: Conversation) -> None:
        super().__init__()
        self.ready = False  # to be drawn in
        self._conversation = conversation
        self._typing: Timer | None = None
        self._offers = False  # whether F9 has something to show
        self._completed = ""  # what Tab made of a path, with its names listed
        self._ended_at = 0.0  # by the steady clock

    def compose(self) -> ComposeResult:
        """Lay the call out from top to bottom."""
        yield Status(id="status")
        with Container(id="middle"):
            yield PicturePane()
            yield ConversationView(self._conversation)
            yield TransferList()
        yield SoundLine(id="sound")
        yield Static(id="activity", markup=False)
        yield CommandList()
        with Horizontal(id="writing"):
            yield Static(">", id="prompt")
            yield Composer(say("composer-hint"), self._submit, pasted_arguments)
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Show what is known, and look now and then at what grows old."""
        self.ready = True
        self.query_one(ConversationView).put(())
        self.query_one(PicturePane).follow(None)
        self._paint()
        self.set_interval(AGE_SECONDS, self._grow_old)
        if self.app.state.plain:
            self.say_note(say("note-plain", relay=visible(self.app.state.relay)))
        if self.app.demo:
            self.say_note(say("note-demo"))

    # --- what happens in the call

    def follow(self, event: AnyEvent | Detached | EngineGone, was: CallState) -> None:
        """Show what `event` changed; the app's state, which was `was`, has taken it in already."""
        if isinstance(event, SoundMeasured):  # ten times a second: nothing else changes by it
            self.query_one(SoundLine).show(self.app.state)
            return
        narrate(event, self.query_one(ConversationView), self.app.state, was)
        if isinstance(event, SoundChanged):
            self.refresh_bindings()  # F5 needs a microphone
        self.query_one(PicturePane).follow(event)
        self._paint()

    def draw(self, picture: PictureDrawn) -> None:
        """Paint a picture."""
        self.query_one(PicturePane).follow(picture)

    def say_note(self, text: str) -> None:
        """Put a sentence of the screen's own into the conversation."""
        view = self.query_one(ConversationView)
        view.note(text, time.time())
        view.to_end()

    def on_resize(self) -> None:
        """What fits has changed."""
        self.query_one(PicturePane).paint()
        self._paint()

    def _grow_old(self) -> None:
        self._paint_status()
        self._paint_transfers()

    def _paint(self) -> None:
        self._paint_status()
        self._paint_transfers()
        self._paint_activity()
        self.query_one(SoundLine).show(self.app.state)
        ended = self.app.state.phase == "ended"
        composer = self.query_one(Composer)
        if ended and not composer.read_only:
            composer.read_only = True
            self.refresh_bindings()
            self._ended_at = self.app.steady_now()
            composer.placeholder = say("composer-ended")

    def _paint_status(self) -> None:
        self.query_one(Status).show(self.app.state, self.app.steady_now(), demo=self.app.demo)

    def _paint_transfers(self) -> None:
        state = self.app.state
        width = self.size.width - self.query_one(PicturePane).taken_beside
        self.query_one("#middle").set_class(bool(column_cells(width)), "-wide")
        shown = state.transfers_shown(self.app.steady_now())
        self.query_one(TransferList).show(shown, width, self.size.height)
        offers = any(transfer.state == "offered" and not transfer.mine for transfer in shown)
        if offers != self._offers:
            self._offers = offers
            self.refresh_bindings()

    def _paint_activity(self) -> None:
        state, view = self.app.state, self.query_one(ConversationView)
        words = ""
        if state.phase == "ended":
            words = say("activity-ended")
        elif view.below:
            words = say("activity-below", count=f"{view.below:,}")
        elif not state.attached:
            words = say("activity-detached")
        elif self.query_one(Composer).holds_paths:
            words = say("activity-paths")
        elif state.peer_typing:
            words = say("activity-typing", peer=peer_name(state))
        activity = self.query_one("#activity", Static)
        activity.set_class(bool(view.below), "-below")
        words = cut_cells(words, max(0, self.size.width - 2))
        if activity.content != words:
            activity.update(words)

    @on(ConversationView.Below)
    def _show_below(self) -> None:
        self._paint_activity()

    # --- writing

    @on(Composer.Changed)
    def _written(self, event: Composer.Changed) -> None:
        text = event.text_area.text
        composer = self.query_one(Composer)
        composer.completing = commands.takes_paths(text)
        if not (self._completed and text == self._completed):
            self._completed = ""
            composer.choosing = self.query_one(CommandList).show_for(text)
        self._tell_typing(bool(text) and not commands.is_command(text))
        self._paint_activity()

    @on(Composer.Completed)
    def _complete(self, event: Composer.Completed) -> None:
        chooser = self.query_one(CommandList)
        if event.step:
            chooser.move(event.step)
        elif chooser.marked and chooser.marked.command is not None:
            self._fill_command(chooser.marked.command)
        elif chooser.marked:
            self._fill_name(chooser.marked)
        else:
            self._complete_path()

    def _complete_path(self) -> None:
        composer = self.query_one(Composer)
        completion = paths.complete(composer.text, self.app.files.folder)
        self._completed = completion.text if completion.candidates else ""
        composer.fill(completion.text)
        composer.choosing = self.query_one(CommandList).show_names(completion.candidates)

    def _fill_name(self, choice: Choice) -> None:
        composer = self.query_one(Composer)
        composer.fill(paths.put(composer.text, choice.name))

    def _fill_command(self, command: commands.SlashCommand) -> None:
        self.query_one(Composer).fill(f"/{command.name}{' ' if command.arguments_key else ''}")

    @on(CommandList.Chosen)
    async def _chosen(self, event: CommandList.Chosen) -> None:
        composer = self.query_one(Composer)
        composer.focus()
        command = event.choice.command
        if command is None:
            self._fill_name(event.choice)
        else:
            composer.fill("")
            await self.app.run_action(command.action)

    @on(Composer.PasteRefused)
    def _paste_refused(self, event: Composer.PasteRefused) -> None:
        self.say_note(say("paste-refused", characters=f"{event.characters:,}"))

    def _submit(self, typed: str) -> bool:
        """Do what Enter means for `typed`; return whether it needs to stand in the composer no longer."""
        if self.app.state.phase == "ended":
            if self._closes:
                self.app.call_later(self.app.action_quit)
            return False
        if commands.is_command(typed):
            return not self._takes_name(typed) and self._command(typed)
        text = commands.as_text(typed)
        size = len(text.encode())
        if not text.strip():
            return False
        if size > limits.CHAT_BYTES:
            self.say_note(
                say("text-too-long", kib=f"{-(-size // limits.KIB):,}", limit=limits.CHAT_BYTES // limits.KIB)
            )
            return False
        if not self.app.send(SendText(self.app.new_id(text), text)):
            self.say_note(say("engine-stuck"))
            return False
        self.query_one(ConversationView).to_end()
        return True

    def _takes_name(self, typed: str) -> bool:
        """Of a path that is not there yet, take the name that is marked; tell whether there was one."""
        marked = self.query_one(CommandList).marked
        if marked is None or marked.command is not None or paths.ends_in_path(typed, self.app.files.folder):
            return False
        self._fill_name(marked)
        return True

    def _command(self, typed: str) -> bool:
        command, rest = commands.named(typed) or (self._begun(typed), "")
        if command is None:
            self.say_note(say("command-unknown", typed=cut_cells(visible(typed.strip().split("\n")[0]), 40)))
            return False
        if rest:
            return self.app.order(command.name, rest)
        self.app.call_later(self.app.run_action, command.action)
        return True

    def _begun(self, typed: str) -> commands.SlashCommand | None:
        """Return the command that the list marks for what was typed so far; of a burst of keys it may know less."""
        matches = commands.matching(typed)
        marked = self.query_one(CommandList).marked
        if marked is not None and marked.command in matches:
            return marked.command
        return next(iter(matches), None)

    def take_back(self, text: str) -> bool:
        """Put a refused text back where it was written, if nothing else stands there."""
        return self.query_one(Composer).put_back(text)

    def _tell_typing(self, typing: bool) -> None:
        if typing:
            if self._typing is None:
                self.app.send(SetTyping(True))
                self._typing = self.set_timer(TYPING_SECONDS, self._typing_over)
            else:
                self._typing.reset()
        else:
            self._typing_over()

    def _typing_over(self) -> None:
        if self._typing is not None:
            self._typing.stop()
            self._typing = None
            self.app.send(SetTyping(False))

    # --- keys

    def on_key(self, event: events.Key) -> None:
        """A letter typed elsewhere belongs into the composer."""
        composer = self.query_one(Composer)
        if event.is_printable and event.character and not composer.has_focus and not composer.read_only:
            event.stop()
            composer.focus()
            composer.insert(event.character)

    def on_paste(self, event: events.Paste) -> None:
        """So does what is pasted."""
        composer = self.query_one(Composer)
        if not composer.has_focus and not composer.read_only:
            event.stop()
            composer.post_message(event)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A letter closes only a call that is over; what is about files needs one that is not."""
        match action:
            case "close":
                return self._closes
            case "order" if parameters == ("list",):
                return self._offers
            case "order":
                return self.app.state.phase != "ended"
            case "mute":
                return self.app.state.sound.microphone.state in ("opening", "on", "lost")
            case "camera" | "app.video_panel":
                return self.app.state.phase in ("call", "plain")
            case "look" | "counts":
                return self.app.state.phase in ("call", "plain") and (
                    self.app.state.own_showing or self.app.state.peer_video.showing
                )
            case _:
                return True

    def action_order(self, name: str) -> None:
        """Do a command without any words."""
        self.app.order(name, "")

    def action_camera(self) -> None:
        """Show the camera, or stop showing whatever is shown."""
        self.app.order("camera", "off" if self.app.state.own_showing else "")

    def action_mute(self) -> None:
        """Mute the microphone, or no longer; where one talks by a key: talk, or no longer."""
        self.app.sounds.toggle()

    def action_look(self) -> None:
        """Look at the next of: what there is, the peer's, our own, nothing."""
        self.notify(say(f"look-{self.query_one(PicturePane).look_at_next()}"), timeout=2)

    def action_counts(self) -> None:
        """Show what is counted of video, or no longer."""
        self.query_one(PicturePane).toggle_counts()

    @property
    def _closes(self) -> bool:
        """Whether a plain key closes: the call is over, and it is not one of a sentence that was being written."""
        if self.app.state.phase != "ended" or self.query_one(Composer).text:
            return False
        return self.app.steady_now() - self._ended_at >= CLOSING_SECONDS

    async def action_close(self) -> None:
        """Close the screen of a call that is over."""
        await self.app.action_quit()

    def action_page(self, direction: int) -> None:
        """Scroll by a screenful."""
        view = self.query_one(ConversationView)
        view.scroll_to(y=view.scroll_offset.y + direction * max(1, view.size.height - 1), animate=False)

    def action_home(self) -> None:
        """Go to the oldest line that is kept."""
        self.query_one(ConversationView).scroll_to(y=0, animate=False)

    def action_end(self) -> None:
        """Go to the end and follow it."""
        self.query_one(ConversationView).to_end()

    def action_compose(self) -> None:
        """Back to writing, at the end of the conversation."""
        self.action_end()
        self.query_one(Composer).focus()
