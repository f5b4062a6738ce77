"""The hash of a file."""

import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from actors.files.tree import HASH_BYTES, TreeHash, block_hash, blocks_of, file_hash
from relay import limits

MIB = limits.MIB


def test_it_is_what_the_protocol_says() -> None:
    blocks = [b"a" * limits.BLOCK_BYTES, b"b"]
    size = limits.BLOCK_BYTES + 1
    whole = b"visavis/1 file" + b"".join(blake3(block).digest() for block in blocks) + size.to_bytes(8, "big")
    assert TreeHash(block_hash([block]) for block in blocks).digest(size) == blake3(whole).digest()
    assert len(blake3(whole).digest()) == HASH_BYTES


@given(st.lists(st.binary(max_size=20), max_size=8))
def test_a_block_may_come_in_any_pieces(pieces: list[bytes]) -> None:
    assert block_hash(pieces) == blake3(b"".join(pieces)).digest()
    assert block_hash(map(memoryview, pieces)) == block_hash(map(bytearray, pieces))


@given(st.binary(max_size=100))
def test_a_small_file_has_the_hash_of_any_file(data: bytes) -> None:
    tree = TreeHash()
    if data:
        tree.add(block_hash([data]))
    assert file_hash(data) == tree.digest(len(data))


def test_hashes_that_were_kept_go_on_where_they_stopped() -> None:
    hashes = [block_hash([bytes([number])]) for number in range(5)]
    for kept in range(6):
        tree = TreeHash(hashes[:kept])
        for later in hashes[kept:]:
            tree.add(later)
        assert tree.digest(5) == TreeHash(hashes).digest(5)


def test_a_hash_can_be_asked_for_and_gone_on_with() -> None:
    tree = TreeHash()
    empty = tree.digest(0)
    assert tree.digest(0) == empty
    tree.add(block_hash([b"x"]))
    assert tree.digest(1) == file_hash(b"x") != empty


def test_files_that_differ_have_different_hashes() -> None:
    one, other = block_hash([b"1"]), block_hash([b"2"])
    hashes = {
        TreeHash().digest(0),
        TreeHash([one]).digest(1),
        TreeHash([other]).digest(1),
        TreeHash([one]).digest(2),  # another size
        TreeHash([one, other]).digest(2),
        TreeHash([other, one]).digest(2),  # another order
        file_hash(one),  # a file that holds the hash of a block
        file_hash(one + other),
        blake3(b"1").digest(),
    }
    assert len(hashes) == 9


@pytest.mark.parametrize(
    ("size", "blocks"),
    [(0, 0), (1, 1), (4 * MIB - 1, 1), (4 * MIB, 1), (4 * MIB + 1, 2), (8 * MIB, 2), (2**62 - 1, 2**40)],
)
def test_a_file_has_as_many_blocks_as_it_needs(size: int, blocks: int) -> None:
    assert blocks_of(size) == blocks
