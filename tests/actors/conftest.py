"""What more than one file of this folder sets up."""

from collections.abc import Callable
from typing import Any

import pytest
import trio

from tests.actors.table import Table


@pytest.fixture
def in_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do the arithmetic here: virtual time would run on while another thread works."""

    async def run_here(work: Callable[..., Any], *args: Any) -> Any:
        await trio.lowlevel.checkpoint()
        return work(*args)

    monkeypatch.setattr("trio.to_thread.run_sync", run_here)


@pytest.fixture
async def table(nursery: trio.Nursery) -> Table:
    return Table(nursery)
