"""Reads the one catalogue of words. Nobody else makes sentences: engine and relay give codes and fields."""

from functools import cache

from tui.words.english import CATALOGUE as SCREEN
from tui.words.english_cli import CATALOGUE as COMMAND_LINE
from tui.words.english_sound import CATALOGUE as SOUND
from tui.words.english_video import CATALOGUE as VIDEO


@cache
def catalogue() -> dict[str, str]:
    """Return every key with its words, the screen's and the command line's together."""
    return SCREEN | VIDEO | SOUND | COMMAND_LINE


def say(key: str, **fields: object) -> str:
    """Return the words under `key` with `fields` put in. Raises `KeyError` for a key or a field that is not there.

    Only the catalogue's text is a format: braces in a field stay braces. A field that a stranger chose goes through
    `relay.visible.visible` first.
    """
    return catalogue()[key].format(**fields)


def knows(key: str) -> bool:
    """Tell whether the catalogue has words for `key`."""
    return key in catalogue()


def say_cause(cause: str, detail: str = "") -> str:
    """Return one sentence for a cause code of the engine (docs/engine.md): what happened and what to do.

    A code without words of its own is named in a general sentence, so that a newer engine is still understood.
    """
    key = f"cause-{cause}"
    if not knows(key):
        return say("cause-unknown", code=cause, detail=f" ({detail})" if detail else "")
    return say(key, detail=detail)
