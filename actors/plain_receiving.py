"""Keeps the files that come in a plain call."""

import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import Final

import trio

from actors.files.landing import EntryError, Landing, LandingError
from actors.files.names import clean_name
from actors.files.shown import Shown
from actors.files.taking import download_folder
from actors.messages import Emit, Transfer, TransferState
from actors.plain_files import IMAGE, follow, image_name, moving, parse_header
from actors.plain_reader import Piece
from relay import limits, wire

_HEAD_BYTES: Final = 12  # of an image tell its kind


@dataclass(slots=True)
class _Arriving:
    """A file on its way to the disk. When it is over before its end, what still comes of it is passed over."""

    shown: Shown
    landing: Landing | None  # None once it is over
    left: int  # bytes still to come
    head: bytes = b""

    def write(self, data: Sequence[bytes]) -> None:
        """Add to it. Blocks."""
        assert self.landing is not None
        self.landing.write(b"".join(data))
        if len(self.head) < _HEAD_BYTES:
            self.head = b"".join((self.head, *data))[:_HEAD_BYTES]

    def finish(self, name: str) -> str:
        """It is whole: give it its name, or the next free one; return its path. Blocks."""
        assert self.landing is not None
        (landed,) = self.landing.finish((name,), time.time_ns())
        path = str(self.landing.folder / landed)
        self.leave()
        return path

    def leave(self) -> str:
        """Close it; return the full path of a part that is kept, or "". Blocks."""
        if self.landing is None:
            return ""
        kept = self.landing.abandon()
        self.landing.close()
        self.landing = None
        return kept


