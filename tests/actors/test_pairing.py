"""Two people become a pair by a code, and what a hostile relay gets out of it."""

import secrets

import pytest
import trio

from actors.code import Code
from actors.pairing import join_maker, wait_for_joiner
from relay import limits, wire
from relay.wire import Packet
from tests.actors.mallory import Mallory, pass_on
from tests.actors.sides import until
from tests.actors.table import JOINER, MAKER, OTHER_WORDS, RELAY, Clock, Meddle, Table, Task, cut, on

pytestmark = pytest.mark.usefixtures("in_one_thread")


# --- as it should be --------------------------------------------------------------------------------------------------


async def test_the_right_words_give_both_the_same_secret(autojump_clock: Clock, table: Table):
    joiner = table.join(await table.code())
    await until(lambda: joiner.done and table.maker.done)
    assert table.maker.keys is not None
    assert joiner.keys is not None
    assert table.maker.keys.secret == joiner.keys.secret
    assert table.maker.keys.room == joiner.keys.room
    assert table.maker.keys.verification == joiner.keys.verification
    assert table.maker.keys.side != joiner.keys.side
    assert (table.maker.keys.role, joiner.keys.role) == ("A", "B")


async def test_the_maker_says_what_happens(autojump_clock: Clock, table: Table):
    joiner = table.join(await table.code())
    await until(lambda: joiner.done and table.maker.done)
    assert [type(event).__name__ for event in table.events] == [
        "CodeMade",
        "PhaseChanged",
        "LinkChanged",
        "PhaseChanged",
    ]
    assert table.phases == ["waiting", "pairing"]
    assert table.codes[0].because == ""


async def test_the_joiner_proves_first_and_words_are_never_sent(autojump_clock: Clock, table: Table):
    code = await table.code()
    joiner = table.join(code)
    await until(lambda: joiner.done and table.maker.done)
    proofs = [sender for sender, packet in table.seen if packet.type == wire.PROOF]
    assert proofs == [JOINER, MAKER]
    assert table.sent(MAKER) == table.sent(JOINER) == [wire.PAKE, wire.PROOF]
    for hello in table.mallory.hellos:
        assert not any(word.encode() in hello.encode() for word in code.words)
    for _, packet in table.seen:
        assert not any(word.encode() in packet.payload for word in code.words)


async def test_a_relay_that_only_looks_on_does_not_learn_where_they_will_meet(autojump_clock: Clock, table: Table):
    joiner = table.join(await table.code())
    await until(lambda: joiner.done and table.maker.done)
    assert table.maker.keys is not None
    for _, packet in table.seen:
        assert bytes.fromhex(table.maker.keys.room) not in packet.payload


async def test_the_maker_waits_for_hours(autojump_clock: Clock, table: Table):
    code = await table.code()
    await trio.sleep(20 * 3600)
    joiner = table.join(code)
    await until(lambda: joiner.done and table.maker.done)
    assert joiner.keys is not None


async def test_giving_up_gives_the_number_up(autojump_clock: Clock):
    async with trio.open_nursery() as nursery:
        mallory = Mallory(nursery)
        with trio.move_on_after(60):
            await wait_for_joiner(mallory.dialler(), RELAY, lambda event: None)
        await until(lambda: not mallory._waiting, 1)


# --- the joiner -------------------------------------------------------------------------------------------------------


async def test_a_number_at_which_nobody_waits_is_said_at_once(autojump_clock: Clock, table: Table):
    await table.code()
    joiner = table.join(Code("9876", OTHER_WORDS))
    begun = trio.current_time()
    await until(lambda: joiner.done)
    assert joiner.cause == "code-nobody"
    assert trio.current_time() - begun < 1


async def test_a_relay_that_cannot_be_reached_is_said_at_once(autojump_clock: Clock, table: Table):
    code = await table.code()
    table.mallory.unreachable = True
    joiner = table.join(code)
    await until(lambda: joiner.done, 1)
    assert joiner.cause == "relay-refused"


@pytest.mark.parametrize(
    "meddle",
    [on(MAKER, wire.PAKE, cut, 3), on(JOINER, wire.PAKE, cut, 3)],
    ids=["at-the-makers", "at-the-joiners"],
)
async def test_a_lane_that_breaks_before_the_proof_is_tried_again(autojump_clock: Clock, table: Table, meddle: Meddle):
    table.meddle = meddle
    joiner = table.join(await table.code())
    await until(lambda: joiner.done and table.maker.done)
    assert joiner.keys is not None
    assert table.maker.keys is not None
    assert joiner.keys.secret == table.maker.keys.secret
    # Each try is a fresh SPAKE2: the same point sent twice would say that the words are the same.
    points = [packet.payload for _, packet in table.seen if packet.type == wire.PAKE]
    assert len(points) == len(set(points))


async def test_while_it_tries_again_nobody_there_is_no_answer(autojump_clock: Clock, table: Table):
    """The maker's own connection broke too, and it is back only after a while."""
    table.meddle = on(MAKER, wire.PAKE, cut)
    code = await table.code()
    joiner = table.join(code)
    await until(lambda: table.seen)
    table.mallory.unreachable = True
    await trio.sleep(20)
    table.mallory.unreachable = False
    await until(lambda: joiner.done and table.maker.done)
    assert joiner.keys is not None


async def test_it_tries_for_thirty_seconds_and_then_says_so(autojump_clock: Clock, table: Table):
    table.meddle = on(MAKER, wire.PAKE, cut, 1000)
    joiner = table.join(await table.code())
    begun = trio.current_time()
    await until(lambda: joiner.done)
    assert joiner.cause == "code-unproven"
    assert trio.current_time() - begun == pytest.approx(limits.PAIR_RETRY_SECONDS, abs=1)
    assert table.maker.cause == "tries"
    assert wire.PROOF not in table.sent(JOINER)


