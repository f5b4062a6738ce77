"""Samples played a little faster or slower."""

import numpy as np
import pytest

from actors.children.stretch import HALF, Stretch

RATE = 16_000


def stretched(samples: np.ndarray, speed: float, block: int = 320) -> np.ndarray:
    stretch = Stretch()
    return np.concatenate(
        [stretch.take(samples[at : at + block].astype(np.float32), speed) for at in range(0, len(samples), block)]
    )


def test_at_its_own_speed_it_stays_as_it_is_half_a_millisecond_later() -> None:
    samples = np.random.default_rng(1).integers(-20_000, 20_000, 3200)
    assert np.abs(stretched(samples, 1.0)[HALF:] - samples[:-HALF]).max() < 0.05


@pytest.mark.parametrize("speed", [0.995, 0.9987, 1.0013, 1.005])
@pytest.mark.parametrize(("pitch", "noise"), [(300, 70), (1000, 65), (3000, 55), (6000, 38)])
def test_a_tone_stays_a_tone_of_its_speed(speed: float, pitch: int, noise: float) -> None:
    samples = 10_000 * np.sin(2 * np.pi * pitch * np.arange(2 * RATE) / RATE)
    played = stretched(samples, speed)[500:-500]
    assert len(played) == pytest.approx(2 * RATE / speed - 1000, abs=20)
    turns = 2 * np.pi * pitch * speed / RATE * np.arange(len(played))
    basis = np.stack([np.cos(turns), np.sin(turns)], axis=1)
    rest = played - basis @ np.linalg.lstsq(basis, played, rcond=None)[0]
    assert 10 * np.log10(np.var(played) / np.var(rest)) > noise


def test_blocks_of_any_length_give_the_same() -> None:
    samples = np.random.default_rng(2).integers(-20_000, 20_000, 4000)
    whole = stretched(samples, 1.003, 4000)
    for block in (1, 7, 160, 321):
        cut = stretched(samples, 1.003, block)
        assert len(cut) == len(whole)
        assert np.abs(cut - whole).max() < 1
