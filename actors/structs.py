"""What every command and every event is built on."""

from typing import Annotated

from msgspec import Meta, Struct

from relay import limits

# The lines of a peer are called peer-N or plain-N: no other line may be.
LineId = Annotated[str, Meta(min_length=1, max_length=limits.LINE_ID_CHARACTERS, pattern="^(?!peer-|plain-)")]


class Command(Struct, frozen=True, tag=True):
    """What a screen or a script asks of the engine."""


class Event(Struct, frozen=True, kw_only=True, tag=True):
    """What happened. `seq` counts an engine's events from 1; it is 0 on what only one screen is told."""

    seq: int = 0
