"""What someone who knows the number and not the words gets out of it: two guesses in all."""

from collections.abc import Callable
from typing import Any

import pytest
import trio

from actors.code import Code
from actors.dial import Connection
from actors.pairing import CodeBurnedError
from actors.seal import Pairing
from relay import limits, wire
from tests.actors.sides import until
from tests.actors.table import MAKER, OTHER_WORDS, Clock, Table, guesser, prove

pytestmark = pytest.mark.usefixtures("in_one_thread")


# --- guessers, at the maker -------------------------------------------------------------------------------------------


async def test_wrong_words_burn_the_code_at_once(autojump_clock: Clock, table: Table):
    code = await table.code()
    joiner = table.join(Code(code.number, OTHER_WORDS))
    await until(lambda: joiner.done and table.maker.done)
    assert isinstance(table.maker.error, CodeBurnedError)
    assert table.maker.cause == "words"
    assert joiner.cause == "code-words"
    assert wire.PROOF not in table.sent(MAKER)  # nothing that would test another guess
    assert set(table.wants) == {"new", "join"}  # and nobody went to a session room, whose name would test one too
    late = table.join(code)
    await until(lambda: late.done)
    assert late.cause == "code-nobody"


async def test_a_guesser_that_hangs_up_right_after_its_proof_burns_the_code_all_the_same(
    autojump_clock: Clock, table: Table
):
    code = await table.code()
    connection = await guesser(table)
    await prove(connection, Code(code.number, OTHER_WORDS))
    await connection.aclose()
    await until(lambda: table.maker.done)
    assert table.maker.cause == "words"


@pytest.mark.parametrize("proof", [b"", bytes(31), bytes(32), bytes(33), bytes(4096)])
async def test_any_proof_that_is_not_right_burns_the_code(autojump_clock: Clock, table: Table, proof: bytes):
    await table.code()
    connection = await guesser(table)
    await connection.send(wire.PAKE, Pairing("B", Code(table.mallory.number, OTHER_WORDS)).message)
    await connection.send(wire.PROOF, proof)
    await until(lambda: table.maker.done)
    assert table.maker.cause == "words"


async def before_a_word(connection: Connection) -> None:
    await connection.aclose()


async def before_its_proof(connection: Connection) -> None:
    await connection.send(wire.PAKE, Pairing("B", Code("4711", OTHER_WORDS)).message)
    await connection.receive()
    await connection.aclose()


async def silent(connection: Connection) -> None:
    await trio.sleep(limits.HANDSHAKE_SECONDS + 1)


async def short(connection: Connection) -> None:
    await connection.send(wire.PAKE, b"A")
    await connection.receive()


async def long(connection: Connection) -> None:
    await connection.send(wire.PAKE, bytes(34))
    await connection.receive()


async def no_point(connection: Connection) -> None:
    await connection.send(wire.PAKE, b"B" + b"\xff" * 32)
    await connection.receive()


async def of_the_same_side(connection: Connection) -> None:
    await connection.send(wire.PAKE, Pairing("A", Code("4711", OTHER_WORDS)).message)
    await connection.receive()


async def reflected(connection: Connection) -> None:
    await connection.send(wire.PAKE, (await connection.receive()).payload)


async def of_another_type(connection: Connection) -> None:
    await connection.send(wire.PROOF, bytes(32))


async def of_no_type(connection: Connection) -> None:
    await connection.stream.send_all(b"\x00" * 64)


async def huge(connection: Connection) -> None:
    await connection.stream.send_all(wire.HEADER.pack(wire.PAKE, 2**63))


UNPROVEN = [
    before_a_word,
    before_its_proof,
    silent,
    short,
    long,
    no_point,
    of_the_same_side,
    reflected,
    of_another_type,
    of_no_type,
    huge,
]


@pytest.mark.parametrize("behaves", UNPROVEN, ids=lambda b: b.__name__)
async def test_an_end_before_a_proof_burns_nothing(
    autojump_clock: Clock, table: Table, behaves: Callable[[Connection], Any]
):
    code = await table.code()
    await behaves(await guesser(table))
    await until(lambda: table.phases[-1] == "waiting" and len(table.phases) == 3)
    assert table.wants == ["new", "join", "keep"]
    assert {hello.side for hello in table.mallory.hellos if hello.want != "join"} == {table.mallory.hellos[0].side}
    assert await table.code() == code
    joiner = table.join(code)
    await until(lambda: joiner.done and table.maker.done)
    assert joiner.keys is not None
    assert wire.PROOF not in table.sent(MAKER)[:-1]


async def test_five_of_those_end_the_code(autojump_clock: Clock, table: Table):
    for behaves in (before_a_word, before_its_proof, short, no_point):
        await table.code()
        await behaves(await guesser(table))
    await table.code()
    assert not table.maker.done
    await before_its_proof(await guesser(table))
    await until(lambda: table.maker.done)
    assert table.maker.cause == "tries"
    assert limits.UNPROVEN_TRIES == 5
    assert wire.PROOF not in table.sent(MAKER)
