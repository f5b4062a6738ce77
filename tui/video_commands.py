"""What is typed after /camera, /video, /filter and the like: words in, commands for the engine out. Pure."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Final, get_args

from actors.messages import (
    AnyCommand,
    FilterName,
    PlayVideo,
    RecordVideo,
    ShowVideo,
    ShowWindow,
    StopVideo,
    TakeSnapshot,
    TuneVideo,
    Whose,
)
from relay import limits
from tui import paths
from tui.file_commands import MisusedError, shown
from tui.shell_words import split_words
from tui.state import CallState
from tui.words.catalogue import say

OFF: Final = "off"
ME: Final = "--me"
BOTH: Final = "--both"
FILTERS: Final[tuple[str, ...]] = get_args(FilterName)

_SIZE: Final = re.compile(r"(\d{1,5})[x*×](\d{1,5})")
_TIME: Final = re.compile(r"(?:(?:(\d{1,3}):)?(\d{1,3}):)?(\d{1,6}(?:\.\d{1,3})?)")
_ADDRESS: Final = re.compile(r"\w+://\S+")


def command_of(name: str, rest: str, state: CallState, folder: Path) -> AnyCommand:
    """Return what `/name rest` asks for. What is relative is so to `folder`. Raises `MisusedError`."""
    words = [word for word in split_words(rest) if word]
    return _MAKERS[name](words, state, folder)


def _camera(words: list[str], state: CallState, folder: Path) -> AnyCommand:
    if words == [OFF]:
        return StopVideo()
    what, both = _for_whom(words)
    if len(what) > 1:
        raise MisusedError(say("misused-camera"))
    which = what[0] if what else ""
    if which and not which.isdecimal() and not _ADDRESS.fullmatch(which):
        which = paths.absolute(which, folder)
    return ShowVideo("camera", which, both)


def _video(words: list[str], state: CallState, folder: Path) -> AnyCommand:
    if words == [OFF]:
        return StopVideo()
    what, both = _for_whom(words)
    return ShowVideo("file", _file("video", what, folder), both)


def _image(words: list[str], state: CallState, folder: Path) -> AnyCommand:
    if words == [OFF]:
        return StopVideo()
    what, both = _for_whom(words)
    return ShowVideo("image", _file("image", what, folder), both)


def _card(words: list[str], state: CallState, folder: Path) -> AnyCommand:
    what, both = _for_whom(words)
    return StopVideo() if what == [OFF] else ShowVideo("card", "", both)


def _filter(words: list[str], state: CallState, folder: Path) -> AnyCommand:
    name = words[0] if len(words) == 1 else ""
    if name not in FILTERS:
        raise MisusedError(say("misused-filter", names=", ".join(FILTERS), now=state.video.filter))
    return TuneVideo(filter=name)  # type: ignore[arg-type]


def _quality(words: list[str], state: CallState, folder: Path) -> AnyCommand:
    quality = int(words[0]) if len(words) == 1 and words[0].isdecimal() and len(words[0]) < 4 else 0
    if not limits.QUALITY_MIN <= quality <= limits.QUALITY_MAX:
        now, least, most = state.video.quality, limits.QUALITY_MIN, limits.QUALITY_MAX
        raise MisusedError(say("misused-quality", now=now, least=least, most=most))
    return TuneVideo(quality=quality)


def _size(words: list[str], state: CallState, folder: Path) -> AnyCommand:
    if words == [OFF]:
        return TuneVideo(width=0, height=0)
    match = _SIZE.fullmatch(words[0]) if len(words) == 1 else None
    width, height = (int(match[1]), int(match[2])) if match else (0, 0)
    if not 0 < width <= limits.VIDEO_SIDE or not 0 < height <= limits.VIDEO_SIDE:
        raise MisusedError(say("misused-size", most=limits.VIDEO_SIDE))
    return TuneVideo(width=width, height=height)


def _rate(words: list[str], state: CallState, folder: Path) -> AnyCommand:
    if words == [OFF]:
        return TuneVideo(rate=0)
    rate = float(words[0]) if len(words) == 1 and re.fullmatch(r"\d{1,4}(\.\d{1,2})?", words[0]) else 0.0
    if not 0 < rate <= limits.VIDEO_RATE:
        raise MisusedError(say("misused-rate", most=f"{limits.VIDEO_RATE:.0f}"))
    return TuneVideo(rate=rate)


def _pause(words: list[str], state: CallState, folder: Path) -> AnyCommand:
    _nothing("pause", words)
    return PlayVideo(paused=not state.video.paused)


def _loop(words: list[str], state: CallState, folder: Path) -> AnyCommand:
    _nothing("loop", words)
    return PlayVideo(loop=not state.video.loop)


def _seek(words: list[str], state: CallState, folder: Path) -> AnyCommand:
    match = _TIME.fullmatch(words[0]) if len(words) == 1 else None
    if match is None:
        raise MisusedError(say("misused-seek"))
    hours, minutes, seconds = (float(part or 0) for part in match.groups())
    return PlayVideo(seek=hours * 3600 + minutes * 60 + seconds)


def _window(words: list[str], state: CallState, folder: Path) -> AnyCommand:
    of = _whose("window", words, state)
    return ShowWindow(of, of not in state.windows, say(f"window-{of}"))


def _record(words: list[str], state: CallState, folder: Path) -> AnyCommand:
    what = words[0] if len(words) == 1 else ""
    if len(words) > 1 or (what and what not in ("peer", "own", "both", OFF)):
        raise MisusedError(say("misused-record"))
    if what == OFF or (not what and state.recording.what):
        return RecordVideo("")
    return RecordVideo(what or "both")  # type: ignore[arg-type]


def _snapshot(words: list[str], state: CallState, folder: Path) -> AnyCommand:
    return TakeSnapshot(_whose("snapshot", words, state))


_MAKERS: Final[dict[str, Callable[[list[str], CallState, Path], AnyCommand]]] = {
    "camera": _camera,
    "video": _video,
    "image": _image,
    "card": _card,
    "filter": _filter,
    "quality": _quality,
    "size": _size,
    "rate": _rate,
    "pause": _pause,
    "loop": _loop,
    "seek": _seek,
    "window": _window,
    "record": _record,
    "snapshot": _snapshot,
}
NAMES: Final = frozenset(_MAKERS)


def _for_whom(words: list[str]) -> tuple[list[str], bool]:
    """Return the words without --me and --both, and whether the peer is to see it."""
    return [word for word in words if word not in (ME, BOTH)], ME not in words


def _file(name: str, words: list[str], folder: Path) -> str:
    if len(words) != 1:
        raise MisusedError(say("misused-file", command=name))
    try:
        return paths.existing(words, folder)[0]
    except paths.MissingPathError as error:
        raise MisusedError(say("misused-path", path=shown(error.path))) from None


def _whose(name: str, words: list[str], state: CallState) -> Whose:
    if words in (["peer"], ["own"]):
        return words[0]  # type: ignore[return-value]
    if words:
        raise MisusedError(say("misused-whose", command=name))
    return state.on_show


def _nothing(name: str, words: list[str]) -> None:
    if words:
        raise MisusedError(say("misused-words", command=name))
