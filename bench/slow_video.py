"""A camera at full settings and a file over a slow link: how old pictures are, and how soon they are young again after
the link stood still.

    python -m bench.slow_video [--seconds 60] [--rate 2mbit] [--delay 50ms] [--queue 64k]

The link is tests/net/linksim.py's: the sender on one side, the relay and the receiver with its window on the other. The
sender shows 1280 x 720 at 30 a second and quality 80, and sends a file beside it. As root.
"""

import argparse
import sys
import time
from contextlib import ExitStack
from pathlib import Path

from actors import messages as m
from bench.chat import PROGRAM, listening, percentile
from bench.film import make_film
from bench.ground import RunError, say
from bench.sight import own_folder, seeing
from tests.display import Display
from tests.net.linksim import link
from tests.net.namespaces import why_not

BEGUN_SECONDS = 15.0
STALL_SECONDS = 10
AFTER_SECONDS = 20.0
AIM_MS = 400.0


def watch(
    options: argparse.Namespace, folder: Path, display: Display, *, with_file: bool
) -> tuple[list[float], list[float], list[str], float]:
    """Return the ages of frames in milliseconds, those of the first BEGUN_SECONDS, what they were like, and the seconds
    from the end of a stall until every frame is younger than the aim."""
    film = folder / "film.mp4"
    if not film.exists():
        make_film(film, 20)
    with ExitStack() as stack:
        made = stack.enter_context(link(rate=options.rate, delay=options.delay, queue=options.queue))
        host = made.addresses["a"]
        command = [*PROGRAM, "relay", "--host", host, "--port", "0"]
        _, port = made.inside("a", lambda: stack.enter_context(listening(command)))
        run = folder / f"run-{with_file}"
        run.mkdir()
        shows, sees = stack.enter_context(seeing(f"{host}:{port}", run, display.name, made.inside))
        sees.do(m.ShowWindow())
        sees.wait(m.WindowChanged, lambda event: event.open)
        if with_file:
            big = run / "big.bin"
            with big.open("wb") as file:
                file.truncate(1 << 30)
            shows.do(m.OfferFiles(id="big", paths=(str(big),)))
            offered = sees.wait(m.TransferChanged, lambda event: event.transfer.state == "offered").transfer.id
            sees.do(m.AnswerOffer(offered, accept=True, folder=str(run)))
        shows.do(m.ShowVideo("file", str(film)))
        shows.wait(m.VideoChanged, lambda event: event.video.state == "on")
        shows.do(m.PlayVideo(loop=True))
        time.sleep(BEGUN_SECONDS)
        began = time.monotonic()
        time.sleep(options.seconds)
        ended = time.monotonic()
        flow, own = sees.flow().peer, shows.flow().own
        moved = max((event.moved for event in sees.events if isinstance(event, m.TransferProgressed)), default=0)
        like = [f"{flow.width} x {flow.height}", f"quality {own.quality}", f"{flow.rate:.1f} a second"]
        like += [f"{flow.bytes_a_second / 1e3:.0f} kB/s"]
        if with_file:
            like.append(f"file {moved / (options.seconds + BEGUN_SECONDS) / 1e3:.0f} kB/s")
        made.change(f"stall {STALL_SECONDS}")
        stalled = time.monotonic()
        time.sleep(STALL_SECONDS + AFTER_SECONDS)
        notes = sees.end()
    ages = [age for at, age in notes["ages"] if began <= at <= ended]
    after = [(at, age) for at, age in notes["ages"] if at > stalled + STALL_SECONDS]
    if not ages or not after:
        raise RunError("no frame was shown")
    late = [at for at, age in after if age > AIM_MS]
    again = (late[-1] if late else after[0][0]) - stalled - STALL_SECONDS
    first = [age for at, age in notes["ages"] if at < began]
    return ages, first, like, again


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60)
    for name, value in (("rate", "2mbit"), ("delay", "50ms"), ("queue", "64k")):
        parser.add_argument(f"--{name}", default=value)
    options = parser.parse_args()
    if missing := why_not():
        say(missing)
        return 0
    display = Display()
    try:
        print(f"## {options.rate}, {options.delay} each way, {options.queue} of queue\n")
        print("| beside it | p50 | p99 | most | first 15 s: p50 | most | young again after a stall of 10 s | like |")
        print("|---|---|---|---|---|---|---|---|")
        with own_folder() as folder:
            for with_file in (False, True):
                ages, first, like, again = watch(options, folder, display, with_file=with_file)
                figures = f"{percentile(ages, 0.5):.0f} ms | {percentile(ages, 0.99):.0f} ms | {max(ages):.0f} ms"
                figures += f" | {percentile(first, 0.5):.0f} ms | {max(first):.0f} ms"
                print(f"| {'a file' if with_file else 'nothing'} | {figures} | {again:.1f} s | {', '.join(like)} |")
    finally:
        display.end()
    return 0


if __name__ == "__main__":
    sys.exit(main())
