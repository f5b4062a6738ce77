"""What strangers wrote, made safe to show."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.visible import cut, visible


@pytest.mark.parametrize("text", ["", "plain text, with signs: ~!", "강의 영상", "👩‍👩‍👧", "é", "نرم‌افزار", "→"])
def test_what_only_draws_stays(text: str) -> None:
    assert visible(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J", "␛[2J"),
        ("a\x00b", "a␀b"),
        ("a\nb\tc\r", "a␊b␉c␍"),
        ("\x7f", "␡"),
        ("\x9b31m", "‹U+009B›31m"),
        ("\u202egnp.exe", "‹U+202E›gnp.exe"),
        ("\u2066x\u2069", "‹U+2066›x‹U+2069›"),
        ("\u2028\u2029", "‹U+2028›‹U+2029›"),
        ("\ufeff\u00ad", "‹U+FEFF›‹U+00AD›"),
        ("\U000e0041", "‹U+E0041›"),
        ("\ud83d alone", "\N{REPLACEMENT CHARACTER} alone"),
    ],
)
def test_what_would_not_draw_is_seen(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_lines_stay_where_they_are_wanted() -> None:
    assert visible("a\n\tb\r", lines=True) == "a\n    b␍"


@given(st.text(st.characters(), max_size=50), st.booleans())
def test_nothing_that_acts_on_a_terminal_is_left(text: str, lines: bool) -> None:
    shown = visible(text, lines=lines)
    shown.encode()
    for char in shown:
        if (char == "\n" and lines) or char in "\u200c\u200d":
            continue
        assert unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Zl", "Zp")


@given(st.text(st.characters(), max_size=50))
def test_to_make_visible_twice_changes_nothing(text: str) -> None:
    assert visible(visible(text)) == visible(text)


@pytest.mark.parametrize(("text", "shown"), [("", ""), ("abcd", "abcd"), ("abcde", "abc…")])
def test_what_is_too_long_is_cut(text: str, shown: str) -> None:
    assert cut(text, 4) == shown
