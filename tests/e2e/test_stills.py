"""Images and snapshots in pixels, in terminals that say that they draw them."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import pytest

from actors.messages import CodeMade, LinkChanged, MakeCode, ShowVideo, StopVideo
from actors.sources.card import draw_card
from tests.cards import read_card
from tests.e2e.pixels import CELL, PixelTerminal
from tests.e2e.programs import Engine, Relay, wait_until
from tests.films import make_video

pytestmark = pytest.mark.device

Open = Callable[..., PixelTerminal]


@pytest.fixture
def mina(relay: Relay, start_engine: Callable[[str], Engine]) -> Engine:
    return start_engine("Mina")


@pytest.fixture
def open_pixels(mina: Engine, relay: Relay) -> Iterator[Open]:
    opened: list[PixelTerminal] = []

    def call(term: str, **options: tuple[int, int]) -> PixelTerminal:
        mina.tell(MakeCode(relay.address))
        code = mina.wait_event(CodeMade).code
        opened.append(PixelTerminal(term, 120, 40, "call", code, "--relay", relay.address, **options))
        return opened[-1]

    yield call
    for terminal in opened:
        terminal.close()


def card(folder: Path, number: int, width: int, height: int) -> str:
    path = folder / f"사진 {number}.png"
    path.write_bytes(cv2.imencode(".png", draw_card(number, width, height))[1].tobytes())
    return str(path)


def joined(mina: Engine) -> None:
    mina.wait_event(LinkChanged, lambda event: event.link == "joined")


def test_an_image_is_drawn_in_pixels_by_kitty(mina: Engine, open_pixels: Open, tmp_path: Path) -> None:
    jun = open_pixels("xterm-kitty")
    joined(mina)
    mina.tell(ShowVideo("image", card(tmp_path, 777, 1280, 720)))
    (picture,) = wait_until(jun.kitty_pictures)
    assert read_card(picture)[0] == 777
    assert picture.shape[1] > 550  # of 600 that the pane has; in half blocks it would be 60
    mina.tell(ShowVideo("image", card(tmp_path, 4660, 300, 400)))
    wait_until(lambda: [read_card(one)[0] for one in jun.kitty_pictures()] == [777, 4660])


def test_an_image_is_drawn_in_pixels_by_sixel_where_it_belongs(mina: Engine, open_pixels: Open, tmp_path: Path) -> None:
    jun = open_pixels("foot")
    joined(mina)
    mina.tell(ShowVideo("image", card(tmp_path, 777, 1280, 720)))
    row, column, picture = wait_until(jun.sixel_pictures)[0]
    assert read_card(picture)[0] == 777
    assert column > 60  # beside the conversation
    assert (column - 1) * CELL[0] + picture.shape[1] <= 120 * CELL[0]
    assert (row - 1) * CELL[1] + picture.shape[0] <= 38 * CELL[1]


def test_a_snapshot_is_seen_in_pixels_and_then_the_film_goes_on(
    mina: Engine, open_pixels: Open, tmp_path: Path
) -> None:
    jun = open_pixels("xterm-kitty")
    joined(mina)
    mina.tell(ShowVideo("file", str(make_video(tmp_path / "film.mp4", 900))))
    jun.wait_for("▀")
    assert jun.kitty_pictures() == []
    jun.type("/snapshot\r")
    (picture,) = wait_until(jun.kitty_pictures)
    number = read_card(picture)[0]
    (kept,) = wait_until(lambda: list(Path(os.environ["XDG_DOWNLOAD_DIR"]).glob("*.jpg")))
    assert abs(read_card(cv2.imread(str(kept)))[0] - number) < 30
    drawn = jun.output.count("▀".encode())
    wait_until(lambda: jun.output.count("▀".encode()) > drawn + 100)
    assert len(jun.kitty_pictures()) == 1
    mina.tell(StopVideo())


@pytest.mark.parametrize(
    ("term", "cell"),
    [("xterm-256color", CELL), ("tmux-256color", CELL), ("foot", (0, 0))],
    ids=["none", "tmux", "size"],
)
def test_where_pixels_are_not_sure_to_be_drawn_there_are_none(
    mina: Engine, open_pixels: Open, tmp_path: Path, term: str, cell: tuple[int, int]
) -> None:
    jun = open_pixels(term, cell=cell)
    joined(mina)
    mina.tell(ShowVideo("image", card(tmp_path, 777, 1280, 720)))
    jun.wait_for("▀")
    assert jun.kitty_pictures() == []
    assert jun.sixel_pictures() == []


@pytest.mark.parametrize("term", ["xterm-kitty", "foot"])
def test_the_terminal_is_asked_nothing_so_that_no_key_is_lost(
    mina: Engine, open_pixels: Open, tmp_path: Path, term: str
) -> None:
    jun = open_pixels(term)
    jun.wait_for("rite, or type")  # the cursor stands on its first letter
    mina.tell(ShowVideo("image", card(tmp_path, 777, 1280, 720)))
    for letter in "typed meanwhile" * 20:
        jun.type(letter)
    jun.type("\r")
    assert mina.wait_heard(1) == ["typed meanwhile" * 20]
    wait_until(lambda: jun.kitty_pictures() or jun.sixel_pictures())
    jun.type("/quit\r")
    assert jun.wait_exit() == 0
    for question in (b"\x1b[16t", b"\x1b[14t", b"\x1b[c", b"a=q"):
        assert question not in jun.output
