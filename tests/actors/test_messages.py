"""Every command and event as JSON, there and back; whatever else comes is refused with a reason."""

import json
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors import messages as m
from relay import limits

LINE = m.Line("1", True, "안녕\x00\n", 1.5, "delivered", 7)
TRANSFER = m.Transfer(id=1, mine=False, state="moving", name="\x1b한글", size=None, names=("a", "b/"), moved=7)
COMMANDS: list[Any] = [
    m.Attach(),
    m.Attach(version=2, since=5, environment={"DISPLAY": ":0"}),
    m.MakeCode(relay="a:1"),
    m.EnterCode(relay="a:1", code="x"),
    m.OpenPlain(relay="a:1"),
    m.SendText(id="1", text="\x00\x1b\u202e😀"),
    m.SetTyping(typing=True),
    m.SetName(name="n"),
    m.OfferFiles(id="f", paths=("/home/한글.txt", "-")),
    m.AnswerOffer(transfer=1, accept=True, folder="/tmp", only=("*.pdf", "notes/")),
    m.CancelTransfer(transfer=2**63 - 1),
    m.PutFirst(transfer=1),
    m.ListOffer(transfer=1, first=limits.OFFER_ENTRIES, count=limits.LISTED_ENTRIES),
    m.ShowVideo(kind="file", what="/사진 1.mp4", both=False),
    m.StopVideo(),
    m.TuneVideo(filter="faces", quality=95, width=limits.VIDEO_SIDE, rate=7.5),
    m.PlayVideo(paused=True, seek=1.5, loop=False),
    m.ShowWindow(of="own", open=False, title="민아"),
    m.RecordVideo(what="both"),
    m.TakeSnapshot(of="own"),
    m.WatchPicture(of="peer", columns=limits.PICTURE_COLUMNS, rows=limits.PICTURE_ROWS),
    m.PictureTaken(),
    m.OpenMicrophone(device="pulse:마이크", file="/a.wav"),
    m.CloseMicrophone(),
    m.OpenSpeaker(device="default"),
    m.CloseSpeaker(),
    m.TuneSound(muted=True, mode="push", talking=True, threshold=-90, volume=limits.VOLUME, codec="opus"),
    m.ListDevices(),
    m.Hang(),
]
EVENTS: list[Any] = [
    m.Snapshot(),
    m.Snapshot(seq=9, engine="1", phase="call", link="out", since=1.5, verification=("a",) * 6, skipped={"AUD0": 2}),
    m.Snapshot(transfers=(TRANSFER, m.Transfer(id=2, mine=True, state="done"))),
    m.LinesReplayed(seq=1, lines=(LINE,)),
    m.PhaseChanged(phase="dialling", relay="a:1"),
    m.CodeMade(code="x", because="unknown"),
    m.CodeBurned(cause="words"),
    m.Failed(cause="relay-refused", detail="d"),
    m.SessionOpened(verification=("a",) * 6),
    m.LinkChanged(link="alone", since=1.5, cause="cut", detail="d"),
    m.PeerNamed(name="\x1b"),
    m.PeerTyped(typing=False),
    m.RoundTripMeasured(ms=0.25),
    m.TextQueued(id="1", text="t", at=1.5),
    m.TextRefused(id="1", cause="empty"),
    m.TextSent(id="1"),
    m.TextDelivered(id="1"),
    m.TextReceived(id="1", text="t", at=1.5),
    m.MediaSkipped(counts={"VID0": 1}),
    m.TransferChanged(transfer=TRANSFER),
    m.TransferProgressed(id=1, moved=5, moved_files=1, rate=2.5, seconds_left=0.5, stall="peer-disk"),
    m.EntryNoted(transfer=1, path="a/\x1b", cause="gone", detail="d"),
    m.OfferListed(transfer=1, entries=(m.OfferEntry(1, "a", 5), m.OfferEntry(2, "b", None)), total=2, whole=True),
    m.VideoChanged(video=m.Video(state="failed", kind="file", what="/a", seconds=1.5, cause="source-broken")),
    m.VideoPlayed(at=2.5),
    m.PeerVideoChanged(video=m.PeerVideo(showing=True, kind="image", name="\x1b", records=True)),
    m.VideoMeasured(own=m.Flow(captured=3, stages=(m.Stage("encode", 1.5, 2.5),)), peer=m.Flow(shown=2)),
    m.WindowChanged(of="peer", open=False, cause="window-died"),
    m.RecordingChanged(recording=m.Recording(what="peer", path="/a.mkv", seconds=2.5)),
    m.SoundChanged(sound=m.Sound(machine="lab3", microphone=m.DeviceUse(state="lost", cause="device-lost"))),
    m.PeerSoundChanged(sound=m.PeerSound(state="muted")),
    m.SoundMeasured(own=m.Meter(level=-20, bands=(-30,) * limits.BANDS), peer=m.Meter(dry=2), age_ms=55.5),
    m.DevicesListed(machine="lab3", microphones=(m.Device("default", "\x1b"),), cause="devices-silent"),
    m.SnapshotTaken(of="own", path="/a.jpg"),
    m.OfferRefused(id="f", cause="path-missing", detail="/nowhere"),
    m.CommandRefused(cause="phase", detail="call"),
    m.CommandRefused(cause="no-transfer", detail="7", transfer=7),
    m.Ended(cause="hung", detail="d"),
]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: type(c).__name__)
def test_each_command_comes_back_as_it_was_on_one_line(command: Any):
    encoded = m.encode(command)
    assert b"\n" not in encoded
    assert json.loads(encoded)["type"] == type(command).__name__
    assert m.decode_command(encoded) == command


