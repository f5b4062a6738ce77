"""The picture of a call with what is to be known of it: whose, what, how; and on demand its counts and times."""

import os
from functools import cached_property
from typing import TYPE_CHECKING, Final, Literal

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.timer import Timer
from textual.widgets import Static

from actors.messages import PictureTaken, Snapshot, SnapshotTaken, WatchPicture, Whose
from actors.video.frames import FrameError, unpack_picture
from tui.cells import cut_cells
from tui.graphics import Graphics, load_graphics
from tui.link import PictureDrawn
from tui.video_words import caption, counts
from tui.widgets.picture import PictureView

if TYPE_CHECKING:
    from actors.messages import AnyEvent
    from tui.app import VisavisApp

HELD_SECONDS: Final = 3.0  # for a look at a snapshot
BESIDE_CELLS: Final = 100  # from this width on the picture stands beside the conversation
Look = Literal["auto", "peer", "own", "none"]
_LOOKS: Final[tuple[Look, ...]] = ("auto", "peer", "own", "none")


class PicturePane(Vertical):
    """Shows the peer's picture, or else our own, while there is one; asks the engine for as many cells as it has."""

    app: "VisavisApp"

    def __init__(self) -> None:
        super().__init__(id="picture")
        self._look: Look = "auto"
        self._counting = False
        self._watched: tuple[Whose, int, int] | None = None
        self._room = (0, 0)
        self._held: Timer | None = None  # while the last snapshot stands
        self.display = False

    def compose(self) -> ComposeResult:
        """The picture, a line under it, the counts."""
        yield PictureView()
        yield Static(id="caption", markup=False)
        yield Static(id="counts", markup=False)

    @property
    def of(self) -> Whose | None:
        """Whose picture is to be seen now; None if there is none."""
        state = self.app.state
        there = {"peer": state.peer_video.showing, "own": state.own_showing}
        wanted: Whose = state.on_show if self._look in ("auto", "none") else self._look  # type: ignore[assignment]
        return wanted if there[wanted] and self._look != "none" and state.phase in ("call", "plain") else None

    @property
    def taken_beside(self) -> int:
        """Columns that it takes from the conversation."""
        return self.app.size.width // 2 if self.display and self.app.size.width >= BESIDE_CELLS else 0

    def follow(self, event: "AnyEvent | PictureDrawn | object") -> None:
        """Show what `event` changed; the app's state has taken it in already."""
        if isinstance(event, PictureDrawn):
            if self._watched is not None:
                self._draw(event.payload)
            return
        if isinstance(event, Snapshot):
            self._watched = None  # the engine knows nothing of a screen that comes back
        if isinstance(event, SnapshotTaken) and event.of == self.of and self._graphics:
            self._hold()
        self._watch()
        self.paint()

    def paint(self) -> None:
        """Say again what is to be known."""
        width = self.app.size.width
        self.set_class(width >= BESIDE_CELLS, "-beside")
        state = self.app.state
        shown = self.display and self._counting
        self.query_one("#counts").display = shown
        if self.display:
            self._say("#caption", caption(state, self.of or "peer"), max(0, self.size.width - 2))
        if shown:
            self._say("#counts", counts(state), max(0, self.size.width - 2))

    def look_at_next(self) -> Look:
        """Look at the next of: what there is, the peer's, our own, nothing; return it."""
        self._look = _LOOKS[(_LOOKS.index(self._look) + 1) % len(_LOOKS)]
        self._watch()
        self.paint()
        return self._look

    def toggle_counts(self) -> None:
        """Show the counts, or no longer."""
        self._counting = not self._counting
        self.paint()

    # --- what is asked of the engine

    def _watch(self) -> None:
        of = self.of
        if self.display != (of is not None):
            self.display = of is not None
            if of is None:
                self.query_one(PictureView).clear()
        wanted = self._room
        if of is not None and all(wanted) and (self._held or self._stands_still) and self._graphics:
            wanted = self._graphics.wanted(*wanted)
        self._ask((of, *wanted) if of is not None and all(wanted) else None)

    @cached_property
    def _graphics(self) -> Graphics | None:
        """What the terminal can draw; first asked for when there is something that stands still: it loads libraries."""
        return load_graphics(self.app, os.environ)

    @property
    def _stands_still(self) -> bool:
        """Whether what is to be seen is an image."""
        state = self.app.state
        return (state.peer_video.kind if self.of == "peer" else state.video.kind) == "image"

    def _draw(self, payload: bytes) -> None:
        view = self.query_one(PictureView)
        try:
            picture = unpack_picture(payload)
        except FrameError:
            self._taken()
            return
        if (picture.columns <= self._room[0] and picture.rows <= self._room[1]) or self._graphics is None:
            view.show(picture)
        else:
            view.show_still(picture, self._graphics)
            if self._held is None:
                self._taken()

    def _hold(self) -> None:
        """Show in pixels what a snapshot was taken of, a moment long."""
        if self._held is not None:
            self._held.stop()
        self._held = self.set_timer(HELD_SECONDS, self._release)

    def _release(self) -> None:
        self._held = None
        self._watch()
        self._taken()

    def _ask(self, wanted: tuple[Whose, int, int] | None) -> None:
        if wanted == self._watched:
            return
        if wanted is None:
            self.app.send(WatchPicture())
        else:
            if self._watched is None or wanted[0] != self._watched[0]:
                self.query_one(PictureView).clear()
            self.app.send(WatchPicture(*wanted))
        self._watched = wanted

    @on(PictureView.Resized)
    def _resized(self, event: PictureView.Resized) -> None:
        self._room = (event.columns, event.rows)
        self._watch()
        self.paint()

    @on(PictureView.Taken)
    def _taken(self) -> None:
        if self._watched is not None:
            self.app.send(PictureTaken())

    def _say(self, where: str, words: str, width: int) -> None:
        line = self.query_one(where, Static)
        words = "\n".join(cut_cells(each, width) for each in words.split("\n"))
        if line.content != words:
            line.update(words)
