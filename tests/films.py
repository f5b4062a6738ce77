"""Video files, made when they are needed."""

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

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


def make_clapper(path: Path, seconds: int, *, rate: int = 30) -> Path:
    """Write a film that is dark and silent, but for the first fifth of each second but the first: white, and a tone."""
    with av.open(str(path), "w") as container:
        video: Any = container.add_stream("libx264", rate=rate, options={"preset": "ultrafast", "g": "30"})
        video.width, video.height, video.pix_fmt = 320, 180, "yuv420p"
        audio: Any = container.add_stream("aac", rate=48_000, layout="mono")
        for number in range(seconds * rate):
            claps = number >= rate and number % rate < rate // 5
            image = np.full((180, 320, 3), 255 if claps else 0, np.uint8)
            container.mux(video.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
        container.mux(video.encode())
        times = np.arange(seconds * 48_000) / 48_000
        tone = 0.5 * np.sin(2 * np.pi * 1000 * times) * ((times % 1 < 0.2) & (times >= 1))
        for at in range(0, len(tone), 1024):
            frame = av.AudioFrame.from_ndarray(tone[None, at : at + 1024].astype(np.float32), "fltp", "mono")
            frame.sample_rate, frame.pts = 48_000, at
            container.mux(audio.encode(frame))
        container.mux(audio.encode())
    return path
