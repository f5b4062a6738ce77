"""Many small files: beside `tar | ssh tar` and `scp -r`.

    python -m bench.small_files [--files 10000] [--rounds 3] [--quick] [--only NAME]

10,000 files of 1 KiB in 100 folders, on this machine's loopback and disk, timed and checked as in bench/files.py.
`scp -r` runs once, being slow; with --quick not at all. ext4 makes files slowly for minutes after many were removed, as
at the end of an earlier run.
"""

import argparse
import os
import sys
from pathlib import Path

from bench.contenders import scp, tar, visavis
from bench.ground import ground, race, say

FOLDERS = 100


def make_files(folder: Path, count: int) -> None:
    for place in range(FOLDERS):
        (folder / f"{place:03}").mkdir(parents=True)
    for number in range(count):
        (folder / f"{number % FOLDERS:03}" / f"{number:06}.bin").write_bytes(os.urandom(1024))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true")
    contenders = {"visavis": visavis, "tar through ssh": tar, "scp -r": scp("-r")}
    parser.add_argument("--only", action="append", choices=contenders)
    options = parser.parse_args()
    with ground() as folder:
        source = folder / "many"
        say(f"making {options.files} files")
        make_files(source, options.files)
        print(f"## {options.files} files of 1 KiB\n")
        chosen = {name: contenders[name] for name in options.only or contenders}
        if options.quick:
            chosen.pop("scp -r", None)
        return min(race(source, chosen, options.rounds, once={"scp -r"}), 1)


if __name__ == "__main__":
    sys.exit(main())