@pytest.mark.parametrize("event", EVENTS, ids=lambda e: type(e).__name__)
def test_each_event_comes_back_as_it_was_on_one_line(event: Any):
    encoded = m.encode(event)
    assert b"\n" not in encoded
    assert json.loads(encoded)["type"] == type(event).__name__
    assert m.decode_event(encoded) == event


def test_there_is_an_example_of_every_struct():
    assert {type(command) for command in COMMANDS} == set(get_args(m.AnyCommand))
    assert {type(event) for event in EVENTS} == set(get_args(m.AnyEvent))


def test_fields_of_a_later_version_are_ignored():
    assert m.decode_command(b'{"type":"Hang","later":[1]}') == m.Hang()


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"null",
        b"{}",
        b'"Hang"',
        b'{"type":"Hung"}',
        b'{"type":"TextSent","id":"1"}',
        b"\xff\xfe",
        b'{"type":"\xff"}',
        b'{"type":"SendText","id":"1","text":"\xff"}',
        b'{"type":"SendText","id":"1","text":"\\ud800"}',
        b'{"type":"SendText","id":"","text":"x"}',
        b'{"type":"SendText","id":1,"text":"x"}',
        b'{"type":"SendText","id":"1"}',
        b'{"type":"SetTyping","typing":"yes"}',
        b'{"type":"SetName","name":""}',
        b'{"type":"Attach","version":"1"}',
        b'{"type":"Attach","environment":{"DISPLAY":1}}',
        b'{"type":"Attach","environment":{"DISPLAY":"a\\u0000b"}}',
        b"[" * 100_000,
        b'{"type":"Hang","x":' + b"[" * 100_000,
    ],
    ids=lambda p: repr(p)[:50],
)
def test_what_is_no_command_is_refused_with_a_reason(payload: bytes):
    with pytest.raises(ValueError, match=r"."):
        m.decode_command(payload)


@pytest.mark.parametrize(
    ("make", "limit"),
    [
        (lambda n: m.SendText(id="i" * n, text="x"), limits.LINE_ID_CHARACTERS),
        (lambda n: m.SetName(name="n" * n), limits.NAME_CHARACTERS),
    ],
    ids=["id", "name"],
)
def test_at_the_limit_and_one_past_it(make: Any, limit: int):
    assert m.decode_command(m.encode(make(limit))) == make(limit)
    with pytest.raises(ValueError, match="length"):
        m.decode_command(m.encode(make(limit + 1)))


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
TAGS = sorted(t.__name__ for t in (*get_args(m.AnyCommand), *get_args(m.AnyEvent)))
FIELDS = sorted({field for t in (*get_args(m.AnyCommand), *get_args(m.AnyEvent)) for field in t.__struct_fields__})
TAGGED = st.builds(
    lambda tag, fields: {"type": tag, **fields},
    st.sampled_from(TAGS),
    st.dictionaries(st.sampled_from(FIELDS), JSON_VALUES, max_size=5),
)


@given(
    st.one_of(
        st.binary(max_size=200), JSON_VALUES.map(json.dumps).map(str.encode), TAGGED.map(json.dumps).map(str.encode)
    )
)
def test_whatever_comes_is_understood_or_refused(payload: bytes):
    for decode in (m.decode_command, m.decode_event):
        try:
            found = decode(payload)
        except ValueError:
            continue
        m.encode(found)
