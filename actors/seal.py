"""Pairing, key agreement and sealing (docs/security.md states every byte). No I/O, no clock; the caller sends.

    lane `pair`         A                                B
                        │──────── PAK0 ────────────────▶│      either first
                        │◀──────────────── PAK0 ────────│
                        │◀──────────────── PRF0 ────────│      B proves first: only then does A show anything
                        │──────── PRF0 ────────────────▶│      both have S
    every `main`        │◀─────── KEX0, KEX0 ──────────▶│
                        │◀─────── CNF0, CNF0 ──────────▶│      both have K, new for this connection
    every other lane    │◀─────── NON0, NON0 ──────────▶│
    all of them         │◀─────── SEAL, SEAL… ─────────▶│

LP(x) is the length of x in two bytes, network order, and x. HKDF and HMAC are with SHA-256.
"""

import hashlib
import hmac
import os
import struct
from collections.abc import Callable
from typing import Final, Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from spake2 import SPAKE2_A, SPAKE2_B
from spake2.ed25519_basic import NotOnCurve
from spake2.spake2 import SPAKEError

from actors.code import Code, verification_words
from relay import limits
from relay.wire import HEADER, SEAL, VERSION

Role = Literal["A", "B"]
Entropy = Callable[[int], bytes]
Buffer = bytes | bytearray | memoryview

PAKE_BYTES: Final = 33  # the side's letter and a point of Ed25519
PROOF_BYTES: Final = 32
KEX: Final = struct.Struct("!BIc32s32s")  # version, features, role, random, X25519 public: 70 bytes
CONFIRM_BYTES: Final = 32
NONCE_BYTES: Final = 32  # of a NON0
_TYPE_BYTES, _TAG_BYTES = 4, 16


class SealError(Exception):
    """The other side, or whoever stands in between, can't be believed. `code` names why; docs/security.md lists
    them: unreadable, early, length, version, reflected, same-role, zero-key, unconfirmed, repeated, short,
    altered, exhausted.
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def hkdf(key: bytes, info: bytes, *, salt: bytes = b"", length: int = 32) -> bytes:
    """Return `length` bytes of HKDF-SHA-256 (RFC 5869); no salt is a salt of 32 zero bytes."""
    return HKDF(SHA256(), length, salt or None, info).derive(key)


def lp(data: bytes) -> bytes:
    """Return LP(data): its length in two bytes, network order, and itself."""
    return len(data).to_bytes(2, "big") + data


def other(role: Role) -> Role:
    """Return the role at the other end."""
    return "B" if role == "A" else "A"


def _hmac(key: bytes, data: bytes) -> bytes:
    return hmac.digest(key, data, "sha256")


def _name(key: bytes, info: bytes) -> str:
    """Return 32 hex digits that name something to the relay and tell it nothing."""
    return hkdf(key, info)[:16].hex()


# --- once: from a code to the session's secret -----------------------------------------------------------------


class Pairing:
    """One try of SPAKE2 as `role` with `code`: good for one peer message, a fresh one for each try.

    The constructor (6 ms) and `receive` (10 ms) are slow, pure Python: run them in a thread. `message` is the
    payload of our PAK0. In order: `receive` the peer's, then B sends `own_proof`, A checks it with `check` and
    only then sends its own, B checks that. For A `own_proof` and `secret` raise `SealError` "early" until a right
    proof was seen: either would test a guess.
    """

    def __init__(self, role: Role, code: Code, *, entropy: Entropy = os.urandom) -> None:
        self.role = role
        self._number = code.number.encode("ascii")
        side = SPAKE2_A if role == "A" else SPAKE2_B
        self._spake = side(str(code).encode("ascii"), idA=b"visavis/1 A", idB=b"visavis/1 B", entropy_f=entropy)
        self.message: bytes = self._spake.start()
        self._transcript = b""
        self._shared = b""  # P; empty until `receive`
        self._proved = False

    def receive(self, peer_message: bytes) -> None:
        """Take the payload of the peer's PAK0. Raises `SealError` "unreadable": it ended before a proof."""
        if len(peer_message) != PAKE_BYTES:  # the package takes any length
            raise SealError("unreadable")
        try:
            shared: bytes = self._spake.finish(peer_message)
        except (SPAKEError, NotOnCurve, ValueError, AssertionError):  # all it raises for a hostile message
            raise SealError("unreadable") from None
        a, b = (self.message, peer_message) if self.role == "A" else (peer_message, self.message)
        transcript = b"visavis/1 pair" + lp(self._number) + lp(a) + lp(b)
        self._transcript = hashlib.sha256(transcript).digest()
        self._shared = shared

    @property
    def own_proof(self) -> bytes:
        """The payload of our PRF0, 32 bytes."""
        self._must_be_proved()
        return self._proof(self.role)

    def check(self, proof: bytes) -> bool:
        """Tell whether `proof`, the payload of the peer's PRF0, is right: it holds the same code."""
        self._proved = bool(self._shared) and hmac.compare_digest(self._proof(other(self.role)), proof)
        return self._proved

    @property
    def secret(self) -> bytes:
        """S, 32 bytes: to be kept just before `own_proof` is sent."""
        self._must_be_proved()
        return hkdf(self._shared, b"session", salt=self._transcript)

    def _proof(self, role: Role) -> bytes:
        key = hkdf(self._shared, b"proof " + role.encode(), salt=self._transcript)
        return _hmac(key, self._transcript)

    def _must_be_proved(self) -> None:
        if not self._shared or (self.role == "A" and not self._proved):
            raise SealError("early")


