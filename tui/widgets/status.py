"""The line on top: who, how safe, through which relay, how far. True now, or it says since when."""

import time
from typing import Final

from rich.cells import cell_len
from textual.content import Content
from textual.widgets import Static

from relay.visible import cut, visible
from tui.cells import cut_cells, plain_cells
from tui.state import CallState
from tui.words.catalogue import say

STALE_SECONDS: Final = 15.0  # three heartbeats: an older round trip says how old it is
WIDE_CELLS: Final = 78
NAME_CELLS: Final = 24
NARROW_NAME_CELLS: Final = 14
RELAY_CELLS: Final = 40
NARROW_RELAY_CELLS: Final = 16
SEPARATOR: Final = " · "

_ORDER: Final = ("program", "name", "seal", "link", "relay", "words", "demo", "skipped", "round-trip")

Part = tuple[str, str]  # words and the style they are shown in


def clock(at: float) -> str:
    """Return HH:MM of UNIX seconds."""
    return time.strftime("%H:%M", time.localtime(at))


def peer_name(state: CallState) -> str:
    """Return the peer's name, safe to show, or words for someone who has not said theirs."""
    return cut(plain_cells(visible(state.peer)).strip(), 64) or say("status-peer")


def link_words(state: CallState) -> Part:
    """Return how the link is, and the style that says the same."""
    if state.phase == "ended":
        return say("status-ended"), "$text-error"
    if not state.attached:
        return say("status-detached"), "$text-warning"
    match state.link:
        case "joined" if state.plain:
            return say("status-connected"), ""  # whether someone is at the other end nobody says
        case "joined":
            return say("status-joined"), "$text-success"
        case "alone" if not state.met:
            return say("status-not-yet"), ""
        case "alone":
            return say("status-alone", since=clock(state.since)), "$text-warning"
        case "out":
            return say("status-out", since=clock(state.since)), "$text-warning"
        case _:
            return say("status-none"), ""


def round_trip_words(state: CallState, now: float) -> str:
    """Return the round trip, its figure in a field of fixed width; nothing where there is none to measure."""
    if state.phase != "call" or state.link != "joined":
        return ""
    if state.round_trip_ms is None:
        return say("status-no-round-trip")
    age = now - state.round_trip_at
    figure = f"{min(state.round_trip_ms, 99999):.0f}".rjust(4)
    if age > STALE_SECONDS:
        return say("status-round-trip-old", ms=figure, seconds=int(age))
    return say("status-round-trip", ms=figure)


def skipped_words(skipped: dict[str, int]) -> str:
    """Return how many packets of which types were not shown, or nothing."""
    if not any(skipped.values()):
        return ""
    counts = ", ".join(f"{count:,} {media_words(name)}" for name, count in skipped.items() if count)
    return say("status-skipped", counts=counts)


def skipped_in_all(skipped: dict[str, int]) -> str:
    """Return the same in fewer cells: one number for all types."""
    count = sum(skipped.values())
    return say("status-skipped-all", count=f"{count:,}") if count else ""


def media_words(packet_type: str) -> str:
    """Return the word for a packet type of the original."""
    return say(f"media-{_MEDIA.get(packet_type, 'other')}")


_MEDIA: Final = {
    **dict.fromkeys(("VID0", "VH26", "video"), "video"),
    **dict.fromkeys(("AUD0", "audio"), "audio"),
    **dict.fromkeys(("IMG0", "image"), "image"),
    **dict.fromkeys(("FHD0", "FCH0", "FEND", "file"), "file"),
}


def status_parts(state: CallState, width: int, now: float, *, demo: bool = False) -> list[Part]:
    """Return what fits `width` cells, in the order it is shown. Name, seal and link are never left out."""
    name = cut_cells(peer_name(state), NAME_CELLS if width >= WIDE_CELLS else NARROW_NAME_CELLS)
    shown: dict[str, Part] = {"name": (name, "bold $foreground"), "seal": seal_words(state), "link": link_words(state)}
    # The most important first, a shorter form after a longer. The round trip is shown last: its age, as it grows,
    # moves nothing there.
    optional: list[tuple[str, Part]] = [
        ("round-trip", (round_trip_words(state, now), "")),
        ("skipped", (skipped_words(state.skipped), "$text-warning")),
        ("skipped", (skipped_in_all(state.skipped), "$text-warning")),
        ("relay", (cut_cells(visible(state.relay), RELAY_CELLS), "")),
        ("relay", (cut_cells(visible(state.relay), NARROW_RELAY_CELLS), "")),
        ("words", (" ".join(state.verification), "")),
        ("demo", (say("status-demo") if demo else "", "$text-accent")),
        ("program", (say("status-program") if width >= WIDE_CELLS else "", "bold $text-accent")),
    ]
    for key, part in optional:
        if key not in shown and part[0] and _cells([*shown.values(), part]) <= width:
            shown[key] = part
    return [shown[key] for key in _ORDER if key in shown]


def seal_words(state: CallState) -> Part:
    """Return how safe it is, and the style that says the same."""
    if state.plain:
        return say("status-plain"), "bold $text-error"
    if not state.verification:
        return say("status-unpaired"), ""
    return say("status-sealed"), "$text-success"


class Status(Static):
    """Shows the status of a call in one line."""

    def show(self, state: CallState, now: float, *, demo: bool = False) -> None:
        """Paint it again, if it says something else now."""
        parts = status_parts(state, self.size.width - 2, now, demo=demo)
        self.set_class(state.plain, "-plain")
        content = Content(SEPARATOR).join(Content.styled(words, style) for words, style in parts)
        if content != self.content:
            self.update(content)


def _cells(parts: list[Part]) -> int:
    return sum(cell_len(words) for words, _ in parts) + len(SEPARATOR) * (len(parts) - 1)
