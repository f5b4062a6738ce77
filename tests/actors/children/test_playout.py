"""What the speaker plays, over seconds that nobody waits for."""

from collections.abc import Callable

import numpy as np
import pytest

from actors.audio.frames import FRAME_SECONDS, RATE, SAMPLES, SoundFrame
from actors.audio.jitter import CAP_SECONDS
from actors.children.playout import FADE, Playout
from tests.sound import seconds_of
from tests.voices import voice


class Played:
    """A microphone and a speaker whose clock goes wrong by `drift`, and a way with delays between them."""

    def __init__(
        self,
        said: np.ndarray,
        delay: Callable[[int], float] = lambda number: 0.005,
        drift: float = 0.0,
        speaks: Callable[[int], bool] = lambda number: True,
    ) -> None:
        self.playout = Playout()
        self.waits: list[tuple[float, float]] = []  # at which second a frame was how old
        frames, last = [], 0.0
        for number in range(len(said) // SAMPLES):
            if speaks(number):
                begin = number * FRAME_SECONDS
                last = max(last, begin + FRAME_SECONDS + delay(number))
                sound = said[number * SAMPLES : (number + 1) * SAMPLES].astype("<i2").tobytes()
                ends = not speaks(number + 1)
                frames.append((last, SoundFrame(number + 1, round(begin * 1e9), sound, last=ends)))
        pieces, now, told = [np.zeros(0, np.float32)], 0.0113, 0
        while now < len(said) / RATE:
            while frames and frames[0][0] <= now:
                self.playout.put(frames[0][1], frames.pop(0)[0])
            pieces.append(self.playout.next(now))
            played = self.playout.last
            if played is not None and played.number != told:
                told = played.number
                self.waits.append((now, now - played.captured / 1e9))
            now += len(pieces[-1]) / RATE / (1 + drift)
        self.heard = np.concatenate(pieces)

    @property
    def counts(self) -> object:
        return self.playout.buffer.counts


def steepest(samples: np.ndarray) -> float:
    return float(np.abs(np.diff(samples)).max())


@pytest.mark.parametrize("drift", [0.0, -0.001, 0.001])
def test_a_voice_is_heard_whole_and_in_order_whatever_the_clocks(drift: float) -> None:
    said = voice(21)
    played = Played(said, drift=drift)
    found = seconds_of(played.heard / 32768, said[: 20 * RATE] / 32768)
    assert len(found) == 20
    assert min(alike for _, alike in found) > 0.9
    assert played.playout.buffer.counts.dry == played.playout.buffer.counts.dropped == 0


@pytest.mark.parametrize("drift", [-0.001, 0.001])
def test_the_delay_does_not_grow_however_long_it_takes(drift: float) -> None:
    played = Played(voice(180), lambda number: 0.005 + number % 5 * 0.002, drift)
    ages = [[age for at, age in played.waits if minute * 60 <= at < minute * 60 + 60] for minute in range(3)]
    assert max(ages[2]) <= max(ages[0]) + 0.003
    assert max(ages[2]) - min(ages[2]) < FRAME_SECONDS
    assert played.playout.buffer.counts.dropped == 0


@pytest.mark.parametrize("drift", [0.0, 0.001, -0.001])
def test_a_tone_is_played_without_a_click(drift: float) -> None:
    tone = (10_000 * np.sin(2 * np.pi * 440 * np.arange(60 * RATE) / RATE)).astype(np.int16)
    heard = Played(tone, lambda number: 0.002 + number % 3 * 0.004, drift).heard[2 * RATE :]
    assert steepest(heard) < 1.05 * steepest(tone.astype(float))


def test_what_is_missing_fades_and_does_not_click() -> None:
    tone = (10_000 * np.sin(2 * np.pi * 440 * np.arange(10 * RATE) / RATE)).astype(np.int16)
    played = Played(tone, lambda number: 0.4 if number % 100 == 50 else 0.002)
    assert played.playout.buffer.counts.dry > 0
    # The last 5 ms are mirrored while they fade: at a crest that turns a slope round, and is no more than twice it.
    assert steepest(played.heard[RATE:]) < 2.2 * steepest(tone.astype(float))


def test_silence_is_silence() -> None:
    playout = Playout()
    assert not any(playout.next(number * FRAME_SECONDS).any() for number in range(50))
    noise = np.full(SAMPLES, 20_000, "<i2").tobytes()
    playout.put(SoundFrame(1, 0, noise, last=True), 1.0)
    after = [playout.next(1.0 + number * FRAME_SECONDS) for number in range(20)]
    assert any(block.any() for block in after)
    assert not any(block.any() for block in after[5:])
    assert len([block for block in after if np.abs(block).max() > 100]) <= 3


def test_after_a_stall_it_is_back_within_a_second() -> None:
    stall = (500, 600)  # numbers of frames that come together, two seconds late
    said = voice(25)
    played = Played(said, lambda number: 0.005 + max(0, stall[1] - number) * FRAME_SECONDS * (number >= stall[0]))
    before = max(age for at, age in played.waits if 8 <= at < 10)
    after = max(age for at, age in played.waits if at >= 13.1)
    assert after <= before + 0.041  # it waits 20 ms more for a while, and whole frames are dropped
    assert max(age for _, age in played.waits) < CAP_SECONDS + 0.1 + 2


def test_pauses_are_kept_as_long_as_they_were() -> None:
    said = voice(12)
    played = Played(said, speaks=lambda number: number // 100 % 2 == 0)
    spoken = range(0, 12, 4)
    found = [seconds_of(played.heard[at * RATE :] / 32768, said[at * RATE : (at + 2) * RATE] / 32768) for at in spoken]
    delays = [delay for both in found for delay, alike in both if alike > 0.9]
    assert len(delays) == 6
    assert max(delays) - min(delays) < 0.03


@pytest.mark.parametrize("sound", [b"\x00", b"\xff" * 1275, bytes(range(200))])
def test_what_is_no_opus_is_silence_and_the_next_frame_is_heard(sound: bytes) -> None:
    playout = Playout()
    for number in range(1, 40):
        bad = number % 2
        frame = SoundFrame(number, 0, sound, "opus") if bad else SoundFrame(number, 0, b"\x10\x27" * SAMPLES)
        playout.put(SoundFrame(number, number * 20_000_000, frame.sound, frame.codec), number * FRAME_SECONDS)
        block = playout.next(number * FRAME_SECONDS + 0.015)
        assert np.isfinite(block).all()
    assert playout.buffer.counts.played > 20
    assert FADE < SAMPLES
