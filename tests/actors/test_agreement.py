"""From a code to a session's secret, and from that to an epoch: who gets there, and everyone who must not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.code import Code
from actors.seal import KEX, Exchange, Pairing, SealError, SessionKeys, hkdf, lp, other

CODE = Code("4711", ("acrobat", "enzyme", "vicinity"))
WRONG = Code("4711", ("acrobat", "enzyme", "zucchini"))
SECRET = b"S" * 32


def pair(code_a: Code = CODE, code_b: Code = CODE) -> tuple[Pairing, Pairing]:
    """Return A and B, each with the other's PAK0."""
    a, b = Pairing("A", code_a), Pairing("B", code_b)
    a.receive(b.message)
    b.receive(a.message)
    return a, b


def exchange(secret_a: bytes = SECRET, secret_b: bytes = SECRET) -> tuple[Exchange, Exchange]:
    """Return A and B of one epoch, each with the other's KEX0."""
    a, b = Exchange("A", SessionKeys(secret_a, "A")), Exchange("B", SessionKeys(secret_b, "B"))
    a.receive(b.payload)
    b.receive(a.payload)
    return a, b


def raises(code: str):
    return pytest.raises(SealError, match=f"^{code}$")


# --- HKDF and LP ------------------------------------------------------------------------------------------------


def test_hkdf_is_rfc_5869s():
    expanded = hkdf(b"\x0b" * 22, bytes(range(0xF0, 0xFA)), salt=bytes(range(13)), length=42)  # its test case 1
    assert expanded.hex() == ("3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865")
    assert hkdf(b"key", b"info") == hkdf(b"key", b"info", salt=bytes(32))


def test_lp_is_two_bytes_of_length_and_the_bytes():
    assert lp(b"") == b"\0\0"
    assert lp(b"x" * 258) == b"\1\2" + b"x" * 258
    with pytest.raises(OverflowError):
        lp(bytes(65536))


# --- pairing ----------------------------------------------------------------------------------------------------


def test_the_same_code_makes_the_same_secret():
    a, b = pair()
    assert len(a.message) == len(b.message) == 33
    assert a.check(b.own_proof)
    assert b.check(a.own_proof)
    assert a.secret == b.secret
    assert len(a.secret) == 32


def test_the_same_code_makes_another_secret_each_time():
    secrets = {b.secret for _, b in (pair(), pair())}
    assert len(secrets) == 2


@pytest.mark.parametrize("wrong", [WRONG, Code("4712", CODE.words)], ids=["words", "number"])
def test_another_code_is_not_proved_and_makes_no_secret(wrong: Code):
    a, b = pair(CODE, wrong)
    assert not a.check(b.own_proof)
    with raises("early"):
        _ = a.secret
    with raises("early"):
        _ = a.own_proof


def test_a_shows_nothing_that_tests_a_guess_before_b_is_right():
    a, b = Pairing("A", CODE), Pairing("B", CODE)
    a.receive(b.message)
    for read in (lambda: a.own_proof, lambda: a.secret):
        with raises("early"):
            read()
    b.receive(a.message)
    assert a.check(b.own_proof)
    assert a.own_proof
    assert a.secret


def test_nobody_has_a_proof_before_the_other_message():
    for role in ("A", "B"):
        side = Pairing(role, CODE)
        assert not side.check(bytes(32))
        with raises("early"):
            _ = side.own_proof
        with raises("early"):
            _ = side.secret


@pytest.mark.parametrize("proof", [b"", bytes(32), bytes(31), bytes(4096)])
def test_a_made_up_proof_is_wrong(proof: bytes):
    for side in pair():
        assert not side.check(proof)


def test_a_proof_of_ones_own_is_wrong():
    a, b = pair()
    assert not b.check(b.own_proof)
    assert a.check(b.own_proof)
    assert not a.check(a.own_proof)


@pytest.mark.parametrize("cut", [0, 1, 32, 34, 66])
def test_pak0_has_33_bytes(cut: int):
    message = (Pairing("B", CODE).message * 2)[:cut]
    with raises("unreadable"):
        Pairing("A", CODE).receive(message)


@pytest.mark.parametrize("role", ["A", "B"])
def test_ones_own_pak0_is_refused_whatever_side_it_claims(role: str):
    for claimed in (role, other(role), "S"):
        side = Pairing(role, CODE)
        with raises("unreadable"):
            side.receive(claimed.encode() + side.message[1:])


@pytest.mark.parametrize(
    "point",
    [
        bytes(32),  # y = 0: a point of order 4
        b"\1" + bytes(31),  # zero
        b"\xff" * 32,
        (2**255 - 19).to_bytes(32, "little"),  # y = 0 again, not in its canonical form
        (2**255 - 20).to_bytes(32, "little"),  # order 2
        b"\2" + bytes(31),  # not on the curve
    ],
)
def test_points_that_would_betray_something_are_refused(point: bytes):
    with raises("unreadable"):
        Pairing("A", CODE).receive(b"B" + point)


