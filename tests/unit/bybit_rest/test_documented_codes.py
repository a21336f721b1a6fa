"""The venue's own list of error codes (docs/v5/error.mdx of bybit-exchange/docs, commit 072c197d), every number of it.

Whatever of it our requests can meet is classified on purpose: what is neither listed here nor expected would show.
"""

from collections.abc import Iterator

import pytest

from hedgegrid.bybit import errors
from hedgegrid.bybit.errors import Kind, classify_code
from hedgegrid.bybit.requests import Operation

ORDERS = (Operation.SUBMIT, Operation.AMEND, Operation.CANCEL)
Ranges = tuple[int | tuple[int, int], ...]

TRADING: Ranges = (  # sections "UTA" and "WS OE General code": 201 numbers
    -2015, -1, 0, 429, (10000, 10010), 10014, (10016, 10019), 10024, (10027, 10029), 10404, 10429, 20003, 20006,
    30035, (30133, 30136), 30208, 30209, 30228, 30256, 33004, 34040, 40004, 100028,
    110001, (110003, 110080), 110082, 110083, (110085, 110090), (110092, 110121), (110123, 110125),
    110131, 110132, (110135, 110137), 170346, 170360, 181017, 182011, (182100, 182103), 182108, (182110, 182112),
    500010, 500011, 3100181, 3100197, 3100326, 3200316, 3200317, 3200320, 3200403, 3200419, 3200425, 3200641,
    (3400052, 3400054), 3400071, 3400139, (3400208, 3400214), 3401010,
)  # fmt: skip
SPOT: Ranges = (
    170001, 170005, 170007, 170010, 170011, 170019, (170031, 170037), 170105, (170115, 170117), 170121, 170124,
    (170130, 170134), 170136, 170137, (170139, 170151), 170157, 170159, (170190, 170204), 170206, 170207, 170209,
    170210, 170212, 170213, (170215, 170224), (170226, 170230), 170234, 170241, (170310, 170313), 170341, 170344,
    170348, 170355, 170358, 170359, 170371, 170372, 170381, 170382, 170709, 170810,
)  # fmt: skip

EXCEPTIONS: dict[Kind, set[int]] = {
    Kind.ACKED: {0},
    Kind.FATAL: {-2015, 10003, 10004, 10005, 10007, 10008, 10009, 10010, 10024, 10027, 10028, 33004},
    Kind.RETRY_SAME_ID: {-1, 10002, 429, 10006, 10018, 10429, 20003},
    Kind.AMBIGUOUS: {10000, 10014, 10016, 10019, 20006, 40004, 3400214, 110079},
    Kind.ALREADY: {34040, 110025, 110026, 110027, 110043, 110072},
}
"""Of `TRADING`; everything else is a refusal."""
SPOT_REFUSALS = {170131, 170141, 170213, 170810}
"""All else of the spot block is ambiguous: no such code is an answer to what we asked."""


def numbers(ranges: Ranges) -> Iterator[int]:
    for item in ranges:
        first, last = item if isinstance(item, tuple) else (item, item)
        yield from range(first, last + 1)


def expected(code: int) -> Kind:
    return next((kind for kind, codes in EXCEPTIONS.items() if code in codes), Kind.REJECTED)


def test_the_list_is_whole() -> None:
    """Counted on the page; 10404, 10429, 20003 and 20006 stand in the section of the trade socket only."""
    assert len(set(numbers(TRADING))) == 198 + 5, "198 of UTA; 10019 as well is of the socket's section"
    assert len(set(numbers(SPOT))) == 95
    assert all(codes <= set(numbers(TRADING)) for codes in EXCEPTIONS.values())


@pytest.mark.parametrize("code", sorted(set(numbers(TRADING))))
def test_every_code_of_trading_is_classified_on_purpose(code: int) -> None:
    assert classify_code(Operation.SUBMIT, code, "words").kind is expected(code)


@pytest.mark.parametrize("operation", ORDERS)
def test_no_code_but_0_counts_as_taken_and_a_refusal_is_never_sent_again(operation: Operation) -> None:
    for code in numbers(TRADING):
        kind = classify_code(operation, code, "words").kind
        assert (kind is Kind.ACKED) == (code == 0)
        if expected(code) is Kind.REJECTED:
            assert kind is Kind.REJECTED, code


def test_spot_codes_prove_nothing_about_a_linear_order() -> None:
    for code in numbers(SPOT):
        kind = Kind.REJECTED if code in SPOT_REFUSALS else Kind.AMBIGUOUS
        assert classify_code(Operation.SUBMIT, code, "words").kind is kind, code


@pytest.mark.parametrize(
    "code",
    [
        429, 10000, 10006, 10014, 10016, 10019, 10403, 10429, 20003, 20006, 40004, 110079, 170001, 170005, 170007,
        170032, 170035, 500000,
    ],
)  # fmt: skip
def test_what_others_learnt_to_distrust_is_never_a_refusal(code: int) -> None:
    """Nautilus' list of ambiguous codes (reliability §1.1, §5.4): ours are ambiguous, or refused at the gate."""
    kind = classify_code(Operation.SUBMIT, code, "words").kind
    assert kind is (Kind.RETRY_SAME_ID if code in errors.THROTTLED else Kind.AMBIGUOUS)


@pytest.mark.parametrize("code", [131001, 175001, 177001, 180001, 181000, 3500402, 999999])
def test_codes_of_products_we_never_ask_prove_nothing(code: int) -> None:
    assert classify_code(Operation.SUBMIT, code, "words").kind is Kind.AMBIGUOUS


def test_every_fatal_code_either_latches_or_may_pass() -> None:
    assert errors.LATCHED | errors.MAY_PASS == errors.FATAL
    assert not errors.LATCHED & errors.MAY_PASS
    assert EXCEPTIONS[Kind.FATAL] | {401} == errors.FATAL, "401 is the HTTP status"
