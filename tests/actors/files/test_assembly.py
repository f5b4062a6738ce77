"""What comes on the lane, held against the list that was taken."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actors.files.assembly import Assembly, StepError
from actors.files.packets import FileEnd, Piece, Skipped, SmallFile, SmallFiles
from actors.files.writing import FinishFile, GiveUp, Job, MakeFolders, WritePiece, WriteSmall
from actors.store.journal import Row
from relay import limits
from tests.actors.files.support import folder, pieces_of, row

HASH = b"h" * 32
AT_END = (limits.OFFER_ENTRIES + 1, 0, 0)
Packet = Piece | SmallFiles | FileEnd | Skipped


@pytest.fixture(autouse=True)
def small_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of 16 bytes, and small files of at most 4."""
    monkeypatch.setattr(limits, "BLOCK_BYTES", 16)
    monkeypatch.setattr(limits, "SMALL_FILE_BYTES", 4)


def data_of(number: int, size: int) -> bytes:
    return bytes((number * 7 + at) % 256 for at in range(size))


def small(*numbers_and_sizes: tuple[int, int]) -> SmallFiles:
    return SmallFiles(
        7, [SmallFile(number, HASH, memoryview(data_of(number, size))) for number, size in numbers_and_sizes]
    )


def piece(entry: int, block: int, offset: int, size: int) -> Piece:
    return Piece(7, entry, block, offset, memoryview(bytes(size)))


def end(entry: int, size: int) -> FileEnd:
    return FileEnd(7, entry, size, HASH)


def skip(entry: int, reason: str = "gone") -> Skipped:
    return Skipped(7, entry, reason)


def begun(*rows: Row) -> Assembly:
    assembly = Assembly(iter(rows))
    assembly.start()
    return assembly


def done(assembly: Assembly, *packets: Packet) -> list[object]:
    """What is to be done, in short."""
    return [said(job) for packet in packets for job in assembly.take(packet)]


def said(job: Job) -> object:
    match job:
        case MakeFolders(first=first, last=last):
            return "folders", first, last
        case WriteSmall(files=files):
            return "small", *(one.path for one, _ in files)
        case WritePiece(row=one, block=block, offset=offset, data=data, ends=ends):
            return "piece", one.path, block, offset, len(data), ends
        case FinishFile(row=one, size=size):
            return "finish", one.path, size
        case GiveUp(row=one, reason=reason):
            return "give up", one.path, reason


# --- in order -------------------------------------------------------------------------------------------------------


def test_folders_before_the_first_file_are_made_at_once() -> None:
    assembly = Assembly(iter([folder(1, "a"), folder(2, "a/b"), row(3, "a/b/c", 1), folder(4, "z")]))
    assert [said(job) for job in assembly.start()] == [("folders", 1, 2)]
    assert assembly.place == (3, 0, 0)
    assert not assembly.finished


def test_folders_are_made_when_their_turn_comes() -> None:
    assembly = begun(row(1, "a", 1), folder(2, "b"), row(3, "b/c", 1), row(4, "b/d", 1), folder(5, "e"))
    assert done(assembly, small((1, 1), (3, 1), (4, 1))) == [
        ("small", "a"),
        ("folders", 2, 2),
        ("small", "b/c", "b/d"),
        ("folders", 5, 5),
    ]
    assert assembly.finished
    assert assembly.place == AT_END


@pytest.mark.parametrize("rows", [[], [folder(1, "a"), folder(2, "a/b")]])
def test_where_no_file_was_taken_nothing_comes(rows: list[Row]) -> None:
    assembly = begun(*rows)
    assert assembly.finished
    assert assembly.place == AT_END


def test_folders_in_a_row_are_one_thing_to_do() -> None:
    rows = [row(1, "a", 1), *(folder(number, f"d{number}") for number in range(2, 100_000)), row(100_001, "z", 1)]
    assembly = begun(*rows)
    assert done(assembly, small((1, 1))) == [("small", "a"), ("folders", 2, 99_999)]
    assert assembly.place == (100_001, 0, 0)


def test_what_lies_between_folders_and_was_not_taken_is_passed_over() -> None:
    assembly = begun(row(1, "a", 1), folder(2, "b"), folder(5, "c"), row(9, "c/d", 1))
    assert done(assembly, small((1, 1))) == [("small", "a"), ("folders", 2, 5)]
    assert assembly.place == (9, 0, 0)


