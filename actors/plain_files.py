"""Files as the original sends and receives them: one at a time, and nobody is asked.

FHD0 {"filename", "filesize"}   FCH0 bytes …   FEND      a file; FEND before its last byte: it does not come whole
IMG0 bytes                                               an image, kept as a file: its name is made here

The original says nothing back. So nobody knows here what has arrived there, or whether anyone is there at all.
"""

import json
from collections.abc import Callable
from typing import Final

import trio

from actors.files.shown import Shown
from actors.messages import Transfer
from relay import limits, wire

IMAGE: Final = "image"
_SIZE_END: Final = 2**62  # no file is as large; sums of sizes still fit into 64 bits


def encode_header(name: str, size: int) -> bytes:
    """Return the packet that begins a file."""
    return wire.encode(wire.FILE_HEADER, json.dumps({"filename": name, "filesize": size}).encode())


def parse_header(payload: bytes) -> tuple[str, int] | None:
    """Return the name, as it came, and the size in a file header; None if it tells neither.

    What else is in it, as `codec`, is passed over. The original's `psnr` may be Infinity, which is JSON to Python.
    """
    try:
        fields = json.loads(payload)
    except (ValueError, RecursionError):
        return None
    if not isinstance(fields, dict):
        return None
    name, size = fields.get("filename"), fields.get("filesize")
    if not isinstance(name, str) or type(size) is not int or not 0 <= size < _SIZE_END:
        return None
    return name, size


def image_name(head: bytes) -> str:
    """Return what to call an image that begins with these bytes, by its kind; `.bin` for one unknown here."""
    kinds = ((b"\xff\xd8\xff", "jpg"), (b"\x89PNG\r\n\x1a\n", "png"), (b"GIF8", "gif"), (b"BM", "bmp"))
    kind = next((kind for magic, kind in kinds if head.startswith(magic)), "bin")
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        kind = "webp"
    return f"{IMAGE}.{kind}"


def moving(
    number: int, name: str, size: int, *, mine: bool, request: str = "", folder: str = "", path: str = ""
) -> Transfer:
    """Return a transfer of one file that moves."""
    return Transfer(
        id=number,
        mine=mine,
        state="moving",
        name=name,
        request=request,
        files=1,
        size=size,
        names=(name,),
        folder=folder,
        path=path,
    )


async def follow(shown: Shown, on_disk: Callable[[], bool]) -> None:
    """Tell its progress, and what holds it, until it is over."""
    while not shown.over:
        await trio.sleep(limits.PROGRESS_SECONDS)
        shown.tick("" if not shown.stalled else "own-disk" if on_disk() else "link")
