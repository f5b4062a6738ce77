"""Draw the pictures in the README: docs/screen.svg, the real screen in a real call, exported by Textual itself, and
docs/window.jpg, the window of that call on an Xvfb. Who is seen is Eileen Collins, photographed by NASA; scikit-image
ships the photograph.

python docs/picture.py [WIDTHxHEIGHT]
"""

import asyncio
import contextlib
import os
import sys
import tempfile
from pathlib import Path

import cv2
import skimage.data

from actors.messages import AnswerOffer, EnterCode, OfferFiles, SendText, ShowVideo, ShowWindow
from tests.display import Display, picture_in
from tui.app import VisavisApp
from tui.demo_parts import Peer, open_engine, open_relay

TALK = (
    ("did the slides come through?", "sharp. thank you"),
    ("강의 자료도 보내 주세요", "네, 지금 보낼게요 🙂"),
    ("and the code for Friday:\n    for frame in frames:\n        show(frame)", "got it. same time tomorrow?"),
)


def make_files(folder: Path) -> tuple[Path, Path]:
    """Make what is sent: a film, which costs no disk here, and a folder of notes."""
    film, notes = folder / "lecture.mp4", folder / "notes"
    film.touch()
    os.truncate(film, 1_200_000_000)
    notes.mkdir()
    for number in range(318):
        (notes / f"{number}.md").write_text("x" * 3000)
    (folder / "mina").mkdir()
    return film, notes


def make_photograph(folder: Path) -> Path:
    """Make the picture that is shown: someone before a camera."""
    photograph = cv2.cvtColor(skimage.data.astronaut()[:288], cv2.COLOR_RGB2BGR)
    path = folder / "Mina.png"
    path.write_bytes(cv2.imencode(".png", photograph)[1].tobytes())
    return path


async def draw(size: tuple[int, int], folder: Path, display: Display) -> str:
    """Return the screen in a call with a demo engine as SVG, and take a picture of the window meanwhile; files come
    from and go to `folder`."""
    film, notes = make_files(folder)
    photograph = make_photograph(folder)
    async with contextlib.AsyncExitStack() as parts:
        relay = await parts.enter_async_context(open_relay())
        engine = await parts.enter_async_context(open_engine("Mina"))
        code = await Peer(engine, relay, folder, 0).make_code()
        app = VisavisApp(start=EnterCode(relay, code), relay=relay)
        async with app.run_test(size=size) as pilot:
            while app.state.link != "joined" or not app.state.peer:
                await pilot.pause(0.05)
            for number, (theirs, ours) in enumerate(TALK):
                engine.send(SendText(f"theirs-{number}", theirs))
                await pilot.pause(0.3)
                app.send(SendText(app.new_id(ours), ours))
                await pilot.pause(0.3)
            while app.state.round_trip_ms is None:
                await pilot.pause(0.05)
            engine.send(ShowVideo("image", str(photograph)))
            app.send(ShowWindow(title="Mina"))
            app.send(OfferFiles(app.new_id(""), (str(film),)))
            offered = await engine.wait_transfer(False, "offered")
            engine.send(AnswerOffer(offered.id, True, str(folder / "mina")))
            engine.send(OfferFiles("theirs", (str(notes),)))
            await pilot.pause(2.5)
            shot = picture_in(display.shot())
            cv2.imwrite(str(Path(__file__).with_name("window.jpg")), shot, [cv2.IMWRITE_JPEG_QUALITY, 88])
            picture = app.export_screenshot(title="visavis")
            await app.action_quit()
            await pilot.pause(2)
    return picture


if __name__ == "__main__":
    width, _, height = (sys.argv[1] if len(sys.argv) > 1 else "118x26").partition("x")
    display = Display()
    with tempfile.TemporaryDirectory() as folder:
        os.environ.update(VISAVIS_RUN=folder, XDG_CONFIG_HOME=folder, XDG_DATA_HOME=folder, VISAVIS_NAME="Jun")
        os.environ.update(DISPLAY=display.name, COLORTERM="truecolor", TERM="xterm-256color")
        drawn = asyncio.run(draw((int(width), int(height)), Path(folder), display))
        Path(__file__).with_name("screen.svg").write_text(drawn, encoding="utf-8")
    display.end()
