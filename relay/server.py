"""The relay as a Trio program: accept, greet, pair, move bytes, log one line for each connection, drain.

1. A connection is accepted if its address is within its limits, and has 10 s for its hello.
2. The state machine of `relay.pairing` says what follows; its actions are carried out at once, without waiting,
   so that both of a pair have their PAIR queued before a byte moves.
3. Who waits is watched for a byte, which would be one too many, and for its end; nothing is taken.
4. Of a pair, the task of the first comer owns both connections; that of the second hands its own over and ends.
"""

import hashlib
import secrets
import signal
import socket
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

import trio
from trio.lowlevel import notify_closing, wait_readable

from relay import limits, pairing, sockets, wire
from relay.admission import Admission, Rate, address_key
from relay.listening import connection_limit, open_listeners, raise_descriptor_limit
from relay.logbook import Logbook
from relay.options import Options
from relay.pipe import Flow, Pipes, run_pipe
from relay.plain import Lobby, LobbyFullError, Member
from relay.wire import Hello, ProtocolError

__all__ = ["Options", "main", "serve"]

_PAIRED = "pair"
_INTERRUPTED = 130  # the exit code
_ACCEPT_PAUSE_SECONDS = 0.1  # no descriptor left, or a network that is down: it will not pass at once


class _Connection:
    """One accepted connection, and how it went."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self.sock = socket.socket(fileno=stream.socket.detach())
        self.sock.setblocking(False)
        self.opened = trio.current_time()
        self.address = ""  # counted at the admission under this key
        self.settled = False  # no longer counted among those that wait
        self.room = ""
        self.live = False
        self.verdict = ""  # of the state machine: "pair" or the code of an error
        self.waiting = trio.CancelScope()  # until the verdict
        self.piping = trio.CancelScope()  # of the first of a pair
        self.second: _Connection | None = None  # handed over to this one
        self.handed_over = False
        self.received = self.sent = 0  # bytes of the pair or in the lobby
        self.mood = "stopped"  # unless something else ends it before the relay does

    def decide(self, verdict: str) -> None:
        """Give the last answer, unless there is one, and wake its task."""
        self.verdict = self.verdict or verdict
        self.waiting.cancel()


class Relay:
    """A running relay. `log` gets one line, without newline, for each connection that has ended."""

    def __init__(self, options: Options, log: Callable[[str], None]) -> None:
        each = options.per_address
        self._options = options
        self._log = log
        self._salt = secrets.token_bytes(16)
        self._pairing = pairing.Pairing[_Connection](lambda low, high: low + secrets.randbelow(high - low + 1))
        self._admission = Admission(
            connection_limit(),
            limits.ADDRESS_CONNECTIONS if each is None else each,
            limits.ADDRESS_UNPAIRED if each is None else each,
        )
        self._joins = Rate(max(limits.JOINS, each or 0), limits.JOINS_SECONDS)
        self._numbers = Rate(max(limits.NUMBERS_MADE, each or 0), limits.NUMBERS_MADE_SECONDS)
        self.lobby = Lobby()
        self._pipes = Pipes()
        self._alone: set[_Connection] = set()  # that greet or wait
        self._turned_away = 0  # over a limit, and still open
        self._draining = False

    async def run(self, listeners: Sequence[trio.SocketListener], stop: trio.Event) -> None:
        """Serve until `stop` is set; then close the listeners, answer who waits, and let pairs finish for a while."""
        try:
            async with trio.open_nursery() as connections:
                async with trio.open_nursery() as accepting:
                    accepting.start_soon(self._pass_time)
                    for listener in listeners:
                        accepting.start_soon(self._accept, listener, connections)
                    await stop.wait()
                    accepting.cancel_scope.cancel()
                for listener in listeners:
                    listener.socket.close()
                self._drain()
                connections.cancel_scope.deadline = trio.current_time() + self._options.drain
        finally:
            for listener in listeners:
                listener.socket.close()
            self._pipes.close()

    async def _accept(self, listener: trio.SocketListener, connections: trio.Nursery) -> None:
        while True:
            try:
                stream = await listener.accept()
            except OSError as error:
                self._log(f"accept errno={error.errno}")
                await trio.sleep(_ACCEPT_PAUSE_SECONDS)
            else:
                connections.start_soon(self._attend, stream)

    async def _pass_time(self) -> None:
        while True:
            await trio.sleep(limits.EXPIRY_SECONDS)
            now = trio.current_time()
            self._carry_out(self._pairing.pass_time(now))
            self._joins.pass_time(now)
            self._numbers.pass_time(now)

    def _drain(self) -> None:
        self._draining = True
        for connection in self._alone:
            connection.decide("draining")
        self.lobby.drain()

    # --- one connection ----------------------------------------------------------------------------------------

    async def _attend(self, stream: trio.SocketStream) -> None:
        """Own a connection from accept to its log line, whatever happens to it."""
        connection = _Connection(stream)
        try:
            connection.mood = await self._serve(connection)
        except Exception as error:  # noqa: BLE001 - the one place: one connection must not end the others
            place = traceback.extract_tb(error.__traceback__)[-1]
            self._log(f"{type(error).__name__} at {place.filename}:{place.lineno}")  # its text may hold a secret
            connection.mood = "exception"
        finally:
            if not connection.handed_over:
                self._close(connection)

    async def _serve(self, connection: _Connection) -> str:
        """Take the connection through its life; return how it ended."""
        sock = connection.sock
        try:
            sockets.keep_alive(sock)
            address = address_key(sock.getpeername()[0])
            if not self._admission.admit(address):
                return await self._turn_away(connection)
            connection.address = address
            with self._unpaired(connection):
                greeting = await self._greet(sock)
            if connection.verdict:
                return await self._refuse(connection, connection.verdict)
            if isinstance(greeting, bytes):
                payload = await self._stay_in_lobby(connection, greeting)
                if payload is None:
                    return "plain"
                greeting = wire.parse_hello(payload)
            with self._unpaired(connection):
                if not connection.verdict:
                    await self._find_other(connection, greeting)
        except ProtocolError as error:
            code = error.code if error.code in ("version", "early") else "hello"
            return await self._refuse(connection, code, str(error))
        except LobbyFullError:
            sockets.send_now(sock, wire.REJECT)
            await sockets.linger(sock)
            return "full"
        except (OSError, EOFError):
            return "gone"
        if connection.verdict != _PAIRED:
            return await self._refuse(connection, connection.verdict)
        if connection.second is None:
            connection.handed_over = True
            return connection.mood
        return await self._join(connection, connection.second)

    @contextmanager
    def _unpaired(self, connection: _Connection) -> Iterator[None]:
        """What runs in here ends when the connection's verdict comes."""
        connection.waiting = trio.CancelScope()
        self._alone.add(connection)
        if self._draining:
            connection.decide("draining")
        try:
            with connection.waiting:
                yield
        finally:
            self._alone.discard(connection)

    async def _greet(self, sock: socket.socket) -> Hello | bytes:
        """Read the hello and not a byte more; or return what shows that this one belongs in the lobby."""
        if self._options.plain:
            with trio.move_on_after(limits.LOBBY_SILENCE_SECONDS) as silence:
                await wait_readable(sock)
            if silence.cancelled_caught:
                return b""
        decoder = wire.Decoder({wire.HELLO: limits.HELLO_BYTES})
        begun = b""
        with trio.move_on_after(self._options.hello_seconds):
            while len(begun) < wire.TYPE_BYTES:
                begun += await sockets.receive_some(sock, limits.HELLO_BYTES)
            if self._options.plain and begun[: wire.TYPE_BYTES] in wire.PLAIN_LIMITS:
                return begun
            decoder.feed(begun)
            while (packet := decoder.next_packet()) is None:
                decoder.feed(await sockets.receive_some(sock, limits.HELLO_BYTES))
            if decoder.held:
                raise ProtocolError("early")
            return wire.parse_hello(packet.payload)
        raise ProtocolError("hello", f"not within {self._options.hello_seconds:g} s")

    async def _stay_in_lobby(self, connection: _Connection, begun: bytes) -> bytes | None:
        member = Member(connection.sock, begun)
        try:
            return await self.lobby.stay(member)
        finally:
            connection.received, connection.sent = member.received, member.forwarded

    async def _find_other(self, connection: _Connection, hello: Hello) -> None:
        """Say the hello to the state machine, and wait for the verdict if it is not there at once."""
        sock, now = connection.sock, trio.current_time()
        if sockets.peek(sock):
            raise ProtocolError("early")
        connection.live = sockets.is_live(hello.lane)
        if connection.live:
            sockets.keep_short(sock)
        else:
            sockets.keep_full(sock)
        rate = {"join": self._joins, "new": self._numbers}.get(hello.want)
        if rate is not None and rate.exhausted(connection.address, now):
            connection.decide("limit")
            return
        connection.room = hello.room
        self._carry_out(self._pairing.hello(connection, hello, now))
        if rate is not None:
            rate.add(connection.address, now)
        try:
            while not connection.verdict:
                await wait_readable(sock)
                if sockets.peek(sock):
                    raise ProtocolError("early")
        except (ProtocolError, EOFError, OSError):
            if not connection.verdict:  # else they crossed: the other side is told by the pipe
                raise

    async def _join(self, first: _Connection, second: _Connection) -> str:
        flow = Flow()
        try:
            with first.piping:
                await run_pipe(first.sock, second.sock, pipes=self._pipes, live=first.live, flow=flow)
        finally:
            first.received = second.sent = flow.forward
            first.sent = second.received = flow.back
        self._pairing.gone(first, trio.current_time())
        mood = "replaced" if flow.mood == "running" else flow.mood
        if mood != "ended":  # what was passed on to one must not be overtaken by the reset of what it still says
            async with trio.open_nursery() as nursery:
                nursery.start_soon(sockets.linger, first.sock)
                nursery.start_soon(sockets.linger, second.sock)
        second.mood = mood
        return mood

    async def _refuse(self, connection: _Connection, code: str, detail: str = "") -> str:
        self._pairing.gone(connection, trio.current_time())
        self._settle(connection)
        sockets.send_now(connection.sock, wire.encode_error(code, detail))
        await sockets.linger(connection.sock)
        return code

    async def _turn_away(self, connection: _Connection) -> str:
        """Answer a connection over a limit; only so many of them are given the time to read it in peace."""
        sockets.send_now(connection.sock, wire.encode_error("limit", ""))
        if self._turned_away >= limits.LINGERING:
            sockets.drop_unread(connection.sock)
            return "limit"
        self._turned_away += 1
        try:
            await sockets.linger(connection.sock)
        finally:
            self._turned_away -= 1
        return "limit"

    def _carry_out(self, actions: Sequence[pairing.Action[_Connection]]) -> None:
        """Do what the state machine says. Nothing here waits."""
        for action in actions:
            match action:
                case pairing.Wait(who, room):
                    who.room = room
                    sockets.send_now(who.sock, wire.encode_wait(room))
                case pairing.Pair(first, second):
                    first.second = second
                    for connection in (first, second):
                        sockets.send_now(connection.sock, wire.encode(wire.PAIR))
                        self._settle(connection)
                        connection.decide(_PAIRED)
                case pairing.Refuse(who, code):
                    who.decide(code)
                case pairing.Close(first, second):
                    (first if first.second is second else second).piping.cancel()

    def _settle(self, connection: _Connection) -> None:
        """It no longer waits: it has its other side, or its last answer."""
        if not connection.settled:
            connection.settled = True
            self._admission.settled(connection.address)

    def _close(self, connection: _Connection) -> None:
        notify_closing(connection.sock)
        connection.sock.close()
        now = trio.current_time()
        self._pairing.gone(connection, now)
        if connection.address:
            self._admission.left(connection.address, settled=connection.settled)
        room = hashlib.blake2s(connection.room.encode(), key=self._salt, digest_size=6).hexdigest()
        self._log(
            f"{connection.mood} room={room if connection.room else '-'} received={connection.received} "
            f"sent={connection.sent} seconds={now - connection.opened:.1f}"
        )
        if connection.second is not None:
            if connection.second.mood == "stopped":
                connection.second.mood = connection.mood
            self._close(connection.second)


