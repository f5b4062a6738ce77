"""What Qt logs, heard on standard error."""

import subprocess
import sys

PROGRAM = """
import os, sys
from actors.children.qt_events import QtEvents
with QtEvents() as events:
    for piece in (b"a library says\\nqt.qpa.events Event | XCB_MAP_NO", b"TIFY(19) | sequence: 464\\n",
                  b"qt.qpa.events Event | XCB_EXPOSE(12) | sequence: 464\\n" * 1000, b"x" * 200_000, b"\\nand last"):
        os.write(2, piece)
os.write(2, b" and after")
print(events.count("MAP_NOTIFY"), events.count("EXPOSE"), events.count("BUTTON_PRESS"), events.of_x)
"""


def run(program: str) -> tuple[str, str]:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=True)
    return done.stdout, done.stderr


def test_events_are_counted_by_name_and_all_else_goes_on_to_standard_error() -> None:
    counted, said = run(PROGRAM)
    assert counted == "1 1000 0 True\n"
    assert said.startswith("a library says\n")
    assert said.endswith("and last and after")
    assert "qt.qpa" not in said


def test_without_x_nothing_is_counted() -> None:
    counted, said = run(PROGRAM.split("with")[0] + "with QtEvents() as events: pass\nprint(events.of_x)")
    assert (counted, said) == ("False\n", "")
