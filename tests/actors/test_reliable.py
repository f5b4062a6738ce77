"""Numbers for what is said, and for what is had."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.peer import Name, Text
from actors.reliable import CounterError, GapError, Inbox, Outbox, OutboxFullError
from relay import limits


def filled(count: int) -> Outbox:
    outbox = Outbox()
    for number in range(1, count + 1):
        assert outbox.add(Text(str(number))) == number
        outbox.mark_sent(number)
    return outbox


def test_messages_are_numbered_from_one_and_kept_till_they_are_had():
    outbox = filled(3)
    assert list(outbox.confirm(2)) == [1, 2]
    assert (outbox.delivered, outbox.last) == (2, 3)
    assert outbox.get(3) == Text("3")
    assert outbox.add(Name("n")) == 4


def test_sent_is_said_once_however_often_it_is_sent():
    outbox = Outbox()
    outbox.add(Text("x"))
    assert [outbox.mark_sent(1), outbox.mark_sent(1)] == [True, False]


@pytest.mark.parametrize("claimed", [4, 2**63 - 1, 1], ids=["more", "much-more", "less-than-before"])
def test_a_claim_that_cannot_be_is_refused(claimed: int):
    outbox = filled(3)
    outbox.confirm(2)
    with pytest.raises(CounterError):
        outbox.confirm(claimed)


def test_what_was_not_sent_cannot_be_had():
    outbox = Outbox()
    outbox.add(Text("x"))
    with pytest.raises(CounterError):
        outbox.confirm(1)


@given(st.lists(st.one_of(st.just("add"), st.just("send"), st.integers(-1, 12)), max_size=60))
def test_whatever_is_confirmed_each_number_is_delivered_once_and_in_order(steps: list[str | int]):
    outbox, said, sent, had = Outbox(), 0, 0, []
    for step in steps:
        if step == "add":
            said += 1
            assert outbox.add(Text(str(said))) == said
        elif step == "send":
            if sent < said:
                sent += 1
                assert outbox.mark_sent(sent)
        elif isinstance(step, int):
            if len(had) <= step <= sent:
                had += outbox.confirm(step)
            else:
                with pytest.raises(CounterError):
                    outbox.confirm(step)
        assert had == list(range(1, len(had) + 1))
        assert outbox.delivered == len(had)
        assert [outbox.get(n) for n in range(len(had) + 1, said + 1)] == [
            Text(str(n)) for n in range(len(had) + 1, said + 1)
        ]


def test_as_many_messages_as_the_limit_and_not_one_more():
    outbox = filled(limits.OUTBOX_MESSAGES)
    with pytest.raises(OutboxFullError):
        outbox.add(Text("x"))
    outbox.confirm(1)
    assert outbox.add(Text("x")) == limits.OUTBOX_MESSAGES + 1


def test_as_many_bytes_as_the_limit_and_not_one_more():
    outbox, text = Outbox(), "é" * (limits.CHAT_BYTES // 2)
    for _ in range(limits.OUTBOX_BYTES // limits.CHAT_BYTES):
        outbox.add(Text(text))
    with pytest.raises(OutboxFullError):
        outbox.add(Text("x"))
    outbox.mark_sent(1)
    outbox.confirm(1)
    outbox.add(Text(text))


@given(st.lists(st.integers(0, 8)))
def test_what_comes_again_is_not_new_and_a_gap_is_named(numbers: list[int]):
    inbox = Inbox()
    for number in numbers:
        if number > inbox.have + 1:
            with pytest.raises(GapError) as gap:
                inbox.is_new(number)
            assert gap.value.expected == inbox.have + 1
        else:
            new = inbox.is_new(number)
            assert new == (number == inbox.have + 1)
            if new:
                inbox.keep(number)
