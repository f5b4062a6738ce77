"""A code whose proof has left is never proved again, by any program of this user."""

import os
import subprocess
import sys
import time

import pytest

from actors import runfolder
from actors.burned import burn, is_burned
from actors.code import Code, short_words
from relay import limits

CODE = Code("4711", short_words()[:3])
OTHER = Code("4711", short_words()[3:6])


def test_it_burns_once():
    assert not is_burned(CODE)
    assert burn(CODE)
    assert is_burned(CODE)
    assert not burn(CODE)
    assert not is_burned(OTHER)


def test_another_program_sees_it():
    burn(CODE)
    asks = f"from actors.burned import burn; from actors.code import parse_code; print(burn(parse_code('{CODE}')))"
    found = subprocess.run([sys.executable, "-c", asks], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"


def test_no_word_stands_in_the_folder():
    burn(CODE)
    names = " ".join(path.name for path in runfolder.run_folder().iterdir())
    assert CODE.words[0] not in names
    assert "4711" not in names


@pytest.mark.parametrize(("age", "kept"), [(limits.BURNED_SECONDS - 60, True), (limits.BURNED_SECONDS + 60, False)])
def test_marks_go_after_a_week(age: float, kept: bool):
    burn(CODE)
    (mark,) = runfolder.run_folder().glob("burned-*")
    os.utime(mark, (time.time() - age, time.time() - age))
    burn(OTHER)
    assert is_burned(CODE) == kept
