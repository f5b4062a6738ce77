"""What holds in the state machine whatever comes, in whatever order."""

import random
from dataclasses import dataclass

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from relay import limits
from relay.pairing import Action, Close, Pair, Pairing, Refuse, Wait
from relay.wire import PAIR_LANE, Hello

SIDES = st.sampled_from(["a" * 32, "b" * 32, "c" * 32])
ROOMS = st.sampled_from(["0" * 32, "1" * 32])
LANES = st.sampled_from(["main.0", "file.1", "audio.1"])
EVERYTHING_IS_OVER = limits.NUMBER_RESERVED_SECONDS + limits.NUMBER_REST_SECONDS


@dataclass
class Seen:
    """What a connection has said and been told."""

    side: str
    lane: str
    room: str = ""
    state: str = "new"  # waiting, paired, over
    other: int = 0
    final_answers: int = 0


class Connections(RuleBasedStateMachine):
    """Plays clients and the shell, believes only the actions, and checks what they add up to."""

    def __init__(self) -> None:
        super().__init__()
        chosen = random.Random(7)
        self.pairing: Pairing[int] = Pairing(lambda low, high: chosen.randint(low, low + 3))
        self.now = 0.0
        self.seen: dict[int, Seen] = {}
        self.numbers: list[str] = ["1000"]

    def live(self, *states: str) -> list[int]:
        return [who for who, seen in self.seen.items() if seen.state in (states or ("waiting", "paired"))]

    def carry_out(self, actions: list[Action[int]]) -> None:
        for action in actions:
            match action:
                case Wait(who, room):
                    assert self.seen[who].state == "new"
                    self.seen[who].state, self.seen[who].room = "waiting", room
                case Pair(first, second):
                    one, other = self.seen[first], self.seen[second]
                    assert (one.state, other.state) == ("waiting", "new")
                    assert one.side != other.side
                    assert one.lane == other.lane
                    other.room = one.room
                    for seen, partner in ((one, second), (other, first)):
                        seen.state, seen.other = "paired", partner
                        seen.final_answers += 1
                case Refuse(who, _):
                    assert self.seen[who].state in ("new", "waiting")
                    self.seen[who].state = "over"
                    self.seen[who].final_answers += 1
                case Close(first, second):
                    assert self.seen[first].state == "paired"
                    assert self.seen[first].other == second
                    self.seen[first].state = self.seen[second].state = "over"

    def say(self, hello: Hello) -> None:
        who = len(self.seen) + 1
        self.seen[who] = Seen(hello.side, hello.lane)
        actions = self.pairing.hello(who, hello, self.now)
        self.carry_out(actions)
        last = actions[-1]
        assert who in ((last.first, last.second) if isinstance(last, Pair | Close) else (last.who,))
        assert self.seen[who].state != "new"

    @rule(side=SIDES)
    def new(self, side: str) -> None:
        self.say(Hello("new", side))
        found = list(self.seen.values())[-1].room
        if found:
            self.numbers.append(found)

    @rule(side=SIDES, which=st.integers(0, 5), want=st.sampled_from(["join", "keep"]))
    def number(self, side: str, which: int, want: str) -> None:
        self.say(Hello(want, side, self.numbers[-1 - which % len(self.numbers)], PAIR_LANE))  # type: ignore[arg-type]

    @rule(side=SIDES, room=ROOMS, lane=LANES)
    def room(self, side: str, room: str, lane: str) -> None:
        self.say(Hello("room", side, room, lane))

    @rule(which=st.integers(0, 100))
    def go(self, which: int) -> None:
        live = self.live()
        if live:
            self.leave(live[which % len(live)])

    @rule(seconds=st.sampled_from([1.0, limits.NUMBER_RESERVED_SECONDS, limits.NUMBER_REST_SECONDS]))
    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.carry_out(list(self.pairing.pass_time(self.now)))

    def leave(self, who: int) -> None:
        seen = self.seen[who]
        if seen.state == "paired":
            self.seen[seen.other].state = "over"
        seen.state = "over"
        self.pairing.gone(who, self.now)

    @invariant()
    def one_connection_for_each_side_and_lane(self) -> None:
        seats = [(seen.room, seen.lane, seen.side) for seen in (self.seen[who] for who in self.live())]
        assert len(seats) == len(set(seats))

    @invariant()
    def never_three_sides_in_a_room(self) -> None:
        sides: dict[str, set[str]] = {}
        for who in self.live():
            sides.setdefault(self.seen[who].room, set()).add(self.seen[who].side)
        assert all(len(found) <= 2 for found in sides.values())

    @invariant()
    def nobody_waits_where_the_other_side_waits(self) -> None:
        waiting = [(self.seen[who].room, self.seen[who].lane) for who in self.live("waiting")]
        assert len(waiting) == len(set(waiting))

    @invariant()
    def one_final_answer_at_most(self) -> None:
        for seen in self.seen.values():
            assert seen.final_answers == 1 if seen.state == "paired" else seen.final_answers <= 1

    def teardown(self) -> None:
        for who in self.live():
            self.leave(who)
        self.pairing.pass_time(self.now + EVERYTHING_IS_OVER)
        assert len(self.pairing) == 0


TestConnections = Connections.TestCase
TestConnections.settings = settings(max_examples=60, stateful_step_count=40)
