"""Codes that may not be proved again: their words tested a guess already (docs/protocol.md, section 3).

One empty file in the run folder for each, named by a hash: every program of this user sees it, it is made and found
in one step, and it lasts longer than any relay keeps a number for its owner.
"""

import hashlib
import time
from contextlib import suppress
from pathlib import Path

from actors.code import Code
from actors.runfolder import run_folder
from relay import limits


def is_burned(code: Code) -> bool:
    """Tell whether a proof of this code has left, from this program or another of this user."""
    return _mark(code).exists()


def burn(code: Code) -> bool:
    """Note that a proof of this code is about to leave; False if one has left before, and none may now."""
    for old in run_folder().glob("burned-*"):
        with suppress(FileNotFoundError):  # another program was quicker
            if time.time() - old.stat().st_mtime > limits.BURNED_SECONDS:
                old.unlink()
    try:
        _mark(code).touch(mode=0o600, exist_ok=False)
    except FileExistsError:
        return False
    return True


def _mark(code: Code) -> Path:
    return run_folder() / f"burned-{hashlib.sha256(b'visavis/1 burned ' + str(code).encode()).hexdigest()[:32]}"