class SessionKeys:
    """What follows from S for the life of a session: where `main` meets, as whom, and the words to compare.

    `room` and `side` are 32 hex digits for the hello; `verification` are six words, the same on both sides.
    """

    def __init__(self, secret: bytes, role: Role) -> None:
        self.role = role
        self.secret = secret
        self.room = _name(secret, b"room")
        self.side = _name(secret, b"side " + role.encode())
        self.verification = verification_words(hkdf(secret, b"verify"))


# --- for every connection of `main`: an epoch ------------------------------------------------------------------


class Exchange:
    """One fresh key agreement on `main`: never used twice.

    `payload` is our KEX0. `receive` the peer's, send `own_confirmation`, `check` the peer's; only then is `epoch`
    there. `peer_features` are bits a later version may set; this one ignores them.
    """

    def __init__(self, role: Role, keys: SessionKeys, *, entropy: Entropy = os.urandom) -> None:
        self.role = role
        self._session = keys
        self._random = entropy(32)
        self._private = X25519PrivateKey.from_private_bytes(entropy(32))
        self._public = self._private.public_key().public_bytes_raw()
        self.payload = KEX.pack(VERSION, 0, role.encode(), self._random, self._public)
        self.peer_features = 0
        self._transcript = b""
        self._key = b""  # K; empty until `receive`
        self._nonces = (b"", b"")
        self._epoch: EpochKeys | None = None

    def receive(self, peer_payload: bytes) -> None:
        """Take the payload of the peer's KEX0.

        Raises `SealError`, in this order: "repeated" (one was taken before), "version" (its first byte is not 1,
        whatever follows), "length" (not 70 bytes), "reflected" (our own ephemeral key), "same-role" (its role is
        not the other one), "zero-key" (its key has small order: all would agree on zero).
        """
        if self._key:
            raise SealError("repeated")
        if peer_payload[:1] != bytes([VERSION]):
            raise SealError("version" if peer_payload else "length")
        if len(peer_payload) != KEX.size:
            raise SealError("length")
        _, self.peer_features, peer_role, peer_random, peer_public = KEX.unpack(peer_payload)
        if hmac.compare_digest(peer_public, self._public):
            raise SealError("reflected")
        if peer_role != other(self.role).encode():
            raise SealError("same-role")
        try:
            agreed = self._private.exchange(X25519PublicKey.from_public_bytes(peer_public))
        except ValueError:
            raise SealError("zero-key") from None
        if self.role == "A":
            a, b, self._nonces = self.payload, peer_payload, (self._random, peer_random)
        else:
            a, b, self._nonces = peer_payload, self.payload, (peer_random, self._random)
        transcript = b"visavis/1 main" + lp(self._session.room.encode("ascii")) + lp(a) + lp(b)
        self._transcript = hashlib.sha256(transcript).digest()
        self._key = hkdf(agreed + self._session.secret, b"epoch", salt=self._transcript)

    @property
    def own_confirmation(self) -> bytes:
        """The payload of our CNF0, 32 bytes. Raises `SealError` "early" before `receive`."""
        return self._confirmation(self.role)

    def check(self, confirmation: bytes) -> bool:
        """Tell whether `confirmation`, the payload of the peer's CNF0, is right: it has S, and saw what we saw."""
        right = hmac.compare_digest(self._confirmation(other(self.role)), confirmation)
        if right and self._epoch is None:
            self._epoch = EpochKeys(self._key, self.role, *self._nonces)
        return right

    @property
    def epoch(self) -> "EpochKeys":
        """The keys of this epoch. Raises `SealError` "unconfirmed" before a right CNF0."""
        if self._epoch is None:
            raise SealError("unconfirmed")
        return self._epoch

    def _confirmation(self, role: Role) -> bytes:
        if not self._key:
            raise SealError("early")
        return _hmac(hkdf(self._key, b"confirm " + role.encode()), self._transcript)


