"""A stand-in camera: a network camera of one's own, that refuses a second one who opens it, as V4L2 does."""

import http.server
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import cv2

from actors.sources.card import draw_card

BOUNDARY = "frame"


class MjpegCamera:
    """Serves the card at `address`, to one at a time; `opened` counts those who got in, `refused` those who did not."""

    def __init__(self, width: int = 320, height: int = 240, rate: float = 30) -> None:
        self.opened = self.refused = 0
        self.stopped = threading.Event()
        self._taken = threading.Lock()
        self._began = time.monotonic()
        camera = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if not camera._taken.acquire(blocking=False):
                    camera.refused += 1
                    self.send_error(503)
                    return
                camera.opened += 1
                try:
                    self.send_response(200)
                    self.send_header("Content-Type", f"multipart/x-mixed-replace; boundary={BOUNDARY}")
                    self.end_headers()
                    with suppress(OSError):
                        while not camera.stopped.wait(1 / rate):
                            number = int((time.monotonic() - camera._began) * rate)
                            jpeg = cv2.imencode(".jpg", draw_card(number, width, height))[1].tobytes()
                            head = f"--{BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
                            self.wfile.write(head.encode() + jpeg + b"\r\n")
                finally:
                    camera._taken.release()

            def log_message(self, *arguments: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}/camera.mjpg"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def wait_free(self) -> None:
        """Wait until nobody has it."""
        with self._taken:
            pass

    def unplug(self) -> None:
        """Give no more frames."""
        self.stopped.set()

    def close(self) -> None:
        self.unplug()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@contextmanager
def mjpeg_camera() -> Iterator[MjpegCamera]:
    camera = MjpegCamera()
    try:
        yield camera
    finally:
        camera.close()
