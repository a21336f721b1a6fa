"""Planning faults and events of the simulated exchange over its admin port (docs/exchange-sim.md)."""

import http.client
import json
from typing import Any
from urllib.parse import urlsplit

TIMEOUT_S = 10.0


class VenueFaults:
    def __init__(self, admin_url: str) -> None:
        self._parts = urlsplit(admin_url)

    def fault(self, kind: str, match: dict[str, str], **fields: Any) -> None:
        """Arm a fault for everything that matches."""
        self._call("POST", "/admin/faults", {"kind": kind, "match": match, **fields})

    def event(self, kind: str, **fields: Any) -> None:
        """Let an event happen now."""
        self._call("POST", "/admin/events", {"kind": kind, **fields})

    def clear(self) -> None:
        self._call("DELETE", "/admin/faults", None)

    def hits(self) -> int:
        """How often the armed faults have struck."""
        rows = self._call("GET", "/admin/faults", None)
        listed = rows["list"] if isinstance(rows, dict) else rows
        return sum(int(row.get("hits", 0)) for row in listed)

    def _call(self, method: str, path: str, body: dict[str, Any] | None) -> Any:
        connection = http.client.HTTPConnection(self._parts.hostname or "", self._parts.port, timeout=TIMEOUT_S)
        try:
            text = None if body is None else json.dumps(body)
            connection.request(method, path, text, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            said = answer.read().decode()
        finally:
            connection.close()
        if not 200 <= answer.status < 300:
            raise ValueError(f"{method} {path} {body}: HTTP {answer.status} {said[:300]}")
        return json.loads(said) if said else None
