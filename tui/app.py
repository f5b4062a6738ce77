"""The screen of Visavis: attaches to an engine, draws what it says, tells it what one wants.

Everything that lasts is the engine's. The screen may go at any time, with its terminal or by /detach, and come back.
"""

import asyncio
import contextlib
import dataclasses
import os
import signal
import time
from typing import ClassVar, Final

from textual import work
from textual.app import App
from textual.binding import Binding, BindingType
from textual.command import CommandPalette

from actors.messages import (
    AnyCommand,
    AnyEvent,
    DevicesListed,
    Ended,
    EnterCode,
    Failed,
    Hang,
    MakeCode,
    OfferRefused,
    OpenPlain,
    PhaseChanged,
    Snapshot,
    TextQueued,
    TextRefused,
    TransferChanged,
)
from relay.visible import visible
from tui import settings, sound_commands, video_commands
from tui.commands import COMMANDS, PaletteCommands
from tui.conversation import Conversation
from tui.file_commands import MisusedError
from tui.file_desk import FileDesk, here
from tui.launch import LaunchError, start_engine_async
from tui.link import Detached, EngineGone, Link, PictureDrawn
from tui.narrate import narrate
from tui.screens.call import CallScreen
from tui.screens.offer import OfferScreen
from tui.screens.start import StartScreen
from tui.sound_desk import SoundDesk
from tui.state import CallState
from tui.terminal import ScreenDriver
from tui.theme import THEME
from tui.widgets.picture import PictureView
from tui.words.catalogue import say, say_cause

ENDED_SECONDS: Final = 4.0  # an engine that was told to hang up is waited for this long
QUIT_SECONDS: Final = 60.0  # so long "^Q again" holds
GOOD_ENDS: Final = ("hung", "peer-hung", "unwatched")

Start = MakeCode | EnterCode | OpenPlain


