"""Files and folders between two engines through a real relay: whole or not at all, whatever breaks in between."""

import os
import shutil
import socket
from pathlib import Path

import pytest

from actors.messages import (
    AnswerOffer,
    CancelTransfer,
    CommandRefused,
    ListOffer,
    OfferFiles,
    OfferListed,
    OfferRefused,
    PutFirst,
    TransferChanged,
    TransferProgressed,
)
from relay import limits
from tests.e2e.programs import Engine, Relay, wait_until
from tests.e2e.transfers import (
    MIB,
    accept,
    described,
    make_tree,
    notes,
    offer,
    sparse,
    wait_moving,
    wait_over,
    wait_state,
    wait_transfer,
)

Pair = tuple[Engine, Engine]


def chats(pair: Pair) -> None:
    """See that the call goes on."""
    for here, there in (pair, pair[::-1]):
        heard = len(there.heard)
        here.say(f"still there? {heard} {here.name}")
        there.wait_heard(heard + 1)


def whole_list(engine: Engine, number: int, first: int, count: int) -> OfferListed:
    """Ask for a page of the list until all of the list has come."""

    def ask() -> list[OfferListed]:
        engine.tell(ListOffer(number, first, count))
        return [event for event in engine.all_events(OfferListed) if event.whole]

    return wait_until(ask)[0]


def hidden(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob("*.visavis-part")]


# --- as it should be ----------------------------------------------------------------------------------------------


def test_a_folder_arrives_as_it_was(pair: Pair, tmp_path: Path, inbox: Path) -> None:
    maker, joiner = pair
    tree = make_tree(tmp_path / "notes")
    was = described(tree)
    number = offer(maker, joiner, tree)
    offered = wait_state(joiner, number, "offered")
    assert (offered.name, offered.names[0]) == ("notes", "notes/")
    assert (offered.files, offered.folders) == (304, 10)
    assert offered.size == sum(path.stat().st_size for path in tree.rglob("*") if path.is_file())
    accept(joiner, number, inbox)
    for engine in pair:
        over = wait_over(engine, number)
        assert (over.state, over.missed, over.moved, over.moved_files) == ("done", 0, offered.size, 304)
    assert wait_over(joiner, number).path == str(inbox / "notes")
    assert described(inbox / "notes") == was
    assert hidden(inbox) == []


def test_both_send_at_once(pair: Pair, tmp_path: Path, inbox: Path) -> None:
    trees = [make_tree(tmp_path / str(n), 100) for n in range(2)]
    numbers = [offer(*sides, tree) for sides, tree in zip((pair, pair[::-1]), trees, strict=True)]
    assert [number % 2 for number in numbers] == [1, 0]
    for receiver, number in zip(pair[::-1], numbers, strict=True):
        accept(receiver, number, inbox)
    for engine in pair:
        for number in numbers:
            assert wait_over(engine, number).state == "done"
    assert [described(inbox / str(n)) for n in range(2)] == [described(tree) for tree in trees]


