"""Opus both ways."""

from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.audio.frames import OPUS_BYTES, RATE, SAMPLES
from actors.codecs.opus import BIT_RATE, Decoder, Encoder, OpusError
from tests.sound import found_in
from tests.voices import voice


def test_a_voice_comes_back_as_it_was_a_little_later() -> None:
    said = voice(4)
    encoder, decoder = Encoder(), Decoder()
    packets = [encoder.encode(said[at : at + SAMPLES]) for at in range(0, len(said), SAMPLES)]
    heard = np.concatenate([decoder.decode(packet) for packet in packets])
    assert len(heard) == len(said)
    at, alike = found_in(heard / 32768, said[: 3 * RATE] / 32768)
    assert alike > 0.9
    assert at < 0.01
    assert sum(map(len, packets)) * 8 / 4 < 1.3 * BIT_RATE
    assert max(map(len, packets)) <= OPUS_BYTES


def test_frames_that_are_left_out_cost_no_more_than_themselves() -> None:
    said = voice(4)
    encoder, decoder = Encoder(), Decoder()
    packets = [encoder.encode(said[at : at + SAMPLES]) for at in range(0, len(said), SAMPLES)]
    heard = np.concatenate([decoder.decode(packet) for number, packet in enumerate(packets) if not 50 <= number < 60])
    _, alike = found_in(heard / 32768, said[2 * RATE : 3 * RATE] / 32768)
    assert alike > 0.85


@given(st.binary(min_size=1, max_size=OPUS_BYTES))
def test_whatever_comes_is_20_ms_or_refused(packet: bytes) -> None:
    decoder = Decoder()
    with suppress(OpusError):
        assert decoder.decode(packet).shape == (SAMPLES,)
    good = Encoder().encode(np.zeros(SAMPLES, np.int16))
    assert decoder.decode(good).shape == (SAMPLES,)


def test_silence_is_small() -> None:
    encoder = Encoder()
    sizes = [len(encoder.encode(np.zeros(SAMPLES, np.int16))) for _ in range(50)]
    assert max(sizes[10:]) < 20


def test_another_length_is_no_frame() -> None:
    with pytest.raises(ValueError, match="reshape"):
        Encoder().encode(np.zeros(SAMPLES - 1, np.int16))
