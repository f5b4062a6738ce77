"""What the tests of the screen use: waiting for the real thing, and reading what is painted."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from textual.app import App
from textual.pilot import Pilot

from tests.tui.fake_engine import FakeEngine, running
from tui.app import VisavisApp
from tui.screens.call import CallScreen
from tui.widgets.composer import Composer


async def eventually(condition: Callable[[], Any], within: float = 20.0) -> Any:
    """Poll `condition` until it returns something true, and return that."""
    seen: Any = None
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        seen = condition()
        if seen:
            return seen
        await asyncio.sleep(0.01)
    raise AssertionError(f"not within {within} s; last seen: {seen!r}")


def painted(app: App[Any]) -> list[str]:
    """Return the lines of the screen as they are painted now, without the spaces at their ends."""
    size = app.size
    strips = app.screen._compositor.render_strips(size)
    return [strip.crop(0, size.width).text.rstrip() for strip in strips[: size.height]]


def shows(app: App[Any], words: str) -> bool:
    """Tell whether `words` are painted, on one line."""
    return any(words in line for line in painted(app))


def whole_lines_fit(app: App[Any]) -> bool:
    """Tell whether every painted line has the width of the screen: nothing reaches over the edge."""
    strips = app.screen._compositor.render_strips(app.size)
    return all(strip.cell_length == app.size.width for strip in strips)


async def painted_soon(pilot: Pilot[Any], words: str, within: float = 20.0) -> None:
    """Wait until `words` are painted, on one line."""
    deadline = time.monotonic() + within
    while not shows(pilot.app, words):
        if time.monotonic() > deadline:
            raise AssertionError(f"{words!r} is not on\n" + "\n".join(painted(pilot.app)))
        await asyncio.sleep(0.01)
        await pilot.pause()


@asynccontextmanager
async def calling(
    engine: FakeEngine | None = None, size: tuple[int, int] = (80, 24), demo: bool = False
) -> AsyncIterator[tuple[FakeEngine, VisavisApp, Pilot[int]]]:
    """A screen attached to `engine`, in its call."""
    async with running(engine or FakeEngine.in_call()) as engine:
        app = VisavisApp(engine=engine.name, relay="lab.example:9999", demo=demo)
        async with app.run_test(size=size) as pilot:
            await eventually(lambda: isinstance(app.screen, CallScreen) and app.screen.query(Composer))
            await pilot.pause()
            yield engine, app, pilot