def test_several_things_in_one_offer_and_what_can_not_be_sent_is_named(
    pair: Pair, tmp_path: Path, inbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    maker, joiner = pair
    tree = make_tree(tmp_path / "notes", 10)
    (tree / "link").symlink_to("/etc/passwd")
    os.mkfifo(tree / "pipe")
    (tmp_path / "notes" / os.fsdecode(b"\xff.txt")).touch()
    with socket.socket(socket.AF_UNIX) as listening:
        monkeypatch.chdir(tree)  # a socket's path must be short
        listening.bind("socket")
    (tmp_path / "one.txt").write_text("one")
    (tmp_path / "a link that was named").symlink_to(tmp_path / "one.txt")
    number = offer(maker, joiner, tree, tmp_path / "one.txt", tmp_path / "a link that was named")
    assert wait_state(joiner, number, "offered").skipped == 4
    wait_state(maker, number, "offered")  # all is named by then
    assert sorted(notes(maker, number).values()) == ["skipped-link", "skipped-name", "skipped-pipe", "skipped-socket"]
    accept(joiner, number, inbox)
    assert wait_over(joiner, number).state == "done"
    assert (inbox / "one.txt").read_text() == (inbox / "a link that was named").read_text() == "one"
    assert sorted(os.listdir(inbox)) == ["a link that was named", "notes", "one.txt"]
    assert not (inbox / "notes" / "link").is_symlink()


def test_a_part_is_taken_by_names_and_patterns(pair: Pair, tmp_path: Path, inbox: Path) -> None:
    maker, joiner = pair
    number = offer(maker, joiner, make_tree(tmp_path / "notes", 50))
    listed = whole_list(joiner, number, first=2, count=3)
    assert [entry.number for entry in listed.entries] == [2, 3, 4]
    assert listed.total == 64
    accept(joiner, number, inbox, "nothing-like-this*")
    assert joiner.wait_event(CommandRefused).cause == "part-empty"
    accept(joiner, number, inbox, "*.mp4", "notes/part 3")
    for engine in pair:
        over = wait_over(engine, number)
        assert (over.state, over.files, over.moved_files) == ("done", 8, 8)
        assert over.name.startswith("notes/")  # and not as if it were all of it
    came = sorted(str(path.relative_to(inbox)) for path in inbox.rglob("*") if path.is_file())
    assert came == [*sorted(f"notes/part 3/note-{n}.txt" for n in range(3, 50, 7)), "notes/강의 영상.mp4"]


def test_nothing_that_is_there_is_written_over(pair: Pair, tmp_path: Path, inbox: Path) -> None:
    maker, joiner = pair
    (inbox / "one.txt").write_text("mine")
    (inbox / "notes").mkdir()
    (inbox / "two").symlink_to(tmp_path / "nowhere")
    (tmp_path / "one.txt").write_text("theirs")
    (tmp_path / "two").write_text("too")
    tree = make_tree(tmp_path / "notes", 5)
    number = offer(maker, joiner, tmp_path / "one.txt", tmp_path / "two", tree)
    accept(joiner, number, inbox)
    over = wait_over(joiner, number)
    assert (over.state, over.path) == ("done", str(inbox / "one (1).txt"))
    assert notes(joiner, number)["one.txt"] == "renamed"
    assert (inbox / "one.txt").read_text() == "mine"
    assert (inbox / "one (1).txt").read_text() == "theirs"
    assert (inbox / "two (1)").read_text() == "too"
    assert os.listdir(inbox / "notes") == []
    assert described(inbox / "notes (1)") == described(tree)
    assert not (tmp_path / "nowhere").exists()


def test_a_refusal_is_told_and_the_call_goes_on(pair: Pair, tmp_path: Path, inbox: Path) -> None:
    maker, joiner = pair
    number = offer(maker, joiner, make_tree(tmp_path / "notes", 5))
    joiner.tell(AnswerOffer(number, accept=False))
    assert {wait_over(engine, number).state for engine in pair} == {"refused"}
    accept(joiner, number, inbox)
    assert joiner.wait_event(CommandRefused).cause == "no-transfer"
    assert os.listdir(inbox) == []
    chats(pair)


def test_offers_wait_in_line_and_one_can_be_put_first(pair: Pair, tmp_path: Path, inbox: Path) -> None:
    maker, joiner = pair
    numbers = [offer(maker, joiner, sparse(tmp_path / f"{n}.bin", 200 * MIB)) for n in range(3)]
    for number in numbers:
        accept(joiner, number, inbox)
        wait_state(maker, number, "waiting", "moving")
    maker.tell(PutFirst(numbers[2]))
    wait_transfer(maker, numbers[2], lambda transfer: transfer.place == 1)
    joiner.tell(PutFirst(numbers[1]))  # the receiver may ask for it, too
    wait_transfer(maker, numbers[1], lambda transfer: transfer.place == 1)
    ends = [
        maker.wait_event(TransferChanged, lambda e, n=n: e.transfer.id == n and e.transfer.state == "done").seq
        for n in numbers
    ]
    assert ends[1] < ends[2] < ends[0]


def test_only_so_many_offers_are_open(pair: Pair, tmp_path: Path) -> None:
    maker, joiner = pair
    (tmp_path / "x").touch()
    for _ in range(limits.OPEN_OFFERS):
        offer(maker, joiner, tmp_path / "x")
    maker.tell(OfferFiles("one-more", (str(tmp_path / "x"),)))
    assert maker.wait_event(OfferRefused).cause == "offers-open"
    chats(pair)


@pytest.mark.parametrize(
    ("paths", "cause"),
    [(("/nowhere/at/all",), "path-missing"), (("-",), "stdio"), (("/dev/null",), "empty")],
)
def test_what_can_not_be_offered_is_said(pair: Pair, paths: tuple[str, ...], cause: str) -> None:
    maker, _ = pair
    maker.tell(OfferFiles("x", paths))
    wait_until(
        lambda: (
            [event.cause for event in maker.all_events(OfferRefused)]
            + [e.transfer.cause for e in maker.all_events(TransferChanged) if e.transfer.state == "failed"]
            == [cause]
        ),
        lambda: maker.events[-3:],
    )
    chats(pair)


# --- what breaks ----------------------------------------------------------------------------------------------------


def test_a_transfer_goes_on_after_the_relay_was_killed(pair: Pair, relay: Relay, tmp_path: Path, inbox: Path) -> None:
    maker, joiner = pair
    tree = make_tree(tmp_path / "notes", 100)
    sparse(tree / "big.bin", 300 * MIB)
    number = offer(maker, joiner, tree)
    accept(joiner, number, inbox)
    wait_moving(joiner, number, 20 * MIB)
    relay.kill()
    for engine in pair:
        stalled = engine.wait_event(TransferProgressed, lambda event: event.stall == "relay")
        assert stalled.id == number
    relay.start()
    for engine in pair:
        over = wait_over(engine, number)
        assert (over.state, over.missed, over.moved) == ("done", 0, over.size)
    assert described(inbox / "notes") == described(tree)
    chats(pair)


@pytest.mark.parametrize("who", [0, 1])
def test_either_side_cancels_in_the_middle_and_the_part_is_kept(
    pair: Pair, tmp_path: Path, inbox: Path, who: int
) -> None:
    maker, joiner = pair
    number = offer(maker, joiner, sparse(tmp_path / "big.bin", 2000 * MIB))
    accept(joiner, number, inbox)
    wait_moving(joiner, number)
    pair[who].tell(CancelTransfer(number))
    for place, engine in enumerate(pair):
        over = wait_over(engine, number)
        assert (over.state, over.detail) == ("cancelled", "here" if place == who else "there")
    kept = wait_transfer(joiner, number, lambda transfer: transfer.partial).partial
    assert hidden(inbox) == [Path(kept).name]
    assert Path(kept).stat().st_size > 0
    chats(pair)


@pytest.mark.parametrize("who", [0, 1])
def test_either_side_cancels_before_the_answer(pair: Pair, tmp_path: Path, inbox: Path, who: int) -> None:
    number = offer(*pair, make_tree(tmp_path / "notes", 5))
    pair[who].tell(CancelTransfer(number))
    assert {wait_over(engine, number).state for engine in pair} == {"cancelled"}
    chats(pair)


def test_the_end_of_the_call_ends_transfers_and_keeps_the_part(pair: Pair, tmp_path: Path, inbox: Path) -> None:
    maker, joiner = pair
    number = offer(maker, joiner, sparse(tmp_path / "big.bin", 2000 * MIB))
    accept(joiner, number, inbox)
    wait_moving(joiner, number)
    maker.hang()
    for engine in pair:
        over = wait_over(engine, number)
        assert (over.state, over.cause) == ("failed", "call-over")
    joiner.wait_exit()
    assert len(hidden(inbox)) == 1


def test_a_destination_that_vanishes_fails_this_transfer_alone(pair: Pair, tmp_path: Path, inbox: Path) -> None:
    maker, joiner = pair
    number = offer(maker, joiner, sparse(tmp_path / "big.bin", 500 * MIB))
    accept(joiner, number, inbox)
    wait_moving(joiner, number)
    shutil.rmtree(inbox)
    for engine in pair:
        over = wait_over(engine, number)
        assert (over.state, over.cause) == ("failed", "folder-missing")
    chats(pair)


def test_a_folder_that_is_not_there_leaves_the_offer_open(pair: Pair, tmp_path: Path, inbox: Path) -> None:
    maker, joiner = pair
    number = offer(maker, joiner, make_tree(tmp_path / "notes", 5))
    accept(joiner, number, tmp_path / "nowhere")
    refused = joiner.wait_event(CommandRefused)
    assert (refused.cause, refused.transfer) == ("folder-missing", number)
    accept(joiner, number, inbox)
    assert wait_over(joiner, number).state == "done"


def test_a_disk_without_room_is_said_before_a_byte_moves(pair: Pair, tmp_path: Path, inbox: Path) -> None:
    maker, joiner = pair
    number = offer(maker, joiner, sparse(tmp_path / "big.bin", 1 << 43))
    accept(joiner, number, inbox)
    refused = joiner.wait_event(CommandRefused)
    assert refused.cause == "no-space"
    assert int(refused.detail.split()[0]) == 1 << 43


def test_files_that_change_or_go_meanwhile_are_named_and_the_others_come(
    pair: Pair, tmp_path: Path, inbox: Path
) -> None:
    maker, joiner = pair
    tree = make_tree(tmp_path / "notes", 30)
    number = offer(maker, joiner, tree)
    (tree / "part 0" / "note-0.txt").write_text("other words")
    (tree / "part 1" / "note-1.txt").unlink()
    (tree / "part 2" / "new.txt").touch()
    shutil.rmtree(tree / "part 3")
    os.mkfifo(tree / "part 4" / "x")
    os.replace(tree / "part 4" / "x", tree / "part 4" / "note-4.txt")
    accept(joiner, number, inbox)
    for engine in pair:
        over = wait_over(engine, number)
        assert (over.state, over.missed) == ("done", 7)
    wait_until(lambda: "notes/part 2" in notes(maker, number))  # folders are looked at last
    told = notes(maker, number)
    assert told["notes/part 0/note-0.txt"] == "changed"
    assert told["notes/part 1/note-1.txt"] == "gone"
    assert told["notes/part 2"] == "folder-changed"
    assert told["notes/part 4/note-4.txt"] == "changed"
    assert notes(joiner, number)["notes/part 1/note-1.txt"] == "gone"
    assert len(list(inbox.rglob("note-*"))) == 30 - 7
    assert hidden(inbox) == []
