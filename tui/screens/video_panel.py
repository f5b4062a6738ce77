"""All that can be set about our video, in one place: for the mouse, and for who does not know the commands."""

from typing import TYPE_CHECKING, ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Label, Select

from actors.messages import StopVideo, TuneVideo
from relay import limits
from tui.video_commands import FILTERS
from tui.video_words import what_own
from tui.widgets.slider import Slider
from tui.words.catalogue import say

if TYPE_CHECKING:
    from tui.app import VisavisApp

SIZES: Final = ((0, 0), (1280, 720), (960, 540), (640, 360), (320, 180))
RATES: Final = (0, 30, 15, 10, 5)


class VideoPanel(ModalScreen[None]):
    """Changes take effect at once. Esc closes it."""

    app: "VisavisApp"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,f8", "dismiss", say("key-back"), priority=True),
    ]

    def compose(self) -> ComposeResult:
        """A row for each thing."""
        video = self.app.state.video
        with Vertical(id="panel"):
            yield Label(say("panel-title"), id="panel-title")
            yield Label(self._showing, id="panel-showing")
            with Horizontal(classes="row"):
                yield Label(say("panel-filter"))
                yield Select([(name, name) for name in FILTERS], value=video.filter, allow_blank=False, id="filter")
            with Horizontal(classes="row"):
                yield Label(say("panel-quality"))
                yield Slider(limits.QUALITY_MIN, limits.QUALITY_MAX, video.quality)
            with Horizontal(classes="row"):
                yield Label(say("panel-size"))
                size = (video.width, video.height)
                sizes = SIZES if size in SIZES else (*SIZES, size)
                options = [(_size_words(each), each) for each in sizes]
                yield Select(options, value=size, allow_blank=False, id="size")
            with Horizontal(classes="row"):
                yield Label(say("panel-rate"))
                rates = RATES if video.rate in RATES else (*RATES, video.rate)
                yield Select(
                    [(_rate_words(each), each) for each in rates], value=video.rate, allow_blank=False, id="rate"
                )
            with Horizontal(id="panel-buttons"):
                yield Button(say("panel-camera"), id="camera")
                yield Button(say("panel-card"), id="card")
                yield Button(say("panel-window"), id="window")
                yield Button(say("panel-record"), id="record")
                yield Button(say("panel-snapshot"), id="snapshot")
                yield Button(say("panel-stop"), id="stop")

    @property
    def _showing(self) -> str:
        video = self.app.state.video
        return say("panel-showing", what=what_own(video)) if self.app.state.own_showing else say("panel-nothing")

    @on(Select.Changed, "#filter")
    def _choose_filter(self, event: Select.Changed) -> None:
        if event.value != self.app.state.video.filter:
            self.app.send(TuneVideo(filter=event.value))  # type: ignore[arg-type]

    @on(Select.Changed, "#size")
    def _choose_size(self, event: Select.Changed) -> None:
        if isinstance(event.value, tuple):
            self.app.send(TuneVideo(width=event.value[0], height=event.value[1]))

    @on(Select.Changed, "#rate")
    def _choose_rate(self, event: Select.Changed) -> None:
        if isinstance(event.value, int | float):
            self.app.send(TuneVideo(rate=float(event.value)))

    @on(Slider.Changed)
    def _choose_quality(self, event: Slider.Changed) -> None:
        self.app.send(TuneVideo(quality=event.value))

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        name = event.button.id or ""
        if name == "stop":
            self.app.send(StopVideo())
        else:
            self.app.order(name, "")
        if name in ("camera", "card", "stop"):
            self.dismiss()


def _size_words(size: tuple[int, int]) -> str:
    return say("panel-size-wh", width=size[0], height=size[1]) if all(size) else say("panel-all")


def _rate_words(rate: float) -> str:
    return say("panel-rate-n", rate=f"{rate:g}") if rate else say("panel-all")
