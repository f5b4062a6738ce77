"""What goes out on `main`, in which order."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors import peer
from actors.desk import Desk
from actors.peer import HaveUpTo, Heartbeat, Hung, OpenLane, Text, Typing
from actors.reliable import CounterError, Inbox, Outbox
from relay import wire

Said = peer.Control | tuple[int, str] | str


def drain(desk: Desk, outbox: Outbox) -> list[Said]:
    """Everything the desk has to send now, read as the peer would."""
    said: list[Said] = []
    while (packet := desk.next_packet()) is not None:
        inner_type, payload, number = packet
        if inner_type == wire.MESSAGE:
            outbox.mark_sent(number)
            carried, message = peer.decode_message(payload)
            assert isinstance(message, Text)
            assert carried == number
            said.append((number, message.text))
        elif inner_type == wire.CONTROL:
            assert number == 0
            control = peer.decode_control(payload)
            assert control is not None
            said.append(control)
        else:
            assert (inner_type, payload, number) == (wire.BYE, b"", 0)
            said.append("bye")
    return said


def desk_with(*texts: str) -> tuple[Desk, Outbox, Inbox]:
    outbox, inbox = Outbox(), Inbox()
    for text in texts:
        outbox.add(Text(text))
    return Desk(outbox, inbox), outbox, inbox


def test_the_first_packet_says_what_is_had():
    desk, outbox, inbox = desk_with("one")
    inbox.keep(7)
    desk.beat(Heartbeat(sent=1))
    assert drain(desk, outbox) == [HaveUpTo(7), Heartbeat(sent=1)]


def test_messages_wait_for_what_the_peer_has_and_go_on_after_it():
    desk, outbox, _ = desk_with("one", "two", "three")
    for number in (1, 2):
        outbox.mark_sent(number)
    assert drain(desk, outbox) == [HaveUpTo(0)]
    assert desk.have_heard(HaveUpTo(2)) == [1, 2]
    assert drain(desk, outbox) == [(3, "three")]


def test_what_a_peer_got_twice_over_is_not_sent_again():
    """It says first that it has nothing, then, before all was sent again, that it has everything after all."""
    desk, outbox, _ = desk_with("one", "two", "three")
    for number in (1, 2, 3):
        outbox.mark_sent(number)  # in an earlier epoch
    desk.next_packet()
    desk.have_heard(HaveUpTo(0))
    assert desk.next_packet() is not None  # one
    assert desk.have_heard(HaveUpTo(3)) == [1, 2, 3]
    assert drain(desk, outbox) == []
    outbox.add(Text("four"))
    assert drain(desk, outbox) == [(4, "four")]


def test_a_claim_to_have_more_than_was_sent_is_refused():
    desk, _, _ = desk_with("one")
    with pytest.raises(CounterError):
        desk.have_heard(HaveUpTo(1))


def test_what_is_newly_had_is_acknowledged_once_cumulatively():
    desk, outbox, inbox = desk_with()
    drain(desk, outbox)
    for number in (1, 2, 3):
        inbox.keep(number)
    assert drain(desk, outbox) == [HaveUpTo(3)]
    assert drain(desk, outbox) == []


def test_a_newer_heartbeat_or_typing_replaces_one_not_yet_sent():
    desk, outbox, _ = desk_with()
    drain(desk, outbox)
    desk.beat(Heartbeat(sent=1))
    desk.beat(Heartbeat(sent=2))
    desk.set_typing(True)
    desk.set_typing(False)
    assert drain(desk, outbox) == [Heartbeat(sent=2), Typing(False)]


def test_lanes_are_asked_for_in_order():
    desk, outbox, _ = desk_with()
    drain(desk, outbox)
    desk.open_lane(OpenLane("file", 1))
    desk.open_lane(OpenLane("file", 2))
    assert drain(desk, outbox) == [OpenLane("file", 1), OpenLane("file", 2)]


def test_the_farewell_comes_after_every_message_and_nothing_after_it():
    desk, outbox, inbox = desk_with("one", "two")
    desk.hang(hung=True)
    desk.hang(hung=False)  # a second one changes nothing
    assert drain(desk, outbox) == [HaveUpTo(0)]  # which messages are still due is not known yet
    desk.have_heard(HaveUpTo(0))
    assert drain(desk, outbox) == [(1, "one"), (2, "two"), Hung(), "bye"]
    assert desk.finished
    inbox.keep(1)
    desk.beat(Heartbeat(sent=1))
    outbox.add(Text("late"))
    assert drain(desk, outbox) == []


def test_an_epoch_can_end_without_the_call():
    desk, outbox, _ = desk_with()
    desk.have_heard(HaveUpTo(0))
    desk.hang(hung=False)
    assert drain(desk, outbox) == [HaveUpTo(0), "bye"]


ACTIONS = st.one_of(
    st.sampled_from(["say", "take", "beat", "type", "lane", "hang", "cut"]),
    st.tuples(st.just("have"), st.integers(0, 6)),
)


@given(st.lists(ACTIONS, max_size=50))
def test_in_any_order_of_events_no_message_is_lost_doubled_or_reordered(actions: list[str | tuple[str, int]]):
    """A peer that keeps what comes in order, whose acknowledgements come late, over epochs that are cut anywhere."""
    desk, outbox, inbox = desk_with()
    said, kept, epoch, hung = 0, 0, [], False

    def take() -> None:
        nonlocal kept
        packet = desk.next_packet()
        if packet is None:
            return
        inner_type, payload, number = packet
        epoch.append(inner_type)
        if len(epoch) == 1:
            assert isinstance(peer.decode_control(payload), HaveUpTo)
        assert wire.BYE not in epoch[:-1]
        if inner_type == wire.MESSAGE:
            outbox.mark_sent(number)
            assert peer.decode_message(payload) == (number, Text(str(number)))
            assert number == kept + 1
            kept = number

    for action in [*actions, ("have", 6), *["take"] * 60]:
        match action:
            case "say":
                said += 1
                outbox.add(Text(str(said)))
            case "take":
                take()
            case "beat":
                desk.beat(Heartbeat(sent=1))
            case "type":
                desk.set_typing(True)
                inbox.keep(inbox.have + 1)
            case "lane":
                desk.open_lane(OpenLane("file", 1))
            case "hang":
                hung = True
                desk.hang(hung=True)
            case "cut":
                desk, epoch, hung = Desk(outbox, inbox), [], False
            case "have", int(late):
                first = desk._next is None
                desk.have_heard(HaveUpTo(kept if first else max(outbox.delivered, kept - late)))
    assert kept == said or hung
    assert desk.finished == hung
