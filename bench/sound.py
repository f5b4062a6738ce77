"""From mouth to ear: how late sound is, how even, what disturbs it. Beside: the original's way, and no program at all.

    python -m bench.sound [quiet] [stall] [busy] [link] [--seconds 60]     (--seconds 1800 quiet for the drift)

PulseAudio on this machine, a null sink for each device: from the sample leaving the microphone's sink to the same
sample at the speaker's, found by correlation, four times a second. *Direct* is parec into pacat, each asking for 20 ms
as we do: what PulseAudio takes by itself. *Original* reads blocks of 1024, sends them over TCP in clear, writes what
comes. `link` needs root, `busy` burns a process on each core while a file is sent and a 120 x 40 picture is drawn.
"""

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np

from actors import messages as m
from bench.chat import PROGRAM, listening, percentile, relay
from bench.ground import RunError, say
from bench.relay import free_port
from bench.sight import SeeingEngine, own_folder, seeing
from tests.e2e.watcher import Watcher
from tests.net.linksim import link
from tests.net.namespaces import why_not
from tests.sound import RATE, Recording, SoundServer, found_in, sound_server
from tests.voices import voice

WARM_SECONDS = 8.0
PIECE = RATE // 4
MOST_SECONDS = 4.0  # of delay, that is looked for
ALIKE = 0.5  # less: that quarter of a second was not heard
SERVED_MS = 20.0  # what PulseAudio is asked to hold
FRAME_MS = 20.0
STALL_SECONDS = 2.0
LINKS = (("256 kbit/s, 40 ms", {"rate": "256kbit", "delay": "40ms", "queue": "32k"}),
         ("2 Mbit/s, 2 % loss", {"rate": "2mbit", "delay": "20ms", "loss": "2%", "queue": "64k"}))  # fmt: skip

Delays = list[tuple[float, float]]  # when, and milliseconds


def delays(left: Recording, came: Recording, since: float, until: float) -> tuple[Delays, int]:
    """Return how late each quarter of a second was that left between these times, and how many were not heard."""
    said, heard = left.samples, came.samples
    late, missing = [], 0
    for place in range(round((since - left.began) * RATE), round((until - left.began) * RATE) - PIECE, PIECE):
        piece = said[place : place + PIECE]
        begin = round((left.began - came.began) * RATE) + place
        at, alike = found_in(heard[max(0, begin) : begin + PIECE + round(MOST_SECONDS * RATE)], piece)
        if alike < ALIKE:
            missing += 1
        else:
            late.append((left.began + place / RATE, at * 1e3))
    if not late:
        raise RunError("nothing was heard")
    return late, missing


