"""What meters are told."""

import numpy as np
import pytest

from actors.audio.frames import RATE, SAMPLES
from actors.children.levels import FLOOR, bands_of, level_of
from relay import limits


def tone(pitch: float, loud: float = 1.0) -> np.ndarray:
    return (32767 * loud * np.sin(2 * np.pi * pitch * np.arange(SAMPLES) / RATE)).astype(np.int16)


def test_levels_are_those_of_the_standard() -> None:
    assert level_of(np.full(SAMPLES, -32768, np.int16)) == pytest.approx(0, abs=0.01)
    assert level_of(tone(1000)) == pytest.approx(-3.01, abs=0.05)
    assert level_of(tone(1000, 0.1)) == pytest.approx(-23.01, abs=0.05)
    assert level_of(np.zeros(SAMPLES, np.int16)) == level_of(np.zeros(0, np.int16)) == FLOOR


@pytest.mark.parametrize("pitch", [100, 250, 500, 1000, 2000, 4000, 7000])
def test_a_tone_is_loudest_in_its_own_band(pitch: int) -> None:
    bands = bands_of(tone(pitch))
    edges = np.geomspace(80, RATE / 2, limits.BANDS + 1)
    own = int(np.searchsorted(edges, pitch)) - 1
    assert len(bands) == limits.BANDS
    assert max(bands) == pytest.approx(0, abs=3)
    assert bands[own] >= max(bands) - 1
    assert all(band < -20 for place, band in enumerate(bands) if abs(place - own) > 6)


@pytest.mark.parametrize("count", [0, 1, 319, 320, 323])
def test_any_number_of_samples_has_a_spectrum(count: int) -> None:
    assert bands_of(np.zeros(count, np.int16)) == (FLOOR,) * limits.BANDS
