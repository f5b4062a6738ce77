"""Over SSH, as docs/ssh.md tells it: the laptop's own sound, and the laptop's call with the screen elsewhere."""

import os
import shlex
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from actors.messages import (
    CodeMade,
    EnterCode,
    LinkChanged,
    MakeCode,
    OpenMicrophone,
    OpenSpeaker,
    PeerSoundChanged,
    SoundChanged,
)
from tests.e2e.programs import MARK, VISAVIS, Engine, Relay, Terminal, wait_until
from tests.sound import SoundServer, seconds_of, sound_server
from tests.sshd import MissingError, Ssh, sshd
from tests.voices import read_wave, voice, write_wave

pytestmark = pytest.mark.device
DOCUMENT = (Path(__file__).parents[2] / "docs" / "ssh.md").read_text("utf-8")


@pytest.fixture
def laptop(tmp_path: Path, closing: ExitStack) -> SoundServer:
    """The sound server of the machine that one sits at."""
    return closing.enter_context(sound_server(tmp_path / "laptop", "jun"))


@pytest.fixture
def far(tmp_path: Path, closing: ExitStack) -> Ssh:
    """The machine at the other end of the line."""
    folder = tmp_path / "sshd"
    folder.mkdir()
    try:
        return closing.enter_context(sshd(folder))
    except MissingError as error:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(str(error))


def there(*command: str, **environment: str) -> str:
    """What is typed at the other end: a login begins with an environment of its own."""
    kept = (MARK, "VISAVIS_RUN", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_DOWNLOAD_DIR", "LC_ALL")
    settings = {name: os.environ[name] for name in kept if name in os.environ} | environment
    words = [*(f"{name}={value}" for name, value in settings.items()), *command]
    return f"cd {shlex.quote(os.getcwd())} && env {' '.join(map(shlex.quote, words))}"


def test_the_laptops_own_sound_with_the_call_on_the_far_machine(
    laptop: SoundServer,
    far: Ssh,
    relay: Relay,
    start_engine: Callable[[str], Engine],
    open_shell: Callable[..., Terminal],
    closing: ExitStack,
    tmp_path: Path,
) -> None:
    assert "ssh -R /tmp/sound-$USER:$XDG_RUNTIME_DIR/visavis-sound lab3" in DOCUMENT
    mina = start_engine("Mina")
    mina.tell(MakeCode(relay.address))
    code = mina.wait_event(CodeMade).code
    environment = laptop.environment("jun")
    folder = closing.enter_context(TemporaryDirectory(prefix="visavis-"))  # a socket's path is short
    ours, forwarded = environment.pop("PULSE_SERVER").removeprefix("unix:"), f"{folder}/sound"
    environment |= {"PULSE_SERVER": f"unix:{forwarded}", "VISAVIS_NAME": "Jun"}
    call = there(*VISAVIS, "call", code, "--relay", relay.address, **environment)
    line = open_shell(100, 30, *far.ssh(call, "-tt", "-R", f"{forwarded}:{ours}"))
    mina.wait_event(LinkChanged, lambda event: event.link == "joined")
    line.press("F3")
    line.wait_for("You are heard: microphone", f"of {os.uname().nodename}")
    mina.wait_event(PeerSoundChanged, lambda event: event.sound.state == "on")
    mina.tell(OpenSpeaker(file=str(tmp_path / "heard.wav")))
    mina.wait_event(SoundChanged, lambda event: event.sound.speaker.state == "on")
    said = voice(6)
    assert laptop.play("jun-mic", said / 32768).wait(30) == 0
    wait_until(lambda: max(like for _, like in seconds_of(read_wave(tmp_path / "heard.wav"), said / 32768, 8)) > 0.8)
    with laptop.recording("jun-out") as (at_laptop,):
        mina.tell(OpenMicrophone(file=str(write_wave(tmp_path / "said.wav", said))))
        mina.wait_event(SoundChanged, lambda event: event.sound.microphone.cause == "source-ended")
    assert max(like for _, like in seconds_of(at_laptop.samples, said / 32768, 8)) > 0.8
    line.press("C-q")
    assert line.wait_exit() == 0


def test_the_call_on_the_laptop_with_the_screen_elsewhere(
    laptop: SoundServer,
    far: Ssh,
    relay: Relay,
    start_engine: Callable[[str], Engine],
    open_shell: Callable[..., Terminal],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert "ssh -t laptop visavis attach" in DOCUMENT
    mina = start_engine("Mina")
    mina.tell(MakeCode(relay.address))
    for name, value in laptop.environment("jun").items():
        monkeypatch.setenv(name, value)
    jun = start_engine("Jun")
    jun.tell(EnterCode(relay.address, mina.wait_event(CodeMade).code))
    jun.wait_event(LinkChanged, lambda event: event.link == "joined")
    screen = open_shell(100, 30, *far.ssh(there(*VISAVIS, "attach", jun.name), "-tt"))
    screen.wait_for("Mina")
    screen.press("F3")
    screen.wait_for("You are heard: microphone", f"of {os.uname().nodename}")
    mina.wait_event(PeerSoundChanged, lambda event: event.sound.state == "on")
    screen.say("/detach")
    screen.wait_for("visavis attach")
    assert screen.wait_exit() == 0
    assert jun.alive