class EpochKeys:
    """What follows from K until `main` ends: where the other lanes meet, as whom, and each lane's two keys.

    `lanes_room` and `side` are 32 hex digits for the hello of every lane but `main`.
    """

    def __init__(self, key: bytes, role: Role, nonce_a: bytes, nonce_b: bytes) -> None:
        self.role = role
        self.lanes_room = _name(key, b"lanes")
        self.side = _name(key, b"side " + role.encode())
        self._key = key
        self._main_nonces = (nonce_a, nonce_b)
        self._given: set[bytes] = set()

    def main(self) -> tuple["Sealer", "Opener"]:
        """Return sealer and opener of `main`: once."""
        return self.lane("main.0", *self._main_nonces)

    def lane(self, name: str, nonce_a: bytes, nonce_b: bytes) -> tuple["Sealer", "Opener"]:
        """Return sealer and opener of the lane `name.generation`, from the payloads of A's and B's NON0.

        Raises `SealError`: "length" if a nonce is not 32 bytes; "repeated" if these keys were given out before,
        since a second sealer would use their packet nonces again.
        """
        if len(nonce_a) != NONCE_BYTES or len(nonce_b) != NONCE_BYTES:
            raise SealError("length")
        salt, info = nonce_a + nonce_b, b"lane" + lp(name.encode("ascii"))
        own = hkdf(self._key, info + lp(self.role.encode()), salt=salt)
        peers = hkdf(self._key, info + lp(other(self.role).encode()), salt=salt)
        if own in self._given:
            raise SealError("repeated")
        self._given.add(own)
        return Sealer(own), Opener(peers)


# --- for every packet of a lane --------------------------------------------------------------------------------
# Cipher.update_into and not AESGCM.encrypt: one copy less of every payload, which at 1 MiB is 0.12 ms a packet in
# place of 1.5 (measured), for 5 µs more on a packet of 50 bytes.


class Sealer:
    """One direction of a lane, the sending end: one key, one counter, which is the packet nonce and is never sent.

    `counter` is that of the next packet. Not for two threads at once.
    """

    def __init__(self, key: bytes, *, counter: int = 0) -> None:
        self._algorithm = algorithms.AES(key)
        self.counter = counter

    def seal(self, inner_type: bytes, payload: Buffer = b"") -> bytearray:
        """Return the whole SEAL packet, header first. Raises `SealError` "exhausted" when 2^32 were sealed."""
        if self.counter >= limits.LANE_COUNTER_END:
            raise SealError("exhausted")
        size = _TYPE_BYTES + len(payload) + _TAG_BYTES
        header = HEADER.pack(SEAL, size)
        encryptor = Cipher(self._algorithm, modes.GCM(self.counter.to_bytes(12, "big"))).encryptor()
        self.counter += 1
        encryptor.authenticate_additional_data(header)
        packet = bytearray(HEADER.size + size)
        packet[: HEADER.size] = header
        with memoryview(packet)[HEADER.size :] as body:
            encryptor.update_into(inner_type, body)
            encryptor.update_into(payload, body[_TYPE_BYTES:])
            encryptor.finalize()
            body[-_TAG_BYTES:] = encryptor.tag
        return packet


class Opener:
    """One direction of a lane, the receiving end. After an error it stays in it: the lane is over.

    `counter` is that of the next packet. Not for two threads at once.
    """

    def __init__(self, key: bytes, *, counter: int = 0) -> None:
        self._algorithm = algorithms.AES(key)
        self.counter = counter
        self._error = ""

    def open(self, payload: Buffer) -> tuple[bytes, bytearray]:
        """Return inner type and payload of the SEAL packet with this payload.

        Raises `SealError`: "short" (under 20 bytes), "exhausted" (2^32 were opened), "altered" for everything else,
        since a packet that was altered, replayed, left out, reordered, reflected or sealed for another lane all
        look the same: they are not what this key and counter make.
        """
        if not self._error and len(payload) < limits.SEAL_OVERHEAD_BYTES:
            self._error = "short"
        if not self._error and self.counter >= limits.LANE_COUNTER_END:
            self._error = "exhausted"
        if self._error:
            raise SealError(self._error)
        with memoryview(payload) as sealed:
            mode = modes.GCM(self.counter.to_bytes(12, "big"), bytes(sealed[-_TAG_BYTES:]))
            decryptor = Cipher(self._algorithm, mode).decryptor()
            decryptor.authenticate_additional_data(HEADER.pack(SEAL, len(sealed)))
            opened = bytearray(len(sealed) - limits.SEAL_OVERHEAD_BYTES)
            inner_type = decryptor.update(sealed[:_TYPE_BYTES])
            decryptor.update_into(sealed[_TYPE_BYTES:-_TAG_BYTES], opened)
            try:
                decryptor.finalize()
            except InvalidTag:
                self._error = "altered"
                raise SealError(self._error) from None
        self.counter += 1
        return inner_type, opened
