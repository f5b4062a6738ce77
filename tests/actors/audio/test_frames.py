"""20 ms of sound in bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.audio.frames import FRAME_LIMIT, HEAD, LANE_LIMIT, OPUS_BYTES, PCM_BYTES, FrameError, SoundFrame, unpack
from relay import limits

NUMBERS = st.integers(0, 2**64 - 1)
FRAMES = st.one_of(
    st.builds(SoundFrame, NUMBERS, NUMBERS, st.binary(min_size=PCM_BYTES, max_size=PCM_BYTES), st.just("pcm")),
    st.builds(
        SoundFrame,
        NUMBERS,
        NUMBERS,
        st.binary(min_size=1, max_size=OPUS_BYTES),
        st.just("opus"),
        st.booleans(),
        st.booleans(),
    ),
)


@given(FRAMES)
def test_a_frame_comes_back_as_it_was(frame: SoundFrame) -> None:
    assert unpack(bytearray(frame.pack())) == frame


@given(st.binary(max_size=FRAME_LIMIT + 10))
def test_whatever_comes_is_a_frame_or_refused(payload: bytes) -> None:
    try:
        frame = unpack(payload)
    except FrameError:
        return
    assert frame.codec == "opus" or len(frame.sound) == PCM_BYTES
    assert 0 < len(frame.sound) <= OPUS_BYTES


@pytest.mark.parametrize("size", [0, 1, PCM_BYTES - 1, PCM_BYTES + 1, PCM_BYTES // 2, OPUS_BYTES])
def test_pcm_of_another_length_is_refused(size: int) -> None:
    with pytest.raises(FrameError):
        unpack(SoundFrame(1, 2, bytes(size)).pack())


def test_the_longest_opus_packet_passes_and_one_byte_more_does_not() -> None:
    assert len(unpack(SoundFrame(1, 2, bytes(OPUS_BYTES), "opus").pack()).sound) == OPUS_BYTES
    with pytest.raises(FrameError):
        unpack(SoundFrame(1, 2, bytes(OPUS_BYTES + 1), "opus").pack())
    assert HEAD.size + OPUS_BYTES + limits.SEAL_OVERHEAD_BYTES == LANE_LIMIT


def test_kinds_of_later_versions_are_refused() -> None:
    for kind in range(2, 16):
        with pytest.raises(FrameError):
            unpack(HEAD.pack(1, 2, kind) + bytes(PCM_BYTES))