def test_a_large_file_comes_piece_by_piece() -> None:
    assembly = begun(row(1, "a", 40))
    packets = [piece(1, 0, 0, 10), piece(1, 0, 10, 6), piece(1, 1, 0, 16), piece(1, 2, 0, 8), end(1, 40)]
    places = [(1, 0, 10), (1, 1, 0), (1, 2, 0), (1, 3, 0), AT_END]
    jobs = [
        ("piece", "a", 0, 0, 10, False),
        ("piece", "a", 0, 10, 6, True),
        ("piece", "a", 1, 0, 16, True),
        ("piece", "a", 2, 0, 8, True),
        ("finish", "a", 40),
    ]
    for packet, place, job in zip(packets, places, jobs, strict=True):
        assert done(assembly, packet) == [job]
        assert assembly.place == place
    assert assembly.finished


def test_a_stream_ends_where_it_ends() -> None:
    assembly = begun(row(1, "stdin", None))
    assert done(assembly, piece(1, 0, 0, 16), piece(1, 1, 0, 3)) == [
        ("piece", "stdin", 0, 0, 16, True),
        ("piece", "stdin", 1, 0, 3, False),
    ]
    assert assembly.place == (1, 1, 3)
    assert done(assembly, end(1, 19)) == [("finish", "stdin", 19)]
    assert done(begun(row(1, "stdin", None)), end(1, 0)) == [("finish", "stdin", 0)]


def test_what_does_not_come_is_given_up_wherever_it_stands() -> None:
    rows = [row(1, "small", 1), row(2, "large", 20), row(3, "half", 20), row(4, "last", 1)]
    assembly = begun(*rows)
    packets = [skip(1), skip(2, "changed"), piece(3, 0, 0, 16), piece(3, 1, 0, 1), skip(3, "unreadable"), skip(4)]
    assert [job for job in done(assembly, *packets) if job[0] != "piece"] == [  # type: ignore[index]
        ("give up", "small", "gone"),
        ("give up", "large", "changed"),
        ("give up", "half", "unreadable"),
        ("give up", "last", "gone"),
    ]
    assert assembly.finished


@pytest.mark.parametrize("reason", ["hash", "no-name", "disk-full", "x"])
def test_a_reason_that_no_sender_has_becomes_one(reason: str) -> None:
    assert done(begun(row(1, "a", 1)), skip(1, reason)) == [("give up", "a", "unreadable")]


def test_rows_are_read_as_they_are_needed() -> None:
    read: list[int] = []

    def rows() -> Iterator[Row]:
        for number in range(1, 10):
            read.append(number)
            yield row(number, str(number), 1)

    assembly = Assembly(rows())
    assembly.start()
    assert read == [1]
    assembly.take(small((1, 1), (2, 1)))
    assert read == [1, 2, 3]


# --- out of step ----------------------------------------------------------------------------------------------------

LIST = [row(1, "large", 40), row(2, "small", 3), row(3, "other", 20), row(4, "empty", 0)]
FIRST_BLOCK = [piece(1, 0, 0, 16)]
LARGE = [piece(1, 0, 0, 16), piece(1, 1, 0, 16), piece(1, 2, 0, 8), end(1, 40)]


