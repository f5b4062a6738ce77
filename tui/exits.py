"""How a command ends: what the program exits with, and the error that says why."""

from typing import Final

PROGRAM: Final = "visavis"
DONE, FAILED, MISUSED, INTERRUPTED = 0, 1, 2, 130


class CommandError(Exception):
    """A command can't be done; `status` is what the program exits with."""

    def __init__(self, sentence: str, status: int = FAILED) -> None:
        super().__init__(sentence)
        self.status = status
