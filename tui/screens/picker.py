"""Picks files and folders to offer. Loaded only when it is opened: the library behind it is not small."""

import stat
import time
from pathlib import Path
from typing import ClassVar, Final

from rich.table import Table
from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Footer, Static
from textual.worker import get_current_worker
from textual_fspicker.parts import DirectoryNavigation
from textual_fspicker.parts.directory_navigation import DirectoryEntry, DirectoryEntryStyling

from relay.visible import visible
from tui.cells import cut_cells, plain_cells
from tui.transfers import size_words
from tui.words.catalogue import say

SIZE_CELLS: Final = 8
TIME_CELLS: Final = 16

Marked = dict[Path, None]


class Entry(DirectoryEntry):
    """A file or folder: its mark, its name made visible, its size, when it was changed."""

    def __init__(self, location: Path, styles: DirectoryEntryStyling, marked: Marked) -> None:
        self._marked = marked
        super().__init__(location, styles)

    @property
    def markable(self) -> bool:
        """Whether it can be offered: the way up can not."""
        return self.location.name != ".."

    def words(self) -> Table:
        """Return it as it is shown now."""
        return self._as_renderable(self.location)

    def _as_renderable(self, location: Path) -> Table:
        try:
            facts = location.stat()
        except (OSError, ValueError):
            facts = None
        folder = facts is not None and stat.S_ISDIR(facts.st_mode)
        name = plain_cells(visible(location.name)) + ("/" if folder else "")
        size = "" if facts is None or folder else size_words(facts.st_size)
        at = "" if facts is None else time.strftime("%Y-%m-%d %H:%M", time.localtime(facts.st_mtime))
        row = Table.grid(expand=True, padding=(0, 1, 0, 0))
        row.add_column(width=1)
        row.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
        row.add_column(width=SIZE_CELLS, justify="right", no_wrap=True)
        row.add_column(width=TIME_CELLS, no_wrap=True)
        mark = "✓" if location in self._marked else ""
        row.add_row(mark, Text(name, "bold" if folder else ""), size, Text(at, "dim"))
        return row


class Folder(DirectoryNavigation):
    """What is in one folder. Reading it may fail in any way: then it is empty, and it is said."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("backspace", "navigate_up", say("key-up"), key_display="⌫"),
    ]

    def __init__(self, location: Path, marked: Marked) -> None:
        super().__init__(location)
        self._marked = marked
        self._shown = location  # the folder that was shown before

    @property
    def entry(self) -> Entry | None:
        """What one is at."""
        at = None if self.highlighted is None else self.get_option_at_index(self.highlighted)
        return at if isinstance(at, Entry) else None

    def paint_mark(self) -> None:
        """Show again whether what one is at is marked."""
        if self.highlighted is not None and self.entry is not None:
            self.replace_option_prompt_at_index(self.highlighted, self.entry.words())

    @work(exclusive=True, thread=True)
    def _load(self) -> None:
        worker, styles, location = get_current_worker(), self._styles, self._location
        entries: list[DirectoryEntry] = []
        try:
            for path in location.iterdir():
                if worker.is_cancelled:
                    return
                if path.is_dir() or path.is_file():
                    entries.append(Entry(path, styles, self._marked))
        except OSError:
            self.post_message(self.PermissionError(self, location))
        self._entries = entries
        if not worker.is_cancelled:
            self.app.call_from_thread(self._repopulate_display)

    def _repopulate_display(self) -> None:
        if not self.is_attached:
            return
        # Going up lands on the folder one comes from; showing hidden files moves nothing.
        at = self.entry.location if self._shown == self._location and self.entry is not None else self._shown
        with self.app.batch_update():
            self.clear_options()
            if not self.is_root:
                self.add_option(Entry(self._location / "..", self._styles, self._marked))
            self.add_options(self._sort(entry for entry in self._entries if not self.hide(entry.location)))
        if self.option_count:
            self.highlighted = next(
                (index for index, option in enumerate(self.options) if getattr(option, "location", None) == at), 0
            )
        self._shown = self._location


class FilePicker(ModalScreen[tuple[str, ...] | None]):
    """Lets one go through folders from `location` on and mark what is to be offered; returns absolute paths.

    Enter opens a folder; at a file it offers what is marked, or that file if nothing is.
    """

    AUTO_FOCUS = "Folder"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "mark", say("key-mark"), key_display="Space"),
        Binding("o", "offer", say("key-offer"), key_display="o"),
        Binding("full_stop", "hidden", say("key-hidden"), key_display="."),
        Binding("escape,f4", "dismiss(None)", say("key-back"), key_display="Esc"),
    ]

    def __init__(self, location: Path) -> None:
        super().__init__()
        self._marked: Marked = {}
        self._folder = Folder(location, self._marked)

    def compose(self) -> ComposeResult:
        """Lay it out: where one is, what is there, what is marked, the keys."""
        with Vertical(id="picker"):
            yield Static(id="picker-where", markup=False)
            yield self._folder
            yield Static(id="picker-marked", markup=False)
            yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Say where it begins."""
        self.call_after_refresh(self._show)

    def on_resize(self) -> None:
        """What fits has changed."""
        self.call_after_refresh(self._show)

    @on(Folder.Changed)
    def _show(self, problem: object = None) -> None:
        width = max(2, self._folder.size.width)
        where = plain_cells(visible(str(self._folder.location)))
        self.query_one("#picker-where", Static).update(f"{say('picker-title')}\n{_tail(where, width)}")
        names = ", ".join(plain_cells(visible(path.name)) for path in reversed(self._marked))
        words = say("picker-marked", count=len(self._marked), names=names) if names else say("picker-none")
        self.query_one("#picker-marked", Static).update(cut_cells(words, width) if names else words)

    @on(Folder.PermissionError)
    def _unreadable(self) -> None:
        self.query_one("#picker-marked", Static).update(say("picker-unreadable"))

    @on(Folder.Selected)
    def _selected(self, event: Folder.Selected) -> None:
        self.dismiss(tuple(map(str, self._marked or (event.path,))))

    def action_mark(self) -> None:
        """Mark what one is at, or take its mark away, and go on to the next."""
        entry = self._folder.entry
        if entry is None or not entry.markable:
            return
        if entry.location in self._marked:
            del self._marked[entry.location]
        else:
            self._marked[entry.location] = None
        self._folder.paint_mark()
        self._folder.action_cursor_down()
        self._show()

    def action_offer(self) -> None:
        """Offer what is marked, or what one is at."""
        entry = self._folder.entry
        if self._marked:
            self.dismiss(tuple(map(str, self._marked)))
        elif entry is not None and entry.markable:
            self.dismiss((str(entry.location),))

    def action_hidden(self) -> None:
        """Show hidden files, or no longer."""
        self._folder.toggle_hidden()


def _tail(path: str, width: int) -> str:
    """Return the end of a path that is too long: where one is says more than where it begins."""
    while len(path) > 2 and cut_cells(path, width) != path:
        path = "…" + path[2:]
    return path
