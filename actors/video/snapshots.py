"""Frames and recordings that are kept: where they go, and what they are called. Blocks: for a thread."""

import secrets
import time
from contextlib import closing
from pathlib import Path

from actors.files.landing import Landing
from actors.files.taking import download_folder
from actors.video.frames import Payload


def keep_snapshot(jpeg: Payload) -> str:
    """Write a frame as it is into the download folder, under a name that was free; return its full path. Raises
    `LandingError` and `EntryError`."""
    name = f"visavis {_now()}.jpg"
    with closing(Landing(download_folder(), secrets.token_hex(4))) as landing:
        landing.need(len(jpeg))
        landing.begin(name, program=False)
        landing.write(bytes(jpeg))
        (kept,) = landing.finish((name,), time.time_ns())
    return str(landing.folder / kept)


def recording_path() -> str:
    """Return a path in the download folder where nothing is yet."""
    folder, now = download_folder(), _now()
    path, number = folder / f"visavis {now}.mkv", 0
    while path.exists():
        number += 1
        path = Path(folder, f"visavis {now} ({number}).mkv")
    return str(path)


def _now() -> str:
    return time.strftime("%Y-%m-%d %H.%M.%S")
