"""`visavis engine --stdio` that also notes how late a 20 ms tick of its loop comes, and how old each frame is on the
screen: for benchmarks alone. What it noted is written to the file named in BENCH_NOTES when it ends.

    python -m bench.ticking
"""

import json
import os
import sys
import time
from typing import Any

import trio

from actors import engine
from actors.video.measures import Measures

TICK_SECONDS = 0.020
late: list[float] = []  # milliseconds
ages: list[tuple[float, float]] = []  # when it was shown, and milliseconds since its capture


async def tick() -> None:
    due = trio.current_time()
    while True:
        due += TICK_SECONDS
        await trio.sleep_until(due)
        late.append((trio.current_time() - due) * 1e3)


def note(took: Any) -> Any:
    def noting(self: Measures, stage: str, milliseconds: float) -> None:
        if stage == "all":
            ages.append((time.monotonic(), milliseconds))
        took(self, stage, milliseconds)

    return noting


def main() -> int:
    Measures.took = note(Measures.took)  # type: ignore[method-assign]
    run = engine.Engine.run

    async def ticking(self: engine.Engine, listener: trio.SocketListener) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(tick)
            await run(self, listener)
            nursery.cancel_scope.cancel()

    engine.Engine.run = ticking  # type: ignore[method-assign]
    try:
        return engine.main(stdio=True, ready_fd=None, name=os.environ.get("VISAVIS_NAME", "bench"))
    finally:
        with open(os.environ["BENCH_NOTES"], "w", encoding="utf-8") as file:
            json.dump({"late": late, "ages": ages}, file)


if __name__ == "__main__":
    sys.exit(main())
