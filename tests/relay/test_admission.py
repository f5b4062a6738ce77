"""How much one address may ask for."""

import pytest

from relay.admission import Admission, Rate, address_key


@pytest.mark.parametrize(
    ("host", "key"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::9", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::/64"),
    ],
)
def test_what_counts_as_one_address(host: str, key: str) -> None:
    assert address_key(host) == key


class TestAdmission:
    def test_an_address_has_its_connections_and_not_one_more(self) -> None:
        admission = Admission(total=100, connections=3, unpaired=100)
        assert [admission.admit("x") for _ in range(4)] == [True, True, True, False]
        assert admission.admit("y")
        admission.left("x", settled=False)
        assert [admission.admit("x") for _ in range(2)] == [True, False]

    def test_of_those_only_some_may_wait(self) -> None:
        admission = Admission(total=100, connections=100, unpaired=2)
        assert [admission.admit("x") for _ in range(3)] == [True, True, False]
        admission.settled("x")
        assert [admission.admit("x") for _ in range(2)] == [True, False]

    def test_all_together_have_a_limit(self) -> None:
        admission = Admission(total=2, connections=100, unpaired=100)
        assert [admission.admit(key) for key in "xyz"] == [True, True, False]
        admission.left("x", settled=False)
        assert admission.admit("z")

    def test_an_address_without_connections_is_forgotten(self) -> None:
        admission = Admission(total=100, connections=100, unpaired=100)
        for settled in (True, False):
            admission.admit("x")
            if settled:
                admission.settled("x")
            admission.left("x", settled=settled)
        assert len(admission) == 0


class TestRate:
    def test_so_many_in_a_while_and_not_one_more(self) -> None:
        rate = Rate(3, 60)
        for second in range(3):
            assert not rate.exhausted("x", second)
            rate.add("x", second)
        assert rate.exhausted("x", 59)
        assert not rate.exhausted("y", 59)
        assert not rate.exhausted("x", 60)
        rate.add("x", 60)
        assert not rate.exhausted("x", 119)

    def test_a_window_that_is_over_is_forgotten(self) -> None:
        rate = Rate(3, 60)
        rate.add("x", 0)
        rate.add("y", 30)
        rate.add("x", 31)
        rate.pass_time(60)
        assert len(rate) == 1
        rate.pass_time(90)
        assert len(rate) == 0

    def test_addresses_are_bounded_in_number(self) -> None:
        rate = Rate(1, 60, keys=2)
        for second, key in enumerate("xyz"):
            rate.add(key, second)
        assert len(rate) == 2
        assert not rate.exhausted("x", 3)
        assert rate.exhausted("y", 3)
        assert rate.exhausted("z", 3)
