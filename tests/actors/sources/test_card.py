"""The card can be read back."""

import pytest

from actors.sources.card import Card, draw_card
from tests.cards import NoCardError, mark_of, read_card


@pytest.mark.parametrize("size", [(1280, 720), (640, 480), (97, 61), (64, 24)])
@pytest.mark.parametrize("number", [0, 1, 63, 64, 4660, 65535])
def test_number_and_mark_are_read_back(number: int, size: tuple[int, int]) -> None:
    read, mark = read_card(draw_card(number, *size))
    assert read == number
    assert mark == pytest.approx(mark_of(number), abs=0.03)


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (500, 1), (3, 3)])
def test_it_can_be_drawn_in_any_size(size: tuple[int, int]) -> None:
    assert draw_card(7, *size).shape == (size[1], size[0], 3)
    with pytest.raises(NoCardError):
        read_card(draw_card(7, *size))


def test_frames_come_in_order_and_not_before_their_time() -> None:
    card = Card(64, 36, 100)
    read = [card.read() for _ in range(5)]
    numbers = [read_card(still.image)[0] for still in read]
    assert numbers == sorted(set(numbers))
    assert (read[-1].captured - read[0].captured) / 1e9 >= (numbers[-1] - numbers[0] - 1) / 100
