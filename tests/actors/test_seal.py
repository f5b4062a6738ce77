"""Lanes and packets: what opens, and everything that must not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.seal import EpochKeys, Exchange, Opener, Sealer, SealError, SessionKeys
from relay import limits
from relay.wire import HEADER

SECRET, KEY = b"S" * 32, b"k" * 32
NONCE_A, NONCE_B = b"a" * 32, b"b" * 32


def epoch() -> tuple[EpochKeys, EpochKeys]:
    """Return the keys of A and B in a new epoch."""
    a, b = (Exchange(role, SessionKeys(SECRET, role)) for role in ("A", "B"))
    a.receive(b.payload)
    b.receive(a.payload)
    assert a.check(b.own_confirmation)
    assert b.check(a.own_confirmation)
    return a.epoch, b.epoch


def raises(code: str):
    return pytest.raises(SealError, match=f"^{code}$")


# --- lanes ------------------------------------------------------------------------------------------------------


def refuses(opener: Opener, packet: bytes | bytearray) -> bool:
    """Tell whether this packet does not open, and the lane stays closed after it."""
    for _ in range(2):
        with raises("altered"):
            opener.open(packet[HEADER.size :])
    return True


def test_a_lane_opens_at_the_other_end_in_both_directions():
    a, b = epoch()
    assert a.lanes_room == b.lanes_room
    assert len({a.lanes_room, a.side, b.side}) == 3
    for (sealer, opener), (peer_sealer, peer_opener) in (
        (a.main(), b.main()),
        (a.lane("file.1", NONCE_A, NONCE_B), b.lane("file.1", NONCE_A, NONCE_B)),
    ):
        assert peer_opener.open(sealer.seal(b"CTL0", b"{}")[HEADER.size :]) == (b"CTL0", b"{}")
        assert opener.open(peer_sealer.seal(b"BYE0")[HEADER.size :]) == (b"BYE0", b"")


def test_ones_own_packet_sent_back_does_not_open():
    sealer, opener = epoch()[0].main()
    assert refuses(opener, sealer.seal(b"CTL0", b"{}"))


def test_ones_own_nonce_sent_back_does_not_open_ones_own_packets():
    sealer, opener = epoch()[0].lane("file.1", NONCE_A, NONCE_A)
    assert refuses(opener, sealer.seal(b"CTL0", b"{}"))


@pytest.mark.parametrize(
    ("name", "nonce_a", "nonce_b"),
    [
        ("file.2", NONCE_A, NONCE_B),
        ("video.1", NONCE_A, NONCE_B),
        ("file.1", NONCE_B, NONCE_A),
        ("file.1", NONCE_A, b"c" * 32),
        ("file.1", b"c" * 32, NONCE_B),
    ],
)
def test_a_lane_swapped_with_another_does_not_open(name: str, nonce_a: bytes, nonce_b: bytes):
    a, b = epoch()
    sealer, _ = a.lane("file.1", NONCE_A, NONCE_B)
    _, opener = b.lane(name, nonce_a, nonce_b)
    assert refuses(opener, sealer.seal(b"CTL0", b"{}"))


def test_yesterdays_lane_does_not_open_today():
    yesterday, _ = epoch()
    _, today = epoch()
    assert yesterday.lanes_room != today.lanes_room
    for packet, opener in (
        (yesterday.main()[0].seal(b"CTL0", b"{}"), today.main()[1]),
        (
            yesterday.lane("file.1", NONCE_A, NONCE_B)[0].seal(b"CTL0", b"{}"),
            today.lane("file.1", NONCE_A, NONCE_B)[1],
        ),
    ):
        assert refuses(opener, packet)


def test_no_key_is_given_out_twice():
    keys, _ = epoch()
    keys.main()
    with raises("repeated"):
        keys.main()
    keys.lane("file.1", NONCE_A, NONCE_B)
    with raises("repeated"):
        keys.lane("file.1", NONCE_A, NONCE_B)


@pytest.mark.parametrize("nonces", [(NONCE_A, NONCE_B[:-1]), (NONCE_A + b"a", NONCE_B), (b"", b"")])
def test_nonces_have_32_bytes(nonces: tuple[bytes, bytes]):
    with raises("length"):
        epoch()[0].lane("file.1", *nonces)


# --- packets ----------------------------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.binary(min_size=4, max_size=4), st.binary(max_size=2000)), max_size=20))
def test_what_is_sealed_opens_in_its_order(packets: list[tuple[bytes, bytes]]):
    sealer, opener = Sealer(KEY), Opener(KEY)
    for inner_type, payload in packets:
        packet = sealer.seal(inner_type, payload)
        assert HEADER.unpack_from(packet) == (b"SEAL", len(payload) + 20)
        assert len(packet) == len(payload) + 32
        assert opener.open(packet[HEADER.size :]) == (inner_type, payload)
    assert sealer.counter == opener.counter == len(packets)


@pytest.mark.parametrize("size", [0, 1, 64 * limits.KIB, limits.MIB])
def test_a_payload_may_be_any_buffer(size: int):
    sealer, opener = Sealer(KEY), Opener(KEY)
    for kind in (bytes, bytearray, lambda data: memoryview(data)):
        packet = sealer.seal(b"BLK0", kind(b"x" * size))
        assert opener.open(memoryview(packet)[HEADER.size :]) == (b"BLK0", b"x" * size)


def test_any_altered_byte_of_a_payload_is_seen():
    packet = Sealer(KEY).seal(b"MSG0", b"twelve bytes")[HEADER.size :]
    for place in range(len(packet)):
        for flip in (1, 0x80):
            altered = bytearray(packet)
            altered[place] ^= flip
            with raises("altered"):
                Opener(KEY).open(altered)


def test_the_header_is_sealed_too():
    packet = Sealer(KEY).seal(b"MSG0", b"twelve bytes")[HEADER.size :]
    for other_size in (packet[:-1], packet + b"\0", packet[4:], packet[:20]):
        with raises("altered"):
            Opener(KEY).open(other_size)


def test_a_packet_replayed_left_out_or_out_of_order_is_seen():
    sealer = Sealer(KEY)
    first, second, third = (sealer.seal(b"MSG0", b"%d" % n) for n in range(3))
    for order in ((first, first), (first, third), (second,), (first, second, first)):
        opener = Opener(KEY)
        for packet in order[:-1]:
            opener.open(packet[HEADER.size :])
        assert refuses(opener, order[-1])


def test_after_an_error_even_the_right_packet_does_not_open():
    sealer, opener = Sealer(KEY), Opener(KEY)
    packet = sealer.seal(b"MSG0", b"hello")[HEADER.size :]
    with raises("altered"):
        opener.open(packet[:-1] + b"?")
    with raises("altered"):
        opener.open(packet)
    opener = Opener(KEY)
    with raises("short"):
        opener.open(packet[:19])
    with raises("short"):
        opener.open(packet)


@pytest.mark.parametrize(("size", "code"), [(0, "short"), (19, "short"), (20, "altered")])
def test_a_seal_has_twenty_bytes_at_least(size: int, code: str):
    with raises(code):
        Opener(KEY).open(bytes(size))


def test_a_lane_ends_before_its_counter_reaches_2_to_the_32():
    last = limits.LANE_COUNTER_END - 1
    sealer, opener = Sealer(KEY, counter=last), Opener(KEY, counter=last)
    assert opener.open(sealer.seal(b"MSG0", b"last")[HEADER.size :]) == (b"MSG0", b"last")
    with raises("exhausted"):
        sealer.seal(b"MSG0", b"one more")
    with raises("exhausted"):
        opener.open(bytes(20))
