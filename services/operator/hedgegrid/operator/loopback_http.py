"""JSON over HTTP from services on this machine."""

import http.client
import json
from typing import Any
from urllib.parse import urlsplit

TIMEOUT_S = 5.0


class HttpFailed(Exception):
    """No usable answer; says from where and why."""


def get_text(url: str, method: str = "GET", timeout_s: float = TIMEOUT_S) -> str:
    """The body of a 2xx answer; raise HttpFailed for anything else."""
    parts = urlsplit(url)
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=timeout_s)
    try:
        connection.request(method, target)
        answer = connection.getresponse()
        body = answer.read().decode()
    except (OSError, http.client.HTTPException, UnicodeDecodeError) as error:
        raise HttpFailed(f"{method} {url}: {str(error) or type(error).__name__}") from error
    finally:
        connection.close()
    if not 200 <= answer.status < 300:
        raise HttpFailed(f"{method} {url}: HTTP {answer.status} {body[:200].strip()}")
    return body


def get_json(url: str, method: str = "GET", timeout_s: float = TIMEOUT_S) -> Any:
    """The JSON of a 2xx answer; raise HttpFailed for anything else."""
    body = get_text(url, method, timeout_s)
    try:
        return json.loads(body)
    except ValueError as error:
        raise HttpFailed(f"{method} {url}: not JSON: {body[:200].strip()!r}") from error
