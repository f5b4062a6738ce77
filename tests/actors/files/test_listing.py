"""A list as it comes from a peer who may be anybody."""

import tracemalloc
import unicodedata
from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actors.files.listing import ListError, Listing
from actors.files.names import clean_path
from actors.files.packets import Entry, ListPage
from actors.peer import Offer
from actors.store.journal import Journal, Row
from relay import limits


def file(path: str, size: int | None = 0, kind: str = "file") -> Entry:
    return Entry(path, kind, size, 7)  # type: ignore[arg-type]


def folder(path: str) -> Entry:
    return Entry(path, "folder", 0, 7)


def stream(path: str = "stdin") -> Entry:
    return Entry(path, "stream", None, 7)


def offer_of(entries: Sequence[Entry]) -> Offer:
    """The offer that does not lie about these."""
    folders = sum(entry.kind == "folder" for entry in entries)
    sizes = [entry.size for entry in entries]
    size = None if None in sizes else sum(size or 0 for size in sizes)
    return Offer(7, len(entries) - folders, folders, size, ())


def page(first: int, *entries: Entry, whole: bool = False) -> ListPage:
    return ListPage(7, first, whole, list(entries))


class Taking:
    """A listing of an offer, and the journal's record that it goes to."""

    def __init__(self, journal: Journal, offer: Offer) -> None:
        self._journal = journal
        self.record = journal.begin(7, mine=False)
        self.listing = Listing(journal, self.record, offer)

    def rows(self) -> list[Row]:
        return self._journal.entries(self.record, 1, 2000)


def taken(journal: Journal, *entries: Entry, at_once: int = 1000) -> list[Row]:
    """What becomes of a list that comes in pages of so many entries."""
    taking = Taking(journal, offer_of(entries))
    for at in range(0, len(entries), at_once):
        taking.listing.take(page(at + 1, *entries[at : at + at_once], whole=at + at_once >= len(entries)))
    assert taking.listing.whole
    assert taking.listing.count == len(entries)
    return taking.rows()


def paths(journal: Journal, *entries: Entry, at_once: int = 1000) -> list[str]:
    return [found.path for found in taken(journal, *entries, at_once=at_once)]


def refusal(taking: Taking, *pages: ListPage) -> tuple[str, str]:
    try:
        for one in pages:
            taking.listing.take(one)
    except ListError as error:
        return error.cause, error.detail
    pytest.fail("it was taken")


PAGES = pytest.mark.parametrize("at_once", [1, 1000], ids=["page by page", "in one page"])

TREE = [
    folder("top"),
    file("top/a", 5),
    folder("top/b"),
    file("top/b/c", 100, "program"),
    folder("top/empty"),
    file("z"),
]


# --- an honest list -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("at_once", [1, 2, 4, 6, 1000])
def test_a_list_is_taken_as_it_is(journal: Journal, at_once: int) -> None:
    assert taken(journal, *TREE, at_once=at_once) == [
        Row(number, entry.path, entry.kind, entry.size, entry.modified) for number, entry in enumerate(TREE, 1)
    ]


def test_a_stream_is_a_list_of_its_own(journal: Journal) -> None:
    assert taken(journal, stream()) == [Row(1, "stdin", "stream", None, 7)]


def test_a_page_may_be_empty_and_only_say_that_it_was_the_last(journal: Journal) -> None:
    taking = Taking(journal, offer_of(TREE))
    taking.listing.take(page(1))
    taking.listing.take(page(1, *TREE))
    assert not taking.listing.whole
    taking.listing.take(page(len(TREE) + 1, whole=True))
    assert taking.listing.whole


def test_it_knows_about_how_much_of_the_disk_it_takes(journal: Journal) -> None:
    taking = Taking(journal, offer_of([file("x" * 1000), file("y")]))
    taking.listing.take(page(1, file("x" * 1000)))
    before = taking.listing.bytes
    assert 255 < before < 2000
    taking.listing.take(page(2, file("y"), whole=True))
    assert before < taking.listing.bytes < before + 200


def test_what_it_takes_is_counted_in_bytes_and_twice_since_there_is_an_index(journal: Journal) -> None:
    taking = Taking(journal, offer_of([file("가"), file("가" * 80)]))
    sizes = []
    for number, path in enumerate(("가", "가" * 80), 1):
        taking.listing.take(page(number, file(path)))
        sizes.append(taking.listing.bytes)
    assert sizes[1] - 2 * sizes[0] == 2 * 79 * len("가".encode())


# --- numbers --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", [0, 1, 2, 4, 2**32 - 1])
def test_entries_come_in_the_order_of_their_numbers(journal: Journal, first: int) -> None:
    taking = Taking(journal, offer_of(TREE))
    taking.listing.take(page(1, *TREE[:2]))
    assert refusal(taking, page(first, *TREE[2:])) == ("protocol", f"entry {first} where 3 should be")
    assert len(taking.rows()) == 2


def test_the_first_entry_is_number_1(journal: Journal) -> None:
    assert refusal(Taking(journal, offer_of(TREE)), page(0, *TREE))[0] == "protocol"


