"""What a person set once: the relay and their name. A small JSON file; VISAVIS_RELAY and VISAVIS_NAME win over it."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

import platformdirs


@dataclass(frozen=True)
class Settings:
    """`relay` as HOST:PORT, `name` as shown to peers; empty means not set."""

    relay: str = ""
    name: str = ""


def settings_path() -> Path:
    """Return where the settings are kept, whether or not they are there."""
    return platformdirs.user_config_path("visavis") / "settings.json"


def load() -> Settings:
    """Return the settings, the environment's first. A file that is missing or can't be read counts as empty."""
    kept = _kept()
    return Settings(
        relay=os.environ.get("VISAVIS_RELAY") or kept.relay,
        name=os.environ.get("VISAVIS_NAME") or kept.name,
    )


def save(settings: Settings) -> None:
    """Keep `settings`, replacing the file in one step. Raises `OSError` if it can't be written."""
    path = settings_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    fresh.write_text(json.dumps(asdict(settings), indent=1) + "\n", encoding="utf-8")
    fresh.replace(path)


def remember_relay(relay: str) -> None:
    """Keep `relay` as the one that worked, and the rest as it is kept. A home that can't be written is no reason to
    fail: then the next start asks again."""
    kept = _kept()
    if relay and relay != kept.relay:
        try:
            save(Settings(relay=relay, name=kept.name))
        except OSError:
            return


def _kept() -> Settings:
    try:
        fields = json.loads(settings_path().read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return Settings()
    if not isinstance(fields, dict):
        return Settings()
    return Settings(**{key: fields[key] for key in ("relay", "name") if isinstance(fields.get(key), str)})
