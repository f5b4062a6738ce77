"""What a peer offers, entry by entry: looked through, marked, taken or refused."""

import glob
from typing import TYPE_CHECKING, ClassVar, Final

from rich.cells import cell_len
from rich.segment import Segment
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.geometry import Size
from textual.screen import ModalScreen
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widgets import Footer, Static

from actors.messages import (
    OVER,
    AnswerOffer,
    AnyEvent,
    CommandRefused,
    ListOffer,
    OfferEntry,
    OfferListed,
    Snapshot,
    Transfer,
)
from relay.visible import visible
from tui.cells import cut_cells, fit_cells, plain_cells
from tui.link import Detached, EngineGone
from tui.offer_pages import PAGE_ENTRIES, Marks, OfferPages
from tui.transfers import amount_words, label, size_words, why
from tui.widgets.status import peer_name
from tui.words.catalogue import say

if TYPE_CHECKING:
    from tui.app import VisavisApp

LOOK_AGAIN_SECONDS: Final = 1.0  # a list that still comes grows
SIZE_CELLS: Final = 8
MARK_CELLS: Final = 4


class OfferEntries(ScrollView, can_focus=True):
    """The rows of the list: only what is in view is painted, and asked for."""

    app: "VisavisApp"
    COMPONENT_CLASSES: ClassVar[set[str]] = {"entry--at", "entry--marked", "entry--dim"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", "", show=False),
        Binding("down", "move(1)", "", show=False),
        Binding("pageup", "page(-1)", "", show=False),
        Binding("pagedown", "page(1)", "", show=False),
        Binding("home", "edge(-1)", "", show=False),
        Binding("end", "edge(1)", "", show=False),
        Binding("space", "mark", say("key-mark"), key_display="Space"),
    ]

    def __init__(self, transfer: int, pages: OfferPages, marks: Marks, markable: bool) -> None:
        super().__init__()
        self.pages, self.marks = pages, marks
        self.at = 0
        self._transfer = transfer
        self._markable = markable

    def grown(self) -> None:
        """Take in that the pages changed."""
        self.virtual_size = Size(self.scrollable_content_region.width, max(1, self.pages.total))
        self.at = max(0, min(self.at, self.pages.total - 1))
        self.ask()
        self.refresh()

    def ask(self) -> None:
        """Ask the engine for what is in view and not here."""
        top = self.scroll_offset.y
        for first in self.pages.missing(top, top + max(1, self.size.height) - 1):
            if not self.app.send(ListOffer(self._transfer, first, PAGE_ENTRIES)):
                self.pages.ask_again()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        if self.pages.began:
            self.ask()

    def on_resize(self) -> None:
        """More may be in view."""
        if self.pages.began:
            self.grown()

    def on_click(self, event: events.Click) -> None:
        """Go to the row that was clicked; a click on its mark marks it."""
        index = event.y + self.scroll_offset.y
        if index < self.pages.total:
            self._go(index)
            if event.x < MARK_CELLS:
                self.action_mark()

    def action_move(self, step: int) -> None:
        """Go up or down."""
        self._go(self.at + step)

    def action_page(self, step: int) -> None:
        """Go up or down by what is in view."""
        self._go(self.at + step * max(1, self.size.height - 1))

    def action_edge(self, step: int) -> None:
        """Go to the first or the last."""
        self._go(0 if step < 0 else self.pages.total - 1)

    def _go(self, index: int) -> None:
        self.at = max(0, min(index, self.pages.total - 1))
        top, height = self.scroll_offset.y, max(1, self.size.height)
        if self.at < top:
            self.scroll_to(y=self.at, animate=False, force=True)
        elif self.at >= top + height:
            self.scroll_to(y=self.at - height + 1, animate=False, force=True)
        self.refresh()

    def action_mark(self) -> None:
        """Mark what one is at, or take the mark away, and go on to the next."""
        entry = self.pages.entry(self.at)
        if entry is None or not self._markable:
            return
        if self.marks.toggle(entry.path.rstrip("/")):
            self._go(self.at + 1)
        self.screen.query_one(OfferTitle).show()

    def render_line(self, y: int) -> Strip:
        """Return one row in view."""
        index = y + self.scroll_offset.y
        width = self.scrollable_content_region.width
        if index >= self.pages.total:
            return Strip.blank(width, self.rich_style)
        entry = self.pages.entry(index)
        here = index == self.at
        style = self.get_component_rich_style("entry--at") if here else self.rich_style
        text = fit_cells(f"{'›' if here else ' '} …", width)
        if entry is not None:
            marked = self._markable and self.marks.holds(entry.path.rstrip("/"))
            text = _entry_words(entry, here, marked, width, self._markable)
            if marked and not here:
                style = self.get_component_rich_style("entry--marked")
        return Strip([Segment(text, style)]).adjust_cell_length(width, self.rich_style)


