"""What engine and children say to each other."""

import contextlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.children import orders
from actors.children.orders import Captured, Failed, Next, OpenSource, Play, Shown, Tune, Watch
from relay import limits, wire


@pytest.mark.parametrize("order", [OpenSource("file", "/사진 1.jpg"), Tune("faces", 95), Play(seek=1.5), Next()])
def test_an_order_comes_back_as_it_was(order: orders.AnyOrder) -> None:
    decoder = wire.Decoder(orders.TO_CHILD)
    decoder.feed(orders.encode_order(order))
    packet = decoder.next_packet()
    assert packet is not None
    assert orders.decode_order(packet.payload) == order


@pytest.mark.parametrize("report", [Captured(3, 1), Shown(2**63, 5, 6, 7), Failed("camera-busy", "0")])
def test_a_report_comes_back_as_it_was(report: orders.AnyReport) -> None:
    decoder = wire.Decoder(orders.FROM_CHILD)
    decoder.feed(orders.encode_report(report))
    packet = decoder.next_packet()
    assert packet is not None
    assert orders.decode_report(packet.payload) == report


@given(st.binary(max_size=100))
def test_any_bytes_are_a_report_or_a_value_error(payload: bytes) -> None:
    with contextlib.suppress(ValueError):
        orders.decode_report(payload)


def test_nested_too_deep_is_a_value_error() -> None:
    with pytest.raises(ValueError, match=r"."):
        orders.decode_report(b"[" * 100_000)


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ({"quality": limits.QUALITY_MIN}, {"quality": limits.QUALITY_MIN - 1}),
        ({"quality": limits.QUALITY_MAX}, {"quality": limits.QUALITY_MAX + 1}),
        ({"width": limits.VIDEO_SIDE}, {"width": limits.VIDEO_SIDE + 1}),
        ({"rate": limits.VIDEO_RATE}, {"rate": limits.VIDEO_RATE + 1}),
    ],
)
def test_a_tuning_at_its_limit_is_taken_and_one_past_it_refused(good: dict[str, int], bad: dict[str, int]) -> None:
    assert isinstance(orders.decode_order(msgspec.json.encode({"type": "Tune", **good})), Tune)
    with pytest.raises(ValueError, match=r"."):
        orders.decode_order(msgspec.json.encode({"type": "Tune", **bad}))


def test_a_watch_at_its_limit_is_taken_and_one_past_it_refused() -> None:
    largest = Watch(1, limits.PICTURE_COLUMNS, limits.PICTURE_ROWS)
    assert orders.decode_order(msgspec.json.encode(largest)) == largest
    for wrong in (Watch(1, limits.PICTURE_COLUMNS + 1, 1), Watch(1, 1, limits.PICTURE_ROWS + 1), Watch(1, 0, 1)):
        with pytest.raises(ValueError, match=r"."):
            orders.decode_order(msgspec.json.encode(wrong))
