"""What the relay is told on its command line. Imports no Trio, so that `--help` stays light."""

from dataclasses import dataclass

from relay import limits, wire


@dataclass(frozen=True)
class Options:
    """How a relay runs.

    `host` None listens on every address of both families; `port` 0 takes a free one, the same for both.
    `plain` opens the lobby for the original's programs. `drain` (seconds) is how long running lanes may go on
    after SIGTERM. `per_address` sets both limits of one address (its connections, and those not yet paired).
    `hello_seconds` is how long a connection may take to say its hello.
    """

    host: str | None = None
    port: int = wire.DEFAULT_PORT
    plain: bool = False
    drain: float = limits.DRAIN_SECONDS
    per_address: int | None = None
    hello_seconds: float = limits.HELLO_SECONDS
