"""From a code to a session's secret, through the relay (docs/protocol.md, section 3).

A made the code and waits at its number; B entered it. On lane `pair`: both send PAK0, B proves first (PRF0), A
answers with its own proof only if B's is right, else with ERR0 `words`. An attacker has two guesses in all: one
at A (its first wrong proof burns the code), one at B (its words burn when its proof has left).
"""

import math
import random
import secrets
import time
from collections.abc import Callable
from contextlib import suppress

import trio

from actors.code import Code, make_code
from actors.dial import Connection, DialError, Dialler
from actors.messages import CodeMade, Emit, Link, LinkChanged, PhaseChanged
from actors.seal import Pairing, Role, SealError, SessionKeys
from relay import limits, wire
from relay.wire import Hello


class CodeBurnedError(Exception):
    """The code we made is dead. `cause`: "words" (someone proved wrong words), "tries" (five ended unproven),
    "expired" (nobody came, or the relay was out of reach, for a day)."""

    def __init__(self, cause: str) -> None:
        super().__init__(cause)
        self.cause = cause


class _UnprovenError(Exception):
    """The lane ended before a proof: nobody learnt anything."""


async def wait_for_joiner(dial: Dialler, relay: str, emit: Emit) -> SessionKeys:
    """Role A: take a number, make words, wait for whoever proves them; return the session's keys.

    Emits CodeMade for each code, PhaseChanged (waiting, pairing) and LinkChanged as the relay goes and comes.
    Raises `DialError` if the relay can't be had in the first place, `CodeBurnedError` when the code is dead.
    Cancelled, it closes its connection, and with that gives the number up.
    """
    side = secrets.token_hex(16)
    link = _Link(emit)
    connection = await dial(Hello("new", side))
    code = make_code(connection.room)
    emit(CodeMade(code=str(code)))
    unproven = 0
    while True:
        emit(PhaseChanged(phase="waiting", relay=relay))
        link.show("alone")
        try:
            try:
                await connection.wait_paired()
                emit(PhaseChanged(phase="pairing", relay=relay))
                return await _prove_as_maker(connection, code)
            finally:
                await connection.aclose()
        except _UnprovenError:
            unproven += 1
            if unproven >= limits.UNPROVEN_TRIES:
                raise CodeBurnedError("tries") from None
        except DialError as error:
            if error.cause == "code-nobody":  # the relay ends a wait after a day
                raise CodeBurnedError("expired") from None
            link.show("out", error)
        connection = await _keep(dial, side, code, link)
        if connection.room != code.number:  # the relay was restarted: the old number means nothing to it
            code, unproven = make_code(connection.room), 0
            emit(CodeMade(code=str(code), because="unknown"))


async def _keep(dial: Dialler, side: str, code: Code, link: "_Link") -> Connection:
    """Come back to the number, or get a new one if the relay does not know it; tried for a day.

    Raises `CodeBurnedError` "expired" after that.
    """
    wait = limits.RECONNECT_MIN_SECONDS
    hello = Hello("keep", side, code.number)
    with trio.move_on_after(limits.OUT_OF_REACH_SECONDS):
        while True:
            try:
                return await dial(hello)
            except DialError as error:
                if error.cause == "code-nobody" and hello.want == "keep":
                    hello = Hello("new", side)
                    continue
                link.show("out", error)
            await trio.sleep(wait * random.uniform(0.5, 1.0))
            wait = min(wait * 2, limits.RECONNECT_MAX_SECONDS)
    raise CodeBurnedError("expired")


