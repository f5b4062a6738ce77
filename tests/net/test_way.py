"""One direction of a simulated link, in a time of its own."""

from dataclasses import replace
from math import inf

import pytest

from tests.net.way import Settings, Way, measure

PLAIN = Settings(rate=8e6, delay=0.020, queue=10_000, loss=0)  # a packet of 1000 bytes takes a millisecond
PACKET = bytes(1000)


def arrivals(way: Way, until: float = inf) -> list[float]:
    """When each packet arrives, if one looks exactly when there is something to do."""
    times = []
    while (now := way.next_at()) < until:
        times += [now for _ in way.take_arrived(now)]
    return times


def test_a_packet_takes_its_time_on_the_wire_and_then_the_delay() -> None:
    way = Way(PLAIN)
    way.put(PACKET, now=5.0)
    assert way.next_at() <= 5.0
    assert arrivals(way) == pytest.approx([5.021])


def test_packets_leave_one_after_the_other_in_their_order() -> None:
    way = Way(PLAIN)
    sent = [bytes([number]) * 1000 for number in range(10)]
    for packet in sent:
        way.put(packet, now=0.0)
    assert list(way.take_arrived(0.0)) == []
    assert way.queued == 9000, "the first is on the wire"
    assert list(way.take_arrived(0.0255)) == sent[:5]
    assert arrivals(way) == pytest.approx([0.026, 0.027, 0.028, 0.029, 0.030])


def test_the_rate_holds_however_seldom_one_looks() -> None:
    way = Way(replace(PLAIN, queue=1e9, delay=0))
    for _ in range(1000):
        way.put(PACKET, now=0.0)
    passed = [sum(1 for _ in way.take_arrived(now)) for now in (0.0, 0.2505, 0.5005, 1.0005)]
    assert passed == [0, 250, 250, 500]


def test_what_does_not_fit_into_the_queue_is_dropped() -> None:
    way = Way(PLAIN)
    for _ in range(12):
        way.put(PACKET, now=0.0)
    assert (way.dropped, way.queued) == (2, 10_000)
    assert len(arrivals(way)) == 10


def test_a_share_is_lost() -> None:
    chances = iter([0.4, 0.6, 0.5, 0.1])
    way = Way(replace(PLAIN, loss=0.5), chance=lambda: next(chances))
    for _ in range(4):
        way.put(PACKET, now=0.0)
    assert (way.dropped, len(arrivals(way)), way.packets) == (2, 2, 2)


def test_a_cut_loses_what_is_under_way_and_what_comes() -> None:
    settings = replace(PLAIN)
    way = Way(settings)
    for _ in range(3):
        way.put(PACKET, now=0.0)
    list(way.take_arrived(0.0015))
    settings.cut = True
    assert list(way.take_arrived(1.0)) == []
    way.put(PACKET, now=1.0)
    assert (way.dropped, way.queued, way.next_at()) == (4, 0, inf)
    settings.cut = False
    way.put(PACKET, now=2.0)
    assert arrivals(way) == pytest.approx([2.021])


def test_a_stall_holds_everything_and_is_not_caught_up_with() -> None:
    settings = replace(PLAIN)
    way = Way(settings)
    for _ in range(3):
        way.put(PACKET, now=0.0)
    list(way.take_arrived(0.0))  # one is under way
    settings.stalled_until = 10.0
    assert way.next_at() == 10.0
    assert list(way.take_arrived(9.9)) == []
    assert arrivals(way) == pytest.approx([10.0, 10.021, 10.022])
    assert way.late == 0


def test_settings_change_for_what_has_not_left_yet() -> None:
    settings = replace(PLAIN)
    way = Way(settings)
    way.put(PACKET, now=0.0)
    way.put(PACKET, now=0.0)
    list(way.take_arrived(0.0))
    settings.rate, settings.delay = 8e5, 0.1
    assert arrivals(way) == pytest.approx([0.021, 0.111])


@pytest.mark.parametrize(
    ("what", "text", "value"),
    [
        ("rate", "20mbit", 20e6),
        ("rate", "500k", 5e5),
        ("delay", "20ms", 0.02),
        ("queue", "128k", 131_072),
        ("loss", "0.5%", 0.005),
    ],
)
def test_measures(what: str, text: str, value: float) -> None:
    assert measure(what, text) == pytest.approx(value)


@pytest.mark.parametrize(
    ("what", "text"),
    [("rate", "0"), ("rate", "fast"), ("delay", "20"), ("queue", "-1"), ("loss", "101%"), ("loss", "")],
)
def test_no_measures(what: str, text: str) -> None:
    with pytest.raises(ValueError, match=f"no {what}"):
        measure(what, text)
