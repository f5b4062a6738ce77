"""What two engines say to each other inside the seal."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors import peer
from actors.peer import (
    Answer,
    DiskWaits,
    Done,
    First,
    Have,
    HaveUpTo,
    Heartbeat,
    Hung,
    MediaTaken,
    Missed,
    Name,
    Offer,
    OpenLane,
    PeerError,
    Recording,
    Showing,
    Sounding,
    Stop,
    Text,
    Typing,
)
from relay import limits

CONTROLS: list[peer.Control] = [
    OpenLane("file", 1),
    OpenLane("a" * 32, 2**31 - 1),
    Heartbeat(sent=-(2**63)),
    Heartbeat(sent=1, echo=0, held=2**63 - 1),
    HaveUpTo(0),
    HaveUpTo(2**63 - 1),
    Typing(True),
    Hung(),
    Have(1, 1, 0, 0, 0, 0),
    Have(
        2**63 - 1,
        2**31 - 1,
        limits.OFFER_ENTRIES,
        limits.OFFER_ENTRIES + 1,
        2**32 - 1,
        limits.BLOCK_BYTES - 1,
        7,
        2**63 - 1,
    ),
    DiskWaits(2, True),
    First(3),
    MediaTaken("video", 2**63 - 1, 2**32 - 1, 5, 6),
]
MESSAGES: list[peer.Message] = [
    Text(""),
    Text("안녕\x00\x1b[2J\n"),
    Text("x" * limits.CHAT_BYTES),
    Name("n" * 64),
    Offer(1, 2, 3, 2**63 - 1, ("notes/", "한글.txt\x1b"), 4),
    Offer(2, 1, 0, None, ("stdin",)),
    Answer(1),
    Answer(1, ((1, 1), (5, limits.OFFER_ENTRIES))),
    Stop(1, "cancelled"),
    Stop(1, "disk-error", "No such device"),
    Missed(1, 5, "hash"),
    Done(1, 5, 7, 1),
    Showing("file", "한글.mp4\x1b"),
    Showing(""),
    Recording(True),
    Sounding("on", ("opus",)),
    Sounding("later"),
]

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
TAGGED = st.builds(
    lambda tag, fields: {"type": tag, **fields},
    st.sampled_from([*sorted(peer._CONTROL_TAGS | peer._MESSAGE_TAGS), "Later"]),
    st.dictionaries(
        st.sampled_from(["name", "generation", "sent", "echo", "held", "number", "typing", "text"]), JSON_VALUES
    ),
)


@pytest.mark.parametrize("control", CONTROLS, ids=repr)
def test_each_control_comes_back_as_it_was(control: peer.Control):
    assert peer.decode_control(bytearray(peer.encode_control(control))) == control


@pytest.mark.parametrize("number", [0, 1, 2**64 - 1])
@pytest.mark.parametrize("message", MESSAGES, ids=lambda m: repr(m)[:20])
def test_each_message_comes_back_with_its_number(number: int, message: peer.Message):
    assert peer.decode_message(bytearray(peer.encode_message(number, message))) == (number, message)


def test_every_kind_has_its_tag_listed():
    assert {type(item).__name__ for item in CONTROLS} == peer._CONTROL_TAGS
    assert {type(item).__name__ for item in MESSAGES} == peer._MESSAGE_TAGS


def test_what_a_later_version_says_is_known_to_be_unknown():
    assert peer.decode_control(b'{"type":"Wave","hand":"left"}') is None
    assert peer.decode_message(bytes(8) + b'{"type":"Sticker","text":5}') == (0, None)
    assert peer.decode_control(b'{"type":"Typing","typing":true,"later":1}') == Typing(True)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"\xff\x00",
        b'{"type":"\xff"}',
        b'{"type":5}',
        b"[" * 4000,
        b'{"type":"Later","x":' + b"[" * 100_000,
        b'{"type":"HaveUpTo"}',
        b'{"type":"HaveUpTo","number":-1}',
        b'{"type":"HaveUpTo","number":9223372036854775808}',
        b'{"type":"HaveUpTo","number":1e400}',
        b'{"type":"Heartbeat","sent":9223372036854775808}',
        b'{"type":"Heartbeat","sent":1,"held":-1}',
        b'{"type":"Typing","typing":1}',
        b'{"type":"OpenLane","name":"","generation":1}',
        b'{"type":"OpenLane","name":"file\\n","generation":1}',
        b'{"type":"OpenLane","name":"file","generation":0}',
        b'{"type":"OpenLane","name":"file","generation":2147483648}',
        b'{"type":"OpenLane","name":"' + b"a" * 33 + b'","generation":1}',
    ],
    ids=lambda p: repr(p)[:40],
)
def test_a_control_that_is_none_is_named(payload: bytes):
    with pytest.raises(PeerError):
        peer.decode_control(payload)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"type":"Text"}',
        b'{"type":"Text","text":null}',
        b'{"type":"Text","text":"\xff"}',
        b'{"type":"Text","text":"\\ud800"}',
        b'{"type":"Text","text":"\xed\xa0\x80"}',
        b'{"type":"Name","name":""}',
        json.dumps({"type": "Name", "name": "n" * (limits.NAME_CHARACTERS + 1)}).encode(),
        json.dumps({"type": "Text", "text": "x" * (limits.CHAT_BYTES + 1)}).encode(),
        json.dumps({"type": "Text", "text": "é" * (limits.CHAT_BYTES // 2) + "x"}).encode(),
    ],
    ids=lambda b: repr(b)[:40],
)
def test_a_message_that_is_none_is_named(body: bytes):
    with pytest.raises(PeerError):
        peer.decode_message(bytes(8) + body)


@given(st.binary(max_size=7))
def test_a_message_without_a_number_is_named(payload: bytes):
    with pytest.raises(PeerError):
        peer.decode_message(payload)


@given(
    st.one_of(
        st.binary(max_size=200),
        TAGGED.map(lambda v: json.dumps(v).encode()),
        JSON_VALUES.map(json.dumps).map(str.encode),
    )
)
def test_whatever_comes_is_understood_skipped_or_named(payload: bytes):
    for decode in (peer.decode_control, lambda body: peer.decode_message(bytes(8) + body)):
        try:
            found: Any = decode(payload)
        except PeerError:
            continue
        if isinstance(found, tuple):
            assert found[0] == 0
