"""Two people become a pair by a code, and what guessers and a hostile relay get out of it."""

import secrets
from collections.abc import Callable
from typing import Any

import pytest
import trio

from actors.code import Code, parse_code
from actors.dial import Connection, DialError
from actors.messages import AnyEvent, CodeMade, LinkChanged, PhaseChanged
from actors.pairing import CodeBurnedError, join_maker, wait_for_joiner
from actors.seal import Pairing, SessionKeys
from relay import limits, wire
from relay.wire import Hello, Packet
from tests.actors.mallory import CutError, Mallory, pass_on
from tests.actors.test_session import until

RELAY = "relay.example:9999"
OTHER_WORDS = ("acid", "acorn", "acre")
MAKER, JOINER = 0, 1  # who sent a packet: the maker came first
Meddle = Callable[[str, int, int, Packet], bytes]


@pytest.fixture(autouse=True)
def in_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do the arithmetic here: virtual time would run on while another thread works."""

    async def run_here(work: Callable[..., Any], *args: Any) -> Any:
        await trio.lowlevel.checkpoint()
        return work(*args)

    monkeypatch.setattr("trio.to_thread.run_sync", run_here)


class Task:
    """Something that pairs, in the background: what it returned, or raised."""

    def __init__(self, nursery: trio.Nursery, work: Callable[[], Any]) -> None:
        self.keys: SessionKeys | None = None
        self.error: DialError | CodeBurnedError | None = None
        self._work = work
        nursery.start_soon(self._run)

    async def _run(self) -> None:
        try:
            self.keys = await self._work()
        except (DialError, CodeBurnedError) as error:
            self.error = error

    @property
    def done(self) -> bool:
        return bool(self.keys or self.error)

    @property
    def cause(self) -> str:
        return self.error.cause if self.error else ""


class Table:
    """A maker, with what its screen was told, and a relay that notes every packet it passes on."""

    def __init__(self, nursery: trio.Nursery) -> None:
        self.nursery = nursery
        self.mallory = Mallory(nursery)
        self.mallory.meddle = self._meddle
        self.meddle: Meddle = pass_on
        self.seen: list[tuple[int, Packet]] = []
        self.events: list[AnyEvent] = []
        self.maker = Task(nursery, lambda: wait_for_joiner(self.mallory.dialler(), RELAY, self.events.append))

    def _meddle(self, lane: str, sender: int, index: int, packet: Packet) -> bytes:
        self.seen.append((sender, packet))
        return self.meddle(lane, sender, index, packet)

    async def code(self) -> Code:
        """The code on the maker's screen, which waits for its joiner."""
        await until(lambda: self.phases[-1:] == ["waiting"] and self.mallory._waiting)
        return parse_code(self.codes[-1].code)

    def join(self, code: Code) -> Task:
        return Task(self.nursery, lambda: join_maker(self.mallory.dialler(), code))

    def sent(self, sender: int) -> list[bytes]:
        return [packet.type for who, packet in self.seen if who == sender]

    @property
    def codes(self) -> list[CodeMade]:
        return [event for event in self.events if isinstance(event, CodeMade)]

    @property
    def phases(self) -> list[str]:
        return [event.phase for event in self.events if isinstance(event, PhaseChanged)]

    @property
    def links(self) -> list[str]:
        return [f"{e.link} {e.cause}".strip() for e in self.events if isinstance(e, LinkChanged)]

    @property
    def wants(self) -> list[str]:
        return [hello.want for hello in self.mallory.hellos]


@pytest.fixture
async def table(autojump_clock: trio.testing.MockClock, nursery: trio.Nursery) -> Table:
    return Table(nursery)


async def guesser(table: Table) -> Connection:
    """Someone who knows the number, paired with the maker."""
    connection = await table.mallory.dialler()(Hello("join", secrets.token_hex(16), table.mallory.number))
    await connection.wait_paired()
    return connection


async def prove(connection: Connection, code: Code) -> Pairing:
    """Play the joiner's part with this code, up to its proof."""
    pairing = Pairing("B", code)
    await connection.send(wire.PAKE, pairing.message)
    pairing.receive((await connection.receive()).payload)
    await connection.send(wire.PROOF, pairing.own_proof)
    return pairing


