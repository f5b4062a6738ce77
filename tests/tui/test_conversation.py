"""The conversation as rows: what is shown where, what a mark changes, what is copied."""

import time

import pytest
from rich.cells import cell_len

from actors.messages import Line
from tui import conversation as conversation_module
from tui.conversation import TEXT_MAX_CELLS, Conversation

NOON = time.mktime((2026, 3, 5, 12, 0, 0, 0, 0, -1))
TOMORROW = NOON + 86400


def heard(text, line_id="p1", at=NOON):
    return Line(line_id, False, text, at, "received", 1)


def said(text, line_id="m1", mark="queued", at=NOON):
    return Line(line_id, True, text, at, mark, 1)


def talk(*lines, width=60):
    conversation = Conversation(NOON, width)
    conversation.put(lines)
    return conversation


def shown(conversation):
    return [conversation.row(number).whole.rstrip() for number in range(conversation.height)]


def test_a_row_has_time_name_text_and_at_its_right_end_the_mark():
    assert shown(talk(heard("hello"), said("hi", mark="delivered"))) == [
        "12:00 peer  hello",
        "12:00 you   hi" + " " * 44 + "✓✓",
    ]


def test_every_row_has_the_width_of_the_screen():
    text = "강의 영상도 보내 주세요 and some more words that have to wrap"
    for width in (20, 60, 80, 200):
        conversation = talk(heard(text * 5), said(text * 5, mark="sent"), width=width)
        assert {cell_len(conversation.row(number).whole) for number in range(conversation.height)} == {width}


def test_text_is_never_wider_than_the_eye_can_follow():
    conversation = talk(heard("word " * 100), width=200)
    assert max(len(row) for row in shown(conversation)) <= 12 + TEXT_MAX_CELLS


def test_the_mark_stands_at_the_last_row_and_only_that_is_painted_again():
    conversation = talk(said("one\ntwo"), heard("after"))
    assert conversation.mark("m1", "sent") == 1
    assert shown(conversation)[0].endswith("one")
    assert shown(conversation)[1].endswith("✓")


def test_a_mark_never_goes_back():
    conversation = talk(said("one", mark="delivered"))
    assert conversation.mark("m1", "sent") is None
    assert conversation.put([said("one", mark="queued")]) == 0
    assert shown(conversation)[0].endswith("✓✓")


def test_a_mark_for_a_line_that_is_not_here_is_nothing():
    assert talk().mark("gone", "sent") is None


def test_a_line_that_comes_twice_is_shown_once():
    conversation = talk(heard("once"))
    assert conversation.put([heard("once"), heard("more", "p2")]) == 1
    assert len(shown(conversation)) == 2


def test_a_day_is_named_when_it_is_another():
    conversation = talk(heard("today"), heard("tomorrow", "p2", TOMORROW), heard("still", "p3", TOMORROW))
    assert shown(conversation) == [
        "12:00 peer  today",
        "Friday 2026-03-06",
        "12:00 peer  tomorrow",
        "12:00 peer  still",
    ]


def test_a_note_has_no_mark_and_wraps():
    conversation = talk(width=30)
    conversation.note("a sentence that is longer than that", NOON)
    assert shown(conversation) == ["12:00 a sentence that is", "      longer than that"]


def test_a_strangers_text_moves_no_cursor():
    conversation = talk(heard("\x1b[2J\x00\u202ea\ud800b\rc\r\nd\te"), width=120)
    text = "\n".join(shown(conversation))
    assert "␛[2J␀‹U+202E›a�b␍c" in text
    assert "d    e" in text


def test_a_name_is_cut_and_shown_like_any_strangers_text():
    conversation = talk(heard("hello"))
    conversation.rename("\x1b[31m" + "x" * 60)
    assert shown(conversation)[0].startswith("12:00 ␛[31mxx…  hello")
    conversation.rename("  ")
    assert shown(conversation)[0].startswith("12:00 peer  hello")


def test_lines_that_are_no_longer_kept_are_counted(monkeypatch):
    monkeypatch.setattr(conversation_module, "LINES_KEPT", 100)
    monkeypatch.setattr(conversation_module, "TRIM_LINES", 10)
    conversation = talk(*(heard(f"line {n}", f"p{n}") for n in range(109)))
    assert conversation.trim() == 0
    conversation.put([heard("two\nrows", "p109")])
    moved_up = conversation.trim()
    assert moved_up == 9  # ten went, and one row says so
    assert shown(conversation)[0] == "10 earlier lines are no longer kept"
    assert shown(conversation)[1].endswith("line 10")
    assert shown(conversation)[-1].endswith("rows")
    conversation.put([heard(f"line {n}", f"q{n}") for n in range(50)])
    conversation.trim()
    assert shown(conversation)[0] == "60 earlier lines are no longer kept"
    assert conversation.mark("p1", "sent") is None


def test_lines_the_engine_has_dropped_are_counted_in():
    conversation = talk()
    conversation.drop_older(1234)
    conversation.put([heard("the first that is kept")])
    assert shown(conversation) == ["1,234 earlier lines are no longer kept", "12:00 peer  the first that is kept"]


def test_an_anchor_is_found_again_after_wrapping_anew():
    conversation = talk(*(heard("some words that wrap when it is narrow " * 3, f"p{n}") for n in range(20)))
    anchor = conversation.anchor(10)
    at_top = conversation.row(10).text.split()[0]
    conversation.resize(200)
    conversation.resize(60)
    assert conversation.row_at(anchor) == 10
    conversation.resize(30)
    assert conversation.row(conversation.row_at(anchor)).text.split()[0] == at_top


class TestCopying:
    TEXT = "a line that is longer than the screen is wide, and so it is wrapped"

    @pytest.fixture
    def conversation(self):
        return talk(heard(self.TEXT), said("two\n  lines", mark="sent"), width=40)

    def test_what_was_wrapped_is_whole_again(self, conversation):
        height = conversation.height
        assert conversation.text_between((0, 12), (height - 1, 999)) == f"{self.TEXT}\n12:00 you   two\n  lines"

    def test_a_part_of_a_row(self, conversation):
        assert conversation.text_between((0, 14), (0, 18)) == "line"

    def test_from_one_row_into_the_next(self, conversation):
        first = len(conversation.row(0).text.rstrip())
        assert conversation.text_between((0, 12 + 2), (1, 12 + 4)) == self.TEXT[2 : first + 1 + 4]

    def test_from_its_beginning_with_time_and_name(self, conversation):
        assert conversation.text_between((0, 0), (0, 18)) == "12:00 peer  a line"

    def test_marks_and_padding_are_not_copied(self, conversation):
        last = conversation.height - 1
        assert conversation.text_between((last, 0), (last, 40)) == "  lines"


def test_with_ten_thousand_lines_one_more_is_the_only_one_that_is_wrapped(monkeypatch):
    conversation = talk(*(heard("강의 영상도 보내 주세요, and words that wrap " * 2, f"p{n}") for n in range(10_000)))
    wrapped = []
    monkeypatch.setattr(conversation_module, "wrap_cells", lambda text, width: wrapped.append(text) or [(0, len(text))])
    conversation.put([heard("one more", "q")])
    conversation.mark("q", "delivered")
    assert conversation.row(conversation.height - 1).text.startswith("one more")
    assert wrapped == ["one more"]
