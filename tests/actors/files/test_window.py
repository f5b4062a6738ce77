"""The file lane's window, against a link that is reckoned in steps of a millisecond: no time goes by."""

from collections import deque
from collections.abc import Callable

import pytest

from actors.files.window import CAP_BYTES, PACKET_BYTES, START_BYTES, TARGET_SECONDS, UNLIMITED, Window

STEP = 0.001
MBIT = 125_000  # bytes a second
PING_BYTES = 100
LATE = 0.018  # what a packet of 64 KiB before one's own, which no window prevents, may add to the promise
AT_ONCE = 8 * 1024  # a sender waits until there is room for so much


class Link:
    """A sender of files and its window before a bottleneck with a queue that drops nothing.

    Pings of `main` go through the same queue, every 100 ms, or, `in_turn`, as soon as the one before is back. Other
    traffic takes `other` bytes a second of the link, the sender reads its disk at `disk` bytes a second.
    """

    def __init__(self, rate: float, one_way: float, *, in_turn: bool = False) -> None:
        self.window = Window()
        self.rate, self.one_way, self.in_turn = rate, one_way, in_turn
        self.sending, self.other, self.disk = False, 0.0, float("inf")
        self.round_trips: list[float] = []
        self.arrived = 0.0
        self.in_flight = 0
        self._now = self._read = self._next_ping = 0.0
        self._queue: deque[tuple[str, float, float]] = deque()  # what, bytes, since when
        self._served = 0.0  # of the first in the queue
        self._coming_back: deque[tuple[float, str, float, float]] = deque()

    @classmethod
    def busy(cls, rate: float, one_way: float, *, in_turn: bool = False, seconds: float = 25) -> "Link":
        """A link on which media and a file have flowed for so long, after a second of rest."""
        link = cls(rate, one_way, in_turn=in_turn)
        link.run(1)
        link.window.media(True)
        link.sending = True
        link.run(seconds)
        return link

    def run(self, seconds: float) -> tuple[float, float]:
        """Return the share of the link that the file had meanwhile, and the longest round trip."""
        first, before = len(self.round_trips), self.arrived
        for _ in range(round(seconds / STEP)):
            self._step()
        share = (self.arrived - before) / (self.rate * seconds)
        return share, max(self.round_trips[first:], default=0.0)

    def samples_until(self, condition: Callable[[], bool]) -> int:
        first = len(self.round_trips)
        while not condition():
            self._step()
            assert len(self.round_trips) - first < 1000
        return len(self.round_trips) - first

    def _step(self) -> None:
        self._now += STEP
        if self.other:
            self._queue.append(("other", self.other * STEP, self._now))
        if self._now >= self._next_ping:
            self._queue.append(("ping", PING_BYTES, self._now))
            self._next_ping = float("inf") if self.in_turn else self._next_ping + 0.1
        self._send()
        self._serve()
        while self._coming_back and self._coming_back[0][0] <= self._now:
            _, what, size, since = self._coming_back.popleft()
            if what == "file":
                self.in_flight -= int(size)
                self.arrived += size
            else:
                self.round_trips.append(self._now - since)
                self.window.take_round_trip(self._now - since)
                if self.in_turn:
                    self._next_ping = self._now

    def _send(self) -> None:
        self._read = min(self._read + self.disk * STEP, START_BYTES)
        while self.sending and (room := int(min(self.window.room(self.in_flight), self._read))) >= AT_ONCE:
            self._queue.append(("file", room, self._now))
            self.in_flight += room
            self._read = START_BYTES if self.disk == float("inf") else self._read - room
            if self.in_flight > CAP_BYTES:
                break

    def _serve(self) -> None:
        self._served += self.rate * STEP
        while self._queue and self._served >= self._queue[0][1]:
            what, size, since = self._queue.popleft()
            self._served -= size
            if what != "other":
                self._coming_back.append((self._now + 2 * self.one_way, what, size, since))
        if not self._queue:
            self._served = 0.0


def test_without_media_nothing_is_held() -> None:
    window = Window()
    assert window.room(0) == UNLIMITED
    window.take_round_trip(5)
    assert window.room(10**12) == UNLIMITED
    window.media(True)
    assert window.room(10**12) == 0
    window.media(False)
    assert window.room(10**12) == UNLIMITED


def test_with_media_the_window_begins_small() -> None:
    window = Window()
    window.media(True)
    assert window.room(0) == START_BYTES
    assert window.room(1000) == START_BYTES - 1000
    assert window.room(START_BYTES + 1) == 0


def test_packets_are_small_while_the_window_is() -> None:
    window = Window()
    assert window.piece == UNLIMITED
    window.media(True)
    assert window.piece == START_BYTES // 4
    for _ in range(1000):
        window.take_round_trip(0.01)
        window.room(2**40)  # the sender waits for room
    assert window.piece == 64 * 1024
    for _ in range(1000):
        window.take_round_trip(10)
    assert window.piece == PACKET_BYTES