async def serve(
    options: Options,
    *,
    announce: Callable[[str], None],
    log: Callable[[str], None],
    stop: trio.Event | None = None,
    task_status: trio.TaskStatus[list[trio.SocketListener]] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Run a relay until `stop` is set and it has drained, or until it is cancelled.

    `announce` gets HOST:PORT of each address once it listens, `log` a line for each connection that has ended.
    Raises `OSError` if it can't listen. Signals are the caller's: see `main`.
    """
    listeners = await open_listeners(options.host, options.port)
    for listener in listeners:
        announce(wire.format_address(*listener.socket.getsockname()[:2]))
    task_status.started(listeners)
    await Relay(options, log).run(listeners, trio.Event() if stop is None else stop)


def main(options: Options) -> int:
    """Run a relay as a program: addresses on standard output, the log on standard error; return the exit code.

    The first SIGTERM drains and returns 0; SIGINT, or a second SIGTERM, ends it at once and returns 130.
    Raises `OSError` if it can't listen.
    """
    raise_descriptor_limit()
    logbook = Logbook(2)
    try:
        return trio.run(_run_program, options, logbook.write)
    finally:
        logbook.close()


async def _run_program(options: Options, log: Callable[[str], None]) -> int:
    stop = trio.Event()
    failure: list[OSError] = []
    interrupted = False

    async def run() -> None:
        try:
            await serve(options, announce=_announce, log=log, stop=stop)
        except OSError as error:
            failure.append(error)
        nursery.cancel_scope.cancel()

    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(run)
            async for number in signals:
                if number == signal.SIGINT or stop.is_set():
                    interrupted = True
                    nursery.cancel_scope.cancel()
                stop.set()
    if failure:
        raise failure[0]
    return _INTERRUPTED if interrupted else 0


def _announce(address: str) -> None:
    with suppress(OSError):  # nobody reads it
        print(f"listening on {address}", flush=True)  # noqa: T201 - the one line of its standard output
