"""Round trip and clock offset."""

from hypothesis import given
from hypothesis import strategies as st

from actors import peer
from actors.heartbeat import HeartbeatClock
from actors.peer import Heartbeat
from relay import limits

MS = 10**6
SMALLEST, GREATEST = -(2**63), 2**63 - 1


@given(
    offset=st.integers(-(10**18), 10**18),
    there=st.integers(0, 500 * MS),
    back=st.integers(0, 500 * MS),
    held=st.integers(0, 5000 * MS),
)
def test_round_trip_and_offset_of_a_peer_with_another_clock(offset: int, there: int, back: int, held: int):
    ours, theirs, now = HeartbeatClock(), HeartbeatClock(), 10**12
    beat = ours.make(now)
    now += there
    assert theirs.take(beat, now + offset) is None  # its first: it echoes nothing
    now += held
    answer = theirs.make(now + offset)
    now += back
    assert ours.take(answer, now) == there + back
    assert ours.offset is not None
    assert abs(ours.offset - offset) <= abs(there - back) // 2 + 1  # as exact as the way there and back are alike


def test_before_the_first_answer_nothing_is_known():
    clock = HeartbeatClock()
    assert clock.offset is None
    assert clock.make(5) == Heartbeat(sent=5, echo=None, held=0)


def test_a_clock_that_stands_at_zero_is_echoed_like_any_other():
    clock = HeartbeatClock()
    clock.take(Heartbeat(sent=0), 100)
    assert clock.make(130) == Heartbeat(sent=130, echo=0, held=30)


def test_the_offset_is_that_of_the_smallest_round_trip_of_the_last_thirty():
    clock = HeartbeatClock()

    def exchange(now: int, there: int, back: int) -> None:
        clock.take(Heartbeat(sent=now + there, echo=now), now + there + back)

    exchange(1000 * MS, 10 * MS, 10 * MS)
    assert clock.offset == 0
    exchange(2000 * MS, 300 * MS, 10 * MS)  # a slow, lopsided one does not move it
    assert clock.offset == 0
    for count in range(limits.HEARTBEATS_KEPT):
        exchange((3000 + count) * MS, 40 * MS, 20 * MS)
    assert clock.offset == 10 * MS  # and the good one is forgotten in the end


@given(
    st.lists(
        st.tuples(
            st.integers(SMALLEST, GREATEST),
            st.one_of(st.none(), st.integers(SMALLEST, GREATEST)),
            st.integers(0, GREATEST),
        ),
        max_size=40,
    )
)
def test_a_hostile_clock_tells_nothing_absurd_and_breaks_nothing(beats: list[tuple[int, int | None, int]]):
    clock, now = HeartbeatClock(), 10**12
    for sent, echo, held in beats:
        round_trip = clock.take(Heartbeat(sent, echo, held), now)
        assert round_trip is None or 0 <= round_trip <= 3600 * 1000 * MS
        answer = clock.make(now)
        assert peer.decode_control(peer.encode_control(answer)) == answer
        assert clock.offset is None or isinstance(clock.offset, int)
        now += 5000 * MS


def test_an_echo_from_the_future_or_of_an_hour_ago_tells_nothing():
    clock, now = HeartbeatClock(), 10**15
    assert clock.take(Heartbeat(sent=1, echo=now + 1), now) is None
    assert clock.take(Heartbeat(sent=1, echo=now, held=1), now) is None
    assert clock.take(Heartbeat(sent=1, echo=now - 3601 * 1000 * MS), now) is None
    assert clock.offset is None
