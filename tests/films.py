"""Video files, made when they are needed."""

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from actors.sources.card import draw_card


def make_video(
    path: Path, frames: int, *, size: tuple[int, int] = (640, 360), rate: int = 30, times: Iterable[int] = ()
) -> Path:
    """Write a video file whose frames are those of the card; `times` are their milliseconds, if uneven."""
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("libx264", rate=rate, options={"preset": "ultrafast"})
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p" if not (size[0] % 2 or size[1] % 2) else "yuv444p"
        uneven = list(times)
        if uneven:
            stream.codec_context.time_base = Fraction(1, 1000)
        for number in range(frames):
            frame = av.VideoFrame.from_ndarray(draw_card(number, *size), format="bgr24")
            if uneven:
                frame.pts, frame.time_base = uneven[number], stream.codec_context.time_base
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def make_sound(path: Path) -> Path:
    """Write a file that has sound alone."""
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("pcm_s16le", rate=8000)
        frame = av.AudioFrame(format="s16", layout="mono", samples=800)
        frame.sample_rate = 8000
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path