@contextmanager
def speaking(server: SoundServer, seconds: float) -> Iterator[None]:
    """Somebody speaks for so long into the microphone of "shows"."""
    playing = server.play("shows-mic", np.tile(voice(min(seconds, 60)) / 32768, int(seconds // 60) + 1))
    try:
        yield
    finally:
        playing.terminate()
        playing.wait()


def sides(ours: SoundServer, theirs: SoundServer) -> Callable[..., SeeingEngine]:
    """How each engine is started: with the devices of its side."""

    def start(side: str, make: Callable[[], SeeingEngine]) -> SeeingEngine:
        os.environ.update(ours.environment("shows") if side == "b" else theirs.environment("sees"))
        return make()

    return start


def hear(shows: SeeingEngine, sees: SeeingEngine, codec: str = "auto") -> None:
    """Let the one be heard by the other."""
    sees.do(m.OpenSpeaker())
    shows.do(m.TuneSound(codec=codec), m.OpenMicrophone())
    shows.wait(m.SoundChanged, lambda event: event.sound.microphone.state == "on")
    sees.wait(m.SoundChanged, lambda event: event.sound.speaker.state == "on")


def last(engine: SeeingEngine) -> m.SoundMeasured:
    return [event for event in engine.events if isinstance(event, m.SoundMeasured)][-1]


def title(words: str) -> None:
    print(f"\n## {words}\n")
    print("| | p50 | p99 | most | quarters of a second lost, a minute | |\n|---|---|---|---|---|---|", flush=True)


def row(name: str, late: Delays, missing: int, more: str = "") -> None:
    every = [delay for _, delay in late]
    minutes = len(late) * PIECE / RATE / 60
    figures = f"{percentile(every, 0.5):.1f} ms | {percentile(every, 0.99):.1f} ms | {max(every):.1f} ms"
    print(f"| {name} | {figures} | {missing / minutes:.2f} | {more} |", flush=True)


# --- quiet -----------------------------------------------------------------------------------------------------------


def measure_ours(folder: Path, server: SoundServer, seconds: float) -> tuple[Delays, int, str]:
    with relay() as (_, port), seeing(f"127.0.0.1:{port}", folder, "", sides(server, server)) as (shows, sees):
        hear(shows, sees)
        with speaking(server, seconds + WARM_SECONDS + 5), server.recording("shows-mic", "sees-out") as (left, came):
            time.sleep(WARM_SECONDS)
            began, before = time.monotonic(), last(sees).peer
            time.sleep(seconds)
            ended, after = time.monotonic(), last(sees).peer
            time.sleep(1)
        ages = [e.age_ms - SERVED_MS - FRAME_MS - e.waits_ms for e in sees.events
                if isinstance(e, m.SoundMeasured) and e.age_ms is not None]  # fmt: skip
        late, missing = delays(left, came, began, ended)
        tick = sees.end()["late"]
    minute = min(60.0, seconds / 3)
    first = np.mean([delay for at, delay in late if at - began < minute])
    final = np.mean([delay for at, delay in late if ended - at < minute])
    more = f"drift {final - first:+.1f} ms; engines' own share {percentile(ages, 0.5):.1f} ms; "
    more += f"dry {after.dry - before.dry}, dropped {after.dropped - before.dropped}; "
    more += f"tick p99 {percentile(tick, 0.99):.1f} ms"
    return late, missing, more


def measure_direct(server: SoundServer, seconds: float) -> tuple[Delays, int]:
    environment = {**os.environ, **server.environment()}
    raw = ["--raw", "--format=s16le", "--channels=1", f"--rate={RATE}", "--latency-msec=20"]
    with speaking(server, seconds + 5), server.recording("shows-mic", "sees-out") as (left, came):
        source = subprocess.Popen(
            ["parec", *raw, "--device=shows-mic.monitor"], env=environment, stdout=subprocess.PIPE
        )
        sink = subprocess.Popen(["pacat", *raw, "--device=sees-out"], env=environment, stdin=source.stdout)
        try:
            time.sleep(3)
            began = time.monotonic()
            time.sleep(seconds)
            ended = time.monotonic()
            time.sleep(1)
        finally:
            for process in (sink, source):
                process.terminate()
                process.wait()
    return delays(left, came, began, ended)


@contextmanager
def original(ours: SoundServer, theirs: SoundServer) -> Iterator[None]:
    port = free_port()
    command = [sys.executable, "-m", "bench.sound_original"]
    ears = subprocess.Popen(
        [*command, "hear", str(port)],
        env={**os.environ, **theirs.environment("sees")},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert ears.stdout is not None
    ears.stdout.readline()
    mouth = subprocess.Popen(
        [*command, "speak", str(port)], env={**os.environ, **ours.environment("shows")}, stderr=subprocess.DEVNULL
    )
    try:
        yield
    finally:
        for process in (mouth, ears):
            process.kill()
            process.wait()


def quiet(folder: Path, seconds: float) -> None:
    print(
        "\n## Nothing else\n\n| | p50 | p99 | most | quarters of a second lost, a minute | |\n|---|---|---|---|---|---|"
    )
    with sound_server(folder / "pulse", "shows", "sees") as server:
        late, missing, more = measure_ours(folder, server, seconds)
        row("**ours**, sealed, through our relay", late, missing, more)
        direct, lost = measure_direct(server, min(seconds, 30))
        row("direct", direct, lost)
        with original(server, server), speaking(server, 45), server.recording("shows-mic", "sees-out") as (left, came):
            time.sleep(5)
            began = time.monotonic()
            time.sleep(min(seconds, 30))
            ended = time.monotonic()
            time.sleep(2)
        theirs, lost = delays(left, came, began, ended)
        row("original", theirs, lost)
    middle = [percentile([delay for _, delay in each], 0.5) for each in (late, direct, theirs)]
    print(f"\nours / original: {middle[0] / middle[2]:.2f}; PulseAudio's own part: {middle[1]:.0f} ms")


# --- a server that stands still --------------------------------------------------------------------------------------


def stall(folder: Path, seconds: float) -> None:
    print(f"\n## The receiver's sound server stands still for {STALL_SECONDS:.0f} s\n")
    print("| | before | 1 to 2 s after | 5 to 10 s after | a line of chat meanwhile |\n|---|---|---|---|---|")
    with (
        sound_server(folder / "ours", "shows") as server,
        sound_server(folder / "theirs", "sees") as other,
    ):
        with relay() as (_, port), seeing(f"127.0.0.1:{port}", folder, "", sides(server, other)) as (shows, sees):
            hear(shows, sees)
            figures = stalled(server, other, lambda: chat(shows, sees))
        print(f"| **ours** | {' | '.join(figures)} |")
        with original(server, other):
            figures = stalled(server, other, lambda: "")
        print(f"| original | {' | '.join(figures)} |")


def stalled(server: SoundServer, other: SoundServer, meanwhile: Callable[[], str]) -> list[str]:
    with ExitStack() as stack:
        stack.enter_context(speaking(server, 40))
        (left,) = stack.enter_context(server.recording("shows-mic"))
        (came,) = stack.enter_context(other.recording("sees-out"))
        time.sleep(WARM_SECONDS)
        began = time.monotonic()
        time.sleep(4)
        stop = time.monotonic()
        other.send_signal(signal.SIGSTOP)
        try:
            time.sleep(0.5)
            said = meanwhile()
            time.sleep(max(0.0, stop + STALL_SECONDS - time.monotonic()))
        finally:
            other.send_signal(signal.SIGCONT)
        again = time.monotonic()
        time.sleep(13)
    figures = []
    for since, until in ((began, stop - 1), (again + 1, again + 2), (again + 5, again + 10)):
        late, _ = delays(left, came, since, until)
        figures.append(f"{percentile([delay for _, delay in late], 0.5):.0f} ms")
    return [*figures, said]


def chat(one: SeeingEngine, other: SeeingEngine) -> str:
    began = time.perf_counter()
    one.do(m.SendText(id="meanwhile", text="meanwhile"))
    other.wait(m.TextReceived)
    return f"{(time.perf_counter() - began) * 1e3:.1f} ms"


# --- a busy machine --------------------------------------------------------------------------------------------------


def busy(folder: Path, seconds: float) -> None:
    title("Both cores busy, a file flat out, a picture of 120 x 40 drawn")
    big = folder / "big.bin"
    with big.open("wb") as file:
        file.truncate(8 << 30)
    with ExitStack() as stack:
        server = stack.enter_context(sound_server(folder / "pulse", "shows", "sees"))
        _, port = stack.enter_context(relay())
        shows, sees = stack.enter_context(seeing(f"127.0.0.1:{port}", folder, "", sides(server, server)))
        hear(shows, sees)
        shows.do(m.ShowVideo("card"), m.OfferFiles(id="big", paths=(str(big),)))
        offered = sees.wait(m.TransferChanged, lambda event: event.transfer.state == "offered").transfer.id
        sees.do(m.AnswerOffer(offered, accept=True, folder=str(folder)))
        os.environ["VISAVIS_RUN"] = str(folder / "run sees")
        watcher = Watcher(sees.wait(m.Snapshot).engine, columns=120, rows=40)
        for _ in range(2):
            burner = subprocess.Popen([sys.executable, "-c", "while True: pass"])
            stack.callback(burner.wait)
            stack.callback(burner.kill)
        with speaking(server, seconds + WARM_SECONDS + 5), server.recording("shows-mic", "sees-out") as (left, came):
            time.sleep(WARM_SECONDS)
            began, before = time.monotonic(), last(sees).peer
            time.sleep(seconds)
            ended, after = time.monotonic(), last(sees).peer
            time.sleep(1)
        drawn = len([at for at, _ in watcher.seen if began <= at <= ended]) / seconds
        watcher.close()
        late, missing = delays(left, came, began, ended)
        moved = max((event.moved for event in sees.events if isinstance(event, m.TransferProgressed)), default=0)
        shows.do(m.CancelTransfer(offered))
        tick = sees.end()["late"]
        more = f"dry {(after.dry - before.dry) / seconds * 60:.1f} a minute; tick p99 {percentile(tick, 0.99):.1f} ms; "
        row("**ours**", late, missing, f"{more}{drawn:.0f} pictures a second, {moved / 1e6:.0f} MB moved")
        direct, lost = measure_direct(server, min(seconds, 30))
        row("direct, beside two busy processes alone", direct, lost)


# --- a bad link ------------------------------------------------------------------------------------------------------


def over_links(folder: Path, seconds: float) -> None:
    if missing := why_not():
        say(missing)
        return
    title("Bad links")
    number = 0
    for name, how in LINKS:
        for codec in ("pcm", "opus", "auto"):
            number += 1
            place = folder / f"link{number}"
            place.mkdir()
            over_link(place, f"{name}, {codec}", how, codec, seconds)


def over_link(folder: Path, name: str, how: dict[str, str], codec: str, seconds: float) -> None:
    with ExitStack() as stack:
        server = stack.enter_context(sound_server(folder / "pulse", "shows", "sees"))
        made = stack.enter_context(link(**how))
        host = made.addresses["a"]
        command = [*PROGRAM, "relay", "--host", host, "--port", "0"]
        _, port = made.inside("a", lambda: stack.enter_context(listening(command)))
        start = sides(server, server)

        def start_inside(side: str, make: Callable[[], SeeingEngine]) -> SeeingEngine:
            return made.inside(side, lambda: start(side, make))

        shows, sees = stack.enter_context(seeing(f"{host}:{port}", folder, "", start_inside))
        hear(shows, sees, codec)
        with speaking(server, seconds + 30), server.recording("shows-mic", "sees-out") as (left, came):
            time.sleep(15)
            began, before = time.monotonic(), last(sees).peer
            time.sleep(seconds)
            ended, after = time.monotonic(), last(sees).peer
            time.sleep(3)
        own = last(shows).own
        sends = [event.sound.sends for event in shows.events if isinstance(event, m.SoundChanged)][-1]
        sees.end()
    late, missing = delays(left, came, began, ended)
    more = f"sends {sends}; dry {(after.dry - before.dry) / seconds * 60:.1f} a minute; "
    row(name, late, missing, f"{more}{own.dropped} frames dropped before the lane")


def main() -> int:
    parts = {"quiet": quiet, "stall": stall, "busy": busy, "link": over_links}
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", choices=[*parts, []])
    parser.add_argument("--seconds", type=float, default=60)
    options = parser.parse_args()
    for name in options.parts or parts:
        with own_folder() as folder:
            parts[name](folder, options.seconds)
    return 0


if __name__ == "__main__":
    sys.exit(main())