class Receiver:
    """Puts files and images that come into the download folder: nobody is asked, as the original asks nobody.

    A file needs room, and PLAIN_RESERVE_BYTES beside it. `stray` counts packets of files that were never begun. What
    it starts, it starts in `nursery`. `image` is told path and name of every image that is
    whole. The peer's transfers have even numbers.
    """

    def __init__(
        self,
        emit: Emit,
        stray: Counter[str],
        nursery: trio.Nursery,
        image: Callable[[str, str], None] = lambda path, name: None,
    ) -> None:
        self._landed_image = image
        self._emit = emit
        self._stray = stray
        self._nursery = nursery
        self._number = 0
        self._file: _Arriving | None = None  # from its header to its end, also when it has failed between
        self._image: _Arriving | None = None  # as long as its packet lasts
        self._disk = trio.Lock()  # whoever works on the disk, or changes the two above

    async def take(self, pieces: Iterable[Piece]) -> None:
        """Take what came, in its order; returns once it is on the disk."""
        async with self._disk:
            for packet_type, group in groupby(pieces, key=attrgetter("type")):
                if packet_type == wire.FILE_CHUNK:
                    await self._take_chunks(list(group))
                    continue
                for piece in group:
                    if packet_type == wire.FILE_HEADER:
                        await self._take_header(piece.data)
                    elif packet_type == wire.FILE_END:
                        await self._take_end()
                    else:
                        await self._take_image(piece)

    def cancel(self, number: int) -> bool:
        """Keep no more of this transfer; False if it is not under way. The other side can't be told."""
        for arriving in (self._file, self._image):
            if arriving is not None and arriving.shown.now.id == number and not arriving.shown.over:
                self._nursery.start_soon(self._cancel, arriving)
                return True
        return False

    async def close(self) -> None:
        """The call is over, and so is what was on its way."""
        async with self._disk:
            for arriving in (self._file, self._image):
                if arriving is not None:
                    await self._end(arriving, "failed", "call-over")

    # --- what comes ----------------------------------------------------------------------------------------------

    async def _take_header(self, payload: bytes) -> None:
        if self._file is not None:
            await self._end(self._file, "failed", "out-of-step")
        header = parse_header(payload)
        if header is None:
            self._file = self._fail("", None, "protocol", "FHD0")
            return
        name, size = header
        self._file = await self._begin(clean_name(name, top=True), size)

    async def _take_chunks(self, pieces: Sequence[Piece]) -> None:
        if self._file is None:
            self._count(wire.FILE_CHUNK, sum(not piece.left for piece in pieces))
            return
        await self._write(self._file, [piece.data for piece in pieces])

    async def _take_end(self) -> None:
        file, self._file = self._file, None
        if file is None:
            self._count(wire.FILE_END, 1)
        elif file.left:
            await self._end(file, "failed", "out-of-step")
        else:
            await self._finish(file, file.shown.now.name)

    async def _take_image(self, piece: Piece) -> None:
        if self._image is None:
            self._image = await self._begin(IMAGE, len(piece.data) + piece.left)
        image = self._image
        await self._write(image, [piece.data])
        if not piece.left:
            self._image = None
            await self._finish(image, image_name(image.head))
            if image.shown.now.state == "done":
                self._landed_image(image.shown.now.path, image.shown.now.name)

    def _count(self, packet_type: bytes, packets: int) -> None:
        if packets:
            self._stray[packet_type.decode()] += packets

    # --- one file ------------------------------------------------------------------------------------------------

    async def _begin(self, name: str, size: int) -> _Arriving:
        coming = sum(each.left for each in (self._file, self._image) if each is not None and not each.shown.over)
        try:
            landing = await trio.to_thread.run_sync(_land, name, size + coming + limits.PLAIN_RESERVE_BYTES)
        except (LandingError, EntryError) as error:
            return self._fail(name, size, error.cause, error.detail)
        folder = landing.folder
        facts = moving(self._next(), name, size, mine=False, folder=str(folder), path=str(folder / name))
        shown = Shown(facts, self._emit)
        self._nursery.start_soon(follow, shown, self._disk.locked)
        return _Arriving(shown, landing, size)

    def _fail(self, name: str, size: int | None, cause: str, detail: str) -> _Arriving:
        """It fails before anything of it is written."""
        failed = Transfer(
            id=self._next(), mine=False, state="failed", name=name, size=size, files=1, cause=cause, detail=detail
        )
        return _Arriving(Shown(failed, self._emit), None, 0)

    async def _write(self, arriving: _Arriving, data: Sequence[bytes]) -> None:
        if arriving.shown.over:
            return
        size = sum(map(len, data))
        if size > arriving.left:
            await self._end(arriving, "failed", "list-differs")
            return
        try:
            await trio.to_thread.run_sync(arriving.write, data)
        except LandingError as error:
            await self._end(arriving, "failed", error.cause, error.detail)
            return
        arriving.left -= size
        arriving.shown.moved(arriving.shown.now.moved + size, 0)

    async def _finish(self, arriving: _Arriving, name: str) -> None:
        if arriving.shown.over:
            return
        try:
            path = await trio.to_thread.run_sync(arriving.finish, name)
        except (LandingError, EntryError) as error:
            await self._end(arriving, "failed", error.cause, error.detail)
            return
        arriving.shown.moved(arriving.shown.now.moved, 1)
        arriving.shown.change(state="done", name=name, names=(name,), path=path)

    async def _end(self, arriving: _Arriving, state: TransferState, cause: str, detail: str = "") -> None:
        if not arriving.shown.over:
            kept = await trio.to_thread.run_sync(arriving.leave)
            arriving.shown.change(state=state, cause=cause, detail=detail, partial=kept)

    async def _cancel(self, arriving: _Arriving) -> None:
        async with self._disk:
            await self._end(arriving, "cancelled", "cancelled", "here")

    def _next(self) -> int:
        self._number += 2
        return self._number


def _land(name: str, needed: int) -> Landing:
    """Begin a file in the download folder. Raises `LandingError` and `EntryError`. Blocks."""
    with ExitStack() as undo:
        landing = Landing(download_folder(), secrets.token_hex(4))
        undo.callback(landing.close)
        landing.need(needed)
        landing.begin(name, program=False)
        undo.pop_all()
    return landing
