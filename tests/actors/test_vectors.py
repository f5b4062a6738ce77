"""docs/security.md is true: every line of its test vectors is computed twice, by hand and by the program."""

import hashlib
import hmac
import io
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from spake2 import SPAKE2_A, SPAKE2_B

from actors.code import long_words, parse_code
from actors.seal import Exchange, Pairing, SessionKeys

DOCUMENT = Path(__file__).parents[2] / "docs" / "security.md"
GIVEN = (
    "code",
    "pake-entropy-a",
    "pake-entropy-b",
    "kex-random-a",
    "kex-private-a",
    "kex-random-b",
    "kex-private-b",
    "lane-name",
    "lane-nonce-a",
    "lane-nonce-b",
    "payload-0",
)


@pytest.fixture(scope="module")
def vectors() -> dict[str, bytes]:
    """The document's lines `name = hex`."""
    _, _, after = DOCUMENT.read_text().partition("```vectors\n")
    block, _, _ = after.partition("```")
    lines = [line.split(" = ") for line in block.splitlines() if line and not line.startswith("#")]
    return {name.strip(): bytes.fromhex(value) for name, value in lines}


def test_every_line_is_what_the_text_says(vectors: dict[str, bytes]):
    given = {name: vectors[name] for name in GIVEN}
    assert vectors == given | by_hand(given)


def test_every_line_is_what_the_program_makes(vectors: dict[str, bytes]):
    v = vectors
    code = parse_code(v["code"].decode())
    a, b = (Pairing(role, code, entropy=drawn(v[f"pake-entropy-{role.lower()}"])) for role in ("A", "B"))
    assert (a.message, b.message) == (v["pak-a"], v["pak-b"])
    a.receive(b.message)
    b.receive(a.message)
    assert b.own_proof == v["proof-b"]
    assert a.check(v["proof-b"])
    assert a.own_proof == v["proof-a"]
    assert b.check(v["proof-a"])
    assert a.secret == b.secret == v["s"]

    ours, theirs = SessionKeys(v["s"], "A"), SessionKeys(v["s"], "B")
    assert ours.room == theirs.room == v["room"].hex()
    assert (ours.side, theirs.side) == (v["side-a"].hex(), v["side-b"].hex())
    assert ours.verification == theirs.verification == tuple(v["words"].decode().split(" "))

    ends = [
        Exchange(keys.role, keys, entropy=drawn(v[f"kex-random-{name}"] + v[f"kex-private-{name}"]))
        for keys, name in ((ours, "a"), (theirs, "b"))
    ]
    assert [end.payload for end in ends] == [v["kex-a"], v["kex-b"]]
    for end, other in zip(ends, reversed(ends), strict=True):
        end.receive(other.payload)
    assert [end.own_confirmation for end in ends] == [v["cnf-a"], v["cnf-b"]]
    assert ends[0].check(v["cnf-b"])
    assert ends[1].check(v["cnf-a"])
    one, two = (end.epoch for end in ends)
    assert one.lanes_room == two.lanes_room == v["lanes-room"].hex()
    assert (one.side, two.side) == (v["lanes-side-a"].hex(), v["lanes-side-b"].hex())

    (sealer, _), (other_sealer, opener) = one.main(), two.main()
    packets = [bytes(sealer.seal(b"CTL0", v["payload-0"])), bytes(sealer.seal(b"BYE0"))]
    assert packets == [v["main-packet-a-0"], v["main-packet-a-1"]]
    assert bytes(other_sealer.seal(b"CTL0", v["payload-0"])) == v["main-packet-b-0"]
    assert opener.open(packets[0][12:]) == (b"CTL0", v["payload-0"])
    assert opener.open(packets[1][12:]) == (b"BYE0", b"")
    lane, _ = one.lane(v["lane-name"].decode(), v["lane-nonce-a"], v["lane-nonce-b"])
    assert bytes(lane.seal(b"BYE0")) == v["lane-packet-a-0"]


def drawn(entropy: bytes) -> Callable[[int], bytes]:
    """Return a source that gives this entropy out from its beginning."""
    return io.BytesIO(entropy).read


# --- the key schedule again, from the document's text and the standard library -----------------------------------


