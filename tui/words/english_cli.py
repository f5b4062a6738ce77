"""Every word of the command line, of `visavis doctor` and of `visavis demo`, in English (see catalogue.py)."""

from typing import Final

CATALOGUE: Final[dict[str, str]] = {
    # --- help ----------------------------------------------------------------------------------------------------
    "cli.about": "One to one chat in a terminal, sealed end to end, through a relay that can read none of it.",
    "cli.about.more": """\
Without a command the screen opens: make a code, enter one, or come back to a call that still runs.

examples:
  visavis --relay lab.example:9999            open the screen
  visavis --plain lab.example:9999            the original's protocol, unencrypted
""",
    "cli.commands": "commands",
    "cli.command": "COMMAND",
    "cli.help": "show this help and exit",
    "cli.version": "show the version and exit",
    "cli.debug": "show the traceback when something unexpected fails",
    "cli.at-relay": "the relay to meet at (else VISAVIS_RELAY, else the one in the settings)",
    "cli.at-plain": "speak the original's protocol through the server at HOST:PORT: nothing is encrypted",
    "cli.address": "HOST:PORT",
    "cli.call": "start a call, or join the one whose code is given",
    "cli.call.more": """\
Straight into a call: without a code one is made and shown, with a code the call of whoever made it is joined.
A code on the command line can be read by other users of this machine: VISAVIS_CODE and the screen's own prompt
keep it to yourself.

examples:
  visavis call --relay lab.example:9999
  visavis call --relay lab.example:9999 4217-acrobat-enzyme-vicinity
  VISAVIS_CODE=4217-acrobat-enzyme-vicinity visavis call
""",
    "cli.call.code": "NUMBER-word-word-word, as the other side shows it",
    "cli.attach": "come back to a call that still runs",
    "cli.attach.more": """\
A call outlives the terminal it was started in: a dropped line or /detach leave it running.

example:
  visavis attach 1
""",
    "cli.attach.name": "the call's name; needed only when several run",
    "cli.send": "send files and folders, without a screen",
    "cli.send.more": """\
The code alone goes to standard output, everything else to standard error. Whoever takes the files types
`visavis receive CODE`, or `visavis call CODE` for a screen.

examples:
  visavis send notes lecture.mp4 --relay lab.example:9999
  tar -c notes | visavis send -
  visavis send notes --json         what happens, a line of JSON each
""",
    "cli.send.path": "a file or a folder; - alone is standard input",
    "cli.send.code": "join the one who made this code (else one is made)",
    "cli.receive": "receive files and folders, without a screen",
    "cli.receive.more": """\
Shows what is offered and asks. A code on the command line can be read by other users of this machine: without one
it is asked for, or taken from VISAVIS_CODE. Where things were put goes to standard output, a path for each offer.

examples:
  visavis receive 4217-acrobat-enzyme-vicinity --to downloads
  VISAVIS_CODE=4217-acrobat-enzyme-vicinity visavis receive --yes --only "*.pdf"
  visavis receive 4217-acrobat-enzyme-vicinity --yes -o - | tar -x
""",
    "cli.receive.to": "put it into this folder, which exists (else the current one)",
    "cli.receive.output": "write one file to standard output",
    "cli.receive.yes": "take what is offered without asking",
    "cli.receive.only": "take only what has this name or matches it, such as '*.pdf'; may be repeated",
    "cli.json": "what happens as lines of JSON on standard output, for scripts",
    "cli.ask-relay": "Relay (HOST:PORT): ",
    "cli.no-relay": "No relay is set: give one with --relay HOST:PORT, or set VISAVIS_RELAY.",
    "cli.output-failed": "Standard output takes no more ({reason}), so the call was ended.",
    "cli.relay": "run a relay: it stands between two people and can read nothing",
    "cli.relay.more": """\
Prints `listening on HOST:PORT` once it is up. SIGTERM lets running calls finish for --drain seconds.

example:
  visavis relay --port 9999
""",
    "cli.relay.host": "listen at this address only (else at all of this machine, IPv4 and IPv6)",
    "cli.relay.port": "listen at this port; 0 takes a free one (else 9999)",
    "cli.relay.plain": "also serve programs that speak the plain protocol of the original",
    "cli.relay.drain": "how long running calls may go on after SIGTERM (else 30)",
    "cli.relay.per_address": "connections that one address may hold (else 256, and 30 of them unpaired)",
    "cli.engine": "a call without a screen: JSON lines, for scripts",
    "cli.engine.more": """\
Each line in is a command, each line out an event; docs/engine.md has them all. The end of input hangs up.

example:
  visavis engine --stdio            then type: {{"type": "MakeCode", "relay": "lab.example:9999"}}
""",
    "cli.engine.stdio": "commands from standard input, events to standard output",
    "cli.demo": "try it: a relay and a peer that answers, on this machine alone",
    "cli.demo.more": """\
Everything that the demo starts ends with it.

examples:
  visavis demo
  visavis demo --once
""",
    "cli.demo.once": "no screen: play one exchange, say what happened, exit",
    "cli.doctor": "what works here, and what to do about what does not",
    "cli.doctor.more": """\
One line each; exit 0 when nothing is broken, 1 when something needs doing.

example:
  visavis doctor --relay lab.example:9999
""",
    # --- what went wrong -----------------------------------------------------------------------------------------
    "cli.error": "{program}: {sentence}",
    "cli.misused": "{message}; `{program} --help` shows how.",
    "cli.plain-alone": "--plain goes with no command; a relay that serves the original is `visavis relay --plain`",
    "cli.bad-port": "a port is a number from 0 to 65535, not {value!r}",
    "cli.bad-seconds": "seconds are a number from 0 on, not {value!r}",
    "cli.bad-count": "a count is a whole number from 1 on, not {value!r}",
    "cli.bad-address": "{value!r} is no address; write HOST:PORT, such as lab.example:9999",
    "cli.bad-relay-setting": "The relay {value!r} ({source}) is no address: write HOST:PORT, such as lab.example:9999.",
    "cli.no-terminal": "This needs a terminal to draw in; scripts use `visavis engine --stdio`.",
    "cli.demo-no-terminal": "The demo needs a terminal to draw in; `visavis demo --once` plays it without one.",
    "cli.attach-none": "No call is running here; `visavis call` starts one.",
    "cli.attach-several": "Several calls are running, {names}: name one, such as `visavis attach {first}`.",
    "cli.attach-unknown": "No call {name!r} is running here, only {names}: `visavis attach {first}`.",
    "cli.engine-mode": "Say --stdio: the engine has no screen, it talks JSON lines.",
    "cli.port-in-use": "Port {port} is taken by another program: stop that one or choose another with --port.",
    "cli.port-refused": "This user may not listen at port {port}: choose one from 1024 on with --port.",
    "cli.no-such-host": "This machine has no address {host!r}: choose one of its own with --host, or leave it out.",
    "cli.relay-failed": "The relay could not listen at port {port} ({reason}): choose another with --host or --port.",
    "cli.unexpected": "Something unexpected went wrong ({name}); it is written down in {log}. --debug shows it here.",
    "cli.unexpected-unlogged": "Something unexpected went wrong ({name}); --debug shows where.",
    "cli.run.foreign": "{path} belongs to someone else: set VISAVIS_RUN to a folder of your own.",
    "cli.run.not-folder": "{path} is not a folder: remove it, or set VISAVIS_RUN to a folder of your own.",
    "cli.run.open": "{path} is open to other users: close it with `chmod 700 {path}`.",
    "cli.run.unwritable": "{path} could not be made: set VISAVIS_RUN to a folder of your own.",
    "cli.run.path-too-long": "{path} is too long for a socket: set VISAVIS_RUN to a folder with a shorter path.",
    # --- send and receive ----------------------------------------------------------------------------------------
    "files.peer": "the other side",
    "files.how": "On the other machine: visavis receive {code} --relay {relay}",
    "files.paired": "Paired. Both sides see these words: {words}",
    "files.named": "The other side is called {peer}.",
    "files.heard": "{peer}: {text}",
    "files.link.joined": "{peer}: back.",
    "files.link.alone": "{peer}: gone. It goes on when they are back; Ctrl+C ends it.",
    "files.link.out": "The relay is out of reach. It goes on when it is back; Ctrl+C ends it.",
    "files.link.none": "There is no connection.",
    "files.burned.words": (
        "Someone tried this code with wrong words, so it is dead: nobody gets a second guess. Start again for another."
    ),
    "files.burned.tries": (
        "Five tries at this code ended before they proved anything, so it was given up. Start again for a new one."
    ),
    "files.burned.expired": "Nobody came for a day, so this code is closed. Start again for a new one.",
    "files.listing": "Reading what is there…",
    "files.offered": "Offered: {name} ({amount}).",
    "files.unanswered": "Waiting for the answer…",
    "files.unasked": "{peer} offers {name}: `visavis attach {engine}` can take it, this command can't.",
    "files.left-out": "Entries that can't be sent, and are left out: {count}.",
    "files.offer": "{peer} offers {amount}:",
    "files.others": "and {count} more",
    "files.part": "Of this only {part} is taken.",
    "files.part-empty": "Nothing that is offered has such a name or matches such a pattern.",
    "files.where": "It goes to {folder}",
    "files.stdout": "standard output",
    "files.take": "Take it? [y]es, [n]o, [l]ist, or the names or patterns of a part: ",
    "files.take-on": "Take it? [y]es, [n]o, [l]ist on, or the names or patterns of a part: ",
    "files.list-coming": "These are the first {count}; the rest of the list is still coming.",
    "files.declined": "{name}: not taken.",
    "files.begins": "{name}: {amount}, begins",
    "files.plain.moved": "{name}: {percent} %, {moved} of {size}, {rate}, {left} left",
    "files.plain.stream": "{name}: {moved}, {rate}",
    "files.plain.stalled": "{name}: stands still, {why}",
    "files.plain.resumed": "{name}: goes on",
    "files.entry": "{path}: {why}",
    "files.one": "1 file",
    "files.count": "{count} files",
    "files.sent": "{name}: {count}, {size} sent.",
    "files.received": "{name}: {count}, {size} received.",
    "files.missed": "{name}: not everything came, {missed} missing. What it was is said above; offer that again.",
    "files.not": "{name}: {why}",
    "files.kept": "What came in part is kept: {path}",
    "files.stopped": "Stopped.",
    "files.nothing": "{peer} hung up before anything was offered. Ask for a new code.",
    "files.dash-alone": "- is standard input, and is sent alone: name the files without it.",
    "files.many-paths": "One offer takes {limit} paths: name the folder they lie in.",
    "files.path-missing": "There is no {path}: check the path.",
    "files.path-unreadable": "{path} can't be read ({reason}).",
    "files.path-kind": "{path} is neither a file nor a folder; `visavis send -` sends standard input.",
    "files.path-no-text": "The name of {path} is not UTF-8: rename it, or send the folder it lies in.",
    "files.no-folder": "There is no folder {folder}: make it, or name another with --to.",
    "files.folder-closed": "Nothing can be written into {folder}: name another folder with --to.",
    "files.bad-part": "{part!r} can be no name in an offer: check what --only says.",
    "files.many-parts": "One part takes {limit} names and patterns: take whole folders.",
    "files.json-stdout": "--json and -o - both want standard output: leave one out.",
    "files.stdout-terminal": "Standard output is a terminal: lead it into a file or a program, as in `-o - > FILE`.",
    "files.cannot-ask": "There is no terminal to ask in: --yes takes what is offered.",
    "files.ask-code": "Code: ",
    "files.no-code": "Which code? Give it after `receive`, or set VISAVIS_CODE.",
    # --- doctor --------------------------------------------------------------------------------------------------
    "doctor.line": "{sign} {what:<10} {found}",
    "doctor.line.advice": "{sign} {what:<10} {found}: {advice}",
    "doctor.good": "✓",
    "doctor.note": "·",
    "doctor.bad": "✗",
    "doctor.summary.good": "Nothing is broken.",
    "doctor.summary.bad": "To mend: {count}, marked with ✗.",
    "doctor.versions": "versions",
    "doctor.versions.found": (
        "visavis {visavis}, Python {python}, trio {trio}, textual {textual}, cryptography {cryptography}"
    ),
    "doctor.versions.missing": "not installed",
    "doctor.versions.advice": "install Visavis again, with everything it needs",
    "doctor.terminal": "terminal",
    "doctor.terminal.none": "none here (TERM={term})",
    "doctor.terminal.none.advice": "the screen needs one; without it there is `visavis engine --stdio`",
    "doctor.terminal.found": "{term}, {columns} x {rows}, {colours}",
    "doctor.terminal.dumb.advice": "TERM={term} cannot move a cursor; set TERM to what your terminal is",
    "doctor.terminal.small.advice": "smaller than 60 x 20, so something will be hidden; enlarge it",
    "doctor.colours.truecolor": "16.7 million colours",
    "doctor.colours.256": "256 colours",
    "doctor.colours.16": "16 colours",
    "doctor.colours.none": "no colours (NO_COLOR)",
    "doctor.colours.advice": "if it can show more, set COLORTERM=truecolor",
    "doctor.locale": "letters",
    "doctor.locale.advice": "not UTF-8, so Korean and some signs will not show; set LC_ALL=C.UTF-8",
    "doctor.tmux": "tmux",
    "doctor.tmux.missing": "not installed",
    "doctor.tmux.missing.advice": "not needed, a call outlives its terminal without it (`visavis attach`)",
    "doctor.tmux.outside": "{version}, not inside it",
    "doctor.tmux.inside": "{version}, inside it",
    "doctor.tmux.rgb.advice": "it cuts colours down; in tmux.conf: set -as terminal-features ',*:RGB'",
    "doctor.tmux.clipboard.advice": "what is copied stays inside; in tmux.conf: set -g set-clipboard on",
    "doctor.tmux.both.advice": (
        "it cuts colours down and keeps what is copied; in tmux.conf: set -as terminal-features ',*:RGB', "
        "set -g set-clipboard on"
    ),
    "doctor.ssh": "SSH",
    "doctor.ssh.inside": "inside a line from {client}",
    "doctor.ssh.inside.advice": (
        "if it drops, the call goes on, and `visavis attach` comes back to it; camera, microphone and speaker are "
        "those of this machine, docs/ssh.md tells how to use yours"
    ),
    "doctor.ssh.outside": "not inside a line",
    "doctor.video": "pictures",
    "doctor.video.found": "OpenCV {opencv}, PyAV {av}",
    "doctor.video.advice": "to see each other: pip install 'visavis[video]'",
    "doctor.desktop": "desktop",
    "doctor.desktop.found": "one answers, so a picture may have a window",
    "doctor.desktop.headless.advice": "this OpenCV opens none; install opencv-python for opencv-python-headless",
    "doctor.desktop.none": "none answers",
    "doctor.desktop.none.advice": "not needed, pictures are shown in the terminal",
    "doctor.camera": "cameras",
    "doctor.camera.none": "none here",
    "doctor.camera.none.advice": "not needed to see the other side; /video and /image show files",
    "doctor.camera.forbidden.advice": "you may not open it; be added to the group `video` and log in again",
    "doctor.sound": "sound",
    "doctor.sound.found": "PyAudio {pyaudio}, microphones: {microphones}, speakers: {speakers}",
    "doctor.sound.missing": "PyAudio {pyaudio}, soxr {soxr}",
    "doctor.sound.missing.advice": "to hear each other: pip install 'visavis[audio]'",
    "doctor.sound.none": "none",
    "doctor.sound.none.advice": "you can still hear by a file (/speaker new.wav), and let one speak (/mic song.wav)",
    "doctor.sound.broken": "PyAudio {pyaudio}, and no answer ({detail})",
    "doctor.sound.broken.advice": "install PortAudio (Debian: apt install libportaudio2), or restart the sound server",
    "doctor.relay": "relay",
    "doctor.relay.unset": "none configured",
    "doctor.relay.unset.advice": "give one with --relay HOST:PORT or VISAVIS_RELAY, or run one with `visavis relay`",
    "doctor.relay.good": "{relay} answered in {milliseconds:.1f} ms",
    "doctor.run": "run folder",
    "doctor.run.good": "{path}, private",
    "doctor.settings": "settings",
    "doctor.log": "logs",
    "doctor.path.found": "{path}",
    "doctor.path.none": "{path}, not there yet",
    "doctor.engines": "calls",
    "doctor.engines.none": "none running",
    "doctor.engines.found": "running here: {names}",
    "doctor.engines.advice": "`visavis attach {first}` comes back",
    # --- demo ----------------------------------------------------------------------------------------------------
    "demo.peer": "Demo",
    "demo.hello": (
        "Hello! I am the demo's peer: a second engine on this machine, and a relay stands between us.\n"
        "Write anything, or send me a file: drop one here, or press F4. What you see moving is what I show: F6 hides "
        "it, /window opens it in a window. If there is a speaker here, you hear me. `help` says what I know."
    ),
    "demo.help": (
        "I answer what you write and say how it travelled; of every file you send I make a receipt. `words` repeats "
        "our six words, `relay` says where we met, `speak` says something aloud, `bye` says goodbye."
    ),
    "demo.words": "I see these six words: {words}. If /verify shows you the same, nobody stands between us.",
    "demo.where": "We met at {relay}. It sees two connections, sizes and times, and can read nothing.",
    "demo.bye": "It was good to see you. /quit ends the call for both of us.",
    "demo.answer": "You wrote {characters}; as UTF-8 it was {bytes}, sealed on its way, and the relay read none of it.",
    "demo.characters.one": "1 character",
    "demo.characters": "{count} characters",
    "demo.bytes.one": "1 byte",
    "demo.bytes": "{count} bytes",
    "demo.files.one": "1 file",
    "demo.files": "{count} files",
    "demo.taken": "{name} is here: {files}, whole. I send you a receipt: /accept takes it.",
    "demo.receipt.name": "receipt {number}.txt",
    "demo.receipt.what": "Received: {name}, {files}, {size}.",
    "demo.receipt.hash": "SHA-256: {hash}",
    "demo.receipt.end": "It came sealed; the relay saw its size and nothing else.",
    "demo.file.name": "한글 test.bin",
    "demo.picture.differs": "the picture has another size than was asked for",
    "demo.file.differs": "the file did not come as it was",
    "demo.line": "hello, 안녕하세요",
    "demo.did.relay": "relay       listening on {relay}",
    "demo.did.code": "code        {code}",
    "demo.did.pair": "paired      both sides see: {words}",
    "demo.did.greet": "peer        {text}",
    "demo.did.send": "you         {text}",
    "demo.did.deliver": "delivered   the peer's engine has it after {milliseconds:.1f} ms",
    "demo.did.answer": "peer        {text}",
    "demo.did.time": "round trip  {milliseconds:.1f} ms from the line to its answer",
    "demo.did.video": "picture     {frames} frames of {width} x {height} came, {rate:.0f} a second",
    "demo.did.no-video": "picture     none: video is not installed here (pip install 'visavis[video]')",
    "demo.did.sound": "heard       {seconds:.1f} s of the peer's voice, {milliseconds:.0f} ms old",
    "demo.did.no-sound": "heard       nothing: sound is not installed here (pip install 'visavis[audio]')",
    "demo.sound.silent": "the peer spoke, and next to nothing was heard",
    "demo.did.offer": "offered     {name}, {size}",
    "demo.did.take": "taken       the peer has it, every byte as it was, after {milliseconds:.0f} ms",
    "demo.did.back": "sent back   {name}: {text}",
    "demo.did.hang": "hung up     both engines have ended by themselves",
    "demo.failed": 'The demo came no further than "{step}" ({reason}); `visavis doctor` looks for what is wrong here.',
    "demo.late": "it took too long",
    "demo.gone": "a part of it ended",
    "demo.differ": "the two sides see different words",
    "demo.said": "{event} {cause} {detail}",
    "demo.step.relay": "starting a relay",
    "demo.step.engines": "starting two engines",
    "demo.step.code": "making a code",
    "demo.step.pair": "pairing",
    "demo.step.send": "sending a line",
    "demo.step.answer": "waiting for the answer",
    "demo.step.video": "watching the picture",
    "demo.step.sound": "hearing the peer",
    "demo.step.file": "sending a file",
    "demo.step.hang": "hanging up",
}
