"""Cutting and wrapping by terminal cells."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from relay.visible import visible
from tui.cells import cut_cells, fit_cells, plain_cells, wrap_cells


def rows(text, width):
    return [text[start:end] for start, end in wrap_cells(text, width)]


def test_a_line_that_fits_is_one_row():
    assert rows("one line", 8) == ["one line"]
    assert rows("", 8) == [""]


def test_rows_end_after_spaces():
    assert rows("one two three four", 9) == ["one two ", "three ", "four"]


def test_spaces_that_no_longer_fit_belong_to_no_row():
    assert rows("12345   67890", 5) == ["12345", "67890"]
    assert rows("12345   67890", 6) == ["12345 ", "67890"]


def test_a_long_word_is_broken():
    assert rows("ab 123456789", 4) == ["ab ", "1234", "5678", "9"]


def test_newlines_end_rows_and_indents_stay():
    assert rows("one\n\n  two", 10) == ["one", "", "  two"]


def test_wide_characters_count_two_cells():
    assert rows("가나다라마", 4) == ["가나", "다라", "마"]
    assert rows("가나다라마", 5) == ["가나", "다라", "마"]


def test_marks_stay_with_their_character():
    assert rows("e\u0301" * 3, 2) == ["e\u0301e\u0301", "e\u0301"]


def test_a_row_is_never_narrower_than_the_widest_character():
    assert rows("가나", 1) == ["가", "나"]


@given(st.text(), st.integers(2, 40))
def test_every_row_fits_and_nothing_but_spaces_is_lost(text, width):
    text = plain_cells(visible(text, lines=True))
    spans = wrap_cells(text, width)
    assert all(cell_len(text[start:end]) <= width for start, end in spans)
    assert "".join(text[start:end] for start, end in spans).replace(" ", "") == text.replace(" ", "").replace("\n", "")
    assert all(before[1] <= after[0] for before, after in itertools.pairwise(spans))


@given(st.text(alphabet="ab가é \U0001f468\u0301", max_size=60), st.integers(0, 20))
def test_cut_and_fitted_text_has_the_width_it_should(text, width):
    assert cell_len(cut_cells(text, width)) <= width
    assert cell_len(fit_cells(text, width)) == width


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("👨‍👩‍👧", "👨👩👧"),
        ("👍🏽", "👍"),
        ("❤️", "❤"),
        ("1️⃣", "1⃣"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("क्\u200dष", "क्\u200dष"),
    ],
)
def test_emoji_whose_width_terminals_do_not_agree_on_stand_side_by_side(text, shown):
    assert plain_cells(text) == shown
