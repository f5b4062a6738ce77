"""The sound of a film that both look at stays with its pictures, at both ends."""

import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest

from actors.messages import (
    CodeMade,
    EnterCode,
    LinkChanged,
    MakeCode,
    OpenMicrophone,
    OpenSpeaker,
    PlayVideo,
    ShowVideo,
    SoundChanged,
    StopVideo,
    TuneSound,
)
from tests.e2e.programs import Engine, Relay, wait_until
from tests.e2e.watcher import Watcher
from tests.films import make_clapper
from tests.sound import RATE, Recording, SoundServer, sound_server

pytestmark = pytest.mark.device
Pair = tuple[Engine, Engine]
TOGETHER = 0.045  # seconds between picture and sound that nobody notices


@pytest.fixture
def server(tmp_path: Path, closing: ExitStack) -> SoundServer:
    return closing.enter_context(sound_server(tmp_path / "pulse", "mina", "jun"))


@pytest.fixture
def looking(
    server: SoundServer, relay: Relay, start_engine: Callable[[str], Engine], monkeypatch: pytest.MonkeyPatch
) -> Pair:
    """Two engines in a call that can hear each other."""
    engines = []
    for side in ("mina", "jun"):
        for name, value in server.environment(side).items():
            monkeypatch.setenv(name, value)
        engines.append(start_engine(side))
    mina, jun = engines
    mina.tell(MakeCode(relay.address))
    jun.tell(EnterCode(relay.address, mina.wait_event(CodeMade).code))
    for engine in engines:
        engine.wait_event(LinkChanged, lambda event: event.link == "joined")
        engine.tell(OpenSpeaker())
    for engine in engines:
        engine.wait_event(SoundChanged, lambda event: event.sound.speaker.state == "on")
    return mina, jun


def beeps(recording: Recording) -> list[float]:
    """When each tone began (s of CLOCK_MONOTONIC)."""
    loud = np.convolve(np.abs(recording.samples), np.ones(32) / 32, "same") > 0.1
    found, last = [], -RATE
    for place in np.flatnonzero(loud):
        if place - last > RATE // 2:
            found.append(recording.began + place / RATE)
        last = place
    return found


def apart(flashes: list[float], heard: list[float]) -> list[float]:
    """For each flash, how much later (or earlier) its tone was; in seconds."""
    return [min((tone - flash for tone in heard), key=abs) for flash in flashes]


def test_sound_stays_with_the_picture_through_pause_and_seek(
    looking: Pair, server: SoundServer, tmp_path: Path
) -> None:
    mina, jun = looking
    film = make_clapper(tmp_path / "film.mp4", 16)
    watcher = Watcher(jun.name)
    with server.recording("mina-out", "jun-out") as (at_mina, at_jun):
        mina.tell(ShowVideo("file", str(film)))
        wait_until(lambda: len(watcher.flashes()) >= 5)
        mina.tell(PlayVideo(paused=True))
        time.sleep(1)
        still = len(watcher.flashes())
        time.sleep(1.2)
        assert len(watcher.flashes()) == still
        mina.tell(PlayVideo(paused=False))
        wait_until(lambda: len(watcher.flashes()) >= still + 2)
        mina.tell(PlayVideo(seek=10.5))
        wait_until(lambda: len(watcher.flashes()) >= still + 5)
        time.sleep(0.5)
    flashes = watcher.flashes()
    watcher.close()
    for recording in (at_jun, at_mina):
        # The first of each part is left out: until acknowledgements tell, it is not known how late the peer hears.
        off = apart(flashes[1:], beeps(recording))
        assert np.median(np.abs(off)) < TOGETHER, off
        assert sum(abs(each) < 2 * TOGETHER for each in off) >= len(off) - 1, off
    assert abs(len(beeps(at_jun)) - len(flashes)) <= 1


def test_a_film_for_oneself_is_heard_here_alone(looking: Pair, server: SoundServer, tmp_path: Path) -> None:
    mina, _ = looking
    film = make_clapper(tmp_path / "film.mp4", 6)
    with server.recording("mina-out", "jun-out") as (at_mina, at_jun):
        mina.tell(ShowVideo("file", str(film), both=False))
        wait_until(lambda: len(beeps(at_mina)) >= 2)
        mina.tell(StopVideo())
        time.sleep(1.2)
        heard = len(beeps(at_mina))
        time.sleep(1.2)
    assert len(beeps(at_mina)) == heard
    assert np.abs(at_jun.samples).max() == 0


def test_who_is_muted_still_shows_films_with_sound(looking: Pair, server: SoundServer, tmp_path: Path) -> None:
    mina, _ = looking
    film = make_clapper(tmp_path / "film.mp4", 8)
    mina.tell(OpenMicrophone())
    mina.wait_event(SoundChanged, lambda event: event.sound.microphone.state == "on")
    mina.tell(TuneSound(muted=True))
    noise = server.play("mina-mic", np.random.default_rng(1).normal(0, 0.2, 12 * RATE))
    with server.recording("jun-out") as (at_jun,):
        mina.tell(ShowVideo("file", str(film)))
        wait_until(lambda: len(beeps(at_jun)) >= 3)
    noise.terminate()
    noise.wait()
    assert np.median(np.abs(at_jun.samples)) < 0.01  # but for the tones there is silence