class VisavisApp(App[int]):
    """`engine` is the name of one that runs, or None; `start` is what to begin at once, or None for the start screen;
    `relay` is what stands in the relay's field. A `demo` is never left running.

    Its return code is 0, or 1 when the call ended by an error. `farewell` is a line to print afterwards, or empty.
    """

    CSS_PATH = "app.tcss"
    TITLE = "visavis"
    COMMANDS: ClassVar = {PaletteCommands}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+p", "command_palette", say("key-commands"), key_display="^P", priority=True),
        Binding("ctrl+q", "quit", say("key-quit"), key_display="^Q", priority=True),
    ]
    COMMAND_PALETTE_BINDING = "ctrl+p"

    def __init__(
        self, engine: str | None = None, start: Start | None = None, relay: str = "", demo: bool = False
    ) -> None:
        super().__init__(driver_class=ScreenDriver)
        self.farewell = ""
        self.demo: bool = demo
        self.state: CallState = CallState(relay=relay)
        self.conversation = Conversation(time.time())
        self.link: Link | None = None
        self.starting = engine is not None  # or until it has said where the call stands
        self._engine = engine
        self._start = start
        self._plain = isinstance(start, OpenPlain)
        self._relay = relay
        self.files = FileDesk(self, here())
        self.sounds = SoundDesk(self)
        self._texts: dict[str, str] = {}  # sent or offered, as typed, and not yet taken by the engine
        self._ids = 0
        self._ended = asyncio.Event()
        self._dropped = asyncio.Event()  # set while no engine is being told to hang up behind our back
        self._dropped.set()
        self._warned = False
        self._asked_to_quit = float("-inf")  # when, by the steady clock

    # --- beginning

    def on_mount(self) -> None:
        """Show the first screen, then reach the engine."""
        self.register_theme(THEME)
        self.theme = THEME.name
        # A lost terminal (SIGHUP) ends the screen at once, also where it was started with nohup: reading from a
        # terminal that is gone would never end. The engine stays.
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, self._leave_engine)
        code = self._start.code if isinstance(self._start, EnterCode) else ""
        self.push_screen(StartScreen(self._relay, code))
        if self._engine is not None:
            self._attend(self._engine)
        elif self._start is not None:
            self.begin(self._start)

    @property
    def sealed(self) -> bool:
        """Whether codes and words mean anything here: not in a plain call."""
        return not (self.state.in_call and self.state.plain)

    def steady_now(self) -> float:
        """Seconds of the steady clock that ages are counted in."""
        return time.monotonic()

    def begin(self, command: Start) -> None:
        """Do `command` with the engine there is, or with a new one."""
        self.state.problem = None
        self.state.relay = command.relay
        if self.link is not None and self.state.phase == "idle":
            self.state.burned = ""
            self.state.phase = "dialling"
            self.link.send(command)
            self._paint()
        else:
            self._start = command
            self._launch()

    def come_back(self, name: str) -> None:
        """Attach to another engine that runs; one of ours that does nothing is ended."""
        self._drop_engine()
        self._attend(name)

    def give_up(self) -> None:
        """End what was begun and go back to choosing."""
        self._start = None
        self.starting = False
        self._drop_engine()
        self._paint()

    def _drop_engine(self) -> None:
        self.workers.cancel_group(self, "engine")
        if self.link is not None:
            self._hang_quietly(self.link)
        self.link = None
        self.state = CallState(relay=self.state.relay)

    @work(group="hanging")
    async def _hang_quietly(self, link: Link) -> None:
        self._dropped.clear()
        another = Link(link.name)
        another.send(Hang())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(ENDED_SECONDS), contextlib.aclosing(another.events()) as events:
                async for _ in events:
                    pass
        self._dropped.set()

    @work(group="engine", exclusive=True)
    async def _launch(self) -> None:
        self.starting = True
        self.state.burned = ""
        self._paint()
        try:
            name = await start_engine_async(settings.load().name)
        except LaunchError as error:
            self.starting = False
            self.state.problem = (f"launch-{error.code}", error.detail)
            self._paint()
            return
        self.starting = False
        self._attend(name)

    # --- following the engine

    @work(group="follow", exclusive=True)
    async def _attend(self, name: str) -> None:
        self.link = link = Link(name)
        async with contextlib.aclosing(link.events()) as events:
            async for event in events:
                if self.link is not link:
                    return
                if isinstance(event, PictureDrawn):
                    if screen := self._call_screen():
                        screen.draw(event)
                else:
                    self._take(event)

    def _take(self, event: AnyEvent | Detached | EngineGone) -> None:
        was = dataclasses.replace(self.state)
        self.state.apply(event, self.steady_now())
        match event:
            case Snapshot():
                self.starting = False
                self._send_start()
            case TextQueued():
                self._texts.pop(event.id, None)
            case TextRefused():
                self._refused(event)
            case TransferChanged():
                self._texts.pop(event.transfer.request, None)
            case OfferRefused():
                self._not_offered(event)
            case DevicesListed():
                self.sounds.listed()
            case Failed() if self._plain:  # the start screen is for sealed calls
                self.farewell = say_cause(event.cause, visible(event.detail))
                self._quit(1)
            case Ended() | EngineGone():
                self.starting = False
                if event.cause == "hung-early" and isinstance(event, Ended):
                    self.farewell = say_cause(event.cause, event.detail)
                self._ended.set()
            case _:
                pass
        if (
            isinstance(event, Snapshot | PhaseChanged)
            and self.state.phase in ("waiting", "pairing", "call")
            and not self.demo
        ):
            settings.remember_relay(self.state.relay)
        self._show(event, was)

    def _send_start(self) -> None:
        if self._start is not None and self.state.phase == "idle" and self.link is not None:
            self.link.send(self._start)
            self.state.phase, self.state.relay = "dialling", self._start.relay
        self._start = None

    def _refused(self, event: TextRefused) -> None:
        text = self._texts.pop(event.id, None)
        if text is None:
            return  # another screen's
        screen = self._call_screen()
        kept = screen is not None and screen.take_back(text)
        words = say_cause(f"text-{event.cause}")
        self.say_note(words if kept else f"{words}\n{text}")

    def _not_offered(self, event: OfferRefused) -> None:
        """Put a refused offer back where it was typed, if nothing else stands there; why is told by the screen."""
        typed = self._texts.pop(event.id, None)
        screen = self._call_screen()
        if typed is not None and screen is not None:
            screen.take_back(typed)

    def _show(self, event: AnyEvent | Detached | EngineGone, was: CallState) -> None:
        screen = self._call_screen()
        if screen is None and self.state.in_call:
            if not was.in_call and self.state.phase == "ended":
                self._ended_before_call()
                return
            narrate(event, self.conversation, self.state, was)
            if not isinstance(self.screen_stack[-1], CallScreen):
                self.switch_screen(CallScreen(self.conversation))
        elif screen is not None:
            screen.follow(event, was)
            for above in self.screen_stack:
                if isinstance(above, OfferScreen) and above.is_mounted:
                    above.take(event)
        else:
            self._paint()

    def _ended_before_call(self) -> None:
        """The engine went while nobody was there to talk to: choose anew, or go if this was all there was."""
        self.state.problem = (self.state.cause, self.state.detail)
        self.state.phase, self.link = "idle", None
        self._paint()

    def _call_screen(self) -> CallScreen | None:
        return next((screen for screen in self.screen_stack if isinstance(screen, CallScreen) and screen.ready), None)

    def _start_screen(self) -> StartScreen | None:
        return next((screen for screen in self.screen_stack if isinstance(screen, StartScreen) and screen.ready), None)

    def _paint(self) -> None:
        if screen := self._start_screen():
            screen.show()

    # --- telling the engine

    def send(self, command: AnyCommand) -> bool:
        """Tell the engine; return False if it has not listened for long."""
        return self.link is not None and self.link.send(command)

    def new_id(self, text: str) -> str:
        """Return a new id for `text`, which is remembered until the engine has it."""
        self._ids += 1
        line_id = f"{os.urandom(8).hex()}-{self._ids}"
        self._texts[line_id] = text
        return line_id

    def say_note(self, text: str) -> None:
        """Say something that is not from the peer, where it is read."""
        if screen := self._call_screen():
            screen.say_note(text)
        elif start := self._start_screen():
            start.show(note=text)

    # --- commands

    def action_command_palette(self) -> None:
        """Open the list of commands that can be searched."""
        if not any(isinstance(screen, CommandPalette) for screen in self.screen_stack):
            self.push_screen(CommandPalette(placeholder=say("palette-hint"), id="--command-palette"))

    def action_help(self) -> None:
        """Say which commands and keys there are."""
        if not self.state.in_call:
            self.say_note(say("help-start"))
            return
        lines = [command.explained for command in COMMANDS if command.offered(self)]
        more = (say("help-files"), say("help-video"), say("help-sound"), say("help-keys"))
        self.say_note("\n".join([say("help-commands"), *lines, *more]))

    def order(self, name: str, rest: str) -> bool:
        """Do the command `name` with the words `rest`; return False if they need to be corrected."""
        if name in sound_commands.NAMES:
            return self.sounds.order(name, rest)
        if name in video_commands.NAMES:
            return self._order_video(name, rest)
        return self.files.order(name, rest)

    def _order_video(self, name: str, rest: str) -> bool:
        try:
            command = video_commands.command_of(name, rest, self.state, self.files.folder)
        except MisusedError as error:
            self.say_note(str(error))
            return False
        if not self.send(command):
            self.say_note(say("engine-stuck"))
            return False
        return True

    def action_video_panel(self) -> None:
        """Open the panel with everything that can be set about our video."""
        from tui.screens.video_panel import VideoPanel  # loaded when it is wanted

        if self.state.phase in ("call", "plain") and not isinstance(self.screen, VideoPanel):
            self.push_screen(VideoPanel())

    def on_terminal_ready(self) -> None:
        """The terminal has taken in what was written: the next picture may be painted."""
        if screen := self._call_screen():
            screen.query_one(PictureView).answered()

    def action_order(self, name: str) -> None:
        """Do a command without any words."""
        self.order(name, "")

    def action_code(self) -> None:
        """Say the code that waits, make a new one for one that is burned."""
        start = self._start_screen()
        if start is not None and self.state.burned:
            start.action_again()
        elif self.state.code:
            self.say_note(say("start-line", code=self.state.code, relay=self.state.relay))
        else:
            self.say_note(say("code-none-call" if self.state.in_call else "code-none"))

    def action_verify(self) -> None:
        """Say the six words."""
        if self.state.plain and self.state.in_call:
            self.say_note(say("verify-plain"))
        elif not self.state.verification:
            self.say_note(say("verify-none"))
        else:
            self.say_note(say("verify", words=" ".join(self.state.verification)))

    def action_detach(self) -> None:
        """Leave the engine running and close the screen, once the engine has what was said."""
        if self.link is None or self.demo:
            self.say_note(say("detach-demo" if self.demo else "detach-none"))
        else:
            self._depart(self.link)

    @work(group="leaving", exclusive=True)
    async def _depart(self, link: Link) -> None:
        if not await _comes(link.settled) and not self._warned:
            self._warned = True
            self.say_note(say("detach-unsettled"))
            return
        self._leave_engine()

    def _leave_engine(self) -> None:
        if self.link is not None and self.state.phase != "ended" and not self.demo:
            self.farewell = say("farewell-detached", name=self.link.name)
        self.exit(0)

    async def action_quit(self) -> None:
        """Hang up, wait a little for the engine to say so, and close the screen. What still moves is asked about."""
        asked_long_ago = self.steady_now() - self._asked_to_quit >= QUIT_SECONDS
        if self.state.moving and self.state.attached and asked_long_ago:
            self._asked_to_quit = self.steady_now()
            while self.screen.is_modal:
                self.pop_screen()
            self.say_note(say("quit-moving-demo") if self.demo else say("quit-moving"))
        else:
            self._quit()

    @work(group="leaving", exclusive=True)
    async def _quit(self, status: int = 0) -> None:
        status = status or int(self.state.phase == "ended" and self.state.cause not in GOOD_ENDS)
        if self.link is not None and self.state.phase != "ended":
            self.link.send(Hang())
            await _comes(self._ended)
        await _comes(self._dropped)
        self.exit(status)

    def action_help_quit(self) -> None:
        """Ctrl+C copies what is marked; with nothing marked it says how to leave."""
        self.say_note(say("how-to-quit") if self.state.in_call else say("how-to-quit-start"))


async def _comes(event: asyncio.Event) -> bool:
    """Wait for `event`, ENDED_SECONDS at most; tell whether it came."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(ENDED_SECONDS):
            await event.wait()
    return event.is_set()


async def run_screen(app: VisavisApp) -> int:
    """Run the screen on this loop until it closes; return the exit code."""
    result = await app.run_async()
    return result if result is not None else app.return_code or 0
