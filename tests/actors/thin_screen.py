"""A screen, as thin as can be, for the tests of engine and socket."""

from typing import Any

import trio

from actors import messages as m
from relay import wire


class Screen:
    """The screen's end of a local socket, and every event that came."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self.stream = stream
        self.events: list[Any] = []
        self.closed = False
        self._decoder = wire.Decoder(wire.LOCAL_LIMITS)

    async def send(self, command: m.AnyCommand | bytes) -> None:
        payload = command if isinstance(command, bytes) else m.encode(command)
        await self.stream.send_all(wire.encode(wire.COMMAND, payload))

    async def read(self) -> None:
        try:
            while data := await self.stream.receive_some(65536):
                self._decoder.feed(data)
                while (packet := self._decoder.next_packet()) is not None:
                    assert packet.type == wire.EVENT
                    self.events.append(m.decode_event(packet.payload))
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass
        self.closed = True

    @property
    def texts(self) -> list[str]:
        lines = [line.text for e in self.events if isinstance(e, m.LinesReplayed) for line in e.lines]
        return lines + [e.text for e in self.events if isinstance(e, m.TextReceived)]