@pytest.mark.parametrize(
    ("before", "packet"),
    [
        pytest.param([], piece(1, 0, 1, 16), id="begins late"),
        pytest.param([], piece(1, 1, 0, 16), id="a block is left out"),
        pytest.param(FIRST_BLOCK, piece(1, 0, 0, 16), id="the same block again"),
        pytest.param(FIRST_BLOCK, piece(1, 2, 0, 8), id="the block after the next"),
        pytest.param(FIRST_BLOCK, piece(1, 1, 16, 1), id="beyond the block"),
        pytest.param([piece(1, 0, 0, 5)], piece(1, 0, 0, 5), id="the same piece again"),
        pytest.param([piece(1, 0, 0, 5)], piece(1, 0, 4, 5), id="a piece that overlaps"),
        pytest.param([piece(1, 0, 0, 5)], piece(1, 0, 6, 5), id="a piece with a gap before it"),
        pytest.param([piece(1, 0, 0, 5)], piece(1, 1, 0, 5), id="a block that is short"),
        pytest.param([], piece(1, 0, 0, 17), id="a block that is long"),
        pytest.param([piece(1, 0, 0, 5)], piece(1, 0, 5, 12), id="a block that gets long"),
        pytest.param(LARGE[:2], piece(1, 2, 0, 9), id="a last block that is long"),
        pytest.param(LARGE[:3], piece(1, 3, 0, 1), id="a block after the last"),
        pytest.param([], piece(1, 0, 0, 0), id="an empty piece"),
        pytest.param([], piece(3, 0, 0, 16), id="a block of a later file"),
        pytest.param(LARGE, piece(1, 0, 0, 16), id="a block of a file that is whole"),
        pytest.param(LARGE, piece(2, 0, 0, 3), id="a block of a small file"),
        pytest.param([], piece(99, 0, 0, 16), id="a block of no file"),
        pytest.param([], end(1, 40), id="the end at once"),
        pytest.param(LARGE[:2], end(1, 40), id="the end a block too early"),
        pytest.param([*LARGE[:2], piece(1, 2, 0, 7)], end(1, 40), id="the end a byte too early"),
        pytest.param(LARGE[:3], end(1, 39), id="another size"),
        pytest.param(LARGE[:3], end(1, 41), id="a greater size"),
        pytest.param(LARGE[:3], end(2, 40), id="the end of another"),
        pytest.param(LARGE, end(1, 40), id="the end again"),
        pytest.param(LARGE, end(2, 3), id="the end of a small file"),
        pytest.param([], small((1, 3)), id="a large file as a small one"),
        pytest.param([], small((2, 3)), id="a small file too early"),
        pytest.param(LARGE, small((2, 2)), id="a small file that is short"),
        pytest.param(LARGE, small((2, 4)), id="a small file that is long"),
        pytest.param(LARGE, small((2, 3), (2, 3)), id="a small file twice"),
        pytest.param(LARGE, small((2, 3), (4, 0)), id="a small file with one left out before it"),
        pytest.param([], skip(2), id="another is skipped"),
        pytest.param([skip(1)], skip(1), id="skipped twice"),
        pytest.param([skip(1)], piece(1, 0, 0, 16), id="a block of what was skipped"),
        pytest.param([skip(1), skip(2), skip(3), skip(4)], skip(5), id="after everything"),
        pytest.param([skip(1), skip(2), skip(3), skip(4)], skip(AT_END[0]), id="the end's own number"),
        pytest.param([], skip(0), id="number nought"),
    ],
)
def test_what_can_not_come_now_is_refused(before: list[Packet], packet: Packet) -> None:
    assembly = begun(*LIST)
    done(assembly, *before)
    with pytest.raises(StepError):
        assembly.take(packet)


def test_an_entry_that_was_not_taken_does_not_come() -> None:
    assembly = begun(LIST[1], LIST[3])
    with pytest.raises(StepError):
        assembly.take(piece(1, 0, 0, 16))
    done(assembly, small((2, 3)))
    with pytest.raises(StepError):
        assembly.take(piece(3, 0, 0, 16))


@pytest.mark.parametrize("size", [0, 4])
def test_a_small_file_is_small_up_to_its_limit(size: int) -> None:
    with pytest.raises(StepError):
        begun(row(1, "a", size)).take(piece(1, 0, 0, max(size, 1)))
    assert done(begun(row(1, "a", size)), small((1, size))) == [("small", "a")]
    assert done(begun(row(1, "a", 5)), piece(1, 0, 0, 5)) == [("piece", "a", 0, 0, 5, True)]


# --- any list, any sender -------------------------------------------------------------------------------------------

ROWS = st.lists(
    st.sampled_from(["folder", "small", "large"]).flatmap(
        lambda kind: st.tuples(
            st.just(kind), {"folder": st.just(0), "small": st.integers(0, 4), "large": st.integers(5, 50)}[kind]
        )
    ),
    min_size=1,
    max_size=8,
).map(
    lambda entries: [
        folder(number, f"d{number}") if kind == "folder" else row(number, f"f{number}", size)
        for number, (kind, size) in enumerate(entries, 1)
    ]
)


@st.composite
def sendings(draw: st.DrawFn, *, half: bool = True) -> tuple[list[Row], list[Packet]]:
    """A list, and what a Visavis may send of it: small files in any batches, pieces of any length, some skipped."""
    rows = draw(ROWS)
    packets: list[Packet] = []
    for one in rows:
        if one.kind == "folder":
            continue
        assert one.size is not None
        if draw(st.integers(0, 5)) == 0:
            packets.append(skip(one.number))
        elif one.size <= 4:
            last = packets[-1] if packets else None
            if isinstance(last, SmallFiles) and draw(st.booleans()):
                last.files.extend(small((one.number, one.size)).files)
            else:
                packets.append(small((one.number, one.size)))
        else:
            lengths = draw(st.lists(st.integers(1, 16), min_size=1, max_size=4))
            pieces = pieces_of(data_of(one.number, one.size), one.number, lengths)
            if half and draw(st.integers(0, 5)) == 0:
                packets += pieces[: draw(st.integers(0, len(pieces)))]
                packets.append(skip(one.number))
            else:
                packets += [*pieces, end(one.number, one.size)]
    return rows, packets


ANY = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)


