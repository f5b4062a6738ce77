"""Sound through a real relay where there is no device: files speak, files keep what is heard; sealed, and plain."""

import itertools
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from actors.messages import (
    CommandRefused,
    Hang,
    OpenMicrophone,
    OpenPlain,
    OpenSpeaker,
    PeerSoundChanged,
    SoundChanged,
    SoundMeasured,
    TuneSound,
)
from relay.wire import format_address
from tests.actors.original import open_client, open_server
from tests.e2e.programs import Engine, Relay, wait_until
from tests.sound import seconds_of
from tests.voices import RATE, read_wave, voice, write_wave

Pair = tuple[Engine, Engine]


def heard_of(path: Path, said: np.ndarray) -> float:
    """How much of what was said is in the file, second by second: the least of them."""
    found = seconds_of(read_wave(path), said / 32768, most=8)
    return min((alike for _, alike in found), default=0.0)


@pytest.mark.parametrize("codec", ["pcm", "opus"])
def test_a_file_is_heard_whole_in_a_file(pair: Pair, tmp_path: Path, codec: str) -> None:
    mina, jun = pair
    said = voice(6)
    jun.tell(OpenSpeaker(file=str(tmp_path / "heard.wav")))
    jun.wait_event(SoundChanged, lambda event: event.sound.speaker.state == "on")
    mina.tell(TuneSound(codec=codec, mode="open"))  # type: ignore[arg-type]
    # The first second passes while the lane opens.
    mina.tell(OpenMicrophone(file=str(write_wave(tmp_path / "said.wav", np.concatenate([np.zeros(RATE), said])))))
    jun.wait_event(PeerSoundChanged, lambda event: event.sound.state == "on")
    mina.wait_event(SoundChanged, lambda event: event.sound.microphone.cause == "source-ended")
    jun.wait_event(PeerSoundChanged, lambda event: event.sound.state == "off")
    wait_until(lambda: heard_of(tmp_path / "heard.wav", said) > 0.7, lambda: heard_of(tmp_path / "heard.wav", said))
    assert (mina.all_events(SoundChanged)[-1].sound.sends == "opus") == (codec == "opus")
    last = jun.all_events(SoundMeasured)[-1].peer
    assert last.refused == last.dropped == 0


def test_a_relay_that_goes_away_costs_what_was_said_meanwhile(pair: Pair, relay: Relay, tmp_path: Path) -> None:
    mina, jun = pair
    jun.tell(OpenSpeaker(file=str(tmp_path / "heard.wav")))
    said = voice(12)
    mina.tell(TuneSound(mode="open"))
    mina.tell(OpenMicrophone(file=str(write_wave(tmp_path / "said.wav", said))))
    jun.wait_event(SoundMeasured, lambda event: event.peer.frames > 50)
    relay.kill()
    relay.start()
    mina.wait_event(SoundChanged, lambda event: event.sound.microphone.cause == "source-ended")
    found = seconds_of(read_wave(tmp_path / "heard.wav"), said / 32768)
    assert sum(alike > 0.8 for _, alike in found) >= 5  # of twelve
    assert found[-2][1] > 0.8


def test_what_can_not_speak_is_said(pair: Pair, tmp_path: Path) -> None:
    mina, jun = pair
    for path, cause in ((tmp_path / "nowhere.wav", "source-missing"), (tmp_path, "source-broken")):
        mina.tell(OpenMicrophone(file=str(path)))
        failed = mina.wait_event(
            SoundChanged, lambda event: event.sound.microphone.state == "failed", mina.last_seq + 1
        )
        assert failed.sound.microphone.cause == cause
    mina.say("so I write")
    assert jun.wait_heard(1) == ["so I write"]


def test_without_a_call_there_is_nobody_to_speak_to(start_engine: Callable[[str], Engine]) -> None:
    engine = start_engine("Mina")
    engine.tell(OpenMicrophone())
    assert engine.wait_event(CommandRefused).cause == "no-call"
    engine.tell(Hang())
    assert engine.wait_exit() == 0


# --- plain -----------------------------------------------------------------------------------------------------------


def test_ours_and_the_originals_hear_each_other(start_engine: Callable[[str], Engine], tmp_path: Path) -> None:
    with open_server() as server, open_client(server.address) as original:
        mina = start_engine("Mina")
        mina.tell(OpenPlain(format_address(*server.address)))
        wait_until(lambda: server.seated() == 2)
        said = voice(4)
        mina.tell(TuneSound(mode="open", codec="opus"))
        mina.tell(OpenMicrophone(file=str(write_wave(tmp_path / "said.wav", said))))
        mina.wait_event(SoundChanged, lambda event: event.sound.microphone.cause == "source-ended")
        wait_until(lambda: original.counts.get(b"AUD0", 0) >= 60, lambda: original.counts)
        came = b"".join(original.sounds)
        assert {len(piece) for piece in original.sounds} == {2048}
        assert said.astype("<i2").tobytes()[6400 : len(came) - 6400] in came
        mina.tell(OpenSpeaker(file=str(tmp_path / "heard.wav")))
        mina.wait_event(SoundChanged, lambda event: event.sound.speaker.state == "on")
        theirs = voice(4, seed=3)
        began = time.monotonic()
        for number in range(len(theirs) // 1024):
            time.sleep(max(0.0, began + number * 0.064 - time.monotonic()))
            original.send(b"AUD0", theirs[number * 1024 : (number + 1) * 1024].astype("<i2").tobytes())
        wait_until(lambda: heard_of(tmp_path / "heard.wav", theirs[RATE : 3 * RATE]) > 0.7)
        for nonsense in (b"", b"\x01", bytes(65536), bytes(4095)):
            original.send(b"AUD0", nonsense)
        original.say("and written")
        assert mina.wait_heard(1) == ["and written"]


def test_two_of_ours_hear_each_other_through_a_lobby(
    start_relay: Callable[..., Relay], start_engine: Callable[[str], Engine], tmp_path: Path
) -> None:
    relay = start_relay("--plain", "--drain", "0")
    mina, jun = start_engine("Mina"), start_engine("Jun")
    for engine in (mina, jun):
        engine.tell(OpenPlain(relay.address))

    numbers = itertools.count()

    def met() -> bool:
        mina.say(f"ping {next(numbers)}")
        return bool(jun.heard)

    wait_until(met)
    jun.tell(OpenSpeaker(file=str(tmp_path / "heard.wav")))
    jun.wait_event(SoundChanged, lambda event: event.sound.speaker.state == "on")
    said = voice(5)
    mina.tell(TuneSound(mode="open"))
    mina.tell(OpenMicrophone(file=str(write_wave(tmp_path / "said.wav", said))))
    mina.wait_event(SoundChanged, lambda event: event.sound.microphone.cause == "source-ended")
    wait_until(lambda: heard_of(tmp_path / "heard.wav", said[RATE : 4 * RATE]) > 0.7)
