"""The code two people say to each other."""

import contextlib
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.code import Code, CodeError, long_words, make_code, parse_code, short_words, verification_words
from relay import limits

WORDS = short_words()
codes = st.builds(
    Code,
    st.integers(limits.NUMBER_MIN, limits.LONG_NUMBER_MAX).map(str),
    st.tuples(st.sampled_from(WORDS), st.sampled_from(WORDS), st.sampled_from(WORDS)),
)
ACROBAT = Code("4711", ("acrobat", "enzyme", "vicinity"))


def test_a_code_is_a_number_and_three_words_of_the_list():
    code = make_code("4711")
    assert str(code) == "-".join(("4711", *code.words))
    assert len(code.words) == 3
    assert set(code.words) <= set(WORDS)


def test_words_are_chosen_anew_for_each_code():
    assert len({make_code("4711") for _ in range(20)}) == 20


def test_the_lists_are_the_effs():
    assert (len(WORDS), WORDS[0], WORDS[-1]) == (1296, "aardvark", "zucchini")
    assert (len(long_words()), long_words()[0], long_words()[-1]) == (7776, "abacus", "zoom")


def test_repr_keeps_the_words_to_itself():
    assert repr(ACROBAT) == "Code(number='4711')"


@given(codes)
def test_what_is_shown_can_be_typed(code: Code):
    assert parse_code(str(code)) == code


@pytest.mark.parametrize(
    "typed",
    [
        "4711-ACROBAT-Enzyme-vicinity",
        "  4711 acrobat enzyme vicinity\n",
        "4711, acrobat / enzyme ... vicinity.",
        "4711_acrobat__enzyme-vicinity",
        "4711–acrobat—enzyme‑vicinity",
        "４７１１－ａｃｒｏｂａｔ－ｅｎｚｙｍｅ－ｖｉｃｉｎｉｔｙ",
        "\u200b4711-acrobat-enzyme-vicinity\ufeff",
    ],
)
def test_case_separators_and_width_do_not_matter(typed: str):
    assert parse_code(typed) == ACROBAT


@pytest.mark.parametrize("typed", ["4711-yo-yo-enzyme-yo-yo", "4711 yo yo enzyme yo yo"])
def test_the_one_word_with_a_hyphen_is_read_whole(typed: str):
    assert parse_code(typed).words == ("yo-yo", "enzyme", "yo-yo")


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "-",
        "4711",
        "acrobat-enzyme-vicinity",
        "4711-acrobat-enzyme",
        "4711-acrobat-enzyme-vicinity-acrobat",
        "471-acrobat-enzyme-vicinity",
        "471100-acrobat-enzyme-vicinity",
        "٤٧١١-acrobat-enzyme-vicinity",
        "acrobat-4711-enzyme-vicinity",
        "x" * limits.CODE_CHARACTERS,
        "x" * (limits.CODE_CHARACTERS + 1),
    ],
)
def test_another_shape_is_refused(typed: str):
    with pytest.raises(CodeError) as caught:
        parse_code(typed)
    assert (caught.value.code, caught.value.detail) == ("code-shape", "")


def test_the_length_is_limited_before_anything_is_read():
    padding = limits.CODE_CHARACTERS - len(str(ACROBAT))
    assert parse_code(" " * padding + str(ACROBAT)) == ACROBAT
    with pytest.raises(CodeError, match="code-shape"):
        parse_code(" " * (padding + 1) + str(ACROBAT))


def test_an_unknown_word_is_named_with_the_nearest():
    with pytest.raises(CodeError) as caught:
        parse_code("4711-acrobat-Enzime-vicinity")
    assert caught.value.code == "code-word"
    assert (caught.value.word, caught.value.nearest) == ("enzime", "enzyme")
    assert caught.value.detail == "enzime → enzyme"
    assert "enzi" not in str(caught.value)
    assert "enzi" not in repr(caught.value)


@given(st.sampled_from([word for word in WORDS if "-" not in word]), st.data())
@pytest.mark.long
def test_one_wrong_letter_leads_back_to_the_word(word: str, data: st.DataObject):
    """The list keeps three edits between its words, so one edit is never another word, and never nearer to one."""
    place = data.draw(st.integers(0, len(word) - 1))
    letter = data.draw(st.sampled_from("abcdefghijklmnopqrstuvwxyz"))
    edits = [word[:place] + letter + word[place + 1 :], word[:place] + letter + word[place:]]
    typed = data.draw(st.sampled_from([edit for edit in edits if edit != word]))
    with pytest.raises(CodeError) as caught:
        parse_code(f"4711-{typed}-enzyme-vicinity")
    assert (caught.value.word, caught.value.nearest) == (typed, word)


@given(st.text(max_size=300))
def test_whatever_is_typed_is_a_code_or_a_code_error(typed: str):
    with contextlib.suppress(CodeError):
        assert parse_code(str(parse_code(typed)))


def test_verification_words_are_the_remainders_the_lowest_first():
    words = long_words()
    seed = (5 + 7776 * (4 + 7776 * (3 + 7776 * (2 + 7776 * (1 + 7776 * 0))))).to_bytes(32, "big")
    assert verification_words(seed) == tuple(words[index] for index in (5, 4, 3, 2, 1, 0))
    assert len(verification_words(b"\xff" * 32)) == 6


def test_nothing_of_the_password_generator_but_its_lists_is_loaded():
    program = "import sys, actors.code; actors.code.make_code('4711'); print('xkcdpass.xkcd_password' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout == "False\n"
