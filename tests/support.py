"""What tests of every folder use."""

import time
from collections.abc import Awaitable, Callable
from typing import Any

import trio


async def eventually(condition: Callable[[], Any], within: float = 30.0) -> Any:
    """Poll `condition` (sync or async) until it returns something true, and return that (Trio tests)."""
    seen: Any = None
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        seen = condition()
        if isinstance(seen, Awaitable):
            seen = await seen
        if seen:
            return seen
        await trio.sleep(0.01)
    raise AssertionError(f"not within {within} s; last seen: {seen!r}")