def on(sender: int, packet_type: bytes, does: Callable[[Packet], bytes], times: int = 1) -> Meddle:
    """Meddle with the first `times` packets of this type."""
    left = times

    def meddle(lane: str, who: int, index: int, packet: Packet) -> bytes:
        nonlocal left
        if (who, packet.type) == (sender, packet_type) and left:
            left -= 1
            return does(packet)
        return pass_on(lane, who, index, packet)

    return meddle


def cut(packet: Packet) -> bytes:
    raise CutError


# --- as it should be ----------------------------------------------------------------------------------------------


async def test_the_right_words_give_both_the_same_secret(table: Table):
    joiner = table.join(await table.code())
    await until(lambda: joiner.done and table.maker.done)
    assert table.maker.keys is not None
    assert joiner.keys is not None
    assert table.maker.keys.secret == joiner.keys.secret
    assert table.maker.keys.room == joiner.keys.room
    assert table.maker.keys.verification == joiner.keys.verification
    assert table.maker.keys.side != joiner.keys.side
    assert (table.maker.keys.role, joiner.keys.role) == ("A", "B")


async def test_the_maker_says_what_happens(table: Table):
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


async def test_the_joiner_proves_first_and_words_are_never_sent(table: Table):
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


async def test_a_relay_that_only_looks_on_does_not_learn_where_they_will_meet(table: Table):
    joiner = table.join(await table.code())
    await until(lambda: joiner.done and table.maker.done)
    assert table.maker.keys is not None
    for _, packet in table.seen:
        assert bytes.fromhex(table.maker.keys.room) not in packet.payload


async def test_the_maker_waits_for_hours(table: Table):
    code = await table.code()
    await trio.sleep(20 * 3600)
    joiner = table.join(code)
    await until(lambda: joiner.done and table.maker.done)
    assert joiner.keys is not None


async def test_giving_up_gives_the_number_up(autojump_clock: trio.testing.MockClock):
    async with trio.open_nursery() as nursery:
        async with trio.open_nursery() as inner:
            table = Table(nursery)
            table.maker = Task(inner, lambda: wait_for_joiner(table.mallory.dialler(), RELAY, table.events.append))
            await until(lambda: len(table.phases) == 2)
            inner.cancel_scope.cancel()
        nursery.cancel_scope.cancel()


# --- guessers, at the maker ---------------------------------------------------------------------------------------


async def test_wrong_words_burn_the_code_at_once(table: Table):
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


async def test_a_guesser_that_hangs_up_right_after_its_proof_burns_the_code_all_the_same(table: Table):
    code = await table.code()
    connection = await guesser(table)
    await prove(connection, Code(code.number, OTHER_WORDS))
    await connection.aclose()
    await until(lambda: table.maker.done)
    assert table.maker.cause == "words"


@pytest.mark.parametrize("proof", [b"", bytes(31), bytes(32), bytes(33), bytes(4096)])
async def test_any_proof_that_is_not_right_burns_the_code(table: Table, proof: bytes):
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
async def test_an_end_before_a_proof_burns_nothing(table: Table, behaves: Callable[[Connection], Any]):
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


async def test_five_of_those_end_the_code(table: Table):
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


# --- the joiner -----------------------------------------------------------------------------------------------------


async def test_a_number_at_which_nobody_waits_is_said_at_once(table: Table):
    await table.code()
    joiner = table.join(Code("9876", OTHER_WORDS))
    begun = trio.current_time()
    await until(lambda: joiner.done)
    assert joiner.cause == "code-nobody"
    assert trio.current_time() - begun < 1


async def test_a_relay_that_cannot_be_reached_is_said_at_once(table: Table):
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
async def test_a_lane_that_breaks_before_the_proof_is_tried_again(table: Table, meddle: Meddle):
    table.meddle = meddle
    joiner = table.join(await table.code())
    await until(lambda: joiner.done and table.maker.done)
    assert joiner.keys is not None
    assert table.maker.keys is not None
    assert joiner.keys.secret == table.maker.keys.secret
    # Each try is a fresh SPAKE2: the same point sent twice would say that the words are the same.
    points = [packet.payload for _, packet in table.seen if packet.type == wire.PAKE]
    assert len(points) == len(set(points))


