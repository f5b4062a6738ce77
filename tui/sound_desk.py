"""What one does with sound in a call: words in, commands out; a device's number may have to wait for the list."""

from typing import TYPE_CHECKING

from actors.messages import ListDevices, TuneSound
from tui import sound_commands
from tui.file_commands import MisusedError
from tui.sound_commands import UnlistedError
from tui.sound_words import devices_note
from tui.words.catalogue import say

if TYPE_CHECKING:
    from tui.app import VisavisApp


class SoundDesk:
    """Serves the sound commands of `app`."""

    def __init__(self, app: "VisavisApp") -> None:
        self.app = app
        self._waiting: tuple[str, str] | None = None  # a command that needs the list

    def order(self, name: str, rest: str) -> bool:
        """Do the command `name` with the words `rest`; return False if they need to be corrected."""
        try:
            command = sound_commands.command_of(name, rest, self.app.state, self.app.files.folder)
        except UnlistedError:
            self._waiting, command = (name, rest), ListDevices()
        except MisusedError as error:
            self.app.say_note(str(error))
            return False
        if not self.app.send(command):
            self.app.say_note(say("engine-stuck"))
            return False
        return True

    def listed(self) -> None:
        """The devices came: do what waits for them, or show them."""
        waiting, self._waiting = self._waiting, None
        devices = self.app.state.devices
        if devices is None:
            return
        if waiting is None or devices.cause:
            self.app.say_note(devices_note(devices, self.app.state.sound))
        else:
            self.order(*waiting)

    def toggle(self) -> None:
        """What the one key does: talk or not where one talks by it, else mute or not."""
        sound = self.app.state.sound
        if sound.mode == "push" and not sound.muted:
            self.app.send(TuneSound(talking=not sound.talking))
        else:
            self.app.send(TuneSound(muted=not sound.muted))
