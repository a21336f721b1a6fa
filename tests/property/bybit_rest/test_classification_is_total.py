"""Whatever the venue says, there is one judgement, and silence is never taken for proof."""

from hypothesis import given
from hypothesis import strategies as st

from hedgegrid.bybit import errors
from hedgegrid.bybit.errors import Kind, classify_code, classify_http
from hedgegrid.bybit.requests import Operation


@given(st.sampled_from(Operation), st.integers(-10, 4_000_000), st.text(max_size=20), st.integers(0, 10_000))
def test_every_code_has_one_kind(operation: Operation, code: int, text: str, wait_ms: int) -> None:
    outcome = classify_code(operation, code, text, wait_ms)
    assert outcome.kind in Kind
    assert (outcome.kind is Kind.ACKED) == (code == 0)
    documented = errors.FATAL | errors.CLOCK | errors.THROTTLED | errors.UNCHANGED | errors.REFUSED
    if code and code not in documented and not 110_000 <= code < 111_000:
        assert outcome.kind is Kind.AMBIGUOUS


@given(st.integers(100, 599).filter(lambda status: status not in (401, 403, 404, 405, 429)))
def test_every_other_status_is_ambiguous(status: int) -> None:
    assert classify_http(status).kind is Kind.AMBIGUOUS


def test_no_code_is_in_two_classes() -> None:
    classes = [errors.FATAL, errors.CLOCK, errors.THROTTLED, errors.AMBIGUOUS, errors.UNCHANGED, errors.REFUSED]
    assert sum(map(len, classes)) == len(frozenset().union(*classes))