def _entry_words(entry: OfferEntry, here: bool, marked: bool, width: int, markable: bool) -> str:
    sign = ("✓" if marked else "·") if markable else " "
    head = f"{'›' if here else ' '} {sign} "
    name = plain_cells(visible(entry.path))
    if entry.folder:
        name, size = name.rstrip("/") + "/", ""
    else:
        size = "–" if entry.size is None else size_words(entry.size)
    room = max(2, width - MARK_CELLS - SIZE_CELLS - 1)
    return head + fit_cells(_ending(name, room), room) + size.rjust(SIZE_CELLS) + " "


def _ending(name: str, width: int) -> str:
    """Cut a path in its folders: the end tells entries apart."""
    if cell_len(name) <= width:
        return name
    last = name[name.rstrip("/").rfind("/") :]
    room = width - cell_len(last)
    if last == name or room < 3:
        return cut_cells(name, width)
    return cut_cells(name, room) + last


class OfferTitle(Static):
    """Says whose offer it is, and how much is marked."""

    app: "VisavisApp"

    def __init__(self, transfer: int, marks: Marks) -> None:
        super().__init__(id="offer-title", markup=False)
        self._transfer, self._marks = transfer, marks
        self.problem = ""

    def show(self) -> None:
        """Paint it again."""
        transfer = self.app.state.transfers.get(self._transfer)
        if transfer is None:
            return
        who = say("who-you") if transfer.mine else peer_name(self.app.state)
        parts = [f"{transfer.id} {label(transfer)}", who, amount_words(transfer)]
        if transfer.skipped:
            parts.append(say("offer-skipped", count=f"{transfer.skipped:,}"))
        if len(self._marks):
            parts.append(say("offer-marked", count=f"{len(self._marks):,}"))
        width = max(2, self.size.width)
        self.update("\n".join([cut_cells(" · ".join(parts), width), self.problem]).rstrip())


class OfferScreen(ModalScreen[None]):
    """The list of one offer. Closes by itself once it is answered or over."""

    app: "VisavisApp"
    AUTO_FOCUS = "OfferEntries"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "accept", say("key-accept"), key_display="a"),
        Binding("r", "refuse", say("key-refuse"), key_display="r"),
        Binding("escape,f9", "dismiss", say("key-back"), key_display="Esc"),
    ]

    def __init__(self, transfer: Transfer) -> None:
        super().__init__()
        self.transfer = transfer.id
        self.answerable = transfer.state == "offered" and not transfer.mine
        self._pages = OfferPages(transfer.files + transfer.folders)
        self._marks = Marks()
        self._answered = False

    def compose(self) -> ComposeResult:
        """Lay it out: whose, the list, the keys."""
        with Vertical(id="offer"):
            yield OfferTitle(self.transfer, self._marks)
            yield OfferEntries(self.transfer, self._pages, self._marks, self.answerable)
            yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Ask for the first page; look again while the list still comes."""
        self.call_after_refresh(self._begin)
        self.set_interval(LOOK_AGAIN_SECONDS, self._look_again)

    def _begin(self) -> None:
        self._pages.began = True
        self.query_one(OfferTitle).show()
        self.query_one(OfferEntries).grown()

    def on_resize(self) -> None:
        """The title has another width."""
        self.call_after_refresh(self._begin)

    def _look_again(self) -> None:
        if not self._pages.whole and self.is_current:
            last = max(0, self._pages.total - 1) // PAGE_ENTRIES
            self.app.send(ListOffer(self.transfer, last * PAGE_ENTRIES + 1, PAGE_ENTRIES))

    def take(self, event: AnyEvent | Detached | EngineGone) -> None:
        """Show what an event brought to this list."""
        if not self._pages.began:
            return
        transfer = self.app.state.transfers.get(self.transfer)
        match event:
            case OfferListed() if event.transfer == self.transfer:
                self._pages.take(event.entries, event.total, event.whole)
                self.query_one(OfferEntries).grown()
            case CommandRefused() if event.transfer == self.transfer:
                self._answered = False
                title = self.query_one(OfferTitle)
                title.problem = why(event.cause, event.detail)
                title.show()
            case Snapshot():
                self._pages.ask_again()
                self.query_one(OfferEntries).ask()
            case _:
                pass
        gone = transfer is None or transfer.state in OVER or self.app.state.phase == "ended"
        answered = self.answerable and transfer is not None and transfer.state != "offered"
        if (gone or answered) and self.is_current:
            self.dismiss()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what waits for an answer can be answered."""
        return self.answerable if action in ("accept", "refuse") else True

    def action_accept(self) -> None:
        """Take what is marked, or all of it: these very paths, whatever signs of a pattern are in them."""
        self._answer(True, tuple(f"./{glob.escape(path)}" for path in self._marks.paths))

    def action_refuse(self) -> None:
        """Take nothing."""
        self._answer(False, ())

    def _answer(self, accept: bool, only: tuple[str, ...]) -> None:
        if not self._answered:
            self._answered = self.app.send(AnswerOffer(self.transfer, accept, only=only))
