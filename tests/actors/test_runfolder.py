"""The folder where engines and screens of one user meet, and who else could own it."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from actors import runfolder
from actors.runfolder import RunFolderError, claim_name, engine_names, folder_path, run_folder, socket_path
from relay import limits


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where VISAVIS_RUN points; not made yet."""
    path = tmp_path / "deep" / "run"
    monkeypatch.setenv("VISAVIS_RUN", str(path))
    return path


def refused() -> str:
    with pytest.raises(RunFolderError) as error:
        run_folder()
    assert str(error.value.path) == os.environ["VISAVIS_RUN"]
    return error.value.code


def test_it_is_where_the_person_says_or_in_tmp_under_the_persons_number(folder: Path, monkeypatch: pytest.MonkeyPatch):
    assert folder_path() == folder
    for value in ("", None):
        monkeypatch.delenv("VISAVIS_RUN") if value is None else monkeypatch.setenv("VISAVIS_RUN", value)
        assert folder_path() == Path(f"/tmp/visavis-{os.getuid()}")
        monkeypatch.setenv("VISAVIS_RUN", "x")


def test_it_is_made_for_us_alone(folder: Path):
    mask = os.umask(0)
    try:
        assert run_folder() == run_folder() == folder
    finally:
        os.umask(mask)
    assert folder.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("mode", [0o777, 0o755, 0o710, 0o701, 0o704])
def test_one_that_others_can_enter_is_refused(folder: Path, mode: int):
    folder.mkdir(parents=True)
    folder.chmod(mode)
    assert refused() == "open"


def test_a_link_is_refused_even_to_a_folder_of_ours(folder: Path, tmp_path: Path):
    folder.parent.mkdir()
    (tmp_path / "real").mkdir(mode=0o700)
    folder.symlink_to(tmp_path / "real")
    assert refused() == "not-folder"
    with pytest.raises(RunFolderError):
        engine_names()


def test_a_dangling_link_is_refused(folder: Path, tmp_path: Path):
    folder.parent.mkdir()
    folder.symlink_to(tmp_path / "nowhere")
    assert refused() == "not-folder"
    assert engine_names() == []


def test_a_file_in_its_place_is_refused(folder: Path):
    folder.parent.mkdir()
    folder.write_text("")
    assert refused() == "not-folder"


def test_a_file_in_place_of_its_parent_is_said(folder: Path):
    folder.parent.write_text("")
    assert refused() == "unwritable"


def test_someone_elses_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch):
    folder.mkdir(parents=True, mode=0o700)
    if os.getuid() == 0:
        os.chown(folder, 12345, 12345)
    else:  # who can't give a folder away is someone else
        monkeypatch.setattr(os, "getuid", lambda: 12345)
    assert refused() == "foreign"
    with pytest.raises(RunFolderError):
        engine_names()
    with pytest.raises(RunFolderError):
        claim_name()


def test_a_path_that_no_socket_can_have_is_said(folder: Path, monkeypatch: pytest.MonkeyPatch):
    room = limits.SOCKET_PATH_BYTES - 1 - len("/1.sock") - 1
    monkeypatch.setenv("VISAVIS_RUN", "/" + "x" * room)
    path = socket_path("1")
    assert len(os.fsencode(path)) == limits.SOCKET_PATH_BYTES - 1  # and a NUL
    monkeypatch.setenv("VISAVIS_RUN", "/" + "x" * (room + 1))
    with pytest.raises(RunFolderError) as error:
        socket_path("1")
    assert error.value.code == "path-too-long"


def test_engines_get_the_smallest_free_number(folder: Path):
    (one, first), (two, second) = claim_name(), claim_name()
    assert (one, two) == ("1", "2")
    os.close(first)
    again, third = claim_name()
    assert again == "1"
    for descriptor in (second, third):
        os.close(descriptor)


def test_locks_are_ours_alone_and_not_inherited(folder: Path):
    name, lock = claim_name()
    assert (folder / f"{name}.lock").stat().st_mode & 0o777 == 0o600
    assert not os.get_inheritable(lock)
    os.close(lock)


def test_engines_that_live_are_listed_and_stale_sockets_are_not(folder: Path):
    assert engine_names() == []
    held = []
    for _ in range(11):
        name, lock = claim_name()
        held.append(lock)
        socket_path(name).touch()
    assert engine_names() == [str(number) for number in range(1, 12)]
    os.close(held.pop(1))  # however it died
    assert "2" not in engine_names()
    assert socket_path("2").exists()
    for lock in held:
        os.close(lock)
    assert engine_names() == []


def test_a_lock_is_free_once_its_process_was_killed(folder: Path):
    script = (
        "import sys, time; from actors.runfolder import claim_name; print(claim_name()[0], flush=True); time.sleep(60)"
    )
    root = str(Path(__file__).parents[2])
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, cwd=root) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "1\n"
        socket_path("1").touch()
        assert engine_names() == ["1"]
        process.kill()
    assert engine_names() == []
    name, lock = claim_name()
    assert name == "1"
    os.close(lock)


def test_a_link_in_place_of_a_lock_is_not_followed(folder: Path, tmp_path: Path):
    run_folder()
    (folder / "1.lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic"):
        claim_name()
    assert not (tmp_path / "elsewhere").exists()


def test_who_is_at_the_other_end_of_a_socket(monkeypatch: pytest.MonkeyPatch):
    one, other = socket.socketpair()
    with one, other:
        assert runfolder.peer_is_us(one)
        monkeypatch.setattr(os, "getuid", lambda: 54321)
        assert not runfolder.peer_is_us(one)
