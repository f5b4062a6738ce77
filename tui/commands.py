"""The slash commands: one table, read by the composer, the list that "/" opens, /help and the command palette."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from textual.command import DiscoveryHit, Hit, Provider

from tui.file_commands import TO
from tui.shell_words import open_word
from tui.words.catalogue import say

if TYPE_CHECKING:
    from tui.app import VisavisApp

OFFERING: Final = "/send "  # what is typed before paths
SHOWING: Final = ("/video ", "/image ", "/mic ", "/speaker ")  # and before one
USAGE_CELLS: Final = 12  # of /help, for how a command is typed


@dataclass(frozen=True)
class SlashCommand:
    """`name` as typed after "/", the catalogue's key for its help, and the app's action that does it.

    `offered` tells whether it does anything now. With `arguments_key`, the catalogue's key for what may stand behind
    it, the app's `order` is given the name and those words, and the action is what it does without any.
    """

    name: str
    help_key: str
    action: str
    offered: Callable[["VisavisApp"], bool] = lambda app: True
    arguments_key: str = ""

    @property
    def help(self) -> str:
        """One line on what it does."""
        return say(self.help_key)

    @property
    def usage(self) -> str:
        """How it is typed."""
        return f"/{self.name} {self.arguments}".rstrip()

    @property
    def explained(self) -> str:
        """How it is typed and what it does, side by side where that fits."""
        if len(self.usage) <= USAGE_CELLS:
            return f"{self.usage:<{USAGE_CELLS}} {self.help}"
        return f"{self.usage}\n{'':<{USAGE_CELLS}} {self.help}"

    @property
    def arguments(self) -> str:
        """What may stand behind it."""
        return say(self.arguments_key) if self.arguments_key else ""


def _in_call(app: "VisavisApp") -> bool:
    return app.state.phase in ("call", "plain")


def _with_offers(app: "VisavisApp") -> bool:
    return app.state.phase == "call"


def _with_own(app: "VisavisApp") -> bool:
    return _in_call(app) and app.state.own_showing


def _with_file(app: "VisavisApp") -> bool:
    return _with_own(app) and app.state.video.kind == "file"


def _with_picture(app: "VisavisApp") -> bool:
    return _in_call(app) and (app.state.own_showing or app.state.peer_video.showing)


def _with_microphone(app: "VisavisApp") -> bool:
    return _in_call(app) and app.state.sound.microphone.state != "off"


COMMANDS: Final = (
    SlashCommand("help", "command-help", "help"),
    SlashCommand("send", "command-send", "order('send')", _in_call, "arguments-send"),
    SlashCommand("accept", "command-accept", "order('accept')", _with_offers, "arguments-accept"),
    SlashCommand("refuse", "command-refuse", "order('refuse')", _with_offers, "arguments-number"),
    SlashCommand("list", "command-list", "order('list')", _with_offers, "arguments-number"),
    SlashCommand("cancel", "command-cancel", "order('cancel')", _in_call, "arguments-number"),
    SlashCommand("first", "command-first", "order('first')", _with_offers, "arguments-number"),
    SlashCommand("camera", "command-camera", "order('camera')", _in_call, "arguments-camera"),
    SlashCommand("video", "command-video", "order('video')", _in_call, "arguments-video"),
    SlashCommand("image", "command-image", "order('image')", _in_call, "arguments-video"),
    SlashCommand("card", "command-card", "order('card')", _in_call, "arguments-card"),
    SlashCommand("pause", "command-pause", "order('pause')", _with_file),
    SlashCommand("seek", "command-seek", "order('seek')", _with_file, "arguments-seek"),
    SlashCommand("loop", "command-loop", "order('loop')", _with_file),
    SlashCommand("filter", "command-filter", "order('filter')", _in_call, "arguments-filter"),
    SlashCommand("quality", "command-quality", "order('quality')", _in_call, "arguments-quality"),
    SlashCommand("size", "command-size", "order('size')", _in_call, "arguments-size"),
    SlashCommand("rate", "command-rate", "order('rate')", _in_call, "arguments-rate"),
    SlashCommand("window", "command-window", "order('window')", _with_picture, "arguments-whose"),
    SlashCommand("record", "command-record", "order('record')", _with_picture, "arguments-record"),
    SlashCommand("snapshot", "command-snapshot", "order('snapshot')", _with_picture, "arguments-whose"),
    SlashCommand("panel", "command-panel", "video_panel", _in_call),
    SlashCommand("mic", "command-mic", "order('mic')", _in_call, "arguments-mic"),
    SlashCommand("mute", "command-mute", "order('mute')", _with_microphone, "arguments-on-off"),
    SlashCommand("ptt", "command-ptt", "order('ptt')", _in_call, "arguments-on-off"),
    SlashCommand("vad", "command-vad", "order('vad')", _in_call, "arguments-vad"),
    SlashCommand("speaker", "command-speaker", "order('speaker')", _in_call, "arguments-speaker"),
    SlashCommand("volume", "command-volume", "order('volume')", _in_call, "arguments-volume"),
    SlashCommand("devices", "command-devices", "order('devices')", _in_call),
    SlashCommand("codec", "command-codec", "order('codec')", _in_call, "arguments-codec"),
    SlashCommand("code", "command-code", "code", lambda app: app.sealed),
    SlashCommand("verify", "command-verify", "verify", lambda app: app.sealed),
    SlashCommand("detach", "command-detach", "detach", lambda app: app.link is not None and not app.demo),
    SlashCommand("quit", "command-quit", "quit"),
)


def matching(typed: str) -> list[SlashCommand]:
    """Return the commands that "/…" as typed so far may become; none for a text or a command with words after it."""
    if not typed.startswith("/") or typed.startswith("//") or "\n" in typed:
        return []
    word = typed[1:]
    return [command for command in COMMANDS if command.name.startswith(word)]


def named(typed: str) -> tuple[SlashCommand, str] | None:
    """Return the command that `typed` is, and the words behind it; None if it is none, or takes no words."""
    name, _, rest = typed.strip().partition(" ")
    command = next((command for command in COMMANDS if name == f"/{command.name}"), None)
    if command is None or (rest.strip() and not command.arguments_key):
        return None
    return command, rest.strip()


def is_command(typed: str) -> bool:
    """Tell whether a text is for us and not for the peer. "//text" is the text "/text"."""
    return typed.startswith("/") and not typed.startswith("//")


def takes_paths(typed: str) -> bool:
    """Tell whether the last word of `typed` is a path of this machine."""
    if typed.startswith("/accept "):
        return typed[: open_word(typed).start].endswith(f" {TO} ")
    return typed.startswith((OFFERING, *SHOWING))


def as_text(typed: str) -> str:
    """Return what the peer is to read."""
    return typed[1:] if typed.startswith("//") else typed


class PaletteCommands(Provider):
    """The same commands for ^P."""

    async def discover(self) -> AsyncIterator[DiscoveryHit]:
        """Yield every command there is now."""
        for command in self._offered():
            yield DiscoveryHit(command.name, partial(self.app.run_action, command.action), help=command.help)

    async def search(self, query: str) -> AsyncIterator[Hit]:
        """Yield the commands that fit `query`, by name or by what they do."""
        matcher = self.matcher(query)
        for command in self._offered():
            if score := max(matcher.match(command.name), matcher.match(command.help)):
                yield Hit(
                    score,
                    matcher.highlight(command.name),
                    partial(self.app.run_action, command.action),
                    help=command.help,
                )

    def _offered(self) -> list[SlashCommand]:
        app: VisavisApp = self.app  # type: ignore[assignment]
        return [command for command in COMMANDS if command.offered(app)]
