"""A microphone or a speaker in use: one child at a time, which is told what was asked for last."""

from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import msgspec
import trio

from actors.audio.frames import FRAME, SoundFrame
from actors.child import Child, ChildGoneError, NotInstalledError, start_child
from actors.children.orders import AnyOrder, AnyReport, Failed, OpenSound, SoundLost, SoundOpened, SourceEnded
from actors.sounds import DeviceState, DeviceUse
from relay import limits
from relay.visible import cut
from relay.wire import Packet

WAITING_FRAMES: Final = 25  # for the child: it takes them at once; half a second while it starts
_OPEN_SECONDS: Final = 15.0  # a device that takes longer to open does not open


class DeviceChild:
    """`changed` hears of every new state, `said` of every report and packet of the child. `kind` is its program:
    "microphone" or "speaker"."""

    def __init__(
        self,
        nursery: trio.Nursery,
        kind: str,
        changed: Callable[[DeviceUse], None],
        said: Callable[[AnyReport | Packet], None],
    ) -> None:
        self.use = DeviceUse()
        self.opened: OpenSound | None = None  # what is in use
        self._nursery = nursery
        self._kind = kind
        self._changed = changed
        self._said = said
        self._scope = trio.CancelScope()
        self._lasting: dict[type[AnyOrder], AnyOrder] = {}  # the newest of each kind
        self._orders: deque[AnyOrder] = deque()
        self._frames: deque[SoundFrame] = deque(maxlen=WAITING_FRAMES)  # the oldest goes
        self._wake = trio.Event()

    def open(self, opening: OpenSound) -> None:
        """Use this instead of what is used."""
        self._scope.cancel()
        self._frames.clear()
        self.opened = opening
        self._change(DeviceUse(state="opening", device=opening.device, file=opening.file))
        self._scope = trio.CancelScope()
        self._nursery.start_soon(self._run, opening, self._scope)

    def close(self) -> None:
        """Use nothing."""
        self._scope.cancel()
        self._frames.clear()
        self.opened = None
        self._change(DeviceUse())

    def order(self, order: AnyOrder) -> None:
        """Tell the child, now and whenever it is started anew."""
        if self._lasting.get(type(order)) != order:
            self._lasting[type(order)] = order
            self._orders.append(order)
            self._wake.set()

    def put(self, frame: SoundFrame) -> None:
        """Give the child a frame, once it listens."""
        self._frames.append(frame)
        self._wake.set()

    async def _run(self, opening: OpenSound, scope: trio.CancelScope) -> None:
        with scope:
            cause, detail = f"{self._kind}-died", ""
            async with trio.open_nursery() as nursery:
                try:
                    async with await start_child(nursery, self._kind) as child:
                        await child.tell(opening)
                        cause, detail = await self._follow(child)
                except NotInstalledError:
                    cause = "sound-missing"
                except ChildGoneError as error:
                    detail = cut(str(error), limits.ERROR_TEXT_CHARACTERS)
            self.opened = None
            state: DeviceState = "off" if cause == "source-ended" else "failed"
            self._change(msgspec.structs.replace(self.use, state=state, cause=cause, detail=detail))

    async def _follow(self, child: Child) -> tuple[str, str]:
        """Move orders, frames and reports until the child fails; return why. Raises `ChildGoneError`."""
        self._orders = deque(self._lasting.values())
        ends: list[tuple[str, str] | ChildGoneError] = []

        async def feed() -> None:
            with suppress(ChildGoneError):  # the receiver says so
                while True:
                    if self._orders:
                        await child.tell(self._orders.popleft())
                    elif self._frames:
                        await child.send(FRAME, self._frames.popleft().pack())
                    else:
                        self._wake = trio.Event()
                        await self._wake.wait()

        async def receive() -> None:
            try:
                with trio.move_on_after(_OPEN_SECONDS) as opening:
                    while not ends:
                        said = await child.receive()
                        opening.deadline = float("inf")
                        self._take(said, ends)
                if opening.cancelled_caught:
                    ends.append(("device-silent", ""))
            except ChildGoneError as error:
                ends.append(error)
            nursery.cancel_scope.cancel()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(feed)
            nursery.start_soon(receive)
        if isinstance(ends[0], ChildGoneError):
            raise ends[0]
        return ends[0]

    def _take(self, said: AnyReport | Packet, ends: list[tuple[str, str] | ChildGoneError]) -> None:
        match said:
            case Failed(cause=cause, detail=detail):
                ends.append((cause, detail))
            case SourceEnded():
                ends.append(("source-ended", ""))
            case SoundOpened(name=name):
                self._change(msgspec.structs.replace(self.use, state="on", name=name, cause="", detail=""))
            case SoundLost(detail=detail):
                lost = cut(detail, limits.ERROR_TEXT_CHARACTERS)
                self._change(msgspec.structs.replace(self.use, state="lost", cause="device-lost", detail=lost))
            case _:
                self._said(said)

    def _change(self, use: DeviceUse) -> None:
        if use != self.use:
            self.use = use
            self._changed(use)
