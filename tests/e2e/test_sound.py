"""Two people hear each other through a real relay: real PyAudio, real sound server, nobody's ears."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest

from actors.messages import (
    CloseMicrophone,
    CloseSpeaker,
    CodeMade,
    DevicesListed,
    EnterCode,
    LinkChanged,
    ListDevices,
    MakeCode,
    OpenMicrophone,
    OpenSpeaker,
    PeerSoundChanged,
    SoundChanged,
    SoundMeasured,
    TuneSound,
)
from tests.e2e.programs import MARK, Engine, Relay, Terminal, marked_processes, wait_until
from tests.sound import RATE, Samples, SoundServer, found_in, seconds_of, sound_server, speech
from tests.voices import voice

pytestmark = pytest.mark.device
Pair = tuple[Engine, Engine]


@pytest.fixture
def server(tmp_path: Path, closing: ExitStack) -> SoundServer:
    return closing.enter_context(sound_server(tmp_path / "pulse", "mina", "jun"))


def meet(
    mina: Engine,
    start_engine: Callable[[str], Engine],
    relay: Relay,
    monkeypatch: pytest.MonkeyPatch,
    **environment: str,
) -> Pair:
    """Let Jun, whose environment this is, into a call with Mina."""
    mina.tell(MakeCode(relay.address))
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    jun = start_engine("Jun")
    jun.tell(EnterCode(relay.address, mina.wait_event(CodeMade).code))
    for engine in (mina, jun):
        engine.wait_event(LinkChanged, lambda event: event.link == "joined")
    return mina, jun


@pytest.fixture
def start_mina(
    server: SoundServer, start_engine: Callable[[str], Engine], monkeypatch: pytest.MonkeyPatch
) -> Callable[[], Engine]:
    def start() -> Engine:
        for name, value in server.environment("mina").items():
            monkeypatch.setenv(name, value)
        return start_engine("Mina")

    return start


@pytest.fixture
def talking(
    server: SoundServer,
    relay: Relay,
    start_mina: Callable[[], Engine],
    start_engine: Callable[[str], Engine],
    monkeypatch: pytest.MonkeyPatch,
) -> Pair:
    """Two engines in a call, each with its microphone on."""
    pair = meet(start_mina(), start_engine, relay, monkeypatch, **server.environment("jun"))
    for engine in pair:
        engine.tell(OpenMicrophone())
    for engine in pair:
        wait_on(engine, "microphone")
        wait_on(engine, "speaker")
    return pair


def wait_on(engine: Engine, end: str, state: str = "on", after: int = 0) -> None:
    engine.wait_event(SoundChanged, lambda event: getattr(event.sound, end).state == state, after and after + 1)


def wait_playing(engine: Engine) -> None:
    """Wait until what comes is played."""
    engine.wait_event(SoundMeasured, lambda event: event.age_ms is not None, after=engine.last_seq + 1)


def say_into(server: SoundServer, side: str, said: Samples) -> None:
    assert server.play(f"{side}-mic", said).wait(120) == 0
    time.sleep(0.5)  # what was said last is on its way


def is_heard(server: SoundServer, pair: Pair) -> None:
    """What Mina says is heard by Jun, once the devices play."""
    said = voice(5, seed=7) / 32768
    with server.recording("jun-out") as (recording,):
        say_into(server, "mina", said)
    found = seconds_of(recording.samples, said)
    known = [engine.all_events(kind)[-1] for engine in pair for kind in (SoundChanged, SoundMeasured)]
    assert max(alike for _, alike in found) > 0.8, (found, known)


def children(name: str) -> list[int]:
    found = marked_processes(os.environ[MARK]).items()
    return [process for process, line in found if f"actors.children.{name}" in line]


# --- being heard -----------------------------------------------------------------------------------------------------


def test_two_sentences_are_heard_whole_and_in_order_both_ways_at_once(
    talking: Pair, server: SoundServer, tmp_path: Path
) -> None:
    ours = speech(tmp_path)
    theirs = speech(tmp_path, "Nine quick foxes were waiting under the old bridge until the evening bell.")
    with server.recording("jun-out", "mina-out") as (at_jun, at_mina):
        speakers = [threading.Thread(target=say_into, args=(server, side, said)) for side, said in
                    (("mina", ours), ("jun", theirs))]  # fmt: skip
        for speaker in speakers:
            speaker.start()
        for speaker in speakers:
            speaker.join()
    for recorded, said in ((at_jun, ours), (at_mina, theirs)):
        found = seconds_of(recorded.samples, said)
        assert len(found) >= 4
        assert min(alike for _, alike in found) > 0.7, found
        assert max(at for at, _ in found) - min(at for at, _ in found) < 0.05, found
    for engine in talking:
        last = engine.all_events(SoundMeasured)[-1]
        assert last.peer.dropped == last.peer.refused == last.own.dropped == 0


def test_opus_is_heard_too(talking: Pair, server: SoundServer, tmp_path: Path) -> None:
    mina, jun = talking
    mina.tell(TuneSound(codec="opus"))
    mina.wait_event(SoundChanged, lambda event: event.sound.sends == "opus")
    said = speech(tmp_path)
    with server.recording("jun-out") as (at_jun,):
        say_into(server, "mina", said)
    found = seconds_of(at_jun.samples, said)
    assert np.mean([alike for _, alike in found]) > 0.7, found
    assert jun.all_events(SoundMeasured)[-1].peer.refused == 0


def test_the_delay_that_is_shown_is_the_delay(talking: Pair, server: SoundServer) -> None:
    _, jun = talking
    said = voice(8) / 32768
    with server.recording("mina-mic", "jun-out") as (at_mina, at_jun):
        say_into(server, "mina", said)
    piece = said[6 * RATE : 7 * RATE]
    left = at_mina.began + found_in(at_mina.samples, piece)[0]
    came = at_jun.began + found_in(at_jun.samples, piece)[0]
    ages = [event.age_ms for event in jun.all_events(SoundMeasured) if event.age_ms is not None]
    assert abs((came - left) * 1000 - ages[-8]) < 25, (came - left, ages)


def test_while_nobody_speaks_nothing_is_sent(talking: Pair, server: SoundServer) -> None:
    mina, jun = talking
    say_into(server, "mina", voice(1) / 32768)
    mina.wait_event(SoundMeasured, lambda event: not event.own.speaks, after=mina.last_seq + 1)
    sent = mina.all_events(SoundMeasured)[-1].own.frames
    jun.wait_event(SoundMeasured, lambda event: event.peer.frames == sent)
    before = len(mina.all_events(SoundMeasured))
    wait_until(lambda: len(mina.all_events(SoundMeasured)) >= before + 15)
    assert mina.all_events(SoundMeasured)[-1].own.frames == sent


def test_who_is_muted_is_not_heard_and_the_other_is_told(talking: Pair, server: SoundServer) -> None:
    mina, jun = talking
    mina.tell(TuneSound(muted=True))
    jun.wait_event(PeerSoundChanged, lambda event: event.sound.state == "muted")
    with server.recording("jun-out") as (at_jun,):
        say_into(server, "mina", voice(1) / 32768)
    assert np.abs(at_jun.samples).max() == 0
    mina.tell(TuneSound(muted=False))
    jun.wait_event(PeerSoundChanged, lambda event: event.sound.state == "on", after=jun.last_seq + 1)
    with server.recording("jun-out") as (at_jun,):
        say_into(server, "mina", voice(1) / 32768)
    assert np.abs(at_jun.samples).max() > 0.1


def test_by_the_key_only_what_lies_between_is_heard(talking: Pair, server: SoundServer) -> None:
    mina, _ = talking
    mina.tell(TuneSound(mode="push"))
    said = voice(6) / 32768
    with server.recording("jun-out") as (at_jun,):
        playing = server.play("mina-mic", said)
        time.sleep(2)
        mina.tell(TuneSound(talking=True))
        time.sleep(2)
        mina.tell(TuneSound(talking=False))
        assert playing.wait(20) == 0
        time.sleep(0.5)
    heard = np.flatnonzero(np.abs(at_jun.samples) > 0.001)
    assert 1.5 < (heard[-1] - heard[0]) / RATE < 2.6


def test_volume_is_that_of_the_peer(talking: Pair, server: SoundServer) -> None:
    _, jun = talking
    jun.tell(TuneSound(volume=25))
    jun.wait_event(SoundChanged, lambda event: event.sound.volume == 25)
    said = voice(2) / 32768
    with server.recording("jun-out") as (at_jun,):
        say_into(server, "mina", said)
    assert np.abs(at_jun.samples).max() == pytest.approx(np.abs(said).max() / 4, rel=0.1)


# --- devices ---------------------------------------------------------------------------------------------------------


def test_devices_are_listed_and_changed_in_the_call(talking: Pair, server: SoundServer) -> None:
    mina, jun = talking
    mina.tell(ListDevices())
    listed = mina.wait_event(DevicesListed)
    assert listed.machine == os.uname().nodename
    assert {"default", "pulse", "pulse:jun-mic.monitor"} <= {device.id for device in listed.microphones}
    assert {"default", "pulse:mina-out"} <= {device.id for device in listed.speakers}
    assert listed.microphones[0].id == listed.speakers[0].id == "default"
    seen = mina.last_seq
    mina.tell(OpenMicrophone("pulse:mina-out.monitor"))
    wait_on(mina, "microphone", after=seen)
    jun.tell(OpenSpeaker("pulse:jun-mic"))
    wait_on(jun, "speaker", after=jun.last_seq)
    wait_until(lambda: len(children("microphone")) == 2)
    jun.tell(CloseMicrophone())  # else it would hear its own speaker
    jun.wait_event(SoundChanged, lambda event: event.sound.microphone.state == "off", after=jun.last_seq + 1)
    said = voice(6) / 32768
    with server.recording("jun-mic") as (at_jun,):
        assert server.play("mina-out", said).wait(20) == 0
        time.sleep(0.5)
    assert max(alike for _, alike in seconds_of(at_jun.samples, said)) > 0.8
    mina.tell(OpenMicrophone("no such device"))
    mina.wait_event(SoundChanged, lambda event: event.sound.microphone.cause == "device-absent")
    mina.say("still here")
    assert jun.wait_heard(1) == ["still here"]


def test_a_sound_server_that_goes_and_returns(talking: Pair, server: SoundServer) -> None:
    mina, jun = talking
    say_into(server, "mina", voice(1) / 32768)
    seen = {engine: engine.last_seq for engine in talking}
    server.end()
    for engine in talking:
        wait_on(engine, "microphone", "lost", after=seen[engine])
        wait_on(engine, "speaker", "lost", after=seen[engine])
    mina.say("quiet here")
    assert jun.wait_heard(1) == ["quiet here"]
    seen = {engine: engine.last_seq for engine in talking}
    server.start()
    for engine in talking:
        wait_on(engine, "microphone", after=seen[engine])
        wait_on(engine, "speaker", after=seen[engine])
    is_heard(server, talking)


def test_after_the_server_stood_still_the_delay_is_what_it_was_and_chat_was_not_late(
    server: SoundServer,
    relay: Relay,
    tmp_path: Path,
    start_mina: Callable[[], Engine],
    start_engine: Callable[[str], Engine],
    monkeypatch: pytest.MonkeyPatch,
    closing: ExitStack,
) -> None:
    other = closing.enter_context(sound_server(tmp_path / "other", "jun"))
    mina, jun = meet(start_mina(), start_engine, relay, monkeypatch, **other.environment("jun"))
    mina.tell(OpenMicrophone())
    wait_on(jun, "speaker")
    playing = server.play("mina-mic", voice(14) / 32768)
    wait_playing(jun)
    time.sleep(3)
    before = [event.age_ms for event in jun.all_events(SoundMeasured)[-10:] if event.age_ms is not None]
    other.send_signal(signal.SIGSTOP)
    try:
        time.sleep(1)
        began = time.monotonic()
        mina.say("meanwhile")
        assert jun.wait_heard(1) == ["meanwhile"]
        late = time.monotonic() - began
        time.sleep(1)
    finally:
        other.send_signal(signal.SIGCONT)
    assert late < 1  # behind two seconds of sound it would have waited for the server
    time.sleep(3)
    after = [event.age_ms for event in jun.all_events(SoundMeasured)[-10:] if event.age_ms is not None]
    playing.terminate()
    playing.wait()
    assert after
    assert np.median(after) < np.median(before) + 60, (before, after)  # it waits 20 ms more for ten seconds


def test_without_a_sound_server_it_is_said_and_the_call_goes_on(
    pair: Pair, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    mina, jun = pair
    mina.tell(OpenMicrophone())
    failed = mina.wait_event(SoundChanged, lambda event: event.sound.microphone.state == "failed").sound.microphone
    assert failed.cause in ("microphone-none", "device-failed")
    jun.tell(OpenSpeaker())
    jun.wait_event(SoundChanged, lambda event: event.sound.speaker.state == "failed")
    mina.say("writing, then")
    assert jun.wait_heard(1) == ["writing, then"]


def test_a_microphone_can_go_on_and_off_a_hundred_times(talking: Pair, server: SoundServer) -> None:
    mina, jun = talking
    playing = server.play("mina-mic", voice(60) / 32768)
    for number in range(100):
        mina.tell(CloseMicrophone())
        mina.tell(OpenMicrophone())
        if number % 10 == 0:
            wait_on(mina, "microphone", after=mina.last_seq)
        if number % 25 == 0:
            jun.tell(CloseSpeaker())
            jun.tell(OpenSpeaker())
    playing.terminate()
    playing.wait()
    wait_on(mina, "microphone", after=mina.last_seq)
    wait_until(lambda: len(children("microphone")) == 2, lambda: marked_processes(os.environ[MARK]))
    is_heard(server, talking)


@pytest.mark.parametrize("end", ["microphone", "speaker"])
def test_a_child_that_is_killed_is_told_and_comes_back_when_asked(talking: Pair, server: SoundServer, end: str) -> None:
    for process in children(end):
        os.kill(process, signal.SIGKILL)
    for engine in talking:
        engine.wait_event(SoundChanged, lambda event: getattr(event.sound, end).cause == f"{end}-died")
        engine.tell(OpenMicrophone() if end == "microphone" else OpenSpeaker())
        wait_on(engine, end, after=engine.last_seq)
    is_heard(server, talking)


# --- clocks ----------------------------------------------------------------------------------------------------------


FEEDER = """
import sys, time
path, speed = sys.argv[1], float(sys.argv[2])
data = sys.stdin.buffer.read()
with open(path, "wb", buffering=0) as fifo:
    began, block = time.monotonic(), 640
    for number in range(len(data) // block):
        time.sleep(max(0.0, began + number * block / 2 / 16000 / speed - time.monotonic()))
        fifo.write(data[number * block : (number + 1) * block])
"""


def test_two_sound_servers_whose_clocks_differ_stay_together(
    tmp_path: Path,
    relay: Relay,
    closing: ExitStack,
    start_engine: Callable[[str], Engine],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fifo, speed = tmp_path / "fast", 1.001
    source = f"load-module module-pipe-source source_name=fast file={fifo} format=s16le rate={RATE} channels=1"
    ours = closing.enter_context(sound_server(tmp_path / "ours", "mina", lines=[source]))
    theirs = closing.enter_context(sound_server(tmp_path / "theirs", "jun"))
    for name, value in {**ours.environment("mina"), "PULSE_SOURCE": "fast"}.items():
        monkeypatch.setenv(name, value)
    mina, jun = meet(start_engine("Mina"), start_engine, relay, monkeypatch, **theirs.environment("jun"))
    said = voice(34)
    mina.tell(OpenMicrophone())
    mina.tell(TuneSound(mode="open"))
    wait_on(mina, "microphone")
    with theirs.recording("jun-out") as (at_jun,):
        feeder = subprocess.Popen([sys.executable, "-c", FEEDER, str(fifo), str(speed)], stdin=subprocess.PIPE)
        feeder.communicate(said.astype("<i2").tobytes(), timeout=90)
        time.sleep(0.5)
    # What was said at second n was fed at n / speed. Were the clocks not brought together, 20 ms more would wait in the
    # end than soon after the beginning.
    heard, delays = at_jun.samples, []
    for second in range(5, 33):
        at, alike = found_in(
            heard[second * RATE :][: 4 * RATE], said[second * RATE : second * RATE + RATE // 4] / 32768
        )
        if alike > 0.6:  # one that was played over a seam is not
            delays.append(at + second - second / speed)
    assert len(delays) >= 26, delays
    assert abs(np.mean(delays[-6:]) - np.mean(delays[4:10])) < 0.01, delays
    last = jun.all_events(SoundMeasured)[-1].peer
    assert last.dropped == 0
    assert last.dry <= 3


# --- the screen ------------------------------------------------------------------------------------------------------


def test_the_screen_shows_who_is_heard_and_how_late(
    server: SoundServer,
    relay: Relay,
    start_mina: Callable[[], Engine],
    open_terminal: Callable[..., Terminal],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mina = start_mina()
    mina.tell(MakeCode(relay.address))
    code = mina.wait_event(CodeMade).code
    for name, value in server.environment("jun").items():
        monkeypatch.setenv(name, value)
    jun = open_terminal(100, 30, "call", code, "--relay", relay.address)
    mina.wait_event(LinkChanged, lambda event: event.link == "joined")
    mina.tell(OpenMicrophone())
    jun.wait_for("Mina speaks: their microphone is on.", "You hear the other side")
    jun.press("F3")
    mina.wait_event(PeerSoundChanged, lambda event: event.sound.state == "on")
    jun.wait_for("You are heard", "F5 mute")
    playing = server.play("mina-mic", voice(30) / 32768)
    line = re.compile(r"you .*Mina +[▁▂▃▄▅▆▇█ ]*[▃▄▅▆▇█]{2}[▁▂▃▄▅▆▇█ ]* -\d+ dB heard +\d+ ±\d+ +ms")
    wait_until(lambda: any(line.search(shown) for shown in jun.lines), lambda: jun.shown)
    jun.press("F5")
    mina.wait_event(PeerSoundChanged, lambda event: event.sound.state == "muted")
    jun.wait_for("You are muted.")
    jun.say("/devices")
    jun.wait_for(f"Microphones of {os.uname().nodename}", "mina-mic.monitor")
    number = next(line.split()[0] for line in jun.lines if "mina-out.monitor" in line)
    jun.say(f"/mic {number}")
    jun.wait_for("Your microphone is mina-out.monitor")
    jun.say("/mic 99")
    jun.wait_for("see /devices")
    playing.terminate()
    playing.wait()
    jun.press("C-q")
    assert jun.wait_exit() == 0