async def join_maker(dial: Dialler, code: Code, burn: Callable[[Code], bool]) -> SessionKeys:
    """Role B: join whoever made `code`, prove the words first; return the session's keys.

    Returns too when our proof has left and the lane then ends. Raises `DialError`: "code-nobody" at once for a
    number nobody waits at, "code-words" if A says that the words are wrong, "code-answer" if A's own proof is,
    "code-unproven" if the lane kept ending before a proof for 30 s. `burn` is called just before the proof leaves,
    and keeps the words from being used again; if it returns False they were, and "code-burned" is raised.
    """
    hello = Hello("join", secrets.token_hex(16), code.number)
    connection: Connection | None = await dial(hello)
    wait = limits.RECONNECT_MIN_SECONDS
    with trio.move_on_after(limits.PAIR_RETRY_SECONDS) as retrying:
        while True:
            if connection is not None:
                try:
                    await connection.wait_paired()
                    return await _prove_as_joiner(connection, code, retrying, burn)
                except _UnprovenError:
                    pass
                finally:
                    await connection.aclose()
            await trio.sleep(wait * random.uniform(0.5, 1.0))
            wait = min(wait * 2, limits.RECONNECT_MAX_SECONDS)
            try:
                connection = await dial(hello)
            except DialError:
                connection = None  # "nobody" too: the owner may be on its way back
    raise DialError("code-unproven")


async def _prove_as_maker(connection: Connection, code: Code) -> SessionKeys:
    try:
        with trio.fail_after(limits.HANDSHAKE_SECONDS):
            pairing = await _exchange_pake(connection, "A", code)
            proof = await _receive(connection, wire.PROOF)
    except (trio.TooSlowError, DialError):
        raise _UnprovenError from None
    right = pairing.check(proof)
    with trio.move_on_after(limits.HANDSHAKE_SECONDS), suppress(DialError):
        if right:
            await connection.send(wire.PROOF, pairing.own_proof)
        else:
            await connection.send(wire.ERROR, wire.error_payload("words", "these are not the words of this code"))
    if not right:  # whether or not the guesser stayed to hear it
        raise CodeBurnedError("words")
    # Whatever became of our own proof: the other side is found in the session room.
    return SessionKeys(pairing.secret, "A")


async def _prove_as_joiner(
    connection: Connection, code: Code, retrying: trio.CancelScope, burn: Callable[[Code], bool]
) -> SessionKeys:
    try:
        with trio.fail_after(limits.HANDSHAKE_SECONDS):
            pairing = await _exchange_pake(connection, "B", code)
    except (trio.TooSlowError, DialError):
        raise _UnprovenError from None
    if not burn(code):
        raise DialError("code-burned")
    retrying.deadline = math.inf  # from here on the words are burned: there is no other try
    with trio.move_on_after(limits.HANDSHAKE_SECONDS):
        try:
            await connection.send(wire.PROOF, pairing.own_proof)
            answer = await _receive(connection, wire.PROOF)
        except DialError as error:
            if error.said == "words":
                raise DialError("code-words") from None
        else:
            if not pairing.check(answer):
                raise DialError("code-answer")
    # Also when no answer came: whether our proof arrived can't be known, and A, if it did, is in the session room.
    return SessionKeys(pairing.secret, "B")


async def _exchange_pake(connection: Connection, role: Role, code: Code) -> Pairing:
    """Exchange PAK0. Raises `DialError` if the lane ends or the peer's can't be read."""
    pairing = await trio.to_thread.run_sync(Pairing, role, code)  # 6 ms of Python, and 10 in `receive`
    await connection.send(wire.PAKE, pairing.message)
    message = await _receive(connection, wire.PAKE)
    try:
        await trio.to_thread.run_sync(pairing.receive, message)
    except SealError:
        raise DialError("protocol", "PAK0") from None
    return pairing


async def _receive(connection: Connection, packet_type: bytes) -> bytes:
    packet = await connection.receive()
    if packet.type != packet_type:
        raise DialError("protocol", packet_type.decode())
    return bytes(packet.payload)


class _Link:
    """Tells screens how the relay is, once for each change."""

    def __init__(self, emit: Emit) -> None:
        self._emit = emit
        self._shown: tuple[Link, str] = ("none", "")

    def show(self, link: Link, error: DialError | None = None) -> None:
        cause, detail = (error.cause, error.detail) if error else ("", "")
        if self._shown != (link, cause):
            self._shown = (link, cause)
            self._emit(LinkChanged(link=link, since=time.time(), cause=cause, detail=detail))