def test_nothing_comes_after_the_last(journal: Journal) -> None:
    taking = Taking(journal, offer_of(TREE))
    taking.listing.take(page(1, *TREE, whole=True))
    for again in (page(1, *TREE, whole=True), page(7, file("more")), page(7, whole=True)):
        assert refusal(taking, again)[0] == "protocol"
    assert len(taking.rows()) == len(TREE)


# --- lies -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "lie",
    [
        {"files": 4},
        {"files": 2},
        {"folders": 2},
        {"folders": 4},
        {"files": 2, "folders": 4},
        {"files": 6, "folders": 0},
        {"size": 104},
        {"size": 106},
        {"size": 0},
        {"size": None},
        {"size": 2**63 - 1},
    ],
    ids=str,
)
@PAGES
def test_a_list_that_is_not_what_was_offered_is_refused(
    journal: Journal, lie: dict[str, int | None], at_once: int
) -> None:
    taking = Taking(journal, msgspec.structs.replace(offer_of(TREE), **lie))
    pages = [
        page(at + 1, *TREE[at : at + at_once], whole=at + at_once >= len(TREE)) for at in range(0, len(TREE), at_once)
    ]
    assert refusal(taking, *pages) == ("list-differs", "")
    assert not taking.listing.whole


def test_a_list_that_ends_too_early_is_refused(journal: Journal) -> None:
    assert refusal(Taking(journal, offer_of(TREE)), page(1, *TREE[:-1], whole=True)) == ("list-differs", "")


def test_one_entry_too_many_is_refused_before_it_is_kept(journal: Journal) -> None:
    taking = Taking(journal, offer_of(TREE))
    assert refusal(taking, page(1, *TREE, file("more"))) == ("list-differs", "")
    assert taking.rows() == []


def test_a_stream_that_was_not_offered_is_refused(journal: Journal) -> None:
    assert refusal(Taking(journal, offer_of([file("a")])), page(1, stream(), whole=True)) == ("list-differs", "")
    assert refusal(Taking(journal, offer_of([stream()])), page(1, file("a"), whole=True)) == ("list-differs", "")


def test_sizes_that_no_number_holds_are_a_lie(journal: Journal) -> None:
    greatest = [file(str(number), 2**62 - 1) for number in range(4)]
    taking = Taking(journal, Offer(7, 4, 0, 2**63 - 1, ()))
    assert refusal(taking, page(1, *greatest, whole=True)) == ("list-differs", "")


@pytest.mark.parametrize(
    "entry",
    [
        Entry("a", "folder", 1, 0),
        Entry("a", "folder", None, 0),
        Entry("a", "file", None, 0),
        Entry("a", "program", None, 0),
        Entry("a", "stream", 0, 0),
        Entry("a", "stream", 5, 0),
    ],
    ids=lambda entry: f"{entry.kind} of {entry.size}",
)
def test_a_kind_that_has_no_such_size_is_refused(journal: Journal, entry: Entry) -> None:
    taking = Taking(journal, replace_size(offer_of([entry])))
    assert refusal(taking, page(1, entry, whole=True)) == ("protocol", f"a {entry.kind} of {entry.size} bytes")


def replace_size(offer: Offer) -> Offer:
    return msgspec.structs.replace(offer, size=0)


def test_a_stream_beside_others_is_refused(journal: Journal) -> None:
    for entries in ([stream(), file("a")], [file("a"), stream()], [folder("a"), stream("a/b")]):
        assert refusal(Taking(journal, offer_of(entries)), page(1, *entries))[0] == "protocol"


# --- names ----------------------------------------------------------------------------------------------------------

NFC, NFD = (unicodedata.normalize(form, "강의é") for form in ("NFC", "NFD"))


@PAGES
@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ([file("a.txt"), file("a.txt"), file("a.txt")], ["a.txt", "a (1).txt", "a (2).txt"]),
        ([file("a (1)"), file("a"), file("a")], ["a (1)", "a", "a (2)"]),
        ([file(NFC), file(NFD)], [NFC, f"{NFC} (1)"]),
        ([file(NFD), file(NFC)], [NFC, f"{NFC} (1)"]),
        ([file("A"), file("a")], ["A", "a"]),  # two on this disk; where they are one, the second is renamed
        ([file("a:b"), file("a\\b"), file("a\0b"), file("a_b")], ["a_b", "a_b (1)", "a_b (2)", "a_b (3)"]),
        ([folder("d"), file("d/a."), file("d/a")], ["d", "d/a", "d/a (1)"]),
        ([folder("d"), file("d/a"), folder("d"), file("d/a")], ["d", "d/a", "d (1)", "d (1)/a"]),
        ([folder("é"), file("é/a"), folder("e\u0301"), file("e\u0301/a")], ["é", "é/a", "é (1)", "é (1)/a"]),
        (
            [folder("d"), folder("d/e:"), file("d/e:/1"), folder("d/e_"), file("d/e_/1"), file("d/2")],
            ["d", "d/e_", "d/e_/1", "d/e_ (1)", "d/e_ (1)/1", "d/2"],
        ),
        ([file("d"), folder("d"), file("d/a")], ["d", "d (1)", "d (1)/a"]),
        ([file("d"), file("d/a")], ["d", "d/a"]),  # a file where a folder should be: said when it is made
    ],
)  # fmt: skip
def test_names_that_become_equal_are_numbered(
    journal: Journal, entries: list[Entry], expected: list[str], at_once: int
) -> None:
    assert paths(journal, *entries, at_once=at_once) == expected


