"""What is told of frames and their stages."""

from actors.video.measures import Measures


def test_rates_are_those_of_the_last_two_seconds() -> None:
    measures = Measures()
    for frame in range(100):
        measures.moved(1000, frame / 10)
    flow = measures.flow(9.9)
    assert (flow.sent, flow.size) == (100, 100_000)
    assert flow.rate == 10.5  # both ends are in it
    assert flow.bytes_a_second == 10_500
    assert measures.flow(60).rate == 0


def test_a_stage_is_told_by_its_middle_and_its_latest_frames() -> None:
    measures = Measures()
    for milliseconds in range(100):
        measures.took("decode", milliseconds)
    (stage,) = measures.flow(0).stages
    assert (stage.name, stage.p50, stage.p99) == ("decode", 50, 99)


def test_only_ten_seconds_of_frames_are_kept() -> None:
    measures = Measures()
    for _ in range(1000):
        measures.took("show", 1000)
    for _ in range(300):
        measures.took("show", 1)
    assert measures.flow(0).stages[0].p99 == 1


def test_nothing_is_told_of_stages_that_nothing_passed() -> None:
    assert Measures().flow(5).stages == ()
