"""When the dead man's switch fires, and when it must not."""

from hypothesis import given
from hypothesis import strategies as st

from hedgegrid.deadman.watch import State, Watch


def heard(watch: Watch, answers: str) -> State:
    """`+` an answer, `-` none."""
    for answer in answers:
        watch.answered() if answer == "+" else watch.missed()
    return watch.state


def test_it_is_armed_by_steady_answers_only() -> None:
    assert heard(Watch(3, 5), "-" * 100) is State.WAITING
    assert heard(Watch(3, 5), "++-++-++") is State.WAITING
    assert heard(Watch(3, 5), "--+++") is State.ARMED


def test_it_fires_after_unbroken_silence_and_stays_fired() -> None:
    watch = Watch(3, 5)
    assert heard(watch, "+++" + "----+" * 10) is State.ARMED
    assert heard(watch, "-----") is State.FIRED
    assert heard(watch, "+" * 100) is State.FIRED
    assert watch.hears
    watch.rearm()
    assert heard(watch, "-" * 100) is State.WAITING
    assert heard(watch, "+++-----") is State.FIRED


@given(st.text("+-", max_size=200), st.integers(1, 5), st.integers(1, 8))
def test_it_fires_exactly_when_armed_and_silent_long_enough(answers: str, arm_after: int, misses: int) -> None:
    fired = heard(Watch(arm_after, misses), answers) is State.FIRED
    armed_at = answers.find("+" * arm_after)
    expected = armed_at >= 0 and "-" * misses in answers[armed_at + arm_after :]
    assert fired is expected
