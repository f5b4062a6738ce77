"""The `visavis` command: reads the command line and hands over to the part that does the work.

Every part is imported inside the subcommand that starts it: `visavis --help` loads no Trio, Textual or msgspec.
Exit status: 0 done, 1 failed, 2 misused, 130 interrupted. Errors are one sentence on standard error; a traceback is
shown with --debug only, and kept in the log otherwise.
"""

import argparse
import errno
import math
import os
import sys
from collections.abc import Callable, Sequence
from io import TextIOWrapper
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn

from relay import limits
from tui.exits import FAILED, INTERRUPTED, MISUSED, PROGRAM, CommandError
from tui.words.catalogue import say

if TYPE_CHECKING:
    from actors.runfolder import RunFolderError
    from tui.app import Start, VisavisApp


def run() -> NoReturn:
    """The entry point of the installed program."""
    sys.exit(main(sys.argv[1:]))


def main(argv: Sequence[str]) -> int:
    """Do what `argv` (without the program's name) says and return the exit status. A misused command line raises
    `SystemExit` with 2, as argparse does."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a sign that this locale has no letter for is no reason to fail
    try:
        options = build_parser().parse_args(argv)
        if not options.debug:
            sys.excepthook = _tell_unexpected
        status: int = options.start(options)
        sys.stdout.flush()
    except CommandError as error:
        _complain(str(error))
        return error.status
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output went away. What Python flushes at exit must not complain a second time.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    return status


# --- the command line ----------------------------------------------------------------------------------------------


class _Parser(argparse.ArgumentParser):
    """argparse, but an error is one sentence."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(
            add_help=False, allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter, **settings
        )
        self.add_argument("-h", "--help", action="help", help=say("cli.help"))

    def error(self, message: str) -> NoReturn:
        _complain(say("cli.misused", message=message, program=self.prog))
        self.exit(MISUSED)


