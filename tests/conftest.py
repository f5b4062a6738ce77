"""How our tests run (docs/testing.md).

- localhost only, port 0, every fixture owns its folder, socket and names: any order, any number of workers;
- every async test outside tests/tui is a Trio test; those in tests/tui are asyncio tests (their conftest);
- no real sleeps: `autojump_clock` where all is in memory, `eventually(condition)` where sockets are real.
"""

import inspect
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
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


@pytest.fixture
def mount(tmp_path: Path) -> Iterator[Callable[..., Path]]:
    """Mount with these options a tmpfs, or a folder once more, until the test ends; return where.

    Tests that use it are marked `device`; no package would help a machine that forbids it.
    """
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("mounting needs Linux and root")
    with ExitStack() as stack:

        def mount_one(options: str, again: Path | None = None) -> Path:
            folder = tmp_path / f"disk {len(list(tmp_path.iterdir()))}"
            folder.mkdir()
            what = ["--bind", again] if again else ["-t", "tmpfs", "visavis-test"]
            done = subprocess.run(["mount", "-o", options, *what, folder], capture_output=True, text=True)
            if done.returncode:
                pytest.skip(f"this machine mounts nothing: {done.stderr.strip()}")
            stack.callback(subprocess.run, ["umount", "--lazy", folder], check=True)
            return folder

        yield mount_one
