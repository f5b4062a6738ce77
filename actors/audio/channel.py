"""The audio channel: what is said here and sent, what comes and is heard.

commands ─► audio ─► microphone (child) ─► frames ─► Carrier ─► lane `audio` ══
events   ◄─ audio ◄─ speaker (child) ◄──── frames ◄─ Carrier ◄─ lane `audio` ══
              ▲▼
         messages and controls on `main`: Sounding, MediaTaken
"""

import socket
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from importlib.util import find_spec
from typing import Any, Final, Protocol, get_args

import msgspec
import trio

from actors.audio.carrier import NAME, Carrier
from actors.audio.device import DeviceChild
from actors.audio.frames import FRAME, FRAME_SECONDS, Codec, FrameError, SoundFrame, unpack
from actors.audio.jitter import CAP_FRAMES
from actors.audio.narrow import Narrowness
from actors.child import ChildGoneError, NotInstalledError, start_child
from actors.children.orders import (
    AnyReport,
    DevicesFound,
    Failed,
    Heard,
    OpenSound,
    PlayFilm,
    Spoke,
    TuneMicrophone,
    TuneSpeaker,
)
from actors.media import Flow, Voice
from actors.messages import (
    CloseMicrophone,
    CloseSpeaker,
    DevicesListed,
    DeviceUse,
    Emit,
    ListDevices,
    Meter,
    OpenMicrophone,
    OpenSpeaker,
    PeerSound,
    PeerSoundChanged,
    Sound,
    SoundChanged,
    SoundCommand,
    SoundMeasured,
    TuneSound,
)
from actors.news import AudioNews, Film, Joined, Left, RoundTrip, Taken, Told
from actors.peer import MediaTaken, Sounding
from actors.reliable import OutboxFullError
from relay.wire import Packet

INBOX_ITEMS: Final = 64
_TICK_SECONDS: Final = 0.1  # between two measures
_HEARD_SECONDS: Final = 0.5  # since the last word of the speaker: then it stands still
_ACKNOWLEDGED: Final = 5  # frames between two acknowledgements where no speaker takes them
_ROUND_TRIPS: Final = 30  # of the best of which the peer's clock is known
_DEVICES_SECONDS: Final = 15.0  # to look for devices

_LEAD_USUAL: Final = 0.06  # seconds that a film's sound is sent ahead of its pictures, until it is known
_LEAD_MOST: Final = 0.5
_LEAD_SMOOTHING: Final = 0.1  # of what each acknowledgement says of it
_LEAD_STEP: Final = 0.01  # less is not worth a seam

Asked = tuple[SoundCommand, Emit]


class AnyCarrier(Protocol):
    """How frames go and come: the lane of a session, or what a plain call has in its place (actors/plain_audio.py)."""

    sent: int
    dropped: int
    refused: int

    @property
    def epoch(self) -> int:
        """That the lane is in."""

    @property
    def waiting(self) -> int:
        """How many frames wait before the lane."""

    def joined(self) -> None:
        """The peer is there."""

    def left(self, epoch: int) -> None:
        """An epoch is over."""

    def send(self, frame: SoundFrame) -> None:
        """Send this frame in its turn."""

    def taken(self, number: int) -> None:
        """The peer has taken every frame up to this number."""

    async def feed(self) -> None:
        """Send what waits, whenever it may go."""

    async def read(self, arrivals: trio.MemoryReceiveChannel[Any]) -> None:
        """Take what comes, at once."""


async def audio(
    inbox: trio.MemoryReceiveChannel[Asked | AudioNews],
    arrivals: trio.MemoryReceiveChannel[Any],
    voice: Voice,
    emit: Emit,
    make_carrier: Callable[[Voice, Callable[[SoundFrame], None]], AnyCarrier] = Carrier,
) -> None:
    """Speak and hear, until `inbox` is closed.

    Takes commands, each with where its answer goes, the session's news, and what film is shown, through `inbox`; the
    lane's packets through `arrivals`, which it takes at once. Emits SoundChanged, PeerSoundChanged, SoundMeasured (ten
    times a second while something can be heard), and to the asker DevicesListed. Starts children for all that touches
    a device or decodes what the peer sent. When `inbox` ends, its children end. Closes neither channel. Cancelled, its
    children end too. Raises nothing of its own.
    """
    async with trio.open_nursery() as nursery:
        channel = _Channel(nursery, voice, emit, make_carrier)
        nursery.start_soon(channel.carrier.feed)
        nursery.start_soon(channel.carrier.read, arrivals)
        nursery.start_soon(channel.measure)
        nursery.start_soon(channel.flow.run)
        async for item in inbox:
            channel.take(item)
        nursery.cancel_scope.cancel()


