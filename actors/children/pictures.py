"""Draws frames of strangers in terminal cells, in a process of its own: it may die of them."""

import time

import cv2

from actors.children.cells import Canvas
from actors.children.decode import decode_jpeg
from actors.children.orders import Draw, Refused, Unwatch, Watch
from actors.children.pipe import Pipe
from actors.video.frames import PICTURE, Frame, Picture, unpack_frame
from actors.video.jpeg import JpegError
from relay.wire import Packet


def main() -> None:
    """Draw what is asked for until the engine closes the pipe."""
    cv2.setNumThreads(1)
    pipe = Pipe()
    wanted: dict[int, Watch] = {}
    canvases: dict[int, Canvas] = {}
    waiting: tuple[int, ...] = ()
    for said in pipe:
        match said:
            case Watch(watcher=watcher):
                wanted[watcher] = said
                canvases[watcher] = Canvas(said.columns, said.rows)
            case Unwatch(watcher=watcher):
                wanted.pop(watcher, None)
                canvases.pop(watcher, None)
            case Draw(watchers=watchers):
                waiting = tuple(watcher for watcher in watchers if watcher in wanted)
            case Packet(payload=payload):
                columns = max((wanted[each].columns for each in waiting), default=1)
                rows = max((wanted[each].rows for each in waiting), default=1)
                _draw(pipe, unpack_frame(payload), {each: canvases[each] for each in waiting}, (columns, 2 * rows))
            case _:
                pass


def _draw(pipe: Pipe, frame: Frame, canvases: dict[int, Canvas], enough: tuple[int, int]) -> None:
    began = time.monotonic_ns()
    try:
        image = decode_jpeg(frame.jpeg, enough)
    except JpegError as error:
        pipe.report(Refused(frame.number, error.cause))
        return
    took = (time.monotonic_ns() - began) // 1000
    for watcher, canvas in canvases.items():
        columns, rows, cells = canvas.draw(image)
        pipe.send(PICTURE, Picture(watcher, frame.number, columns, rows, took, cells).pack())


if __name__ == "__main__":
    main()
