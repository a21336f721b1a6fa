"""Every documented code, one row each: what it says about whether the venue acted."""

import pytest

from hedgegrid.bybit.errors import (
    MAX_WAIT_MS,
    Kind,
    classify_code,
    classify_http,
    never_connected,
    no_answer,
    wait_hint_ms,
)
from hedgegrid.bybit.requests import Operation

S, A, C, L, U, Q = (
    Operation.SUBMIT,
    Operation.AMEND,
    Operation.CANCEL,
    Operation.CANCEL_ALL,
    Operation.SETUP,
    Operation.QUERY,
)
EVERY = tuple(Operation)

# code, kind, operations for which it holds
TABLE: list[tuple[int, Kind, tuple[Operation, ...]]] = [
    (0, Kind.ACKED, EVERY),
    # key, signature, permission, region, ban: nothing will work until a person acts
    *[(code, Kind.FATAL, EVERY) for code in (10003, 10004, 10005, 10007, 10009, 10010, 10024, 10027, 10028, 33004)],
    # clock and throttle: refused at the gate
    *[(code, Kind.RETRY_SAME_ID, EVERY) for code in (10002, -1, 10006, 10018, 10429, 429, 20003)],
    # the venue itself does not know
    *[
        (code, Kind.AMBIGUOUS, EVERY)
        for code in (10000, 10014, 10016, 10019, 40004, 170007, 170032, 170035, 170146, 3400214)
    ],
    (110079, Kind.AMBIGUOUS, (S,)),
    (110079, Kind.RETRY_SAME_ID, (A, C)),
    # so already
    *[(code, Kind.ALREADY, EVERY) for code in (110025, 110026, 110027, 110043, 34040)],
    (110072, Kind.ALREADY, (S,)),
    (110072, Kind.REJECTED, (A, C, U)),
    # parameters
    *[(code, Kind.REJECTED, EVERY) for code in (10001, 10017, 10029, 110003, 110094, 110017, 110092, 110093, 110032)],
    (110064, Kind.REJECTED, (A,)),
    # gone
    *[(code, Kind.REJECTED, (A, C)) for code in (110001, 110008, 110010)],
    # funds and risk
    *[
        (code, Kind.REJECTED, (S, A))
        for code in (
            110004, 110006, 110007, 110012, 110014, 110044, 110045, 110051, 110052, 110053, 110090, 110013, 110086,
            3400139, 110021, 110023, 110042, 30228, 110020, 110009, 110061, 110066, 110074, 110063,
        )
    ],
    # mode and account
    *[(code, Kind.REJECTED, (U,)) for code in (110024, 110028, 110029, 110036, 110038)],
    *[(code, Kind.REJECTED, (U,)) for code in (3400045, 3400052, 3400053, 3400054, 3400071)],
    # spot, met only if something is badly wrong, but documented refusals
    *[(code, Kind.REJECTED, EVERY) for code in (170131, 170141, 170213, 170810)],
    # documented nowhere: nothing may be concluded
    *[(code, Kind.AMBIGUOUS, EVERY) for code in (1, 10099, 99999, 181000, 3400999, -5)],
    # undocumented, but of the trading engine's block of refusals
    (110999, Kind.REJECTED, EVERY),
]  # fmt: skip


@pytest.mark.parametrize(
    ("operation", "code", "kind"),
    [(operation, code, kind) for code, kind, operations in TABLE for operation in operations],
)
def test_code(operation: Operation, code: int, kind: Kind) -> None:
    outcome = classify_code(operation, code, "words")
    assert outcome.kind is kind
    assert outcome.code == code


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, Kind.FATAL),
        (403, Kind.BANNED),
        (404, Kind.REJECTED),
        (405, Kind.REJECTED),
        (429, Kind.RETRY_SAME_ID),
        *[
            (status, Kind.AMBIGUOUS)
            for status in (204, 301, 302, 307, 400, 408, 409, 413, 422, 500, 502, 503, 504, 520)
        ],
    ],
)
def test_http_status(status: int, kind: Kind) -> None:
    assert classify_http(status).kind is kind


def test_a_throttled_order_waits_for_the_reset_the_venue_names() -> None:
    assert classify_code(S, 10006, "", 350).wait_ms == 350
    assert classify_code(S, 10006, "").wait_ms == 1000
    assert classify_http(429, 70).wait_ms == 70


@pytest.mark.parametrize(
    ("headers", "wait_ms"),
    [
        ({}, 0),
        ({"X-Bapi-Limit-Reset-Timestamp": "1500"}, 500),
        ({"X-Bapi-Limit-Reset-Timestamp": "900"}, 0),
        ({"X-Bapi-Limit-Reset-Timestamp": "99999999"}, MAX_WAIT_MS),
        ({"X-Bapi-Limit-Reset-Timestamp": "soon"}, 0),
        ({"X-Bapi-Limit-Reset-Timestamp": ""}, 0),
    ],
)
def test_the_wait_hint_is_bounded(headers: dict[str, str], wait_ms: int) -> None:
    assert wait_hint_ms(headers, 1000) == wait_ms


def test_only_a_connection_that_never_was_is_proof() -> None:
    assert never_connected("x").kind is Kind.RETRY_SAME_ID
    assert no_answer("x").kind is Kind.AMBIGUOUS
