"""How our tests run (docs/testing.md).

- localhost only, port 0, every fixture owns its folder, socket and names: any order, any number of workers;
- every async test outside tests/tui is a Trio test; those in tests/tui are asyncio tests (their conftest);
- no real sleeps: `autojump_clock` where all is in memory, `eventually(condition)` where sockets are real.
"""

import inspect
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("visavis", deadline=None, derandomize=True)
settings.load_profile("visavis")

TUI = Path(__file__).parent / "tui"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if (
            isinstance(item, pytest.Function)
            and inspect.iscoroutinefunction(item.obj)
            and not item.path.is_relative_to(TUI)
        ):
            item.add_marker(pytest.mark.trio)


@pytest.fixture(autouse=True)
def own_folders(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run folder, settings and logs of each test are its own, and no relay of the person's is used."""
    home = tmp_path_factory.mktemp("h")
    run = home / "run"
    run.mkdir(mode=0o700)
    monkeypatch.setenv("VISAVIS_RUN", str(run))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "config"))
    monkeypatch.setenv("XDG_STATE_HOME", str(home / "state"))
    monkeypatch.setenv("XDG_DATA_HOME", str(home / "data"))
    (home / "downloads").mkdir()
    monkeypatch.setenv("XDG_DOWNLOAD_DIR", str(home / "downloads"))
    monkeypatch.delenv("VISAVIS_RELAY", raising=False)
    monkeypatch.delenv("VISAVIS_NAME", raising=False)
