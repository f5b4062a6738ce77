"""How much one address may ask for: connections at once, connections not yet paired, numbers made, joins failed.

No I/O, no clock: the time is passed in. What is remembered of an address goes with its last connection, and the
counts by time are bounded in number.
"""

import ipaddress
from typing import Final

from relay import limits

_IPV6_PREFIX: Final = 64  # one customer's network: a person has 2**64 addresses in it


def address_key(host: str) -> str:
    """Return what counts as one address: IPv4 as it is (mapped into IPv6 too), IPv6 by its /64."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((int(address), _IPV6_PREFIX), strict=False))


class Admission:
    """Counts connections: `total` of all, `connections` and `unpaired` of one address."""

    def __init__(self, total: int, connections: int, unpaired: int) -> None:
        self._total = total
        self._connections = connections
        self._unpaired = unpaired
        self._open: dict[str, int] = {}
        self._alone: dict[str, int] = {}
        self._all = 0

    def admit(self, key: str) -> bool:
        """Count a connection of this address, as not paired, and return True; or return False: it is over a limit."""
        open_, alone = self._open.get(key, 0), self._alone.get(key, 0)
        if self._all >= self._total or open_ >= self._connections or alone >= self._unpaired:
            return False
        self._all += 1
        self._open[key], self._alone[key] = open_ + 1, alone + 1
        return True

    def settled(self, key: str) -> None:
        """An admitted connection no longer waits: it has found its other side, or been refused."""
        _lower(self._alone, key)

    def left(self, key: str, *, settled: bool) -> None:
        """An admitted connection is closed; `settled` tells whether it had been reported as that."""
        self._all -= 1
        _lower(self._open, key)
        if not settled:
            _lower(self._alone, key)

    def __len__(self) -> int:
        """Addresses remembered."""
        return len(self._open)


class Rate:
    """At most `count` events in `seconds`, counted from the first of them, for each of at most `keys` addresses.

    Past that many addresses the one whose window is oldest is forgotten.
    """

    def __init__(self, count: int, seconds: float, keys: int = limits.ADDRESSES_COUNTED) -> None:
        self._count = count
        self._seconds = seconds
        self._keys = keys
        self._windows: dict[str, tuple[float, int]] = {}  # in the order of their starts

    def exhausted(self, key: str, now: float) -> bool:
        """Tell whether this address has had its events."""
        start, count = self._windows.get(key, (now, 0))
        return count >= self._count and now - start < self._seconds

    def add(self, key: str, now: float) -> None:
        """Count an event of this address."""
        start, count = self._windows.get(key, (now, 0))
        if count == 0 or now - start >= self._seconds:
            self._windows.pop(key, None)  # to the end: it starts now
            start, count = now, 0
            if len(self._windows) >= self._keys:
                del self._windows[next(iter(self._windows))]
        self._windows[key] = start, count + 1

    def pass_time(self, now: float) -> None:
        """Forget the addresses whose window is over."""
        for key, (start, _) in list(self._windows.items()):
            if now - start < self._seconds:
                break
            del self._windows[key]

    def __len__(self) -> int:
        """Addresses remembered."""
        return len(self._windows)


def _lower(counts: dict[str, int], key: str) -> None:
    counts[key] -= 1
    if not counts[key]:
        del counts[key]