class _Channel:
    """The state of the audio channel."""

    def __init__(
        self,
        nursery: trio.Nursery,
        voice: Voice,
        emit: Emit,
        make_carrier: Callable[[Voice, Callable[[SoundFrame], None]], AnyCarrier],
    ) -> None:
        self.carrier = make_carrier(voice, self._came)
        self.flow = Flow(NAME, voice)
        self._nursery = nursery
        self._voice = voice
        self._emit = emit
        self._sound = Sound(machine=socket.gethostname())
        self._peer = PeerSound()
        self._peer_codecs: tuple[str, ...] = ()
        self._codecs = ("opus",) if find_spec("av") is not None else ()
        self._said: Sounding | None = None
        self._unsaid: Sounding | None = None
        self._microphone = DeviceChild(nursery, "microphone", self._microphone_changed, self._spoke)
        self._speaker = DeviceChild(nursery, "speaker", self._speaker_changed, self._heard)
        self._wanted: OpenSound | None = None  # microphone
        self._speaker_closed = False  # by someone, on purpose
        self._film = Film()
        self._lead = self._lead_wanted = _LEAD_USUAL
        self._narrowness = Narrowness()
        # Children stamp by CLOCK_MONOTONIC; the peer is told Trio's time, which heartbeats are in.
        self._clock = round(trio.current_time() * 1e9) - time.monotonic_ns()
        self._base = self._number = 0  # of the frames of this microphone; of the last frame that was sent
        self._own_meter, self._peer_meter = Meter(), Meter()
        self._came_frames = self._acknowledged = 0
        self._round_trips: deque[tuple[float, int]] = deque(maxlen=_ROUND_TRIPS)
        self._age: float | None = None
        self._waits = 0.0
        self._heard_at = -_HEARD_SECONDS  # when the speaker last said something

    # --- commands and news ---------------------------------------------------------------------------------------

    def take(self, item: Asked | AudioNews) -> None:
        """Take a command or news, in their order."""
        match item:
            case Joined():
                self.carrier.joined()
            case Left(epoch=epoch):
                self.carrier.left(epoch)
            case RoundTrip(seconds=seconds, offset=offset):
                self._round_trips.append((seconds, offset))
            case Told(control=MediaTaken(number=number, waited_us=waited_us)):
                self.carrier.taken(number)
                self._lead_film(waited_us / 1e6)
            case Taken(message=Sounding() as sounding):
                self._take_sounding(sounding)
            case Film():
                self._film = item
                self._arrange()
            case (command, reply):
                self._take_command(command, reply)
            case _:
                pass

    def _take_command(self, command: SoundCommand, reply: Emit) -> None:
        match command:
            case OpenMicrophone(device=device, file=file):
                self._wanted = OpenSound(device, file)
                self._microphone.open(self._wanted)
            case CloseMicrophone():
                self._wanted = None
                self._microphone.close()
                self._arrange()
            case OpenSpeaker(device=device, file=file):
                self._speaker_closed = False
                self._speaker.open(OpenSound(device, file))
            case CloseSpeaker():
                self._speaker_closed = True
                self._speaker.close()
            case TuneSound():
                self._tune(command)
            case ListDevices():
                self._nursery.start_soon(self._list_devices, reply)

    def _tune(self, command: TuneSound) -> None:
        given = {name: value for name in command.__struct_fields__ if (value := getattr(command, name)) is not None}
        if "mode" in given and given["mode"] != self._sound.mode:
            given.setdefault("talking", False)
        self._change(msgspec.structs.replace(self._sound, **given))

    async def _list_devices(self, reply: Emit) -> None:
        machine, listed = self._sound.machine, None
        async with trio.open_nursery() as nursery:
            with suppress(ChildGoneError), trio.move_on_after(_DEVICES_SECONDS):
                try:
                    async with await start_child(nursery, "devices") as child:
                        match await child.receive():
                            case DevicesFound(microphones=microphones, speakers=speakers):
                                listed = DevicesListed(machine=machine, microphones=microphones, speakers=speakers)
                            case Failed(cause=cause, detail=detail):
                                listed = DevicesListed(machine=machine, cause=cause, detail=detail)
                            case _:
                                pass
                except NotInstalledError:
                    listed = DevicesListed(machine=machine, cause="sound-missing")
        reply(listed or DevicesListed(machine=machine, cause="devices-silent"))

    # --- what is in use ------------------------------------------------------------------------------------------

    def _arrange(self) -> None:
        """Open and close what the film, or the peer's voice, asks for."""
        path, zero = self._film.path, self._film.zero
        self._speaker.order(PlayFilm(path, zero))
        ahead = None if zero is None else zero - round(self._lead * 1e9)
        self._microphone.order(PlayFilm(path, ahead) if self._film.both else PlayFilm())
        alone = bool(self._film.path) and self._film.both and self._wanted is None
        silent = self._microphone.opened is not None and self._microphone.opened.none
        if alone and self._microphone.opened is None:
            self._microphone.open(OpenSound(none=True))
        elif silent and not alone:
            self._microphone.close()
        if self._film.path:
            self._want_speaker()

    def _lead_film(self, waited: float) -> None:
        """The peer heard a frame so long after it came: send a film's sound so much ahead of its pictures that both
        are there together."""
        if not self._film.path or not waited:
            return
        way = min(self._round_trips)[0] / 2 if self._round_trips else 0.0
        lead = max(-_LEAD_MOST, min(_LEAD_MOST, FRAME_SECONDS + way + waited - self._film.seen))
        self._lead_wanted += _LEAD_SMOOTHING * (lead - self._lead_wanted)
        if abs(self._lead_wanted - self._lead) > _LEAD_STEP:
            self._lead = self._lead_wanted
            self._arrange()

    def _want_speaker(self) -> None:
        if self._speaker.use.state == "off" and not self._speaker_closed:
            self._speaker.open(OpenSound())

    def _microphone_changed(self, use: DeviceUse) -> None:
        opened = self._microphone.opened
        if use.state == "opening":
            self._base = self._number + 2 * CAP_FRAMES  # a gap to the last frame of the last one
        if opened is None:
            self._wanted, self._own_meter = None, Meter(frames=self._own_meter.frames)
        if opened is not None and opened.none:
            use = DeviceUse()  # nobody speaks
        self._change(msgspec.structs.replace(self._sound, microphone=use))
        if opened is None:
            self._arrange()

    def _speaker_changed(self, use: DeviceUse) -> None:
        self._change(msgspec.structs.replace(self._sound, speaker=use))

    def _change(self, sound: Sound) -> None:
        """This is how it is from now on: tell the children, the peer, and screens."""
        sends: Codec = "opus" if self._takes_opus(sound) else "pcm"
        sound = msgspec.structs.replace(sound, sends=sends)
        if sound == self._sound:
            return
        self._sound = sound
        self._microphone.order(TuneMicrophone(sound.mode, sound.threshold, sound.talking, sound.muted, sends))
        self._speaker.order(TuneSpeaker(sound.volume))
        self._emit(SoundChanged(sound=sound))
        on = sound.microphone.state in ("opening", "on", "lost")
        self._say(Sounding("muted" if on and sound.muted else "on" if on else "off", self._codecs))

    def _takes_opus(self, sound: Sound) -> bool:
        able = "opus" in self._codecs and "opus" in self._peer_codecs
        return able and (sound.codec == "opus" or (sound.codec == "auto" and self._narrowness.narrow))

    def _say(self, sounding: Sounding) -> None:
        """Tell the peer, now or as soon as the outbox has room, if it is something new."""
        self._unsaid = sounding if sounding != (self._said or Sounding("off", self._codecs)) else None
        self._say_unsaid()

    def _say_unsaid(self) -> None:
        if self._unsaid is not None:
            with suppress(OutboxFullError):
                self._voice.say(self._unsaid)
                self._said, self._unsaid = self._unsaid, None

    # --- ours ----------------------------------------------------------------------------------------------------

    def _spoke(self, said: AnyReport | Packet) -> None:
        match said:
            case Spoke():
                self._own_meter = Meter(level=said.level, bands=said.bands, speaks=said.speaks)
            case Packet(type=kind, payload=payload) if kind == FRAME:
                with suppress(FrameError):  # no child of ours sends any
                    frame = unpack(payload)
                    self._number = self._base + frame.number
                    self.flow.moved()
                    self.carrier.send(frame.at(self._number, max(0, frame.captured + self._clock)))
            case _:
                pass

    # --- the peer's ----------------------------------------------------------------------------------------------

    def _take_sounding(self, sounding: Sounding) -> None:
        self._peer_codecs = sounding.codecs
        if self._said is None and self._unsaid is None:
            self._unsaid = Sounding("off", self._codecs)  # so that it knows which codecs are understood here
            self._say_unsaid()
        known = get_args(PeerSound.__annotations__["state"])
        sound = PeerSound(state=sounding.state if sounding.state in known else "on")  # type: ignore[arg-type]
        if sound != self._peer:
            self._peer = sound
            self._emit(PeerSoundChanged(sound=sound))
        if sound.state == "on":
            self._want_speaker()
        self._change(self._sound)

    def _came(self, frame: SoundFrame) -> None:
        self._came_frames += 1
        self.flow.moved()
        self._want_speaker()
        if self._speaker.use.state in ("on", "opening"):
            self._speaker.put(frame)
        if self._speaker.use.state != "on" and self._came_frames % _ACKNOWLEDGED == 0:
            self._acknowledge(frame.number)

    def _heard(self, said: AnyReport | Packet) -> None:
        if not isinstance(said, Heard):
            return
        self._heard_at = trio.current_time()
        self._acknowledge(said.number, said.waited_us if said.captured else 0)
        self._waits = said.waits_ms
        self._peer_meter = Meter(
            level=said.level,
            bands=said.bands,
            speaks=said.speaks,
            dropped=said.dropped,
            late=said.late,
            dry=said.dry,
            refused=said.refused,
        )
        self._age = None
        if said.captured and self._round_trips:
            offset = min(self._round_trips)[1]
            self._age = max(0.0, (said.at + self._clock - (said.captured - offset)) / 1e6)

    def _acknowledge(self, number: int, waited_us: int = 0) -> None:
        if number > 0 and number != self._acknowledged:
            self._acknowledged = number
            self._voice.tell(MediaTaken(NAME, number, min(waited_us, 2**32 - 1)), self.carrier.epoch)

    # --- now and then --------------------------------------------------------------------------------------------

    async def measure(self) -> None:
        """Say ten times a second what is heard, judge the link."""
        told = False
        while True:
            await trio.sleep(_TICK_SECONDS)
            now = trio.current_time()
            flows = self.flow.look(now)
            self._say_unsaid()
            before = self._narrowness.narrow
            if self._narrowness.observe(self.carrier.waiting, now) != before:
                self._change(self._sound)
            if now - self._heard_at > _HEARD_SECONDS:
                self._age = None
                still = Meter()
                self._peer_meter = msgspec.structs.replace(
                    self._peer_meter, level=still.level, bands=still.bands, speaks=False
                )
            active = flows or self._sound.microphone.state == "on"
            if active or told:
                told = active
                self._emit(self._measured())

    def _measured(self) -> SoundMeasured:
        own, peer, carrier = self._own_meter, self._peer_meter, self.carrier
        return SoundMeasured(
            own=msgspec.structs.replace(own, frames=carrier.sent, dropped=carrier.dropped),
            peer=msgspec.structs.replace(peer, frames=self._came_frames, refused=peer.refused + carrier.refused),
            age_ms=self._age,
            unsure_ms=min(self._round_trips)[0] * 500 if self._round_trips else 0.0,
            waits_ms=self._waits,
        )
