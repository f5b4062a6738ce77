"""What of the microphone is sent."""

from actors.audio.gate import HOLD_FRAMES, QUIETER, Gate

LOUD, SILENT = -20.0, -80.0


def sent(gate: Gate, *levels: float, film: bool = False) -> str:
    """One letter for each frame: s sent, q sent and quiet, L the last, . not sent."""
    letters = ""
    for level in levels:
        sends, quiet, last = gate.take(level, film=film)
        letters += "L" if last else "." if not sends else "q" if quiet else "s"
    return letters


def test_by_voice_what_is_loud_is_sent_with_the_pauses_of_a_sentence() -> None:
    gate = Gate()
    pause = (SILENT,) * HOLD_FRAMES
    assert sent(gate, SILENT, LOUD, *pause, SILENT) == ".s" + "q" * (HOLD_FRAMES - 1) + "L."
    assert sent(gate, LOUD, *pause[:-2], LOUD) == "s" + "q" * (HOLD_FRAMES - 2) + "s"


def test_the_threshold_itself_is_loud_enough() -> None:
    gate = Gate()
    gate.threshold = -40
    assert sent(gate, -40.1, -40.0) == ".s"


def test_just_below_the_threshold_is_not_quiet_yet() -> None:
    gate = Gate()
    assert sent(gate, LOUD, gate.threshold - QUIETER, gate.threshold - QUIETER - 0.1) == "ssq"


def test_open_sends_everything() -> None:
    gate = Gate()
    gate.mode = "open"
    assert sent(gate, SILENT, LOUD) == "qs"


def test_by_the_key_only_what_lies_between_is_sent() -> None:
    gate = Gate()
    gate.mode = "push"
    assert sent(gate, LOUD) == "."
    gate.talking = True
    assert sent(gate, LOUD, SILENT) == "sq"
    gate.talking = False
    assert sent(gate, LOUD, LOUD) == "L."


def test_muted_ends_at_once_and_begins_anew() -> None:
    for mode in ("voice", "open", "push"):
        gate = Gate()
        gate.mode, gate.talking = mode, True  # type: ignore[assignment]
        assert sent(gate, LOUD) == "s"
        gate.muted = True
        assert sent(gate, LOUD, LOUD) == "L."
        gate.muted = False
        assert sent(gate, LOUD) == "s"


def test_of_what_was_held_nothing_is_left_after_muting() -> None:
    gate = Gate()
    sent(gate, LOUD)
    gate.muted = True
    sent(gate, SILENT)
    gate.muted = False
    assert sent(gate, SILENT) == "."


def test_a_film_is_sent_whatever_the_microphone_says() -> None:
    gate = Gate()
    gate.muted = True
    assert sent(gate, SILENT, SILENT, film=True) == "ss"
    assert sent(gate, SILENT) == "L"


def test_what_the_microphone_takes_in_is_in_a_film_only_when_it_would_be_sent_without() -> None:
    gate = Gate()
    gate.mode = "push"
    assert sent(gate, LOUD, film=True) == "s"
    assert not gate.heard
    gate.talking = True
    assert sent(gate, LOUD, film=True) == "s"
    assert gate.heard
    gate.muted = True
    assert sent(gate, LOUD, film=True) == "s"
    assert not gate.heard
    assert sent(gate, LOUD) == "L"
    assert not gate.heard
