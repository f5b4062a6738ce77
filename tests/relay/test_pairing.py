"""Who meets whom: the state machine as a specification (docs/protocol.md, section 2)."""

from itertools import count, cycle

import pytest

from relay import limits
from relay.pairing import Close, Pair, Pairing, Refuse, Wait
from relay.wire import Hello

A, B, C = "a" * 32, "b" * 32, "c" * 32
ROOM, OTHER_ROOM = "0" * 32, "1" * 32
RESERVED = limits.NUMBER_RESERVED_SECONDS
REST = limits.NUMBER_REST_SECONDS


def in_order() -> Pairing[str]:
    """A pairing that gives the numbers 1000, 1001, … (or 10000, …)."""
    numbers = count()
    return Pairing(lambda low, high: low + next(numbers) % (high - low + 1))


@pytest.fixture
def pairing() -> Pairing[str]:
    return in_order()


def new(side: str = A) -> Hello:
    return Hello("new", side)


def join(side: str = B, number: str = "1000") -> Hello:
    return Hello("join", side, number)


def keep(side: str = A, number: str = "1000") -> Hello:
    return Hello("keep", side, number)


def room(side: str = A, lane: str = "main.0", name: str = ROOM) -> Hello:
    return Hello("room", side, name, lane)


class TestNumbers:
    def test_new_gets_a_number_and_waits(self, pairing: Pairing[str]) -> None:
        assert pairing.hello("x", new(), 0) == [Wait("x", "1000")]

    def test_join_pairs_with_the_owner(self, pairing: Pairing[str]) -> None:
        pairing.hello("x", new(), 0)
        assert pairing.hello("y", join(), 1) == [Pair("x", "y")]

    def test_join_of_an_unknown_number_meets_nobody_and_makes_none(self, pairing: Pairing[str]) -> None:
        assert pairing.hello("y", join(), 0) == [Refuse("y", "nobody")]
        assert len(pairing) == 0

    def test_join_of_a_paired_number_meets_nobody(self, pairing: Pairing[str]) -> None:
        pairing.hello("x", new(), 0)
        pairing.hello("y", join(), 0)
        assert pairing.hello("z", join(C), 0) == [Refuse("z", "nobody")]

    def test_join_by_the_owner_s_own_side_meets_nobody(self, pairing: Pairing[str]) -> None:
        pairing.hello("x", new(), 0)
        assert pairing.hello("y", join(A), 0) == [Refuse("y", "nobody")]
        assert pairing.hello("z", join(B), 0) == [Pair("x", "z")]

    def test_join_by_the_joiner_of_a_running_pair_ends_it_and_asks_for_patience(self, pairing: Pairing[str]) -> None:
        pairing.hello("x", new(), 0)
        pairing.hello("y", join(B), 0)
        assert pairing.hello("y2", join(B), 1) == [Close("y", "x"), Refuse("y2", "nobody")]
        assert pairing.hello("x2", keep(), 2) == [Wait("x2", "1000")]
        assert pairing.hello("y3", join(B), 3) == [Pair("x2", "y3")]

    def test_keep_replaces_the_owner_s_waiting_connection(self, pairing: Pairing[str]) -> None:
        pairing.hello("x", new(), 0)
        assert pairing.hello("x2", keep(), 1) == [Refuse("x", "replaced"), Wait("x2", "1000")]
        assert pairing.hello("y", join(), 2) == [Pair("x2", "y")]

    def test_keep_ends_the_owner_s_running_pair(self, pairing: Pairing[str]) -> None:
        pairing.hello("x", new(), 0)
        pairing.hello("y", join(), 0)
        assert pairing.hello("x2", keep(), 1) == [Close("x", "y"), Wait("x2", "1000")]

    @pytest.mark.parametrize("ending", ["the owner's connection dies", "the pair ends"])
    def test_a_number_is_reserved_for_its_owner(self, pairing: Pairing[str], ending: str) -> None:
        pairing.hello("x", new(), 0)
        if ending == "the pair ends":
            pairing.hello("y", join(), 0)
        pairing.gone("x", 100)
        assert pairing.hello("y", join(), 101) == [Refuse("y", "nobody")]
        assert pairing.hello("z", keep(B), 101) == [Refuse("z", "nobody")]
        assert pairing.hello("x2", keep(A), 100 + RESERVED - 1) == [Wait("x2", "1000")]
        assert pairing.hello("y2", join(), 100 + RESERVED) == [Pair("x2", "y2")]

    def test_after_ten_minutes_the_number_is_not_its_owner_s_any_more(self, pairing: Pairing[str]) -> None:
        pairing.hello("x", new(), 0)
        pairing.gone("x", 100)
        assert pairing.hello("x2", keep(), 100 + RESERVED) == [Refuse("x2", "nobody")]

    def test_keep_of_a_number_the_relay_does_not_know_meets_nobody(self, pairing: Pairing[str]) -> None:
        assert pairing.hello("x", keep(), 0) == [Refuse("x", "nobody")]

    def test_a_number_that_was_used_is_not_given_out_for_an_hour(self) -> None:
        numbers = cycle([0, 0, 1])
        pairing: Pairing[str] = Pairing(lambda low, high: low + next(numbers))
        pairing.hello("x", new(), 0)
        pairing.gone("x", 0)
        pairing.pass_time(RESERVED + REST - 1)
        assert pairing.hello("y", new(), RESERVED + REST - 1) == [Wait("y", "1001")]
        pairing.pass_time(RESERVED + REST)
        assert pairing.hello("z", new(), RESERVED + REST) == [Wait("z", "1000")]

    def test_five_digits_come_when_more_than_one_in_ten_is_in_use(self, pairing: Pairing[str]) -> None:
        for number in range(901):
            assert pairing.hello(f"x{number}", new(), 0) == [Wait(f"x{number}", str(1000 + number))]
        [wait] = pairing.hello("y", new(), 0)
        assert isinstance(wait, Wait)
        assert limits.LONG_NUMBER_MIN <= int(wait.room) <= limits.LONG_NUMBER_MAX
        pairing.gone("x0", 0)
        pairing.pass_time(RESERVED + REST)
        [wait] = pairing.hello("z", new(), RESERVED + REST)
        assert isinstance(wait, Wait)
        assert len(wait.room) == 4

    def test_without_a_free_number_there_is_a_limit(self) -> None:
        pairing: Pairing[str] = Pairing(lambda low, high: low)
        pairing.hello("x", new(), 0)
        assert pairing.hello("y", new(), 0) == [Refuse("y", "limit")]