@pytest.mark.parametrize("rate", [20 * MBIT, 50 * MBIT, 100 * MBIT])
@pytest.mark.parametrize("one_way", [0.005, 0.02, 0.1])
@pytest.mark.parametrize("in_turn", [False, True], ids=["ten a second", "in turn"])
def test_the_promise_is_kept_and_the_link_used(rate: float, one_way: float, in_turn: bool) -> None:
    link = Link.busy(rate, one_way, in_turn=in_turn, seconds=30)
    share, longest = link.run(30)
    assert longest <= 2 * one_way + TARGET_SECONDS + LATE
    assert share >= 0.9


def test_without_a_window_the_round_trip_would_be_seconds() -> None:
    link = Link(20 * MBIT, 0.02)
    link.sending = True
    assert link.run(10)[1] > 3


def test_media_that_begin_beside_a_file_have_the_link_once_the_queue_is_empty() -> None:
    link = Link(20 * MBIT, 0.02)
    link.sending = True  # from the start: the idle value has never been seen
    link.run(5)
    link.window.media(True)
    queued = link.in_flight / link.rate
    link.run(queued + 3)
    share, longest = link.run(20)
    assert longest <= 0.04 + TARGET_SECONDS + LATE
    assert share >= 0.9


@pytest.mark.parametrize("in_turn", [False, True], ids=["ten a second", "in turn"])
def test_a_link_that_gets_slower_is_answered_within_sixteen_samples(in_turn: bool) -> None:
    link = Link.busy(20 * MBIT, 0.02, in_turn=in_turn)
    assert link.window.room(0) > 2.5 * START_BYTES
    link.rate = 5 * MBIT
    assert link.samples_until(lambda: link.window.room(0) < 1.5 * START_BYTES) <= 16  # six of them may be a look
    link.run(1)
    share, longest = link.run(20)
    assert longest <= 0.04 + TARGET_SECONDS + START_BYTES / link.rate  # one packet alone takes 105 ms here
    assert share >= 0.88


def test_a_link_that_gets_faster_again_is_used_again() -> None:
    link = Link.busy(20 * MBIT, 0.02)
    link.rate = 5 * MBIT
    link.run(20)
    link.rate = 20 * MBIT
    link.run(2)
    share, longest = link.run(10)
    assert share >= 0.9
    assert longest <= 0.04 + TARGET_SECONDS + LATE


def test_the_file_leaves_half_the_link_to_whoever_takes_it() -> None:
    link = Link.busy(20 * MBIT, 0.02)
    link.other = 10 * MBIT
    assert link.run(2)[0] < 0.6
    share, longest = link.run(20)
    assert 0.4 <= share <= 0.51
    assert longest <= 0.04 + TARGET_SECONDS + LATE
    link.other = 0
    link.run(2)
    assert link.run(10)[0] >= 0.9


def test_beside_traffic_that_fills_the_link_one_packet_is_left() -> None:
    link = Link.busy(20 * MBIT, 0.02)
    link.other = 25 * MBIT
    link.run(2)
    for _ in range(20):
        assert link.window.room(0) == PACKET_BYTES
        link.run(0.1)
    link.other = 0
    link.run(4)
    assert link.run(10)[0] >= 0.9


@pytest.mark.parametrize(("before", "after"), [(0.02, 0.06), (0.06, 0.02)])
def test_another_route_is_learnt(before: float, after: float) -> None:
    link = Link.busy(50 * MBIT, before)
    link.one_way = after
    link.run(25)  # two looks for the idle value
    share, longest = link.run(10)
    assert share >= 0.9
    assert longest <= 2 * after + TARGET_SECONDS + LATE


def test_ten_minutes_of_files_are_not_taken_for_idle() -> None:
    link = Link.busy(20 * MBIT, 0.02)
    link.run(600)
    assert link.run(20)[1] <= 0.04 + TARGET_SECONDS + LATE


def test_a_slow_disk_earns_no_window_that_floods_the_link_later() -> None:
    link = Link(50 * MBIT, 0.02)
    link.window.media(True)
    link.sending, link.disk = True, 10 * MBIT
    link.run(30)
    assert link.window.room(0) < 4 * START_BYTES
    link.disk = float("inf")
    assert link.run(5)[1] <= 0.04 + TARGET_SECONDS + LATE
    assert link.run(10)[0] >= 0.9


def test_one_late_sample_alone_changes_nothing_for_the_worse() -> None:
    link = Link.busy(20 * MBIT, 0.02)
    before = link.window.room(0)
    link.window.take_round_trip(1.0)
    assert link.window.room(0) >= 0.9 * before


@pytest.mark.parametrize(("round_trip", "window"), [(0.0, CAP_BYTES), (0.001, CAP_BYTES), (3600.0, PACKET_BYTES)])
def test_no_sample_drives_the_window_out_of_its_bounds(round_trip: float, window: int) -> None:
    held = Window()
    held.take_round_trip(0.001)
    held.media(True)
    for _ in range(90):
        held.room(held.room(0))
        held.take_round_trip(round_trip)
    assert held.room(0) == window