@given(st.binary(max_size=40) | st.binary(min_size=32, max_size=32).map(b"B".__add__))
def test_a_random_pak0_is_unreadable_or_proves_nothing(message: bytes):
    side = Pairing("A", CODE, entropy=lambda count: b"e" * count)
    try:
        side.receive(message)
    except SealError as error:
        unreadable = error.code == "unreadable"
    else:
        unreadable = False
    assert unreadable or not side.check(bytes(32))


def test_a_pairing_takes_one_message():
    a, b = pair()
    with raises("unreadable"):
        a.receive(b.message)
    assert a.check(b.own_proof)


# --- a session --------------------------------------------------------------------------------------------------


def test_both_sides_find_the_same_room_as_different_sides():
    a, b = SessionKeys(SECRET, "A"), SessionKeys(SECRET, "B")
    assert a.room == b.room
    assert len({a.room, a.side, b.side}) == 3
    for name in (a.room, a.side, b.side):
        assert len(name) == 32
        assert set(name) <= set("0123456789abcdef")
    assert a.verification == b.verification
    assert len(a.verification) == 6


def test_another_secret_has_nothing_in_common():
    one, two = SessionKeys(SECRET, "A"), SessionKeys(b"T" * 32, "A")
    assert (one.room, one.side, one.verification) != (two.room, two.side, two.verification)
    assert one.room != two.room
    assert one.side != two.side


# --- an epoch ---------------------------------------------------------------------------------------------------


def test_kex0_is_as_the_document_says():
    payload = Exchange("B", SessionKeys(SECRET, "B"), entropy=lambda count: b"r" * count).payload
    assert len(payload) == 70
    assert payload[:6] == b"\1\0\0\0\0B"
    assert payload[6:38] == b"r" * 32


def test_an_epoch_is_there_when_the_confirmation_was_right():
    a, b = exchange()
    with raises("unconfirmed"):
        _ = a.epoch
    assert not a.check(bytes(32))
    assert not a.check(a.own_confirmation)
    with raises("unconfirmed"):
        _ = a.epoch
    assert a.check(b.own_confirmation)
    assert a.epoch is a.epoch


def test_another_secret_is_not_confirmed():
    a, b = exchange(SECRET, b"T" * 32)
    assert not a.check(b.own_confirmation)
    assert not b.check(a.own_confirmation)


def test_nothing_is_confirmed_before_the_other_kex0():
    with raises("early"):
        _ = Exchange("A", SessionKeys(SECRET, "A")).own_confirmation
    with raises("early"):
        Exchange("A", SessionKeys(SECRET, "A")).check(bytes(32))


def altered_kex(role: bytes = b"B", version: int = 1, public: bytes | None = None) -> bytes:
    fields = list(KEX.unpack(Exchange("B", SessionKeys(SECRET, "B"), entropy=lambda count: b"e" * count).payload))
    fields[0], fields[2] = version, role
    return KEX.pack(*fields[:4], public if public is not None else fields[4])


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (b"", "length"),
        (altered_kex()[:-1], "length"),
        (altered_kex() + b"\0", "length"),
        (altered_kex(version=0), "version"),
        (altered_kex(version=2), "version"),
        (altered_kex(version=2) + b"more", "version"),
        (b"\2", "version"),
        (altered_kex(role=b"A"), "same-role"),
        (altered_kex(role=b"C"), "same-role"),
        (altered_kex(public=bytes(32)), "zero-key"),
        (altered_kex(public=b"\1" + bytes(31)), "zero-key"),
    ],
)
def test_a_kex0_that_is_refused(payload: bytes, code: str):
    a = Exchange("A", SessionKeys(SECRET, "A"))
    with raises(code):
        a.receive(payload)
    with raises("early"):
        _ = a.own_confirmation


def test_ones_own_ephemeral_key_is_refused_whatever_role_it_claims():
    for role in (b"A", b"B"):
        a = Exchange("A", SessionKeys(SECRET, "A"))
        with raises("reflected"):
            a.receive(a.payload[:5] + role + a.payload[6:])


def test_an_exchange_takes_one_kex0():
    a, b = exchange()
    with raises("repeated"):
        a.receive(b.payload)


@given(st.integers(1, 69), st.integers(1, 255))
def test_a_kex0_altered_on_the_way_is_refused_or_not_confirmed(place: int, flip: int):
    a, b = Exchange("A", SessionKeys(SECRET, "A")), Exchange("B", SessionKeys(SECRET, "B"))
    payload = bytearray(b.payload)
    payload[place] ^= flip
    b.receive(a.payload)
    try:
        a.receive(bytes(payload))
    except SealError:
        return
    assert not a.check(b.own_confirmation)
    assert not b.check(a.own_confirmation)


def test_a_feature_bit_of_a_later_version_is_seen_and_ignored():
    a = Exchange("A", SessionKeys(SECRET, "A"))
    payload = altered_kex()
    a.receive(payload[:4] + b"\5" + payload[5:])
    assert a.peer_features == 5


def test_a_recorded_epoch_does_not_confirm_in_a_new_one():
    recorded, _ = exchange()
    _, fresh = exchange()
    assert not fresh.check(recorded.own_confirmation)
    b = Exchange("B", SessionKeys(SECRET, "B"))
    b.receive(recorded.payload)  # yesterday's KEX0, replayed with yesterday's CNF0
    assert not b.check(recorded.own_confirmation)