class _ShowVersion(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from importlib.metadata import version  # 20 ms that only this needs

        print(PROGRAM, version(PROGRAM))
        parser.exit()


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line; parsed, it has `start(options) -> int`."""
    parser = _Parser(prog=PROGRAM, description=say("cli.about"), epilog=say("cli.about.more"))
    parser.add_argument("--version", action=_ShowVersion, nargs=0, help=say("cli.version"))
    _add_common(parser, relay=True)
    parser.add_argument("--plain", metavar=say("cli.address"), dest="server", type=_address, help=say("cli.at-plain"))
    parser.set_defaults(debug=False, relay=None, start=_start_screen)
    commands = parser.add_subparsers(title=say("cli.commands"), metavar=say("cli.command"), parser_class=_Parser)

    def command(name: str, words: str, start: Callable[[argparse.Namespace], int], *, relay: bool) -> _Parser:
        help_text = say(words)
        added = commands.add_parser(
            name, help=help_text, description=help_text[:1].upper() + help_text[1:] + ".", epilog=say(f"{words}.more")
        )
        _add_common(added, relay=relay)

        def start_alone(options: argparse.Namespace) -> int:
            if options.server is not None:
                parser.error(say("cli.plain-alone"))
            return start(options)

        added.set_defaults(start=start_alone)
        return added

    call = command("call", "cli.call", _start_call, relay=True)
    call.add_argument("code", nargs="?", metavar="CODE", help=say("cli.call.code"))
    attach = command("attach", "cli.attach", _attach, relay=False)
    attach.add_argument("name", nargs="?", metavar="NAME", help=say("cli.attach.name"))
    send = command("send", "cli.send", _send, relay=True)
    send.add_argument("paths", nargs="+", metavar="PATH", help=say("cli.send.path"))
    send.add_argument("--code", metavar="CODE", help=say("cli.send.code"))
    send.add_argument("--json", action="store_true", help=say("cli.json"))
    receive = command("receive", "cli.receive", _receive, relay=True)
    receive.add_argument("code", nargs="?", metavar="CODE", help=say("cli.call.code"))
    where = receive.add_mutually_exclusive_group()
    where.add_argument("--to", metavar="DIR", help=say("cli.receive.to"))
    where.add_argument("-o", dest="output", choices=["-"], help=say("cli.receive.output"))
    receive.add_argument("--yes", action="store_true", help=say("cli.receive.yes"))
    receive.add_argument("--only", action="append", default=[], metavar="PATTERN", help=say("cli.receive.only"))
    receive.add_argument("--json", action="store_true", help=say("cli.json"))
    relay = command("relay", "cli.relay", _run_relay, relay=False)
    relay.add_argument("--host", metavar="H", help=say("cli.relay.host"))
    relay.add_argument("--port", type=_port, metavar="PORT", help=say("cli.relay.port"))
    relay.add_argument("--plain", action="store_true", help=say("cli.relay.plain"))
    relay.add_argument(
        "--drain", type=_seconds, default=limits.DRAIN_SECONDS, metavar="SECONDS", help=say("cli.relay.drain")
    )
    relay.add_argument("--per-address", type=_count, metavar="N", help=say("cli.relay.per_address"))
    engine = command("engine", "cli.engine", _run_engine, relay=False)
    engine.add_argument("--stdio", action="store_true", help=say("cli.engine.stdio"))
    engine.add_argument("--ready", type=int, metavar="FD", help=argparse.SUPPRESS)
    demo = command("demo", "cli.demo", _run_demo, relay=False)
    demo.add_argument("--once", action="store_true", help=say("cli.demo.once"))
    demo.add_argument("--screen", metavar="HOST:PORT", help=argparse.SUPPRESS)  # of the demo's own second process
    command("doctor", "cli.doctor", _run_doctor, relay=True)
    return parser


def _add_common(parser: argparse.ArgumentParser, *, relay: bool) -> None:
    # SUPPRESS: what stands before the command must not be reset by the default after it.
    if relay:
        parser.add_argument(
            "--relay", metavar=say("cli.address"), type=_address, default=argparse.SUPPRESS, help=say("cli.at-relay")
        )
    parser.add_argument("--debug", action="store_true", default=argparse.SUPPRESS, help=say("cli.debug"))


def _address(text: str) -> str:
    from relay import wire  # a quarter of the time that --help takes

    try:
        return wire.format_address(*wire.parse_address(text))
    except ValueError:
        raise argparse.ArgumentTypeError(say("cli.bad-address", value=text)) from None


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) < 65536):
        raise argparse.ArgumentTypeError(say("cli.bad-port", value=text))
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise argparse.ArgumentTypeError(say("cli.bad-seconds", value=text))
    return seconds


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise argparse.ArgumentTypeError(say("cli.bad-count", value=text))
    return int(text)


# --- the commands --------------------------------------------------------------------------------------------------


def _start_screen(options: argparse.Namespace) -> int:
    _need_terminal("cli.no-terminal")
    from actors.messages import OpenPlain

    if options.server is not None:
        return _show(start=OpenPlain(options.server))
    return _show(relay=relay_of(options))


def _start_call(options: argparse.Namespace) -> int:
    _need_terminal("cli.no-terminal")
    from actors.messages import EnterCode, MakeCode

    relay = relay_of(options)
    code = options.code or os.environ.get("VISAVIS_CODE", "")
    if code:
        return _show(start=EnterCode(relay, code), relay=relay)
    # Without a relay the start screen asks for one.
    return _show(start=MakeCode(relay) if relay else None, relay=relay)


def _attach(options: argparse.Namespace) -> int:
    _need_terminal("cli.no-terminal")
    from actors.runfolder import RunFolderError, engine_names

    try:
        names = engine_names()
    except RunFolderError as error:
        raise CommandError(run_folder_sentence(error)) from None
    return _show(engine=choose_engine(options.name, names))


def choose_engine(wanted: str | None, names: Sequence[str]) -> str:
    """Return which of the engines that live to attach to. Raises `CommandError` with what to do if none fits."""
    if not names:
        raise CommandError(say("cli.attach-none"))
    listed = ", ".join(names)
    if wanted is None and len(names) > 1:
        raise CommandError(say("cli.attach-several", names=listed, first=names[0]), MISUSED)
    if wanted is not None and wanted not in names:
        raise CommandError(say("cli.attach-unknown", name=wanted, names=listed, first=names[0]))
    return wanted or names[0]


def _send(options: argparse.Namespace) -> int:
    from tui import send

    return _without_screen(lambda: send.main(options.paths, options.code, lambda: _relay_or_ask(options), options.json))


def _receive(options: argparse.Namespace) -> int:
    from tui import receive

    code = options.code or os.environ.get("VISAVIS_CODE", "")
    wishes = receive.Wishes(options.to, options.output == "-", options.yes, tuple(options.only), options.json)
    return _without_screen(lambda: receive.main(code, lambda: _relay_or_ask(options), wishes))


def _without_screen(work: Callable[[], int]) -> int:
    try:
        return work()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise CommandError(say("cli.output-failed", reason=error.strerror or str(error))) from None


def _run_relay(options: argparse.Namespace) -> int:
    from relay import server, wire

    port = wire.DEFAULT_PORT if options.port is None else options.port
    try:
        return server.main(server.Options(options.host, port, options.plain, options.drain, options.per_address))
    except BrokenPipeError:
        raise
    except OSError as error:
        raise CommandError(listen_sentence(error, options.host or "", port)) from None


def listen_sentence(error: OSError, host: str, port: int) -> str:
    from socket import gaierror

    if isinstance(error, gaierror) or error.errno == errno.EADDRNOTAVAIL:
        return say("cli.no-such-host", host=host)
    if error.errno == errno.EADDRINUSE:
        return say("cli.port-in-use", port=port)
    if error.errno in (errno.EACCES, errno.EPERM):
        return say("cli.port-refused", port=port)
    return say("cli.relay-failed", port=port, reason=error.strerror or str(error))


def _run_engine(options: argparse.Namespace) -> int:
    if not options.stdio and options.ready is None:
        raise CommandError(say("cli.engine-mode"), MISUSED)
    from actors import engine
    from actors.runfolder import RunFolderError, run_folder
    from tui import settings

    if options.stdio:
        try:
            run_folder()
        except RunFolderError as error:
            raise CommandError(run_folder_sentence(error)) from None
    return engine.main(stdio=options.stdio, ready_fd=options.ready, name=settings.load().name or _login_name())


def _run_demo(options: argparse.Namespace) -> int:
    if not options.once:
        _need_terminal("cli.demo-no-terminal")
    from tui import demo

    if options.screen is not None:
        return _run_screen(demo.make_screen(options.screen, os.environ.get("VISAVIS_CODE", "")))
    return demo.play_once() if options.once else demo.play()


def _run_doctor(options: argparse.Namespace) -> int:
    from tui import doctor

    return doctor.examine(options.relay)


# --- what they share -----------------------------------------------------------------------------------------------


def _show(engine: str | None = None, start: "Start | None" = None, relay: str = "") -> int:
    from tui.app import VisavisApp

    return _run_screen(VisavisApp(engine=engine, start=start, relay=relay))


def _run_screen(app: "VisavisApp") -> int:
    """Run the screen until it closes, and say how to come back if there is something to come back to."""
    import asyncio

    from rich.console import Console

    from tui.app import run_screen

    app.error_console = Console(quiet=True)  # else Textual prints a traceback with what was said in it
    status = asyncio.run(run_screen(app))
    if app._exception is not None:
        raise app._exception
    if app.farewell:
        print(app.farewell, file=sys.stderr if status else sys.stdout)
    return status


def relay_of(options: argparse.Namespace) -> str:
    """Return the relay of the command line, the environment or the settings, "" if none is set."""
    if options.relay:
        return str(options.relay)
    from tui import settings

    relay = settings.load().relay
    if not relay:
        return ""
    try:
        return _address(relay)
    except argparse.ArgumentTypeError:
        source = "VISAVIS_RELAY" if os.environ.get("VISAVIS_RELAY") else settings.settings_path()
        raise CommandError(say("cli.bad-relay-setting", value=relay, source=source), MISUSED) from None


def _relay_or_ask(options: argparse.Namespace) -> str:
    """Return the relay, asked for if none is set."""
    if relay := relay_of(options):
        return relay
    from tui.headless import ask

    typed = ask(say("cli.ask-relay"), say("cli.no-relay"))
    try:
        return _address(typed)
    except argparse.ArgumentTypeError as error:
        raise CommandError(say("cli.misused", message=error, program=PROGRAM), MISUSED) from None


def _login_name() -> str:
    from getpass import getuser

    try:
        return getuser()
    except (KeyError, OSError):  # a container's user that has no name
        return str(os.getuid())


def _need_terminal(words: str) -> None:
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise CommandError(say(words), MISUSED)


def run_folder_sentence(error: "RunFolderError") -> str:
    """Return what is wrong with the run folder and what to do."""
    return say(f"cli.run.{error.code}", path=error.path)


def _complain(sentence: str) -> None:
    print(say("cli.error", program=PROGRAM, sentence=sentence), file=sys.stderr)


def _tell_unexpected(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Say in one sentence that a bug was met, and keep the traceback where it can be found."""
    import traceback
    from time import strftime

    import platformdirs

    path = platformdirs.user_log_path(PROGRAM) / "screen.log"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        with path.open("a", encoding="utf-8") as log:
            print(strftime("%Y-%m-%dT%H:%M:%S%z"), *sys.argv[1:2], file=log)
            traceback.print_exception(kind, error, trace, file=log)
    except OSError:
        _complain(say("cli.unexpected-unlogged", name=kind.__name__))
    else:
        _complain(say("cli.unexpected", name=kind.__name__, log=path))


if __name__ == "__main__":
    run()
