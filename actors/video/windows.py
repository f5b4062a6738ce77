"""Windows on the desktop, each a child of its own."""

import os
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import trio

from actors.child import Child, ChildGoneError, NotInstalledError, start_child
from actors.children.orders import Failed, OpenWindow, Refused, Shown, SnapshotAsked, WindowClosed, WindowOpened
from actors.sinks.display import display_answers
from actors.video.frames import FRAME, Frame
from actors.video.newest import Newest

EARLY_SECONDS: Final = 2.0  # a window that dies so soon after its start will do so again
DEATHS: Final = 3  # as many in DEATHS_SECONDS: no more is tried
DEATHS_SECONDS: Final = 60.0

Told = Callable[[bool, str, str], None]


class Window:
    """Shows `newest` in a window with this title. `told` hears whether it is open, and why not; `shown` of every frame
    that is on the screen, `refused` of every frame that can't be, `snapshot` when someone asks for one there."""

    def __init__(
        self,
        title: str,
        newest: Newest,
        told: Told,
        shown: Callable[[Frame, Shown], None],
        refused: Callable[[Frame], None],
        snapshot: Callable[[], None],
    ) -> None:
        self.open = False  # on the screen
        self.pid = 0
        self._title = title
        self._newest = newest
        self._told = told
        self._shown = shown
        self._refused = refused
        self._snapshot = snapshot

    async def run(self) -> None:
        """Keep it open until someone closes it or it can't be. Cancelled, it closes."""
        deaths: deque[float] = deque(maxlen=DEATHS)
        while True:
            if not await display_answers(os.environ):
                self._told(False, "display-missing", "")
                return
            began = trio.current_time()
            cause, detail = await self._run_once()
            self.open = False
            if cause != "died":
                self._told(False, cause, detail)
                return
            now = trio.current_time()
            deaths.append(now)
            if now - began < EARLY_SECONDS or (len(deaths) == DEATHS and now - deaths[0] < DEATHS_SECONDS):
                self._told(False, "window-died", "")
                return

    async def _run_once(self) -> tuple[str, str]:
        ends: list[tuple[str, str]] = []
        async with trio.open_nursery() as nursery:
            try:
                async with await start_child(nursery, "window") as child:
                    self.pid = child.pid
                    await child.tell(OpenWindow(self._title))
                    ends.append(await self._follow(child))
            except NotInstalledError:
                ends.append(("video-missing", ""))
            except ChildGoneError:
                ends.append(("died", ""))
        return ends[0]

    async def _follow(self, child: Child) -> tuple[str, str]:
        frame: Frame | None = None  # that the window has
        answered = trio.Event()
        end = ("died", "")

        async def feed() -> None:
            nonlocal frame, answered
            with suppress(ChildGoneError):
                while True:
                    frame = await self._newest.newer(frame.number if frame is not None else 0)
                    answered = trio.Event()
                    await child.send(FRAME, frame.pack())
                    await answered.wait()

        async with trio.open_nursery() as nursery:
            with suppress(ChildGoneError):
                while True:
                    match await child.receive():
                        case WindowOpened():
                            self.open = True
                            self._told(True, "", "")
                            nursery.start_soon(feed)
                        case Shown() as shown if frame is not None and shown.number == frame.number:
                            self._shown(frame, shown)
                            answered.set()
                        case Refused(number=number) if frame is not None and number == frame.number:
                            self._refused(frame)
                            answered.set()
                        case SnapshotAsked():
                            self._snapshot()
                        case WindowClosed():
                            end = ("closed", "")
                            break
                        case Failed() as failed:
                            end = (failed.cause, failed.detail)
                            break
                        case _:
                            pass
            nursery.cancel_scope.cancel()
        return end