@pytest.mark.parametrize("sender", [JOINER, MAKER])
async def test_a_lane_that_ends_after_the_proof_has_left_ends_the_use_of_the_words(
    autojump_clock: Clock, table: Table, sender: int
):
    table.meddle = on(sender, wire.PROOF, cut)
    joiner = table.join(await table.code())
    await until(lambda: joiner.done)
    await trio.sleep(2 * limits.PAIR_RETRY_SECONDS)
    assert joiner.keys is not None  # it goes to the session room, and finds out there
    assert table.sent(JOINER) == [wire.PAKE, wire.PROOF]
    assert table.wants.count("join") == 1
    if sender == JOINER:  # the maker saw no proof, and stays out of the session room
        assert not table.maker.done
        assert table.wants == ["new", "join", "keep"]
    else:
        assert table.maker.keys is not None
        assert table.maker.keys.secret == joiner.keys.secret


async def test_a_proof_that_is_not_answered_is_a_proof_that_has_left(autojump_clock: Clock, table: Table):
    table.meddle = on(JOINER, wire.PROOF, lambda packet: b"")
    joiner = table.join(await table.code())
    await until(lambda: joiner.done, 2 * limits.HANDSHAKE_SECONDS)
    assert joiner.keys is not None
    assert table.sent(JOINER) == [wire.PAKE, wire.PROOF]


async def test_a_relay_that_forges_wrong_words_gains_what_closing_gives_it(autojump_clock: Clock, table: Table):
    table.meddle = on(MAKER, wire.PROOF, lambda packet: wire.encode_error("words", "forged"))
    joiner = table.join(await table.code())
    await until(lambda: joiner.done)
    assert joiner.cause == "code-words"
    await trio.sleep(60)
    assert set(table.wants) == {"new", "join"}


async def test_wrong_words_said_before_the_proof_are_not_believed(autojump_clock: Clock, table: Table):
    table.meddle = on(MAKER, wire.PAKE, lambda packet: wire.encode_error("words", "forged"))
    joiner = table.join(await table.code())
    await until(lambda: joiner.done and table.maker.done)
    assert joiner.keys is not None


@pytest.mark.parametrize("proof", [b"", bytes(32), secrets.token_bytes(32)], ids=["empty", "zero", "random"])
async def test_a_maker_that_cannot_prove_itself_is_named(autojump_clock: Clock, table: Table, proof: bytes):
    table.meddle = on(MAKER, wire.PROOF, lambda packet: wire.encode(wire.PROOF, proof))
    joiner = table.join(await table.code())
    await until(lambda: joiner.done)
    assert joiner.cause == "code-answer"
    assert table.wants.count("join") == 1


async def test_the_joiners_own_proof_sent_back_to_it_proves_nothing(autojump_clock: Clock, table: Table):
    code = await table.code()
    own: list[bytes] = []

    def meddle(lane: str, sender: int, index: int, packet: Packet) -> bytes:
        if packet.type == wire.PROOF and sender == JOINER:
            own.append(packet.payload)
        if packet.type == wire.PROOF and sender == MAKER:
            return wire.encode(wire.PROOF, own[0])
        return pass_on(lane, sender, index, packet)

    table.meddle = meddle
    joiner = table.join(code)
    await until(lambda: joiner.done)
    assert joiner.cause == "code-answer"


# --- a relay that goes and comes --------------------------------------------------------------------------------------


async def test_a_maker_keeps_its_code_while_the_relay_is_away(autojump_clock: Clock, table: Table):
    code = await table.code()
    table.mallory.unreachable = True
    await table.mallory.drop_waiting()
    await trio.sleep(300)
    assert table.links[:2] == ["alone", "out cut"]
    assert table.links[-1] == "out relay-refused"
    table.mallory.unreachable = False
    await until(lambda: table.links[-1] == "alone", 2 * limits.RECONNECT_MAX_SECONDS)
    assert await table.code() == code
    joiner = table.join(code)
    await until(lambda: joiner.done and table.maker.done)
    assert joiner.keys is not None


async def test_a_relay_that_forgot_the_number_means_a_new_code(autojump_clock: Clock, table: Table):
    old = await table.code()
    table.mallory.number = "4712"
    await table.mallory.drop_waiting()
    await until(lambda: len(table.codes) == 2)
    assert table.codes[1].because == "unknown"
    new = await table.code()
    assert new.number == "4712"
    assert new.words != old.words
    joiner = table.join(new)
    await until(lambda: joiner.done and table.maker.done)
    assert joiner.keys is not None
    assert table.wants == ["new", "keep", "new", "join"]


async def test_a_relay_restarted_behind_a_network_that_is_slow_to_come_back(autojump_clock: Clock, table: Table):
    await table.code()
    table.mallory.number, table.mallory.unreachable = "4712", True
    await table.mallory.drop_waiting()
    await trio.sleep(60)
    table.mallory.unreachable = False
    await until(lambda: len(table.codes) == 2)
    assert (await table.code()).number == "4712"


@pytest.mark.parametrize("cause", ["limit", "draining", "version"])
async def test_a_first_no_from_the_relay_is_the_end(autojump_clock: Clock, cause: str):
    async with trio.open_nursery() as nursery:
        mallory = Mallory(nursery)
        mallory.refuse = cause
        maker = Task(nursery, lambda: wait_for_joiner(mallory.dialler(), RELAY, lambda event: None))
        joiner = Task(nursery, lambda: join_maker(mallory.dialler(), Code("4711", OTHER_WORDS), lambda code: True))
        await until(lambda: maker.done and joiner.done, 1)
        assert maker.cause == joiner.cause == f"relay-{cause}"
