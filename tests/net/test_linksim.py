"""A simulated link, as the sockets at its ends see it. The bounds leave room for a busy machine."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable

import pytest

from tests.e2e.programs import wait_until
from tests.net.linksim import ROOT, Link, LinkError, link
from tests.net.namespaces import FOLDER, clean

pytestmark = pytest.mark.device
MakeLink = Callable[..., Link]
PORT = 7000
HOLD = """
import sys
from tests.net.linksim import link
with link() as made:
    print(made.namespaces["a"], flush=True)
    sys.stdin.read()
"""


def connect(made: Link) -> tuple[socket.socket, socket.socket]:
    """A TCP connection through the link: its ends on side a and side b."""
    with made.inside("b", socket.socket) as listener:
        listener.bind((made.addresses["b"], PORT))
        listener.listen()
        near = made.inside("a", socket.socket)
        near.settimeout(30)
        near.connect((made.addresses["b"], PORT))
        far, _ = listener.accept()
    far.settimeout(30)
    for end in (near, far):
        end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return near, far


def round_trip(near: socket.socket, far: socket.socket) -> float:
    """Seconds for a byte there and one back."""
    begun = time.monotonic()
    near.sendall(b"?")
    assert far.recv(1) == b"?"
    far.sendall(b"!")
    assert near.recv(1) == b"!"
    return time.monotonic() - begun


def receive(end: socket.socket, count: int) -> None:
    while count:
        count -= len(end.recv(min(count, 65536)))


def namespaces_of(process: int) -> list[str]:
    return [path.name for path in FOLDER.glob(f"visavis-{process}-*")]


def is_gone(made: Link) -> bool:
    try:
        made.stats()
    except LinkError:
        return True
    return False


def test_bytes_pass_at_the_rate_and_no_faster(make_link: MakeLink) -> None:
    size, rate = 500_000, 8e6
    near, far = connect(make_link(rate="8mbit", delay="1ms"))
    with near, far:
        sender = threading.Thread(target=near.sendall, args=(bytes(size),))
        begun = time.monotonic()
        sender.start()
        receive(far, size)
        took = time.monotonic() - begun
        sender.join()
    assert size * 8 / rate / 1.3 < took < size * 8 / rate * 4


def test_a_round_trip_takes_the_delay_twice(make_link: MakeLink) -> None:
    made = make_link(delay="50ms")
    near, far = connect(made)
    with near, far:
        assert 0.1 <= min(round_trip(near, far) for _ in range(3)) < 1
        made.change("delay 5ms")
        assert 0.01 <= min(round_trip(near, far) for _ in range(10)) < 0.1


def test_a_full_queue_drops_and_tcp_gets_everything_through(make_link: MakeLink) -> None:
    size = 500_000
    made = make_link(rate="20mbit", delay="5ms", queue="16k")
    near, far = connect(made)
    with near, far:
        sender = threading.Thread(target=near.sendall, args=(bytes(size),))
        sender.start()
        receive(far, size)
        sender.join()
    stats = made.stats()["a>b"]
    assert stats["dropped"] > 0
    assert stats["bytes"] > size


def test_about_as_many_packets_are_lost_as_it_says(make_link: MakeLink) -> None:
    made = make_link(rate="100mbit", delay="0ms", loss="20%")
    with made.inside("a", lambda: socket.socket(type=socket.SOCK_DGRAM)) as near:
        for sent in range(1, 2001):
            near.sendto(bytes(10), (made.addresses["b"], PORT))
            if sent % 100 == 0:
                wait_until(lambda: sum(made.stats()["a>b"][name] for name in ("packets", "dropped")) >= sent)  # noqa: B023
    assert 300 < made.stats()["a>b"]["dropped"] < 500


def test_a_cut_link_passes_nothing_until_it_is_joined(make_link: MakeLink) -> None:
    made = make_link(delay="1ms")
    near, far = connect(made)
    with near, far:
        made.cut()
        passed = made.stats()["a>b"]["packets"]
        near.sendall(b"?")
        wait_until(lambda: made.stats()["a>b"]["dropped"] > 0)
        assert made.stats()["a>b"]["packets"] == passed
        made.join()
        assert far.recv(1) == b"?", "TCP sends it again"


def test_a_stalled_link_goes_on_by_itself(make_link: MakeLink) -> None:
    made = make_link(delay="1ms")
    near, far = connect(made)
    with near, far:
        made.stall(0.5)
        assert 0.3 < round_trip(near, far) < 5
        assert round_trip(near, far) < 0.5


def test_commands_run_on_their_side(make_link: MakeLink) -> None:
    made = make_link()
    for side, address in made.addresses.items():
        assert address in made.run_in(side, "ip", "-4", "addr", "show", "dev", "tun0")


def test_a_process_started_inside_stays_there(make_link: MakeLink) -> None:
    made = make_link()
    shown = made.inside("b", lambda: subprocess.check_output(["ip", "-4", "addr", "show", "dev", "tun0"], text=True))
    assert made.addresses["b"] in shown


def test_two_links_do_not_know_each_other(make_link: MakeLink) -> None:
    near, far = connect(make_link(delay="1ms"))
    others = connect(make_link(delay="1ms"))
    with near, far, others[0], others[1]:
        round_trip(near, far)
        round_trip(*others)


def test_what_is_not_understood_is_said_and_changes_nothing(make_link: MakeLink) -> None:
    made = make_link()
    for line in ("rate fast", "delay", "explode", "stall long"):
        with pytest.raises(LinkError):
            made.change(line)
    assert made.stats()["a>b"]["dropped"] == 0
    with pytest.raises(LinkError, match="no rate"), link(rate="none"):
        pass


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_takes_the_namespaces_away(make_link: MakeLink, how: signal.Signals) -> None:
    made = make_link()
    process = int(made.namespaces["a"].split("-")[1])
    assert len(namespaces_of(process)) == 2
    os.kill(process, how)
    wait_until(lambda: not namespaces_of(process))


def test_they_go_with_whoever_made_them(make_link: MakeLink) -> None:
    command = [sys.executable, "-c", HOLD]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        process = int(holder.stdout.readline().split("-")[1])
        holder.kill()
    wait_until(lambda: not namespaces_of(process))


def test_those_of_a_killed_one_can_be_cleaned(make_link: MakeLink) -> None:
    made, alive = make_link(), make_link()
    process = int(made.namespaces["a"].split("-")[1])
    os.kill(process, signal.SIGKILL)
    wait_until(lambda: is_gone(made))
    assert len(namespaces_of(process)) == 2
    assert set(made.namespaces.values()) <= set(clean())
    assert namespaces_of(process) == []
    assert alive.stats()
