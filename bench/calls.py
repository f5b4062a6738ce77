"""Two engines in a call, for the benchmarks that chat beside a transfer."""

import itertools
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from actors import messages as m
from bench.chat import Engine, ours
from bench.ground import RunError

LIMIT_SECONDS = 20.0  # for what has to happen at once


class WatchedEngine(Engine):
    """An engine whose transfers are kept in view; it writes a transfer into "-" to `output`."""

    def __init__(self, run: Path, output: int | None = None) -> None:
        self.transfers: dict[int, m.Transfer] = {}
        self.moved: list[tuple[float, int]] = []  # when, and how much the receiver then had
        self.over_at = 0.0  # when the last transfer was over
        with standard_output(output):
            super().__init__(run)
        self.socket.settimeout(LIMIT_SECONDS)

    def events(self) -> Iterator[m.AnyEvent]:
        for event in super().events():
            if isinstance(event, m.TransferChanged):
                self.transfers[event.transfer.id] = event.transfer
                if event.transfer.state in m.OVER:
                    self.over_at = time.monotonic()
            elif isinstance(event, m.TransferProgressed):
                self.moved.append((time.monotonic(), event.moved))
            elif isinstance(event, m.OfferRefused | m.CommandRefused):
                raise RunError(f"{event.cause} {event.detail}")
            yield event

    def wait_transfer(self, *states: str) -> m.Transfer:
        """Return the first transfer that is in one of these states, once there is one."""
        deadline = time.monotonic() + LIMIT_SECONDS
        for _ in itertools.chain([None], self.events()):
            for transfer in self.transfers.values():
                if transfer.state in states:
                    return transfer
            if time.monotonic() > deadline:
                break
        raise RunError(f"no transfer is {' or '.join(states)}: {[t.state for t in self.transfers.values()]}")

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        self.socket.close()


@contextmanager
def standard_output(output: int | None) -> Iterator[None]:
    """Let what is started in the block write there."""
    if output is None:
        yield
        return
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(output, 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)


def pair(one: Engine, other: Engine, address: str) -> None:
    """Put two engines into a call through the relay there, and say a few lines."""
    one.do(m.MakeCode(address))
    made = one.wait(m.CodeMade, m.Failed)
    if isinstance(made, m.Failed):
        raise RunError(f"no code: {made.cause} {made.detail}")
    other.do(m.EnterCode(address, made.code))
    one.wait_joined()
    other.wait_joined()
    ours(one, other, 20)


def offer(one: WatchedEngine, other: WatchedEngine, source: Path, into: str) -> int:
    """Have `one` send `source` to `other`, into the folder `into`; return the transfer's id once it is accepted."""
    one.do(m.OfferFiles(id="film", paths=(str(source),)))
    one.wait_transfer("offered")
    offered = other.wait_transfer("offered").id
    other.do(m.AnswerOffer(offered, accept=True, folder=into))
    return offered


def chat(one: Engine, other: Engine, seconds: float) -> list[float]:
    """Say and answer lines for so long; return the milliseconds of each round trip."""
    times = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        times += ours(one, other, 1)
    return times
