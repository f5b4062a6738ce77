"""Sound in words and bars: who is heard, how loud, how late. Pure."""

from pathlib import PurePath
from typing import Final

from actors.messages import DevicesListed, DeviceUse, Meter, PeerSound, Sound
from relay.visible import cut, visible
from tui.cells import cut_cells, plain_cells
from tui.state import CallState
from tui.widgets.status import peer_name
from tui.words.catalogue import say, say_cause

FLOOR: Final = -66  # dBFS: below it a bar is empty
BARS: Final = "▁▂▃▄▅▆▇█"
BAND_DB: Final = 7  # of one step of a bar
LEVEL_CELLS: Final = 3
DEVICE_CELLS: Final = 40
NAME_CELLS: Final = 12
WORD_CELLS: Final = 9  # of what a microphone does
AGE_CELLS: Final = 12
WIDE_CELLS: Final = 96  # for sixteen bars and the level in figures
HALF_CELLS: Final = 70  # for eight bars

Part = tuple[str, str]  # words and the style they are shown in


def bars(meter: Meter, cells: int) -> str:
    """Return the spectrum of a meter in so many cells, low pitches first; one step is BAND_DB."""
    bands = meter.bands
    if not bands or cells < 1:
        return " " * cells
    joined = [
        max(bands[n * len(bands) // cells : max(n * len(bands) // cells + 1, (n + 1) * len(bands) // cells)])
        for n in range(cells)
    ]
    return "".join(" " if band < FLOOR else BARS[min(len(BARS) - 1, (band - FLOOR) // BAND_DB)] for band in joined)


def level_words(meter: Meter) -> str:
    """Return the level, in a field of fixed width."""
    return " " + say("sound-level", level=f"{max(FLOOR, min(0, meter.level)):>{LEVEL_CELLS}}")


def sound_parts(state: CallState, width: int) -> list[Part]:
    """Return the line about sound in at most `width` cells (58 at least); nothing when there is none."""
    parts: list[Part] = []
    if (own := _own(state)) is not None:
        parts += [(f"{say('sound-you')} ", ""), *_meter(state.own_meter, own, width)]
    if (peer := _peer(state)) is not None:
        name = cut_cells(peer_name(state), NAME_CELLS)
        parts += [(f"{name} ", "bold"), *_meter(state.peer_meter, peer, width), (age_words(state), "")]
    return parts


def _meter(meter: Meter, word: Part, width: int) -> list[Part]:
    cells, level = (16, level_words(meter)) if width >= WIDE_CELLS else (8 if width >= HALF_CELLS else 4, "")
    return [(f"{bars(meter, cells)}{level} ", "$text-accent"), (f"{word[0]:<{WORD_CELLS}}", word[1])]


def _own(state: CallState) -> Part | None:
    sound = state.sound
    if sound.microphone.state == "off":
        return None
    if sound.microphone.state in ("failed", "lost"):
        return say("sound-lost"), "$text-error"
    if sound.muted:
        return say("sound-muted"), "$text-warning"
    if state.own_meter.speaks:
        return say("sound-heard"), "$text-success"
    return say("sound-push") if sound.mode == "push" else say("sound-silent"), ""


def _peer(state: CallState) -> Part | None:
    if state.peer_sound.state == "off" and not state.peer_meter.speaks:
        return None
    if state.sound.speaker.state in ("failed", "lost", "off") and state.peer_sound.state == "on":
        return say("sound-unheard"), "$text-error"
    if state.peer_sound.state == "muted":
        return say("sound-muted"), ""
    return (say("sound-heard"), "$text-success") if state.peer_meter.speaks else (say("sound-silent"), "")


def age_words(state: CallState) -> str:
    """Return how old what is heard is, and how true that is; in a field of fixed width."""
    if state.sound_age_ms is None:
        return " " * AGE_CELLS
    unsure = max(1, round(state.sound_unsure_ms))
    return say("sound-age", ms=f"{min(9999, round(state.sound_age_ms)):>4}", unsure=f"{min(unsure, 999):<3}")


def device_words(name: str) -> str:
    """Return a device's name, safe to show."""
    return cut_cells(cut(plain_cells(visible(name)).strip(), 255), DEVICE_CELLS)


def used(use: DeviceUse) -> str:
    """Return what is in use, as a thing."""
    return device_words(PurePath(use.file).name if use.file else use.name.removeprefix("pulse:") or use.device)


def machine_words(sound: Sound) -> str:
    """Return the machine that the devices are of."""
    return device_words(sound.machine)


def own_notes(sound: Sound, was: Sound) -> list[str]:
    """Return what is to be said of how one is heard and hears, which was `was`."""
    notes = []
    for end in ("microphone", "speaker"):
        now, before = getattr(sound, end), getattr(was, end)
        if now.state == before.state and (now.device, now.file) == (before.device, before.file):
            continue
        match now.state:
            case "on":
                muted = end == "microphone" and sound.muted
                key = f"note-{end}-file" if now.file else f"note-{end}-{'muted' if muted else 'on'}"
                notes.append(say(key, name=used(now), machine=machine_words(sound)))
            case "failed" | "lost":
                notes.append(say_cause(now.cause, visible(now.detail)))
            case "off" if now.cause:
                notes.append(say(f"note-{end}-ended"))
            case "off" if before.state in ("on", "lost", "opening"):
                notes.append(say(f"note-{end}-off"))
            case _:
                pass
    if sound.muted != was.muted:
        notes.append(say("note-muted" if sound.muted else "note-unmuted"))
    if sound.mode != was.mode or (sound.mode == "voice" and sound.threshold != was.threshold):
        notes.append(say(f"note-mode-{sound.mode}", threshold=sound.threshold))
    if sound.volume != was.volume:
        notes.append(say("note-volume", volume=sound.volume))
    if sound.codec != was.codec:
        notes.append(say(f"note-codec-{sound.codec}"))
    if sound.sends != was.sends:
        notes.append(say(f"note-sends-{sound.sends}"))
    return notes


def peer_notes(sound: PeerSound, was: PeerSound, peer: str) -> list[str]:
    """Return what is to be said of the peer's microphone, which was `was`."""
    if sound.state == was.state:
        return []
    back = sound.state == "on" and was.state == "muted"
    return [say("note-peer-unmuted" if back else f"note-peer-{sound.state}", peer=peer)]


def devices_note(listed: DevicesListed, sound: Sound) -> str:
    """Return the list of devices, numbered as /mic and /speaker take them."""
    if listed.cause:
        return say_cause(listed.cause, visible(listed.detail))
    lines = []
    machine = device_words(listed.machine)
    for title, devices, use in (
        (say("devices-microphones", machine=machine), listed.microphones, sound.microphone),
        (say("devices-speakers", machine=machine), listed.speakers, sound.speaker),
    ):
        lines.append(title)
        names = [device_words(device.name) for device in devices]
        for number, device in enumerate(devices, 1):
            name = names[number - 1]
            if names.count(name) > 1:
                name = device_words(device.id.removeprefix("pulse:"))
            mark = "●" if use.state == "on" and use.name == device.id else " "
            lines.append(f"{number:>3} {mark} {name}")
        if not devices:
            lines.append(f"    {say('devices-none')}")
    return "\n".join(lines)
