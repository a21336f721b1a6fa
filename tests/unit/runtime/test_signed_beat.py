"""A sign of life proves itself, or nothing."""

import pytest

from hedgegrid.executor.heartbeat_page import HeartbeatPage
from hedgegrid.runtime.clock import ManualClock
from hedgegrid.runtime.http_routes import Request
from hedgegrid.runtime.signed_beat import Beat, BeatRefused, open_beat, signed_beat
from tests.control_key import KEY, OTHER_KEY

BEAT = Beat(account="main", nonce="n1", now_ms=5, serving=True)


def test_the_answer_to_our_question_is_taken() -> None:
    assert open_beat(KEY, signed_beat(KEY, BEAT), "main", "n1") == BEAT


@pytest.mark.parametrize(
    ("raw", "account", "nonce"),
    [
        (signed_beat(OTHER_KEY, BEAT), "main", "n1"),
        (signed_beat(KEY, BEAT), "main", "n2"),
        (signed_beat(KEY, BEAT), "other", "n1"),
        (signed_beat(KEY, BEAT).replace(b"true", b"false"), "main", "n1"),
        (b"", "main", "n1"),
        (b"<html>", "main", "n1"),
    ],
    ids=["another key", "a replay", "another account", "changed", "nothing", "a proxy's page"],
)
def test_anything_else_is_refused(raw: bytes, account: str, nonce: str) -> None:
    with pytest.raises(BeatRefused):
        open_beat(KEY, raw, account, nonce)


def test_the_executor_answers_for_its_accounts_only() -> None:
    page = HeartbeatPage(KEY, ManualClock(), {"main": lambda: False})
    answer = page.answer(Request(headers={}, query="account=main&nonce=abc"))
    assert open_beat(KEY, answer.body, "main", "abc").serving is False
    for query in ("", "account=other&nonce=a", "account=main", f"account=main&nonce={'x' * 129}"):
        assert page.answer(Request(headers={}, query=query)).status == 400