@ANY
@given(sendings())
@pytest.mark.long
def test_whatever_may_be_sent_is_put_together(sending: tuple[list[Row], list[Packet]]) -> None:
    rows, packets = sending
    assembly = Assembly(iter(rows))
    jobs = assembly.start()
    for packet in packets:
        assert not assembly.finished
        match packet:
            case Piece():
                assert assembly.place == (packet.entry, packet.block, packet.offset)
            case SmallFiles():
                assert assembly.place == (packet.files[0].entry, 0, 0)
            case _:
                assert assembly.place[0] == packet.entry
        jobs += assembly.take(packet)
    assert assembly.finished
    assert assembly.place == AT_END
    check(rows, jobs)


def check(rows: Sequence[Row], jobs: Sequence[Job]) -> None:
    """Every entry comes once, in its order; what is finished has all its bytes, block by block."""
    ended: list[int] = []
    data: dict[int, bytes] = {}
    for job in jobs:
        match job:
            case MakeFolders(first=first, last=last):
                ended += range(first, last + 1)
            case GiveUp(row=one):
                ended.append(one.number)
            case WriteSmall(files=files):
                assert files
                for one, small_file in files:
                    assert small_file.data == data_of(one.number, one.size or 0)
                    ended.append(one.number)
            case WritePiece(row=one):
                before = data.get(one.number, b"")
                assert divmod(len(before), 16) == (job.block, job.offset)
                data[one.number] = before + job.data
                assert job.ends == (len(data[one.number]) in (one.size, (job.block + 1) * 16))
            case FinishFile(row=one, size=size):
                assert data[one.number] == data_of(one.number, one.size or 0)
                assert size == one.size
                ended.append(one.number)
    assert ended == [one.number for one in rows]


def without_first(files: SmallFiles) -> SmallFiles:
    return replace(files, files=files.files[1:])


def longer(data: memoryview) -> memoryview:
    return memoryview(bytes(data) + b"x")


DISTURB: dict[type, list[Callable[..., Packet]]] = {
    Piece: [
        lambda one: replace(one, entry=one.entry + 1),
        lambda one: replace(one, entry=one.entry - 1),
        lambda one: replace(one, block=one.block + 1),
        lambda one: replace(one, block=one.block ^ 2**31),
        lambda one: replace(one, offset=one.offset + 1),
        lambda one: replace(one, offset=one.offset ^ 2**31),
        lambda one: replace(one, data=one.data[1:]),
        lambda one: replace(one, data=longer(one.data)),
        lambda one: replace(one, data=memoryview(b"")),
        lambda one: skip(one.entry + 1),
        lambda one: end(one.entry, 16),
    ],
    SmallFiles: [
        without_first,
        lambda one: replace(one, files=[*one.files, one.files[-1]]),
        lambda one: replace(one, files=[*one.files[:-1], replace(one.files[-1], entry=one.files[-1].entry + 1)]),
        lambda one: replace(one, files=[*one.files[:-1], replace(one.files[-1], data=longer(one.files[-1].data))]),
        lambda one: piece(one.files[0].entry, 0, 0, max(1, len(one.files[0].data))),
    ],
    FileEnd: [
        lambda one: replace(one, entry=one.entry + 1),
        lambda one: replace(one, size=one.size + 1),
        lambda one: replace(one, size=one.size - 1),
        lambda one: piece(one.entry, 0, 0, 1),
    ],
    Skipped: [lambda one: replace(one, entry=one.entry + 1), lambda one: replace(one, entry=one.entry - 1)],
}


@ANY
@given(sendings(half=False), st.data())
@pytest.mark.long
def test_whatever_is_disturbed_is_out_of_step(sending: tuple[list[Row], list[Packet]], data: st.DataObject) -> None:
    rows, packets = sending
    if not packets:
        return
    at = data.draw(st.integers(0, len(packets) - 1))
    kind = data.draw(st.sampled_from(["lost", "twice", "swapped", "altered"]))
    if kind == "lost":
        disturbed = packets[:at] + packets[at + 1 :]
    elif kind == "twice":
        disturbed = packets[: at + 1] + packets[at:]
    elif kind == "swapped" and len(packets) > 1:
        at = min(at, len(packets) - 2)
        disturbed = [*packets[:at], packets[at + 1], packets[at], *packets[at + 2 :]]
    else:
        alter = data.draw(st.sampled_from(DISTURB[type(packets[at])]))
        disturbed = [*packets[:at], alter(packets[at]), *packets[at + 1 :]]
    assembly = begun(*rows)
    try:
        for packet in disturbed:
            assembly.take(packet)
    except StepError:
        return
    assert not assembly.finished  # what was lost at the end is waited for