class TestRooms:
    def test_the_first_waits_and_the_second_is_paired(self, pairing: Pairing[str]) -> None:
        assert pairing.hello("x", room(A), 0) == [Wait("x", ROOM)]
        assert pairing.hello("y", room(B), 0) == [Pair("x", "y")]

    def test_lanes_pair_each_for_itself(self, pairing: Pairing[str]) -> None:
        assert pairing.hello("x", room(A, "main.0"), 0) == [Wait("x", ROOM)]
        assert pairing.hello("y", room(B, "file.1"), 0) == [Wait("y", ROOM)]
        assert pairing.hello("y2", room(B, "main.0"), 0) == [Pair("x", "y2")]

    def test_rooms_are_apart(self, pairing: Pairing[str]) -> None:
        pairing.hello("x", room(A), 0)
        assert pairing.hello("y", room(B, name=OTHER_ROOM), 0) == [Wait("y", OTHER_ROOM)]

    @pytest.mark.parametrize("lane", ["main.0", "file.1"])
    def test_a_third_side_finds_it_full_on_every_lane(self, pairing: Pairing[str], lane: str) -> None:
        pairing.hello("x", room(A), 0)
        pairing.hello("y", room(B), 0)
        assert pairing.hello("z", room(C, lane), 0) == [Refuse("z", "full")]

    def test_two_that_wait_on_two_lanes_fill_a_room_too(self, pairing: Pairing[str]) -> None:
        pairing.hello("x", room(A, "main.0"), 0)
        pairing.hello("y", room(B, "file.1"), 0)
        assert pairing.hello("z", room(C, "main.0"), 0) == [Refuse("z", "full")]

    def test_a_side_that_left_makes_room(self, pairing: Pairing[str]) -> None:
        pairing.hello("x", room(A), 0)
        pairing.hello("y", room(B), 0)
        pairing.gone("x", 0)
        assert pairing.hello("z", room(C), 0) == [Wait("z", ROOM)]

    def test_a_newcomer_replaces_who_waits_on_its_side(self, pairing: Pairing[str]) -> None:
        pairing.hello("x", room(A), 0)
        assert pairing.hello("x2", room(A), 0) == [Refuse("x", "replaced"), Wait("x2", ROOM)]

    def test_a_newcomer_ends_the_pair_of_its_side_and_waits(self, pairing: Pairing[str]) -> None:
        pairing.hello("x", room(A), 0)
        pairing.hello("y", room(B), 0)
        assert pairing.hello("y2", room(B), 0) == [Close("y", "x"), Wait("y2", ROOM)]
        assert pairing.hello("x2", room(A), 0) == [Pair("y2", "x2")]

    def test_a_newcomer_of_the_same_side_on_another_lane_replaces_nobody(self, pairing: Pairing[str]) -> None:
        pairing.hello("x", room(A, "main.0"), 0)
        assert pairing.hello("x2", room(A, "file.1"), 0) == [Wait("x2", ROOM)]

    def test_a_room_is_forgotten_with_its_last_connection(self, pairing: Pairing[str]) -> None:
        pairing.hello("x", room(A), 0)
        pairing.hello("y", room(B), 0)
        pairing.gone("y", 0)
        assert len(pairing) == 0

    def test_who_is_unknown_may_go(self, pairing: Pairing[str]) -> None:
        pairing.gone("x", 0)
        pairing.hello("x", room(A), 0)
        pairing.hello("y", room(B), 0)
        pairing.gone("x", 0)
        pairing.gone("y", 0)
        assert len(pairing) == 0


class TestTime:
    @pytest.mark.parametrize("hello", [new(), room()])
    def test_a_wait_ends_after_a_day(self, pairing: Pairing[str], hello: Hello) -> None:
        pairing.hello("x", hello, 0)
        assert pairing.pass_time(limits.WAIT_SECONDS) == []
        assert pairing.pass_time(limits.WAIT_SECONDS + 1) == [Refuse("x", "nobody")]
        assert pairing.pass_time(limits.WAIT_SECONDS + 2) == []

    def test_a_pair_may_last(self, pairing: Pairing[str]) -> None:
        pairing.hello("x", room(A), 0)
        pairing.hello("y", room(B), 0)
        assert pairing.pass_time(limits.WAIT_SECONDS * 30) == []

    def test_a_number_that_is_kept_starts_its_reservation_anew(self, pairing: Pairing[str]) -> None:
        pairing.hello("x", new(), 0)
        pairing.gone("x", 0)
        pairing.hello("x2", keep(), 500)
        pairing.gone("x2", 500)
        pairing.pass_time(500 + RESERVED - 1)
        assert pairing.hello("x3", keep(), 500 + RESERVED - 1) == [Wait("x3", "1000")]
