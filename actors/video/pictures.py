"""Pictures in cells for screens: a child draws them, each screen takes one at a time."""

from collections import deque
from collections.abc import Callable
from typing import Final

import trio

from actors.child import Child, ChildGoneError, start_child
from actors.children.orders import AnyOrder, Draw, Refused, Unwatch, Watch
from actors.video import frames
from actors.video.frames import FRAME, Frame, FrameError
from actors.video.newest import Newest
from relay.wire import Packet

DEATHS: Final = 3  # of the child in DEATHS_SECONDS: then none is started till those are over
DEATHS_SECONDS: Final = 60.0


class _Watcher:
    def __init__(self, number: int, send: Callable[[bytes], None]) -> None:
        self.number = number
        self.send = send
        self.columns = self.rows = 0
        self.last = 0  # frame that it was given
        self.ready = True  # it has painted that


class Pictures:
    """Draws `newest` for its watchers. `drawn` hears of every frame that was decoded, and how long that took;
    `refused` of every frame that can't be."""

    def __init__(self, newest: Newest, drawn: Callable[[Frame, int], None], refused: Callable[[Frame], None]) -> None:
        self._newest = newest
        self._drawn = drawn
        self._refused = refused
        self._watchers: dict[object, _Watcher] = {}
        self._numbers = 0
        self._changed = trio.Event()
        self._unsaid: list[AnyOrder] = []
        self.pid = 0

    def watch(self, who: object, send: Callable[[bytes], None], columns: int, rows: int) -> None:
        """Draw for `who`, through `send`, in so many cells at most; 0: no longer."""
        watcher = self._watchers.get(who)
        if not columns or not rows:
            if watcher is not None:
                del self._watchers[who]
                self._unsaid.append(Unwatch(watcher.number))
        else:
            if watcher is None:
                self._numbers += 1
                watcher = self._watchers[who] = _Watcher(self._numbers, send)
            watcher.columns, watcher.rows, watcher.last = columns, rows, 0
            self._unsaid.append(Watch(watcher.number, columns, rows))
        self._nudge()

    def taken(self, who: object) -> None:
        """`who` has painted its last picture."""
        if who in self._watchers:
            self._watchers[who].ready = True
            self._nudge()

    async def run(self) -> None:
        """Keep a child while there are watchers; one that dies often is let rest. Cancelled, the child ends."""
        deaths: deque[float] = deque(maxlen=DEATHS)
        while True:
            while not self._watchers:
                await self._woken()
            async with trio.open_nursery() as nursery:
                try:
                    async with await start_child(nursery, "pictures") as child:
                        self.pid = child.pid
                        await self._serve(child)
                except ChildGoneError:
                    deaths.append(trio.current_time())
            if len(deaths) == DEATHS:
                await trio.sleep_until(deaths[0] + DEATHS_SECONDS)

    async def _serve(self, child: Child) -> None:
        """Draw until nobody watches any longer. Raises `ChildGoneError`."""
        self._unsaid = [Watch(each.number, each.columns, each.rows) for each in self._watchers.values()]
        for watcher in self._watchers.values():
            watcher.ready = True  # what the last child was asked for will not come
        while self._watchers:
            unsaid, self._unsaid = self._unsaid, []
            for order in unsaid:
                await child.tell(order)
            ready = [watcher for watcher in self._watchers.values() if watcher.ready]
            if not ready:
                await self._woken()
                continue
            frame = await self._next(min(watcher.last for watcher in ready))
            if frame is None:
                continue
            eager = [watcher for watcher in self._watchers.values() if watcher.ready and watcher.last < frame.number]
            await child.tell(Draw(tuple(watcher.number for watcher in eager)))
            await child.send(FRAME, frame.pack())
            for watcher in eager:
                watcher.last = frame.number
            await self._deliver(child, frame, {watcher.number: watcher for watcher in eager})

    async def _next(self, than: int) -> Frame | None:
        """Return a frame newer than that; None if the watchers, or what they want, changed."""
        if self._unsaid:
            return None
        found: Frame | None = None

        async def find() -> None:
            nonlocal found
            found = await self._newest.newer(than)
            nursery.cancel_scope.cancel()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(find)
            await self._woken()
            nursery.cancel_scope.cancel()
        return found

    async def _deliver(self, child: Child, frame: Frame, waiting: dict[int, _Watcher]) -> None:
        while waiting:
            said = await child.receive()
            if isinstance(said, Refused):
                self._refused(frame)
                return
            if not isinstance(said, Packet) or said.type != frames.PICTURE:
                continue
            try:
                picture = frames.unpack_picture(said.payload)
            except FrameError as error:
                raise ChildGoneError(str(error)) from None
            watcher = waiting.pop(picture.watcher, None)
            if watcher is None:
                continue
            watcher.ready = False
            watcher.send(bytes(said.payload))
            self._drawn(frame, picture.decode_us)

    def _nudge(self) -> None:
        self._changed.set()

    async def _woken(self) -> None:
        self._changed = trio.Event()
        await self._changed.wait()
