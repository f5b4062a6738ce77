"""A desktop that nobody sees (Xvfb): a display of its own, screenshots, keys."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.cards import NoCardError

SIZE = (1280, 800)
_PACKAGES = {"Xvfb": "xvfb", "import": "imagemagick", "xdotool": "xdotool", "jwm": "jwm"}


class Display:
    """A display that runs. `name` is for the environment: ":7"."""

    def __init__(self) -> None:
        reading, writing = os.pipe()
        try:
            # Shared memory off: what a killed client leaves would count against us.
            command = [
                "Xvfb",
                "-displayfd",
                str(writing),
                "-screen",
                "0",
                f"{SIZE[0]}x{SIZE[1]}x24",
                "-noreset",  # else it lets nobody in for a moment after its last client has left
                "-nolisten",
                "tcp",
            ]
            self._process = subprocess.Popen(command, pass_fds=[writing], stderr=subprocess.DEVNULL)
        finally:
            os.close(writing)
        said = b""
        while not said.endswith(b"\n"):  # it dies if its pipe goes after the first digit
            piece = os.read(reading, 16)
            assert piece, "Xvfb did not start"
            said += piece
        os.close(reading)
        self.name = f":{said.decode().strip()}"

    @property
    def process(self) -> int:
        """The id of its process."""
        return self._process.pid

    def shot(self) -> NDArray[np.uint8]:
        """Return what is on the screen, blue green red."""
        png = subprocess.run(
            ["import", "-silent", "-window", "root", "png:-"],
            env={**os.environ, "DISPLAY": self.name},
            check=True,
            stdout=subprocess.PIPE,
        ).stdout
        image = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
        assert image is not None
        return image.astype(np.uint8)

    def press(self, key: str) -> None:
        """Press and release a key, as xdotool calls it, in the window at the top left: where no window manager is, the
        one under the pointer gets it."""
        self._xdotool("mousemove", "60", "60", "key", key)

    def click(self, x: int, y: int) -> None:
        """Click at this place of the screen."""
        self._xdotool("mousemove", str(x), str(y), "click", "1")

    def titles(self) -> list[str]:
        """Return the titles of its windows."""
        windows = self._xdotool("search", "--onlyvisible", "--name", "").split()
        return [self._xdotool("getwindowname", window).strip() for window in windows]

    def _xdotool(self, *arguments: str) -> str:
        environment = {**os.environ, "DISPLAY": self.name}
        return subprocess.run(["xdotool", *arguments], env=environment, stdout=subprocess.PIPE, text=True).stdout

    def end(self) -> None:
        """Switch it off."""
        self._process.terminate()
        self._process.wait(10)


def need(packages: Mapping[str, str]) -> None:
    """Where one of these commands is not installed, skip, or fail in CI, with the name of its package."""
    for command, package in packages.items():
        if shutil.which(command) is None:
            missing = pytest.fail if os.environ.get("CI") else pytest.skip
            missing(f"{command} is not installed (Debian: apt install {package})")


@contextmanager
def desktop() -> Iterator[Display]:
    """Run a display without a window manager; where that can't be, skip, or fail in CI, with the package's name."""
    need(_PACKAGES)
    display = Display()
    try:
        yield display
    finally:
        display.end()


@contextmanager
def managed_desktop() -> Iterator[Display]:
    """Run a display with a window manager (JWM): windows have a title with buttons there, and may cover the screen."""
    with desktop() as display:
        environment = {**os.environ, "DISPLAY": display.name}
        with subprocess.Popen(["jwm"], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as jwm:
            try:
                yield display
            finally:
                jwm.terminate()


def picture_in(shot: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the one picture of a screenshot: what is not the bare screen or a dark frame round it. Raises
    `NoCardError`."""
    light = shot.max(axis=2) > 40
    rows, columns = np.flatnonzero(light.any(axis=1)), np.flatnonzero(light.any(axis=0))
    if not len(rows):
        raise NoCardError("the screen is empty")
    return shot[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
