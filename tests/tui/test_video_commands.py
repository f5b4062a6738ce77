"""What is typed about video, and what the engine is asked for."""

from pathlib import Path

import pytest

from actors.messages import (
    PeerVideo,
    PlayVideo,
    Recording,
    RecordVideo,
    ShowVideo,
    ShowWindow,
    StopVideo,
    TakeSnapshot,
    TuneVideo,
    Video,
)
from tui.commands import COMMANDS
from tui.file_commands import MisusedError
from tui.state import CallState
from tui.video_commands import FILTERS, NAMES, command_of

HERE = Path("/here")


def asked(typed: str, **state: object) -> object:
    name, _, rest = typed.removeprefix("/").partition(" ")
    return command_of(name, rest, CallState(**state), HERE)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("typed", "command"),
    [
        ("/camera", ShowVideo("camera")),
        ("/camera 1", ShowVideo("camera", "1")),
        ("/camera video2 --me", ShowVideo("camera", "/here/video2", both=False)),
        ("/camera http://10.0.0.5/a.mjpg", ShowVideo("camera", "http://10.0.0.5/a.mjpg")),
        ("/camera off", StopVideo()),
        ("/video off", StopVideo()),
        ("/image off", StopVideo()),
        ("/card", ShowVideo("card")),
        ("/card --me", ShowVideo("card", both=False)),
        ("/card off", StopVideo()),
        *((f"/filter {name}", TuneVideo(filter=name)) for name in FILTERS),
        ("/quality 10", TuneVideo(quality=10)),
        ("/quality 95", TuneVideo(quality=95)),
        ("/size 640x360", TuneVideo(width=640, height=360)),
        ("/size off", TuneVideo(width=0, height=0)),
        ("/rate 12.5", TuneVideo(rate=12.5)),
        ("/rate off", TuneVideo(rate=0)),
        ("/pause", PlayVideo(paused=True)),
        ("/loop", PlayVideo(loop=True)),
        ("/seek 90", PlayVideo(seek=90)),
        ("/seek 1:30", PlayVideo(seek=90)),
        ("/seek 1:00:01.5", PlayVideo(seek=3601.5)),
        ("/window", ShowWindow("peer", True, "Visavis")),
        ("/window own", ShowWindow("own", True, "Visavis: you")),
        ("/record", RecordVideo("both")),
        ("/record peer", RecordVideo("peer")),
        ("/record off", RecordVideo("")),
        ("/snapshot", TakeSnapshot("peer")),
        ("/snapshot own", TakeSnapshot("own")),
    ],
)
def test_what_is_typed_is_asked_for(typed: str, command: object) -> None:
    assert asked(typed) == command


@pytest.mark.parametrize(
    "typed",
    [
        "/camera 1 2",
        "/video",
        "/video nowhere.mp4",
        "/image a b",
        "/filter",
        "/filter sepia",
        "/quality",
        "/quality 9",
        "/quality 96",
        "/quality nine",
        "/size 640",
        "/size 0x5",
        "/size 9000x10",
        "/rate 0",
        "/rate 121",
        "/rate fast",
        "/seek",
        "/seek 1:2:3:4",
        "/pause now",
        "/window both",
        "/record all",
        "/snapshot 5",
    ],
)
def test_what_is_wrong_is_a_sentence(typed: str) -> None:
    with pytest.raises(MisusedError) as caught:
        asked(typed)
    assert str(caught.value).endswith(".")


def test_files_are_found_from_here_and_may_have_any_name(tmp_path: Path) -> None:
    film = tmp_path / "영상 하나.mp4"
    film.touch()
    assert command_of("video", "'영상 하나.mp4' --me", CallState(), tmp_path) == ShowVideo(
        "file", str(film), both=False
    )
    assert command_of("image", str(film).replace(" ", "\\ "), CallState(), tmp_path) == ShowVideo("image", str(film))


def test_what_is_on_is_turned_off() -> None:
    assert asked("/pause", video=Video(paused=True)) == PlayVideo(paused=False)
    assert asked("/loop", video=Video(loop=True)) == PlayVideo(loop=False)
    assert asked("/window peer", windows=("peer",)) == ShowWindow("peer", False, "Visavis")
    assert asked("/record", recording=Recording(what="peer")) == RecordVideo("")


def test_without_a_name_it_is_about_what_is_on_show() -> None:
    own = Video(state="on")
    assert asked("/snapshot", video=own) == TakeSnapshot("own")
    assert asked("/snapshot", video=own, peer_video=PeerVideo(showing=True)) == TakeSnapshot("peer")


def test_every_one_of_them_is_a_command_of_the_screen() -> None:
    assert {command.name for command in COMMANDS} >= NAMES
