"""The slash commands: one table, read by the composer, the list that "/" opens, /help and the command palette."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from textual.command import DiscoveryHit, Hit, Provider

from tui.words.catalogue import say

if TYPE_CHECKING:
    from tui.app import VisavisApp


@dataclass(frozen=True)
class SlashCommand:
    """`name` as typed after "/", the catalogue's key for its help, and the app's action that does it.

    `offered` tells whether it does anything now.
    """

    name: str
    help_key: str
    action: str
    offered: Callable[["VisavisApp"], bool] = lambda app: True

    @property
    def help(self) -> str:
        """One line on what it does."""
        return say(self.help_key)


COMMANDS: Final = (
    SlashCommand("help", "command-help", "help"),
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


def named(typed: str) -> SlashCommand | None:
    """Return the command that `typed` is, with or without spaces round it."""
    return next((command for command in COMMANDS if typed.strip() == f"/{command.name}"), None)


def is_command(typed: str) -> bool:
    """Tell whether a text is for us and not for the peer. "//text" is the text "/text"."""
    return typed.startswith("/") and not typed.startswith("//")


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
