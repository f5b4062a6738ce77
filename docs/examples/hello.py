"""Say hello to whoever is at the other end of a call, print the answer, hang up.

    python docs/examples/hello.py HOST:PORT          make a code, print it, wait for whoever enters it
    python docs/examples/hello.py HOST:PORT CODE     join the one who made it

VISAVIS_CODE in the environment does for CODE, and keeps it out of the list of processes.
"""

# ruff: noqa: T201
import json
import os
import sys
from subprocess import PIPE, Popen

relay, *codes = sys.argv[1:]
code = codes[0] if codes else os.environ.get("VISAVIS_CODE")
call = {"type": "EnterCode", "relay": relay, "code": code} if code else {"type": "MakeCode", "relay": relay}

with Popen(["visavis", "engine", "--stdio"], stdin=PIPE, stdout=PIPE, encoding="utf-8") as engine:
    print(json.dumps(call), file=engine.stdin, flush=True)
    for event in map(json.loads, engine.stdout):
        match event:
            case {"type": "CodeMade", "code": made}:
                print("code", made, flush=True)
            case {"type": "SessionOpened"}:
                print('{"type": "SendText", "id": "1", "text": "hello"}', file=engine.stdin, flush=True)
            case {"type": "TextReceived", "text": text}:
                print("peer", ascii(text))  # a stranger wrote it: no control character reaches the terminal
                print('{"type": "Hang"}', file=engine.stdin, flush=True)
                break
            case {"type": "Failed" | "CodeBurned" | "Ended", "cause": cause}:
                sys.exit(f"no answer: {cause}")
