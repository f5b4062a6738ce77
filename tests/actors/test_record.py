"""What an engine remembers for the screens that come later."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors import messages as m
from actors.record import Record
from relay import limits


def folded(*events: m.AnyEvent) -> m.Snapshot:
    record = Record("1", "me")
    for event in events:
        record.take(event)
    return record.snapshot


def queued(line_id: str, text: str = "x") -> m.TextQueued:
    return m.TextQueued(id=line_id, text=text, at=1.0)


def received(line_id: str, text: str = "x") -> m.TextReceived:
    return m.TextReceived(id=line_id, text=text, at=2.0)


def lines(record: Record, since: int = 0) -> list[m.Line]:
    return [line for piece in record.replay(since) for line in piece.lines]


WAITING = (
    m.PhaseChanged(phase="dialling", relay="r:1"),
    m.CodeMade(code="c"),
    m.PhaseChanged(phase="waiting", relay="r:1"),
)
CALL = (*WAITING, m.SessionOpened(verification=("w",) * 6), m.PhaseChanged(phase="call"))
JOINED = m.LinkChanged(link="joined", since=5.0)
OUT = m.LinkChanged(link="out", since=6.0, cause="cut")


@pytest.mark.parametrize(
    ("events", "fields"),
    [
        ((), {"engine": "1", "name": "me", "phase": "idle", "link": "none", "seq": 0}),
        (WAITING, {"phase": "waiting", "relay": "r:1", "code": "c", "seq": 3}),
        (
            (*WAITING, m.PhaseChanged(phase="pairing"), m.PhaseChanged(phase="waiting")),
            {"code": "c", "phase": "waiting"},
        ),
        ((*WAITING, m.CodeMade(code="d", because="unknown")), {"code": "d"}),
        ((*WAITING, m.CodeBurned(cause="words"), m.PhaseChanged(phase="idle")), {"code": "", "cause": "words"}),
        ((m.Failed(cause="relay-refused"),), {"cause": "relay-refused", "link": "none"}),
        (CALL, {"phase": "call", "relay": "r:1", "code": "", "verification": ("w",) * 6}),
        ((JOINED,), {"link": "joined", "since": 5.0, "cause": ""}),
        ((JOINED, m.RoundTripMeasured(ms=2.0), m.PeerTyped(typing=True)), {"round_trip_ms": 2.0, "peer_typing": True}),
        (
            (JOINED, m.RoundTripMeasured(ms=2.0), m.PeerTyped(typing=True), OUT),
            {"link": "out", "since": 6.0, "cause": "cut", "round_trip_ms": None, "peer_typing": False},
        ),
        ((m.PeerNamed(name="p"),), {"peer": "p"}),
        ((m.MediaSkipped(counts={"AUD0": 2}),), {"skipped": {"AUD0": 2}}),
        ((*CALL, JOINED, m.Ended(cause="hung")), {"phase": "ended", "link": "none", "cause": "hung"}),
        ((queued("1"), received("peer-1")), {"lines": 2, "lines_dropped": 0}),
        ((m.TextRefused(id="1", cause="empty"),), {"lines": 0}),
    ],
)
def test_each_event_is_folded_into_the_state(events: tuple[m.AnyEvent, ...], fields: dict[str, Any]):
    snapshot = folded(*events)
    assert {name: getattr(snapshot, name) for name in fields} == fields
    assert snapshot.seq == len(events)


def test_events_are_numbered_from_one():
    record = Record()
    assert [record.take(JOINED).seq for _ in range(3)] == [1, 2, 3]


def test_a_name_of_our_own_is_in_the_snapshot_and_no_event():
    record = Record("1", "old")
    record.rename("new")
    assert (record.snapshot.name, record.snapshot.seq) == ("new", 0)


def test_marks_change_the_line_where_it_stands():
    record = Record()
    for event in (queued("1"), received("peer-1"), m.TextSent(id="1"), m.TextSent(id="gone")):
        record.take(event)
    assert [(line.id, line.mark, line.mine) for line in lines(record)] == [
        ("1", "sent", True),
        ("peer-1", "received", False),
    ]
    record.take(m.TextDelivered(id="1"))
    assert lines(record)[0].mark == "delivered"


def test_a_screen_gets_what_came_or_changed_after_what_it_saw():
    record = Record()
    for event in (queued("1"), queued("2"), received("peer-1")):
        record.take(event)
    assert [line.id for line in lines(record, 2)] == ["peer-1"]
    record.take(m.TextSent(id="1"))
    assert [line.id for line in lines(record, 3)] == ["1"]
    assert lines(record, 4) == lines(record, 2**70) == []
    assert len(lines(record, -1)) == 3


def test_as_many_lines_as_the_limit_are_kept_and_the_oldest_go():
    record = Record()
    for number in range(limits.CONVERSATION_LINES):
        record.take(received(f"peer-{number}"))
    assert (record.snapshot.lines, record.snapshot.lines_dropped) == (limits.CONVERSATION_LINES, 0)
    record.take(received("one more"))
    assert (record.snapshot.lines, record.snapshot.lines_dropped) == (limits.CONVERSATION_LINES, 1)
    assert lines(record)[0].id == "peer-1"
    record.take(m.TextSent(id="peer-0"))  # a mark of a line that went changes nothing


def test_as_many_bytes_as_the_limit_are_kept():
    record = Record()
    text = "é" * (limits.CHAT_BYTES // 2)
    for number in range(2 * limits.CONVERSATION_BYTES // limits.CHAT_BYTES):
        record.take(received(str(number), text))
    kept = lines(record)
    assert 0.9 * limits.CONVERSATION_BYTES < sum(len(line.text.encode()) for line in kept) <= limits.CONVERSATION_BYTES
    assert record.snapshot.lines + record.snapshot.lines_dropped == 2 * limits.CONVERSATION_BYTES // limits.CHAT_BYTES


def test_a_line_said_again_under_its_id_is_counted_once():
    record = Record()
    for _ in range(2 * limits.CONVERSATION_BYTES // limits.CHAT_BYTES):
        record.take(received("same", "x" * limits.CHAT_BYTES))
    record.take(received("other"))
    assert (record.snapshot.lines, record.snapshot.lines_dropped) == (2, 0)


@pytest.mark.parametrize("character", ["\x00", "x", "é", "😀", '"'])
def test_each_piece_of_a_replay_fits_into_a_packet_whatever_is_in_it(character: str):
    record = Record()
    text = character * (limits.CHAT_BYTES // len(character.encode()))
    for number in range(5):
        record.take(received(f"short {number}" + "\x01" * 50, character * (limits.CHAT_BYTES // 8 - 100)))
        record.take(received(str(number), text))
    for number in range(2000):
        record.take(received("\x02" * 60 + str(number), character))
    pieces = record.replay(0)
    assert all(len(m.encode(piece)) <= limits.CONTROL_BYTES for piece in pieces)
    assert sum(len(piece.lines) for piece in pieces) == record.snapshot.lines
    assert {piece.seq for piece in pieces} == {record.snapshot.seq}


EVENTS = st.one_of(
    st.integers(0, 5).map(lambda n: received(f"peer-{n}")),
    st.integers(0, 5).map(lambda n: queued(str(n))),
    st.integers(0, 5).map(lambda n: m.TextSent(id=str(n))),
    st.integers(0, 5).map(lambda n: m.TextDelivered(id=str(n))),
)


@given(st.lists(EVENTS, max_size=30, unique_by=lambda e: (type(e), e.id)), st.integers(0, 30))
def test_what_was_seen_and_what_is_replayed_is_the_conversation(events: list[m.AnyEvent], seen: int):
    record, screen = Record(), dict[str, m.Line]()
    for event in events[:seen]:
        record.take(event)
    screen.update((line.id, line) for line in lines(record))
    since = record.snapshot.seq
    for event in events[seen:]:
        record.take(event)
    screen.update((line.id, line) for line in lines(record, since))
    assert list(screen.values()) == lines(record)
