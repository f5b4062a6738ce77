"""The real program in a terminal of its own: what Textual's test driver can't show."""

import asyncio
import contextlib
import fcntl
import os
import pty
import signal
import struct
import sys
import termios

import pytest

from actors.messages import Hang
from tests.tui.fake_engine import FakeEngine, running
from tests.tui.support import eventually
from tui.terminal import KeyDecoder

pytestmark = pytest.mark.long

PROGRAM = """
import asyncio, sys
from tui.app import VisavisApp, run_screen
app = VisavisApp(engine=sys.argv[1])
status = asyncio.run(run_screen(app))
print("left:", status, app.farewell)
sys.exit(status)
"""


class Terminal:
    """A pseudo terminal with the screen in it."""

    def __init__(self, descriptor, process):
        self.descriptor, self.process = descriptor, process
        self.output = b""
        os.set_blocking(descriptor, False)

    def read(self):
        with contextlib.suppress(BlockingIOError, OSError):
            self.output += os.read(self.descriptor, 1 << 20)
        return self.output.decode("utf-8", "replace")

    def type(self, data):
        os.write(self.descriptor, data)

    async def shows(self, words):
        await eventually(lambda: words in self.read())


@contextlib.asynccontextmanager
async def in_a_terminal(engine):
    control, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", PROGRAM, engine.name),
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        env={**os.environ, "TERM": "xterm-256color"},
    )
    os.close(terminal)
    screen = Terminal(control, process)
    try:
        await screen.shows("or type")
        yield screen
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        with contextlib.suppress(OSError):
            os.close(control)


async def ended(screen):
    async with asyncio.timeout(20):
        while True:
            screen.read()  # a terminal that nobody reads would hold it up
            with contextlib.suppress(TimeoutError):
                return await asyncio.wait_for(screen.process.wait(), 0.05)


async def test_a_closed_terminal_leaves_the_engine():
    async with running(FakeEngine.in_call()) as engine, in_a_terminal(engine) as screen:
        os.close(screen.descriptor)
        async with asyncio.timeout(20):
            assert await screen.process.wait() == -signal.SIGHUP
        await eventually(lambda: not engine._writers)
        assert Hang() not in engine.commands


async def test_sigterm_gives_the_terminal_back_and_leaves_the_engine():
    async with running(FakeEngine.in_call()) as engine, in_a_terminal(engine) as screen:
        screen.process.send_signal(signal.SIGTERM)
        assert await ended(screen) == 0
        await screen.shows("left: 0")
        assert "\x1b[?1049l" in screen.read()  # the other screen of the terminal is back
        assert Hang() not in engine.commands


async def test_keys_of_a_real_terminal_bytes_that_are_no_text_and_korean():
    async with running(FakeEngine.in_call()) as engine, in_a_terminal(engine) as screen:
        screen.type(b"bad \xff\xfe\xed\xa0\x80 bytes\r")
        await eventually(lambda: len(engine.texts()) == 1)
        text = engine.texts()[0]
        assert text.startswith("bad ")
        assert text.endswith(" bytes")
        assert set(text[4:-6]) == {"\ufffd"}
        screen.type("한글 하나\x1b\r둘".encode())
        screen.type(b"\r")
        await eventually(lambda: engine.texts()[1:] == ["한글 하나\n둘"])
        screen.type(b"\x1b[200~several\r\nlines\x1b[201~\r")
        await eventually(lambda: engine.texts()[2:] == ["several\nlines"])
        screen.type(b"/detach\r")
        assert await ended(screen) == 0
        await screen.shows(f"visavis attach {engine.name}")


async def test_a_screen_that_was_stopped_comes_back():
    async with running(FakeEngine.in_call()) as engine, in_a_terminal(engine) as screen:
        screen.process.send_signal(signal.SIGSTOP)
        engine.let_go()
        engine.hear("said while it was stopped")
        screen.process.send_signal(signal.SIGCONT)
        await screen.shows("said while it was stopped")
        assert len(engine.attaches) == 2


@pytest.mark.parametrize(
    ("pieces", "text"),
    [
        ([b"\xed\x95", b"\x9c"], "한"),
        ([b"a\xff", b"b"], "a\ufffdb"),
        ([b"\x1b\r"], "\x1b[13;3u"),
        ([b"\x1b", b"[A"], "\x1b[A"),
        ([b"\xed"], ""),
    ],
)
def test_what_a_terminal_sends_is_always_text(pieces, text):
    decode = KeyDecoder().decode
    assert "".join(decode(piece, final=False) for piece in pieces) == text