def by_hand(given: dict[str, bytes]) -> dict[str, bytes]:
    v = dict(given)
    number = v["code"].split(b"-")[0]
    sides = {
        "a": SPAKE2_A(v["code"], b"visavis/1 A", b"visavis/1 B", entropy_f=drawn(v["pake-entropy-a"])),
        "b": SPAKE2_B(v["code"], b"visavis/1 A", b"visavis/1 B", entropy_f=drawn(v["pake-entropy-b"])),
    }
    v |= {f"pak-{name}": side.start() for name, side in sides.items()}
    v["p"] = sides["a"].finish(v["pak-b"])
    v["pair-th"] = hashlib.sha256(b"visavis/1 pair" + lp(number) + lp(v["pak-a"]) + lp(v["pak-b"])).digest()
    for name in ("b", "a"):
        key = hkdf(v["p"], v["pair-th"], b"proof " + name.upper().encode())
        v[f"proof-{name}"] = mac(key, v["pair-th"])
    v["s"] = hkdf(v["p"], v["pair-th"], b"session")

    v["room"] = hkdf(v["s"], b"", b"room")[:16]
    v["side-a"] = hkdf(v["s"], b"", b"side A")[:16]
    v["side-b"] = hkdf(v["s"], b"", b"side B")[:16]
    v["verify"] = hkdf(v["s"], b"", b"verify")
    integer = int.from_bytes(v["verify"], "big")
    v["words"] = " ".join(long_words()[integer // 7776**place % 7776] for place in range(6)).encode()

    private = {name: X25519PrivateKey.from_private_bytes(v[f"kex-private-{name}"]) for name in ("a", "b")}
    public = {name: key.public_key().public_bytes_raw() for name, key in private.items()}
    for name in ("a", "b"):
        v[f"kex-{name}"] = b"\1" + bytes(4) + name.upper().encode() + v[f"kex-random-{name}"] + public[name]
    v["x25519"] = private["a"].exchange(X25519PublicKey.from_public_bytes(public["b"]))
    room = v["room"].hex().encode()
    v["main-th"] = hashlib.sha256(b"visavis/1 main" + lp(room) + lp(v["kex-a"]) + lp(v["kex-b"])).digest()
    v["k"] = hkdf(v["x25519"] + v["s"], v["main-th"], b"epoch")
    v["cnf-a"] = mac(hkdf(v["k"], b"", b"confirm A"), v["main-th"])
    v["cnf-b"] = mac(hkdf(v["k"], b"", b"confirm B"), v["main-th"])

    v["lanes-room"] = hkdf(v["k"], b"", b"lanes")[:16]
    v["lanes-side-a"] = hkdf(v["k"], b"", b"side A")[:16]
    v["lanes-side-b"] = hkdf(v["k"], b"", b"side B")[:16]
    for lane, name, salt in (
        ("main", b"main.0", v["kex-random-a"] + v["kex-random-b"]),
        ("lane", v["lane-name"], v["lane-nonce-a"] + v["lane-nonce-b"]),
    ):
        v[f"{lane}-key-a"] = hkdf(v["k"], salt, b"lane" + lp(name) + lp(b"A"))
        v[f"{lane}-key-b"] = hkdf(v["k"], salt, b"lane" + lp(name) + lp(b"B"))
    v["main-packet-a-0"] = packet(v["main-key-a"], 0, b"CTL0" + v["payload-0"])
    v["main-packet-a-1"] = packet(v["main-key-a"], 1, b"BYE0")
    v["main-packet-b-0"] = packet(v["main-key-b"], 0, b"CTL0" + v["payload-0"])
    v["lane-packet-a-0"] = packet(v["lane-key-a"], 0, b"BYE0")
    return {name: value for name, value in v.items() if name not in given}


def packet(key: bytes, counter: int, inside: bytes) -> bytes:
    header = b"SEAL" + (len(inside) + 16).to_bytes(8, "big")
    return header + AESGCM(key).encrypt(counter.to_bytes(12, "big"), inside, header)


def hkdf(key: bytes, salt: bytes, info: bytes) -> bytes:
    """RFC 5869 for one block of output."""
    return mac(mac(salt or bytes(32), key), info + b"\1")


def mac(key: bytes, data: bytes) -> bytes:
    return hmac.new(key, data, "sha256").digest()


def lp(data: bytes) -> bytes:
    return len(data).to_bytes(2, "big") + data
