"""Limits are constants that agree with each other. Each is tested at the limit where it is used."""

import re
from pathlib import Path

from relay import limits, wire
from relay.wire import Hello, encode, encode_error

LINES = Path(limits.__file__).read_text().splitlines()
CONSTANTS = {name: value for name, value in vars(limits).items() if name.isupper()}


def test_every_limit_says_why() -> None:
    bare = [line for line in LINES if re.match(r"[A-Z_0-9, ]+(: Final)? = ", line) and "#" not in line]
    assert [line.split(":")[0] for line in bare] == ["KIB", "MIB"]


def test_every_limit_is_above_zero() -> None:
    assert all(value > 0 for value in CONSTANTS.values())


def test_the_greatest_hello_fits() -> None:
    hello = Hello("room", "f" * 32, "f" * 32, "z" * limits.LANE_NAME_CHARACTERS).encode()
    assert len(hello) < limits.HELLO_BYTES / 4


def test_the_greatest_error_fits() -> None:
    error = encode_error("replaced", "\N{HANGUL SYLLABLE GA}" * 1000)
    assert len(error) < limits.HANDSHAKE_BYTES


def test_numbers_of_both_lengths_do_not_meet() -> None:
    assert len(str(limits.NUMBER_MIN)) == len(str(limits.NUMBER_MAX)) == 4
    assert len(str(limits.LONG_NUMBER_MIN)) == len(str(limits.LONG_NUMBER_MAX)) == 5


def test_one_address_can_not_hold_all_numbers() -> None:
    taken_for = limits.NUMBER_RESERVED_SECONDS + limits.NUMBER_REST_SECONDS
    held = limits.NUMBERS_MADE * taken_for / limits.NUMBERS_MADE_SECONDS
    assert held < (limits.LONG_NUMBER_MAX - limits.LONG_NUMBER_MIN) / 10


def test_a_chat_message_fits_into_a_control_packet_however_it_is_escaped() -> None:
    assert 6 * limits.CHAT_BYTES < limits.CONTROL_BYTES


def test_every_packet_type_has_four_bytes_and_one_table() -> None:
    types = [*wire.HANDSHAKE_LIMITS, *wire.PLAIN_LIMITS, *wire.LOCAL_LIMITS]
    assert len(types) == len(set(types))
    assert all(len(packet_type) == wire.TYPE_BYTES for packet_type in types)
    assert encode(wire.PAIR) == b"PAIR" + bytes(8)
