"""Run every benchmark, one after the other: `python -m bench` (README: `./justw bench`), or those that are named."""

import subprocess
import sys

ALL = (
    "relay",
    "connections",
    "chat",
    "start",
    "files",
    "small_files",
    "loaded_chat",
    "link",
    "video",
    "slow_video",
    "picture",
    "sound",
)


def main() -> int:
    failed = 0
    for name in sys.argv[1:] or ALL:
        print(f"\n# {name}\n", flush=True)
        failed += subprocess.run([sys.executable, "-m", f"bench.{name}"]).returncode != 0
    return min(failed, 1)


if __name__ == "__main__":
    sys.exit(main())
