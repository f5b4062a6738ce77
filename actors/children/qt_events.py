"""The events that Qt handles, heard from its own log: nothing else tells whether Qt knows that its window is mapped.

Qt 5.15, which opencv-python brings, loses events of the X server when it is kept from the processor while it opens a
window: beside three busy processes on two cores, in 3 to 7 of 30 windows. If MapNotify is among them the window is
there, OpenCV calls it visible, and nothing is ever painted in it.
"""

import os
import threading
from types import TracebackType
from typing import Final, Self

_CATEGORY: Final = b"qt.qpa.events"
_READ_BYTES: Final = 65536


class QtEvents:
    """Counts the events of X by name ("MAP_NOTIFY", "EXPOSE"). To be entered before Qt starts: its log goes to standard
    error, which is a pipe until the block ends; what others write there goes where it went before."""

    def __init__(self) -> None:
        # Qt looks for fonts beside the wheel, in vain, and would say so each time.
        os.environ["QT_LOGGING_RULES"] = f"*=false;{_CATEGORY.decode()}.debug=true"
        os.environ["QT_MESSAGE_PATTERN"] = "%{category} %{message}"
        self._counts: dict[bytes, int] = {}
        self._thread = threading.Thread(target=self._read, daemon=True)

    def __enter__(self) -> Self:
        self._standard_error = os.dup(2)
        self._pipe, writing = os.pipe()
        os.dup2(writing, 2)
        os.close(writing)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.dup2(self._standard_error, 2)
        self._thread.join()

    def count(self, name: str) -> int:
        """Return how many of this kind there were."""
        return self._counts.get(b"XCB_" + name.encode(), 0)

    @property
    def of_x(self) -> bool:
        """Whether this is X at all."""
        return bool(self._counts)

    def _read(self) -> None:
        with open(self._pipe, "rb") as pipe:
            rest = b""
            while data := pipe.read1(_READ_BYTES):
                *lines, rest = (rest + data).split(b"\n")
                for line in lines:
                    if line.startswith(_CATEGORY):
                        self._count(line)
                    else:
                        os.write(self._standard_error, line + b"\n")
                if len(rest) > _READ_BYTES:
                    rest = b""
        os.write(self._standard_error, rest)

    def _count(self, line: bytes) -> None:
        name = line.partition(b"| ")[2].partition(b"(")[0]
        self._counts[name] = self._counts.get(name, 0) + 1
