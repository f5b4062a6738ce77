"""One place for the newest frame."""

import trio

from actors.video.frames import Frame
from actors.video.newest import Newest

Clock = trio.testing.MockClock


def frame(number: int) -> Frame:
    return Frame(number, 0, b"x")


async def test_who_waits_gets_the_next_frame(autojump_clock: Clock) -> None:
    newest = Newest()
    got: list[int] = []

    async def read(than: int) -> None:
        got.append((await newest.newer(than)).number)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(read, 0)
        nursery.start_soon(read, 1)
        await trio.testing.wait_all_tasks_blocked()
        assert newest.waiting == 2
        newest.put(frame(1))
        await trio.testing.wait_all_tasks_blocked()
        assert (got, newest.waiting) == ([1], 1)
        newest.put(frame(2))
    assert (got, newest.waiting) == ([1, 2], 0)


async def test_who_comes_late_gets_the_newest_alone() -> None:
    newest = Newest()
    for number in range(1, 6):
        newest.put(frame(number))
    assert (await newest.newer(0)).number == 5


async def test_what_is_cleared_is_not_shown_any_longer(autojump_clock: Clock) -> None:
    newest = Newest()
    newest.put(frame(1))
    newest.clear()
    with trio.move_on_after(1) as scope:
        await newest.newer(0)
    assert scope.cancelled_caught
    assert newest.waiting == 0


async def test_a_source_is_asked_only_while_someone_waits(autojump_clock: Clock) -> None:
    newest, asked = Newest(), 0

    async def source() -> None:
        nonlocal asked
        while True:
            await newest.wanted()
            asked += 1
            await trio.lowlevel.checkpoint()
            newest.put(frame(asked))
            await trio.testing.wait_all_tasks_blocked()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(source)
        await trio.sleep(10)
        assert asked == 0
        for than in range(3):
            assert (await newest.newer(than)).number == than + 1
        await trio.sleep(10)
        assert asked == 3
        nursery.cancel_scope.cancel()
