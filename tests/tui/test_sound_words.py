"""Sound in words and bars."""

import pytest
from rich.cells import cell_len

from actors.messages import Device, DevicesListed, DeviceUse, Meter, PeerSound, Sound
from tui.sound_words import bars, devices_note, level_words, own_notes, peer_notes, sound_parts
from tui.state import CallState

ON = DeviceUse(state="on", name="default")
LOUD = Meter(level=-20, bands=(-20,) * 16, speaks=True)


def line(state: CallState, width: int = 100) -> str:
    return "".join(words for words, _ in sound_parts(state, width))


def test_without_sound_there_is_no_line() -> None:
    assert sound_parts(CallState(), 100) == []


def test_both_sides_and_how_late() -> None:
    state = CallState(
        sound=Sound(microphone=ON, speaker=ON),
        peer="Mina",
        peer_sound=PeerSound(state="on"),
        own_meter=LOUD,
        peer_meter=Meter(bands=(-96,) * 16),
        sound_age_ms=55.4,
        sound_unsure_ms=0.3,
    )
    assert line(state) == f"you {'▇' * 16} -20 dB heard    Mina {' ' * 16} -66 dB silent     55 ±1   ms"


@pytest.mark.parametrize(
    ("sound", "word"),
    [
        (Sound(microphone=ON), "heard"),
        (Sound(microphone=ON, muted=True), "muted"),
        (Sound(microphone=DeviceUse(state="lost")), "lost"),
        (Sound(microphone=DeviceUse(state="failed")), "lost"),
    ],
)
def test_what_a_microphone_does(sound: Sound, word: str) -> None:
    assert line(CallState(sound=sound, own_meter=LOUD)).rstrip().endswith(word)


def test_a_peer_that_can_not_be_heard_here_is_said() -> None:
    sound = Sound(speaker=DeviceUse(state="failed"))
    assert "not here" in line(CallState(sound=sound, peer_sound=PeerSound(state="on")))


@pytest.mark.parametrize("width", [58, 60, 69, 70, 80, 95, 96, 200])
def test_the_line_fits_and_stands_still(width: int) -> None:
    lengths = set()
    for meter, age in ((LOUD, 5.0), (Meter(level=0, bands=(0,) * 16), 99_999.0), (Meter(), None)):
        state = CallState(
            sound=Sound(microphone=ON, speaker=ON),
            peer="한글이름이아주길다",
            peer_sound=PeerSound(state="on"),
            own_meter=meter,
            peer_meter=meter,
            sound_age_ms=age,
            sound_unsure_ms=5000,
        )
        lengths.add(cell_len(line(state, width)))
    assert len(lengths) == 1
    assert lengths.pop() <= width


@pytest.mark.parametrize("cells", [0, 1, 4, 8, 16, 20])
def test_bars_have_as_many_cells_as_asked_for(cells: int) -> None:
    assert len(bars(LOUD, cells)) == len(bars(Meter(), cells)) == len(bars(Meter(bands=(3, 700)), cells)) == cells


def test_bars_rise_with_the_level_of_their_pitch() -> None:
    assert bars(Meter(bands=(-96, -66, -50, -30, 0)), 5) == " ▁▃▆█"


def test_levels_stay_in_their_field() -> None:
    assert {len(level_words(Meter(level=level))) for level in (-96, -66, -5, 0, 20)} == {len(" -66 dB")}


# --- notes -----------------------------------------------------------------------------------------------------------


def test_what_is_told_of_ones_own_sound() -> None:
    was = Sound(machine="lab3")
    told = own_notes(Sound(machine="lab3", microphone=ON), was)
    assert told == [
        "You are heard: microphone default of lab3. /mute silences it, /mic off lets go of it.",
    ]
    assert own_notes(was, was) == []
    assert len(own_notes(Sound(volume=50, threshold=-40, codec="opus", muted=True), Sound())) == 4
    assert own_notes(Sound(mode="push"), Sound()) == ["You are heard only after F5, until F5."]
    lost = Sound(speaker=DeviceUse(state="lost", cause="device-lost"))
    assert own_notes(lost, Sound(speaker=ON)) == ["The device is gone. It is used again as soon as it is back."]
    assert own_notes(Sound(microphone=DeviceUse(cause="source-ended")), Sound(microphone=ON))[0].startswith("The file")
    assert own_notes(Sound(), Sound(microphone=ON)) == ["Your microphone is off."]


def test_what_is_told_of_the_peers() -> None:
    on, muted, off = (PeerSound(state=state) for state in ("on", "muted", "off"))
    assert peer_notes(on, on, "Mina") == []
    assert peer_notes(on, off, "Mina") == ["Mina speaks: their microphone is on."]
    assert peer_notes(muted, on, "Mina") == ["Mina is muted."]
    assert peer_notes(on, muted, "Mina") == ["Mina is no longer muted."]
    assert peer_notes(off, muted, "Mina") == ["Mina turned their microphone off."]


def test_devices_are_numbered_and_of_two_that_are_called_the_same_the_names_are_given() -> None:
    listed = DevicesListed(
        machine="lab3",
        microphones=(Device("default", "default"), Device("pulse:a", "Built-in"), Device("pulse:b", "Built-in")),
        speakers=(),
    )
    note = devices_note(listed, Sound(microphone=ON))
    assert note.split("\n") == [
        "Microphones of lab3:",
        "  1 ● default",
        "  2   a",
        "  3   b",
        "Speakers of lab3:",
        "    none",
    ]


def test_names_of_devices_can_not_draw() -> None:
    listed = DevicesListed(machine="\x1b[2J", microphones=(Device("x", "\x1b]0;evil\x07"),))
    assert "\x1b" not in devices_note(listed, Sound())


def test_why_there_are_no_devices() -> None:
    assert "pip install" in devices_note(DevicesListed(machine="lab3", cause="sound-missing"), Sound())
