"""One big file, sealed, through the relay: beside magic-wormhole (through its relay) and scp.

    python -m bench.files [--megabytes 1000] [--rounds 3] [--only NAME]

All on this machine's loopback and disk. A run is timed from the start of the receiver, when the code is known, until
both programs have ended; "moving alone" is from the acceptance to the end of the transfer. Median of the rounds, which
go through all in turn. Every file that arrives is compared by its hash.
"""

import argparse
import os
import sys
from pathlib import Path

from bench.contenders import scp, visavis, wormhole
from bench.ground import ground, race, say


def make_file(path: Path, megabytes: int) -> None:
    """Write a file that can't be compressed."""
    with path.open("wb") as file:
        for _ in range(megabytes):
            file.write(os.urandom(1_000_000))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megabytes", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    contenders = {"visavis": visavis, "wormhole": wormhole, "scp": scp()}
    parser.add_argument("--only", action="append", choices=contenders)
    options = parser.parse_args()
    with ground() as folder:
        source = folder / "film.bin"
        say(f"making a file of {options.megabytes} MB")
        make_file(source, options.megabytes)
        print(f"## One file of {options.megabytes} MB\n")
        chosen = {name: contenders[name] for name in options.only or contenders}
        return min(race(source, chosen, options.rounds), 1)


if __name__ == "__main__":
    sys.exit(main())
