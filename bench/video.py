"""Pictures from a file at one end into a window at the other: how old they are on the screen, whether that grows, what
it costs. Beside: what the original does with each frame in the thread of its screen.

    python -m bench.video [--seconds 60]      (--seconds 600 for the drift)

1280 x 720 at 30 a second, JPEG of quality 80, sealed, through our relay, into an OpenCV window on Xvfb: from the moment
the source has a frame to the moment the receiving engine is told that `imshow` has returned.
"""

import argparse
import sys
import time

import cv2
import numpy as np

from actors import messages as m
from bench.chat import percentile, relay
from bench.film import frames, make_film
from bench.ground import RunError, say
from bench.sight import Load, own_folder, seeing
from tests.display import Display

WARM_SECONDS = 5.0
SIZE = (1280, 720)


def original() -> float:
    """Milliseconds that decoding and converting a frame takes, which the original does in the thread of its screen,
    before Tk has it; what Tk then does comes on top."""
    jpegs = [cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 80])[1] for image in frames(30, *SIZE)]
    began = time.monotonic()
    for jpeg in jpegs:
        image = cv2.cvtColor(cv2.imdecode(jpeg, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
        b"P6 1280 720 255 " + np.ascontiguousarray(image).tobytes()
    return (time.monotonic() - began) / len(jpegs) * 1e3


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60)
    options = parser.parse_args()
    display = Display()
    try:
        with own_folder() as folder, relay() as (_, port):
            say("making a film")
            film = make_film(folder / "film.mp4", 20, *SIZE)
            with seeing(f"127.0.0.1:{port}", folder, display.name) as (shows, sees):
                sees.do(m.ShowWindow())
                sees.wait(m.WindowChanged, lambda event: event.open)
                shows.do(m.ShowVideo("file", str(film)))
                shows.wait(m.VideoChanged, lambda event: event.video.state == "on")
                shows.do(m.PlayVideo(loop=True))
                time.sleep(WARM_SECONDS)
                began = time.monotonic()
                load = Load(("shows", shows.process.pid), ("sees", sees.process.pid))
                say(f"watching for {options.seconds:.0f} s")
                time.sleep(options.seconds)
                shares = load.shares()
                flow = sees.flow().peer
                notes = sees.end()
        ages = [(at, age) for at, age in notes["ages"] if began <= at <= began + options.seconds]
        if not ages:
            raise RunError("no frame was shown")
    finally:
        display.end()
    tell(ages, notes["late"], shares, flow, options.seconds)
    return 0


def tell(
    ages: list[tuple[float, float]], late: list[float], shares: dict[str, float], flow: m.Flow, seconds: float
) -> None:
    every = [age for _, age in ages]
    minute = min(60.0, seconds / 2)
    first = [age for at, age in ages if at - ages[0][0] < minute]
    last = [age for at, age in ages if ages[-1][0] - at < minute]
    size = flow.size / flow.sent / 1e3
    print(f"## {flow.width} x {flow.height}, {len(every) / seconds:.1f} a second, {size:.0f} kB each\n")
    print("| from capture to imshow | p50 | p99 | most |\n|---|---|---|---|")
    for name, times in (("all", every), (f"first {minute:.0f} s", first), (f"last {minute:.0f} s", last)):
        print(f"| {name} | {percentile(times, 0.5):.1f} ms | {percentile(times, 0.99):.1f} ms | {max(times):.1f} ms |")
    print(f"\ndrift of the median: {percentile(last, 0.5) - percentile(first, 0.5):+.1f} ms")
    p50, p99 = percentile(late, 0.5), percentile(late, 0.99)
    print(f"20 ms tick of the receiving engine: p50 {p50:.2f}, p99 {p99:.2f} ms late\n")
    print("| process | share of a core | ms for each frame |\n|---|---|---|")
    for name, share in sorted(shares.items()):
        print(f"| {name} | {share:.1%} | {share * seconds / len(every) * 1e3:.1f} |")
    print(f"| the original, in the thread of its screen | | {original():.1f} |")


if __name__ == "__main__":
    sys.exit(main())
