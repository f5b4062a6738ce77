"""Video in words: what is on show, how it is, what it counts. Pure."""

from pathlib import PurePath
from typing import Final

from actors.messages import Flow, PeerVideo, Recording, Video, Whose
from relay.visible import cut, visible
from tui.cells import cut_cells, plain_cells
from tui.state import CallState
from tui.transfers import size_words
from tui.widgets.status import peer_name
from tui.words.catalogue import say, say_cause

SEPARATOR: Final = " · "
NAME_CELLS: Final = 32


def what_own(video: Video) -> str:
    """Return what is shown here, as a thing: "camera 0", a file's name."""
    if video.kind in ("file", "image"):
        return _name(PurePath(video.what).name)
    if video.kind == "camera":
        return say("show-camera", which=_name(video.what or "0"))
    return say("show-card")


def what_peer(video: PeerVideo) -> str:
    """Return what the peer shows, as a thing."""
    return _name(video.name) if video.name else say(f"show-{video.kind}-peer")


def caption(state: CallState, of: Whose) -> str:
    """Return the line under the picture."""
    flow = state.peer_flow if of == "peer" else state.own_flow
    parts = [
        say("caption-peer", peer=peer_name(state), what=what_peer(state.peer_video))
        if of == "peer"
        else say("caption-own", what=what_own(state.video)),
        *_how(flow),
    ]
    if of == "own":
        parts += _played(state.video)
        if not state.video.both:
            parts.append(say("caption-me-alone"))
        if state.video.shared:
            parts.append(say("caption-shared"))
    if state.recording.what:
        parts.append(say("caption-recording"))
    if state.peer_video.records:
        parts.append(say("caption-peer-records", peer=peer_name(state)))
    return SEPARATOR.join(parts)


def counts(state: CallState) -> str:
    """Return what is counted and timed of both directions, some lines."""
    lines: list[str] = []
    own, peer = state.own_flow, state.peer_flow
    if own.captured or own.encoded:
        lines.append(
            say(
                "counts-own",
                captured=f"{own.captured:,}",
                source=f"{own.dropped_source:,}",
                encoded=f"{own.encoded:,}",
                queue=f"{own.dropped_queue:,}",
                sent=f"{own.sent:,}",
                shown=f"{own.shown:,}",
                size=size_words(own.size),
            )
        )
        lines.append(_stages(own))
    if peer.sent:
        lines.append(
            say(
                "counts-peer",
                came=f"{peer.sent:,}",
                refused=f"{peer.refused:,}",
                queue=f"{peer.dropped_queue:,}",
                shown=f"{peer.shown:,}",
                size=size_words(peer.size),
            )
        )
        lines.append(_stages(peer))
    return "\n".join(lines) or say("counts-none")


def _how(flow: Flow) -> list[str]:
    parts = []
    if flow.width:
        parts.append(f"{flow.width} x {flow.height}")
    if flow.rate >= 1:  # a picture that stands still has none
        parts.append(say("caption-rate", rate=f"{flow.rate:.0f}", bytes=size_words(flow.bytes_a_second)))
    everything = next((stage.p50 for stage in flow.stages if stage.name == "all"), None)
    if everything is not None and flow.rate:
        parts.append(say("caption-delay", ms=f"{everything:.0f}"))
    return parts


def _played(video: Video) -> list[str]:
    if video.kind != "file" or video.seconds is None:
        return []
    parts = [f"{_clock(video.at)} / {_clock(video.seconds)}"]
    if video.state == "ended":
        parts.append(say("caption-ended"))
    elif video.paused:
        parts.append(say("caption-paused"))
    if video.loop:
        parts.append(say("caption-loop"))
    return parts


def _stages(flow: Flow) -> str:
    return "  " + ", ".join(
        say("counts-stage", name=say(f"stage-{stage.name}"), p50=f"{stage.p50:.1f}", p99=f"{stage.p99:.1f}")
        for stage in flow.stages
    )


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02}"


def _name(text: str) -> str:
    return cut_cells(cut(plain_cells(visible(text)).strip(), 255), NAME_CELLS)


def own_notes(video: Video, was: Video) -> list[str]:
    """Return what is to be said of our video, which was `was`."""
    if video.state == "failed" and was.state != "failed":
        return [say_cause(video.cause, visible(video.detail))]
    if video.state == "on" and was.state not in ("on", "ended"):
        return [say("note-own-both" if video.both else "note-own-me", what=what_own(video))]
    if video.state == "off" and was.state != "off":
        return [say("note-own-off")]
    if video.state == "on" and video.shared != was.shared:
        return [say("note-shared" if video.shared else "note-taken-over")]
    return []


def peer_notes(video: PeerVideo, was: PeerVideo, peer: str) -> list[str]:
    """Return what is to be said of the peer's video, which was `was`."""
    notes = []
    if video.showing and (not was.showing or (video.kind, video.name) != (was.kind, was.name)):
        notes.append(say("note-peer-shows", peer=peer, what=what_peer(video)))
    elif was.showing and not video.showing:
        notes.append(say("note-peer-stopped", peer=peer))
    if video.records != was.records:
        notes.append(say("note-peer-records" if video.records else "note-peer-records-not", peer=peer))
    return notes


def recording_notes(recording: Recording) -> list[str]:
    """Return what is to be said of a recording that began or ended."""
    if recording.what:
        return [say(f"note-recording-{recording.what}", path=visible(recording.path))]
    ended = [say_cause(recording.cause, visible(recording.detail))] if recording.cause else []
    kept = [say("note-recorded", path=visible(recording.path))] if recording.path else []
    return [*ended, *kept]
