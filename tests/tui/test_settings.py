"""What is remembered between two starts."""

import pytest

from tui import settings
from tui.settings import Settings, load, remember_relay, save, settings_path


def test_nothing_set_is_empty():
    assert load() == Settings("", "")


def test_what_is_saved_is_loaded_and_no_other_file_stays():
    save(Settings("lab.example:9999", "Mina"))
    assert load() == Settings("lab.example:9999", "Mina")
    assert [path.name for path in settings_path().parent.iterdir()] == ["settings.json"]


def test_the_environment_wins(monkeypatch):
    save(Settings("lab.example:9999", "Mina"))
    monkeypatch.setenv("VISAVIS_RELAY", "other.example:1")
    monkeypatch.setenv("VISAVIS_NAME", "미나")
    assert load() == Settings("other.example:1", "미나")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"relay": 5, "name": null}', b"[" * 5000, b"\xff\xfe", b'"x"'])
def test_a_file_that_is_none_counts_as_empty(content):
    settings_path().parent.mkdir(parents=True)
    settings_path().write_bytes(content)
    assert load() == Settings("", "")


def test_a_relay_that_worked_is_remembered_and_the_name_of_the_environment_is_not(monkeypatch):
    save(Settings("old.example:1", "Mina"))
    monkeypatch.setenv("VISAVIS_NAME", "someone")
    remember_relay("lab.example:9999")
    monkeypatch.delenv("VISAVIS_NAME")
    assert load() == Settings("lab.example:9999", "Mina")


def test_a_home_that_cannot_be_written_is_no_failure(monkeypatch, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setattr(settings, "settings_path", lambda: blocked / "settings.json")
    remember_relay("lab.example:9999")
    assert load() == Settings("", "")
