"""What Textual's terminal driver lacks: bytes that are no UTF-8 end the program, and Alt+Enter is Enter.

Both are mended where bytes become text, which is the only seam there is.
"""

import codecs
from typing import TYPE_CHECKING, Final

from textual.drivers import linux_driver

if TYPE_CHECKING:
    from typing_extensions import Buffer

ALT_ENTER: Final = "\x1b\r"  # what terminals send
ALT_ENTER_NAMED: Final = "\x1b[13;3u"  # the same as the Kitty protocol says it, which Textual understands


class ScreenDriver(linux_driver.LinuxDriver):
    """Textual's driver for Linux and macOS. Bytes that are no UTF-8 become U+FFFD; Alt+Enter is a key of its own."""

    def run_input_thread(self) -> None:
        """Read keys until the screen closes."""
        linux_driver.__dict__["getincrementaldecoder"] = lambda encoding: KeyDecoder
        super().run_input_thread()


class KeyDecoder(codecs.BufferedIncrementalDecoder):
    """Makes text of what a terminal sends, whatever that is."""

    def _buffer_decode(self, data: "Buffer", errors: str, final: bool) -> tuple[str, int]:
        text, consumed = codecs.utf_8_decode(data, "replace", final)
        return text.replace(ALT_ENTER, ALT_ENTER_NAMED), consumed
