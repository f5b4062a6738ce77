"""A sound server that nobody hears (PulseAudio): devices of its own, speech into one, what another plays.

Each side of a call has two null sinks: what is played into SIDE-mic is what its microphone hears (the sink's monitor),
and what its speaker gave, SIDE-out, can be recorded.
"""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tests.display import need

RATE = 16_000
SENTENCE = "A ship came slowly into the harbour at seven, while nine old fishermen were mending their nets on the quay."
_PACKAGES = {"pulseaudio": "pulseaudio", "pactl": "pulseaudio-utils", "espeak-ng": "espeak-ng"}

Samples = NDArray[np.float64]


class SoundServer:
    """A server that runs, with the devices of these sides; `lines` are further ones of its script."""

    def __init__(self, folder: Path, *sides: str, lines: Iterable[str] = ()) -> None:
        folder.mkdir(mode=0o700, exist_ok=True)
        self._folder = folder
        self._socket = folder / "native"
        script = [f"load-module module-native-protocol-unix auth-anonymous=1 socket={self._socket}"]
        sinks = [f"{side}-{end}" for side in sides for end in ("mic", "out")]
        script += [f"load-module module-null-sink sink_name={sink} rate={RATE} channels=1" for sink in sinks]
        (folder / "server.pa").write_text("\n".join([*script, *lines, ""]))
        (folder / "asound.conf").write_text(
            "</usr/share/alsa/alsa.conf>\npcm.!default { type pulse }\nctl.!default { type pulse }\n"
        )
        # As root its threads come first, and the kernel ends it when one of them runs for 0.2 s on a busy machine.
        (folder / "daemon.conf").write_text("rlimit-rttime = 2000000\n")
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        private = {name: str(self._folder) for name in ("HOME", "XDG_RUNTIME_DIR", "PULSE_RUNTIME_PATH")}
        command = ["pulseaudio", "-n", "-F", "server.pa", "--exit-idle-time=-1", "--daemonize=no", "--use-pid-file=no"]
        self._process = subprocess.Popen(
            command,
            cwd=self._folder,
            env={**os.environ, **private, "PULSE_STATE_PATH": str(self._folder), "PULSE_CONFIG": "daemon.conf"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 20
        while subprocess.run(["pactl", "info"], env=self._of_ours(), capture_output=True).returncode:
            assert time.monotonic() < deadline, "pulseaudio did not start"
            time.sleep(0.05)

    def environment(self, side: str = "") -> dict[str, str]:
        """What a program's environment needs so that `side` speaks and hears by this server."""
        chosen = {"PULSE_SOURCE": f"{side}-mic.monitor", "PULSE_SINK": f"{side}-out"} if side else {}
        return {
            "PULSE_SERVER": f"unix:{self._socket}",
            "ALSA_CONFIG_PATH": str(self._folder / "asound.conf"),
            **chosen,
        }

    def _of_ours(self) -> dict[str, str]:
        return {**os.environ, **self.environment()}

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def send_signal(self, number: signal.Signals) -> None:
        """Stop it, let it go on."""
        os.kill(self.pid, number)

    def end(self) -> None:
        """End it at once, with all its devices."""
        if self._process is not None:
            process, self._process = self._process, None
            process.send_signal(signal.SIGCONT)
            process.kill()
            process.wait()

    def play(self, sink: str, samples: Samples, rate: int = RATE) -> subprocess.Popen[bytes]:
        """Play these (-1 to 1) into a sink, in their time."""
        path = self._folder / f"said-{os.urandom(4).hex()}.raw"
        path.write_bytes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
        command = ["pacat", "--raw", "--format=s16le", "--channels=1", f"--rate={rate}", "--latency-msec=20"]
        with path.open("rb") as file:
            return subprocess.Popen([*command, f"--device={sink}"], env=self._of_ours(), stdin=file)

    @contextmanager
    def recording(self, *sinks: str) -> Iterator[tuple["Recording", ...]]:
        """Record what these sinks play while the block runs."""
        recordings = tuple(Recording(f"{sink}.monitor", self._of_ours()) for sink in sinks)
        try:
            for recording in recordings:
                recording.wait()
            yield recordings
        finally:
            for recording in recordings:
                recording.end()


class Recording:
    """What a source gives. `began` is when its first sample was there (s of CLOCK_MONOTONIC), true to some ms: the
    quickest of all its pieces says so."""

    def __init__(self, source: str, environment: Mapping[str, str]) -> None:
        self.began = float("inf")
        self._data = bytearray()
        command = ["parec", "--raw", "--format=s16le", "--channels=1", f"--rate={RATE}", "--latency-msec=5"]
        self._process = subprocess.Popen(
            [*command, f"--device={source}"], env=environment, stdout=subprocess.PIPE, bufsize=0
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        while data := self._process.stdout.read(65536):
            self._data += data
            self.began = min(self.began, time.monotonic() - len(self._data) / 2 / RATE)

    def wait(self) -> None:
        """Wait until something comes."""
        deadline = time.monotonic() + 20
        while not self._data:
            assert time.monotonic() < deadline, "nothing is recorded"
            time.sleep(0.02)

    def end(self) -> None:
        """Record no longer."""
        self._process.terminate()
        self._process.wait()
        self._reader.join()
        assert self._process.stdout is not None
        self._process.stdout.close()

    @property
    def samples(self) -> Samples:
        """What it has given so far, -1 to 1."""
        data = bytes(self._data)
        return np.frombuffer(data[: len(data) // 2 * 2], "<i2").astype(np.float64) / 32768


def speech(folder: Path, sentence: str = SENTENCE) -> Samples:
    """Return a sentence as somebody says it, -1 to 1 at RATE."""
    path = folder / f"speech-{os.urandom(4).hex()}.wav"
    subprocess.run(["espeak-ng", "-w", str(path), "-s", "150", sentence], check=True)
    import av

    with av.open(str(path)) as file:
        resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
        pieces = [piece.to_ndarray()[0] for frame in file.decode(audio=0) for piece in resampler.resample(frame)]
    return np.concatenate(pieces).astype(np.float64) / 32768


def found_in(heard: Samples, said: Samples) -> tuple[float, float]:
    """Return where in `heard` (seconds) the piece `said` is, and how alike the two are there (1: the same, whatever the
    loudness)."""
    if len(heard) < len(said):
        return 0.0, 0.0
    size = 1 << (len(heard) + len(said)).bit_length()
    products = np.fft.irfft(np.fft.rfft(heard, size) * np.conj(np.fft.rfft(said, size)), size)
    products = products[: len(heard) - len(said) + 1]
    energy = np.cumsum(np.concatenate([[0.0], np.square(heard)]))
    energies = energy[len(said) :] - energy[: len(energy) - len(said)]
    # Where next to nothing is heard anything is alike.
    floor = 1e-3 * float(np.sum(np.square(said)))
    alike = products / np.sqrt(np.maximum(energies, floor) * float(np.sum(np.square(said))))
    at = int(np.argmax(alike))
    return at / RATE, float(alike[at])


def seconds_of(heard: Samples, said: Samples, most: float = 3.0) -> list[tuple[float, float]]:
    """Of each second of `said`: how much later it is in `heard` (`most` seconds at most), and how alike. Seconds in
    which nothing is said are left out; each is looked for on its own, so that order and gaps are seen. Its quarters may
    be up to 5 ms apart: a playout plays a little faster or slower, until sound waits as long as it is to."""
    found, quarter = [], RATE // 4
    for begin in range(0, len(said) - RATE + 1, RATE):
        second = said[begin : begin + RATE]
        if np.sqrt(np.mean(np.square(second))) < 0.02:
            continue
        at, alike = found_in(heard[begin : begin + RATE + round(most * RATE)], second)
        if alike < 0.95:
            loudest = max(range(4), key=lambda n: float(np.sum(np.square(second[n * quarter : (n + 1) * quarter]))))
            first = begin + loudest * quarter
            piece = said[first : first + quarter]
            at, _ = found_in(heard[first : first + quarter + round(most * RATE)], piece)
            likes = []
            for place in range(begin, begin + RATE, quarter):
                low = max(0, place + round((at - 0.005) * RATE))
                _, like = found_in(heard[low : low + quarter + RATE // 100], said[place : place + quarter])
                likes.append((like, float(np.sum(np.square(said[place : place + quarter])))))
            alike = max(alike, sum(like * loud for like, loud in likes) / sum(loud for _, loud in likes))
        found.append((at, alike))
    return found


@contextmanager
def sound_server(folder: Path, *sides: str, lines: Iterable[str] = ()) -> Iterator[SoundServer]:
    """Run a server with a microphone and a speaker for each side; where that can't be, skip, or fail in CI."""
    need(_PACKAGES)
    server = SoundServer(folder, *sides, lines=lines)
    try:
        yield server
    finally:
        server.end()