@PAGES
@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ([file("../../etc/passwd")], ["_/_/etc/passwd"]),
        ([file("/etc/passwd")], ["etc/passwd"]),
        ([folder("/"), file("//a")], None),
        ([folder(".."), file("../a"), folder("../.."), file("../../b")], ["_", "_/a", "_/_", "_/_/b"]),
        ([folder("."), file("./a")], None),
        ([file(".bashrc"), file("x/.bashrc")], ["_bashrc", "x/.bashrc"]),
        ([file("a//b"), file("a/./b"), file("a/b/")], ["a/b", "a/b (1)", "a/b (2)"]),
        ([file("a.visavis-part")], ["a.visavis-par_"]),
        ([file("x" * 300)], ["x" * 255]),
        ([file("x" * 300), file("x" * 301)], ["x" * 255, "x" * 251 + " (1)"]),
    ],
)
def test_a_spiteful_name_becomes_a_harmless_one(
    journal: Journal, entries: list[Entry], expected: list[str] | None, at_once: int
) -> None:
    if expected is None:
        assert refusal(Taking(journal, offer_of(entries)), page(1, *entries)) == ("protocol", "path-empty")
    else:
        assert paths(journal, *entries, at_once=at_once) == expected


@pytest.mark.parametrize(
    ("path", "code"),
    [("/", "path-empty"), ("x/" * limits.PATH_DEPTH + "x", "path-deep"), ("가" * limits.PATH_BYTES, "path-long")],
)
def test_a_path_that_is_none_is_refused(journal: Journal, path: str, code: str) -> None:
    assert refusal(Taking(journal, offer_of([file(path)])), page(1, file(path))) == ("protocol", code)


@PAGES
def test_hostile_order_leads_nowhere_else(journal: Journal, at_once: int) -> None:
    entries = [
        file("a/b/c"),  # before its folders
        folder("a/b"),
        file("a/b/d"),
        folder("a"),
        file("a/e"),
        folder("q"),
        file("a/f"),  # back in a folder that was left
        folder("q/r/s"),
        file("q/r/s/t"),
    ]
    found = paths(journal, *entries, at_once=at_once)
    assert len(set(found)) == len(entries)
    assert found[0] == "a/b/c"
    for path in found:
        assert "/".join(clean_path(path)) == path
    assert found == paths(journal, *entries, at_once=3)


NAMES = st.sampled_from(["a", "a.", "A", "a (1)", "..", ".", "", "é", "e\u0301", "b:", "b_", "\0", "~"])
PATHS = st.lists(NAMES, min_size=1, max_size=4).map("/".join).filter(lambda path: path.strip("/."))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(PATHS, st.booleans()), min_size=1, max_size=12), st.integers(1, 12))
def test_any_list_becomes_different_harmless_names(
    journal: Journal, given_paths: list[tuple[str, bool]], at_once: int
) -> None:
    entries = [folder(path) if is_folder else file(path) for path, is_folder in given_paths]
    found = paths(journal, *entries, at_once=at_once)
    assert len(set(found)) == len(entries)
    for path in found:
        assert "/".join(clean_path(path)) == path


# --- limits ---------------------------------------------------------------------------------------------------------


def test_a_name_is_given_so_many_numbers(journal: Journal) -> None:
    at = [file("a")] * limits.NAME_TRIES
    found = paths(journal, *at)
    assert (found[0], found[-1]) == ("a", f"a ({limits.NAME_TRIES - 1})")
    past = [*at, file("a")]
    assert refusal(Taking(journal, offer_of(past)), page(1, *past)) == ("protocol", "the same name again and again")


def test_there_are_no_more_names_at_the_top_than_can_be_offered(journal: Journal) -> None:
    at = [file(f"{number}/x") for number in range(limits.OFFER_PATHS)]
    assert len(paths(journal, *at, file("0/y"))) == limits.OFFER_PATHS + 1
    past = [*at, file("more")]
    assert refusal(Taking(journal, offer_of(past)), page(1, *past))[0] == "protocol"


@pytest.mark.long
def test_a_long_list_takes_no_more_memory_than_a_page(journal: Journal) -> None:
    count, at_once = 30_000, 1000
    taking = Taking(journal, Offer(7, count, 1, 0, ()))
    taking.listing.take(page(1, folder("top")))
    used = []
    tracemalloc.start()
    try:
        for first in range(2, count + 2, at_once):
            entries = [file(f"top/a name of some length {number}") for number in range(first, first + at_once)]
            taking.listing.take(page(first, *entries, whole=first + at_once == count + 2))
            del entries
            used.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    assert taking.listing.whole
    assert taking.listing.count == count + 1
    assert used[-1] - used[2] < 300_000  # of 30,000 names 3 MB; the names last cleaned are remembered
