"""The sound of a film at its second."""

import time
from pathlib import Path

import numpy as np
import pytest

from actors.audio.frames import RATE, SAMPLES
from actors.children.film_sound import FilmSound
from actors.children.orders import PlayFilm
from tests.voices import voice, write_wave

SAID = voice(6)
ZERO = 100 * 10**9


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(write_wave(tmp_path / "film.wav", SAID))


def wait_for(film: FilmSound, second: float) -> np.ndarray:
    """The 20 ms from this second on, once they are decoded."""
    deadline = time.monotonic() + 10
    while (block := film.next(100 + second, SAMPLES)) is None:
        assert time.monotonic() < deadline
        time.sleep(0.005)
    return block


def said(second: float) -> np.ndarray:
    return SAID[round(second * RATE) :][:SAMPLES]


def test_it_goes_on_block_by_block(path: str) -> None:
    film = FilmSound()
    film.play(PlayFilm(path, ZERO))
    assert film.plays
    for number in range(250):
        assert (wait_for(film, number * 0.02) == said(number * 0.02)).all()


@pytest.mark.parametrize("second", [0.5, 3.0, 5.5])
def test_it_begins_anywhere_and_goes_anywhere(path: str, second: float) -> None:
    film = FilmSound()
    film.play(PlayFilm(path, ZERO))
    assert np.abs(wait_for(film, second).astype(int) - said(second)).max() <= 1
    for other in (1.0, 4.0, 0.2):
        assert np.abs(wait_for(film, other).astype(int) - said(other)).max() <= 1


def test_a_film_that_stands_still_is_silent_and_goes_on_where_it_was(path: str) -> None:
    film = FilmSound()
    film.play(PlayFilm(path, ZERO))
    wait_for(film, 1.0)
    film.play(PlayFilm(path, None))
    assert not film.plays
    assert film.next(101.02, SAMPLES) is None
    film.play(PlayFilm(path, ZERO + 5 * 10**9))
    assert (wait_for(film, 6.02) == said(1.02)).all()


def test_before_its_beginning_and_behind_its_end_it_is_silent(path: str) -> None:
    film = FilmSound()
    film.play(PlayFilm(path, ZERO))
    assert film.next(95.0, SAMPLES) is None
    wait_for(film, 5.96)
    time.sleep(0.1)
    assert all(film.next(106.1 + number * 0.02, SAMPLES) is None for number in range(20))


def test_another_film_takes_its_place(path: str, tmp_path: Path) -> None:
    other = voice(2, seed=9)
    film = FilmSound()
    film.play(PlayFilm(path, ZERO))
    wait_for(film, 1.0)
    film.play(PlayFilm(str(write_wave(tmp_path / "other.wav", other)), ZERO))
    assert (wait_for(film, 1.0) == other[RATE : RATE + SAMPLES]).all()
    film.play(PlayFilm())
    assert film.next(101.02, SAMPLES) is None


@pytest.mark.parametrize("content", [b"", b"no film", None])
def test_a_film_without_sound_is_silent_and_the_next_is_heard(path: str, tmp_path: Path, content: bytes | None) -> None:
    broken = tmp_path / "broken.mp4"
    if content is not None:
        broken.write_bytes(content)
    film = FilmSound()
    film.play(PlayFilm(str(broken), ZERO))
    for number in range(20):
        assert film.next(100 + number * 0.02, SAMPLES) is None
    film.play(PlayFilm(path, ZERO))
    assert (wait_for(film, 0.0) == said(0.0)).all()
