"""The mailbox between the engine and one screen."""

import trio
from hypothesis import given
from hypothesis import strategies as st

from actors.mailbox import ScreenMailbox
from relay import wire


async def take_all(mailbox: ScreenMailbox) -> list[bytes]:
    taken = []
    with trio.move_on_after(0.01):
        while True:
            taken.append((await mailbox.take())[1])
    return taken


async def test_first_in_first_out(autojump_clock: trio.testing.MockClock):
    mailbox = ScreenMailbox()
    for payload in (b"a", b"b", b"a"):
        mailbox.put(payload)
    assert await take_all(mailbox) == [b"a", b"b", b"a"]


async def test_taking_waits_and_a_cancelled_taker_loses_nothing(autojump_clock: trio.testing.MockClock):
    mailbox = ScreenMailbox()
    assert await take_all(mailbox) == []
    mailbox.put(b"a")
    assert await mailbox.take() == (wire.EVENT, b"a")


async def test_a_newer_meter_replaces_the_one_that_waits(autojump_clock: trio.testing.MockClock):
    mailbox = ScreenMailbox()
    for payload, key in ((b"1", "rtt"), (b"x", ""), (b"2", "rtt"), (b"s", "skipped"), (b"3", "rtt")):
        mailbox.put(payload, key)
    assert mailbox.replaced == 2
    assert await take_all(mailbox) == [b"x", b"s", b"3"]
    mailbox.put(b"4", "rtt")
    assert await take_all(mailbox) == [b"4"]


async def test_full_at_its_limit_and_over_one_past_it(autojump_clock: trio.testing.MockClock):
    mailbox = ScreenMailbox(limit=10)
    mailbox.put(b"x" * 10)
    assert not mailbox.overflowed.is_set()
    assert await take_all(mailbox) == [b"x" * 10]
    mailbox.put(b"x" * 10)
    mailbox.put(b"x")
    assert mailbox.overflowed.is_set()
    mailbox.put(b"late")
    assert await take_all(mailbox) == []
    assert mailbox.peak_bytes == 11


async def test_meters_alone_never_fill_it(autojump_clock: trio.testing.MockClock):
    mailbox = ScreenMailbox(limit=10)
    for number in range(1000):
        mailbox.put(b"%04d" % number, "rtt")
    assert not mailbox.overflowed.is_set()
    assert await take_all(mailbox) == [b"0999"]


async def test_written_means_that_nothing_is_owed(autojump_clock: trio.testing.MockClock):
    mailbox = ScreenMailbox()
    written = []

    async def wait() -> None:
        await mailbox.wait_written()
        written.append(trio.current_time())

    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait)
        await trio.sleep(1)
        mailbox.put(b"a")
        mailbox.task_done()  # the beginning is written, and "a" is not
        await trio.sleep(1)
        await mailbox.take()
        await trio.sleep(1)
        assert written == []
        mailbox.task_done()
    assert len(written) == 1
    await mailbox.wait_written()
    mailbox.put(b"b")
    with trio.move_on_after(1) as scope:
        await mailbox.wait_written()
    assert scope.cancelled_caught


async def test_nobody_waits_for_a_screen_that_is_gone(autojump_clock: trio.testing.MockClock):
    mailbox = ScreenMailbox()
    mailbox.put(b"a")
    mailbox.close()
    await mailbox.wait_written()


@given(st.lists(st.tuples(st.sampled_from(["", "", "a", "b"]), st.integers(0, 9)), max_size=40))
def test_of_each_key_the_newest_of_the_rest_all_in_order(puts: list[tuple[str, int]]):
    async def main() -> list[bytes]:
        mailbox = ScreenMailbox()
        for place, (key, _) in enumerate(puts):
            mailbox.put(b"%d" % place, key)
        return await take_all(mailbox)

    newest = {key: place for place, (key, _) in enumerate(puts)}
    expected = [b"%d" % place for place, (key, _) in enumerate(puts) if not key or newest[key] == place]
    assert trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0)) == expected
