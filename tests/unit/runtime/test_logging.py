"""Logs are one JSON object per line and hold no secret, whichever way it got into the record."""

import json
import logging
import sys
import threading
from collections.abc import Iterator

import pytest

from hedgegrid.runtime.logging import configure_logging
from hedgegrid.runtime.redaction import redact, register_url

KEY = "XFAKEKEYabcdef12"
HMAC = "ab" * 32


@pytest.fixture(autouse=True)
def _restore() -> Iterator[None]:
    root = logging.getLogger()
    before = (root.handlers[:], root.level, sys.excepthook, threading.excepthook)
    yield
    root.handlers[:] = before[0]
    root.setLevel(before[1])
    sys.excepthook, threading.excepthook = before[2], before[3]
    logging.captureWarnings(False)


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("executor", "INFO")
    logging.getLogger("a.b").info("sent %d", 3, extra={"account": "main", "qty": 1.5})
    logging.getLogger("a.b").debug("not shown")
    (line,) = lines(capsys)
    ts = str(line.pop("ts"))
    assert ts.endswith("Z")
    assert len(ts) == len("2026-01-01T00:00:00.000Z")
    assert line == {
        "level": "INFO", "service": "executor", "logger": "a.b", "msg": "sent 3",
        "account": "main", "qty": 1.5,
    }  # fmt: skip


def test_a_registered_secret_is_masked_everywhere(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("executor", "INFO", secrets=[KEY])
    log = logging.getLogger("x")
    try:
        raise ValueError(f"bad header {KEY}")
    except ValueError:
        log.exception("failed for %s", KEY, extra={"headers": {"h": [KEY]}, "api_key": "short"})
    captured = capsys.readouterr().err
    assert KEY not in captured
    line = json.loads(captured)
    assert line["msg"] == "failed for ***"
    assert line["headers"] == {"h": ["***"]}
    assert line["api_key"] == "***"
    assert "ValueError: bad header ***" in line["exc"]


@pytest.mark.parametrize(
    "text",
    [
        "X-BAPI-API-KEY: SENSITIVE",
        "{'X-BAPI-SIGN': 'SENSITIVE', 'X-BAPI-SIGN-TYPE': '2'}",
        "{'X-BAPI-SIGN': b'SENSITIVE'}",
        '{"api_key": "SENSITIVE"}',
        '"{\\"api_secret\\": \\"SENSITIVE\\"}"',
        "GET /v5/x?api_key=SENSITIVE&timestamp=1&sign=SENSITIVE",
        "HEDGEGRID_MAIN_API_SECRET=SENSITIVE",
        "apiKey=SENSITIVE",
        '{"op": "auth", "args": ["SENSITIVE", 1700000000000, "SENSITIVE"]}',
        "{'req_id': '1', 'op': 'auth', 'args': ['SENSITIVE', 1, 'SENSITIVE']}",
        "redis://user:SENSITIVE@redis:6379/0",
    ],
)
def test_what_looks_like_a_secret_is_masked(text: str) -> None:
    assert "SENSITIVE" not in redact(text)
    assert "***" in redact(text)


def test_a_bare_signature_is_masked_and_ordinary_text_is_not() -> None:
    assert redact(f"sig {HMAC}") == "sig ***"
    for text in (
        "design: new",
        "assign=3",
        "orderLinkId b1-7f3a, qty 0.001",
        "'X-BAPI-SIGN-TYPE': '2'",
    ):
        assert redact(text) == text


def test_a_password_of_a_url_is_registered() -> None:
    register_url("redis://u:p%40ssFAKEword@h:1/0")
    assert redact("tried p%40ssFAKEword or p@ssFAKEword") == "tried *** or ***"
    register_url(None)
    register_url("redis://h:1/0")


def test_a_bad_log_call_costs_no_line_and_leaks_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    class Silent:
        def __str__(self) -> str:
            raise RuntimeError(KEY)

    configure_logging("x", "INFO", secrets=[KEY])
    logging.getLogger("x").info("%d", KEY)
    logging.getLogger("x").info("ok", extra={"thing": Silent()})
    captured = capsys.readouterr().err
    assert KEY not in captured
    assert [json.loads(line)["msg"] for line in captured.splitlines()] == [
        "%d (its arguments could not be formatted)", "ok",
    ]  # fmt: skip


def test_noisy_loggers_are_tamed_even_at_debug(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("x", "DEBUG")
    for name in ("websocket", "pybit._http_manager", "urllib3.connectionpool"):
        logging.getLogger(name).info("whole request")
    assert lines(capsys) == []


def test_a_dying_thread_is_logged_redacted(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("x", "INFO", secrets=[KEY])

    def die() -> None:
        raise ValueError(KEY)

    thread = threading.Thread(target=die, name="socket-1")
    thread.start()
    thread.join()
    captured = capsys.readouterr().err
    assert KEY not in captured
    line = json.loads(captured)
    assert (line["level"], line["msg"]) == ("CRITICAL", "thread socket-1 died")
    assert "ValueError: ***" in line["exc"]
