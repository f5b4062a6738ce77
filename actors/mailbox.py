"""A mailbox for one screen: bounded in bytes, and let go when it is full.

Its overflow policy is the engine's alone: a screen that does not read (Ctrl-S, SIGSTOP, a dead line) costs at most
SCREEN_MAILBOX_BYTES and is then closed; it comes back with `since`, and nothing else notices.
"""

from collections import OrderedDict

import trio

from relay import limits, wire


class ScreenMailbox:
    """Payloads of packets on their way to one screen, oldest first.

    `put` never waits. An event put under a `key` replaces one of the same key that has not been taken yet (meters,
    progress); chat has no key. Past `limit` bytes `overflowed` is set and nothing more is kept.
    """

    def __init__(self, limit: int = limits.SCREEN_MAILBOX_BYTES) -> None:
        self._limit = limit
        self._items: OrderedDict[object, tuple[bytes, bytes]] = OrderedDict()
        self._bytes = 0
        self._filled = trio.Event()
        self._written = trio.Event()  # nothing is owed to the screen; at first the writer's own beginning is
        self.overflowed = trio.Event()
        self.replaced = 0  # events that a newer one of their key stood in for
        self.peak_bytes = 0

    def put(self, payload: bytes, key: str = "", packet_type: bytes = wire.EVENT) -> None:
        """Add an event, or a packet of another type. Over the limit everything is dropped and `overflowed` set."""
        if self.overflowed.is_set():
            return
        if key and key in self._items:
            self._bytes -= len(self._items.pop(key)[1])
            self.replaced += 1
        self._items[key or object()] = packet_type, payload
        if self._written.is_set():
            self._written = trio.Event()
        self._bytes += len(payload)
        self.peak_bytes = max(self.peak_bytes, self._bytes)
        if self._bytes > self._limit:
            self._items.clear()
            self._bytes = 0
            self.overflowed.set()
        self._filled.set()

    async def take(self) -> tuple[bytes, bytes]:
        """Return type and payload of the oldest packet, waiting for one. Cancelled while it waits, nothing is lost."""
        while not self._items:
            self._filled = trio.Event()
            await self._filled.wait()
        packet_type, payload = self._items.popitem(last=False)[1]
        self._bytes -= len(payload)
        return packet_type, payload

    def task_done(self) -> None:
        """What was taken has been written."""
        if not self._items:
            self._written.set()

    def close(self) -> None:
        """The screen is gone: nobody waits for it any longer."""
        self._items.clear()
        self._written.set()

    async def wait_written(self) -> None:
        """Return when everything put so far, and since, was taken and written, or the screen is gone."""
        while not self._written.is_set():
            await self._written.wait()