async def test_while_it_tries_again_nobody_there_is_no_answer(table: Table):
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


async def test_it_tries_for_thirty_seconds_and_then_says_so(table: Table):
    table.meddle = on(MAKER, wire.PAKE, cut, 1000)
    joiner = table.join(await table.code())
    begun = trio.current_time()
    await until(lambda: joiner.done)
    assert joiner.cause == "code-unproven"
    assert trio.current_time() - begun == pytest.approx(limits.PAIR_RETRY_SECONDS, abs=1)
    assert table.maker.cause == "tries"
    assert wire.PROOF not in table.sent(JOINER)


@pytest.mark.parametrize("sender", [JOINER, MAKER])
async def test_a_lane_that_ends_after_the_proof_has_left_ends_the_use_of_the_words(table: Table, sender: int):
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


async def test_a_proof_that_is_not_answered_is_a_proof_that_has_left(table: Table):
    table.meddle = on(JOINER, wire.PROOF, lambda packet: b"")
    joiner = table.join(await table.code())
    await until(lambda: joiner.done, 2 * limits.HANDSHAKE_SECONDS)
    assert joiner.keys is not None
    assert table.sent(JOINER) == [wire.PAKE, wire.PROOF]


async def test_a_relay_that_forges_wrong_words_gains_what_closing_gives_it(table: Table):
    table.meddle = on(MAKER, wire.PROOF, lambda packet: wire.encode_error("words", "forged"))
    joiner = table.join(await table.code())
    await until(lambda: joiner.done)
    assert joiner.cause == "code-words"
    await trio.sleep(60)
    assert set(table.wants) == {"new", "join"}


async def test_wrong_words_said_before_the_proof_are_not_believed(table: Table):
    table.meddle = on(MAKER, wire.PAKE, lambda packet: wire.encode_error("words", "forged"))
    joiner = table.join(await table.code())
    await until(lambda: joiner.done and table.maker.done)
    assert joiner.keys is not None


@pytest.mark.parametrize("proof", [b"", bytes(32), secrets.token_bytes(32)], ids=["empty", "zero", "random"])
async def test_a_maker_that_cannot_prove_itself_is_named(table: Table, proof: bytes):
    table.meddle = on(MAKER, wire.PROOF, lambda packet: wire.encode(wire.PROOF, proof))
    joiner = table.join(await table.code())
    await until(lambda: joiner.done)
    assert joiner.cause == "code-answer"
    assert table.wants.count("join") == 1


async def test_the_joiners_own_proof_sent_back_to_it_proves_nothing(table: Table):
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


# --- a relay that goes and comes ------------------------------------------------------------------------------------


async def test_a_maker_keeps_its_code_while_the_relay_is_away(table: Table):
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


async def test_a_relay_that_forgot_the_number_means_a_new_code(table: Table):
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


async def test_a_relay_restarted_behind_a_network_that_is_slow_to_come_back(table: Table):
    await table.code()
    table.mallory.number, table.mallory.unreachable = "4712", True
    await table.mallory.drop_waiting()
    await trio.sleep(60)
    table.mallory.unreachable = False
    await until(lambda: len(table.codes) == 2)
    assert (await table.code()).number == "4712"


@pytest.mark.parametrize("cause", ["limit", "draining", "version"])
async def test_a_first_no_from_the_relay_is_the_end(autojump_clock: trio.testing.MockClock, cause: str):
    async with trio.open_nursery() as nursery:
        mallory = Mallory(nursery)
        mallory.refuse = cause
        maker = Task(nursery, lambda: wait_for_joiner(mallory.dialler(), RELAY, lambda event: None))
        joiner = Task(nursery, lambda: join_maker(mallory.dialler(), Code("4711", OTHER_WORDS)))
        await until(lambda: maker.done and joiner.done, 1)
        assert maker.cause == joiner.cause == f"relay-{cause}"
