"""Asking executors for their sign of life over HTTP; any one that serves is enough."""

import http.client
import secrets
import urllib.error
import urllib.request
from collections.abc import Sequence
from urllib.parse import urlencode

from hedgegrid.runtime.signed_beat import BeatRefused, open_beat

MAX_BYTES = 4096


class Asker:
    """`ask` takes at most `timeout_s` per address."""

    def __init__(self, urls: Sequence[str], account: str, key: bytes, timeout_s: float) -> None:
        self._urls = urls
        self._account = account
        self._key = key
        self._timeout_s = timeout_s
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def ask(self) -> str | None:
        """None when an executor serves the account, else why none is known to."""
        reasons = [reason for url in self._urls if (reason := self._problem(url)) is not None]
        return None if len(reasons) < len(self._urls) else "; ".join(reasons)

    def _problem(self, url: str) -> str | None:
        nonce = secrets.token_hex(16)
        try:
            query = urlencode({"account": self._account, "nonce": nonce})
            with self._opener.open(f"{url}/heartbeat?{query}", timeout=self._timeout_s) as answer:
                beat = open_beat(self._key, answer.read(MAX_BYTES), self._account, nonce)
        except (OSError, http.client.HTTPException, BeatRefused) as error:
            return f"{url}: {error}"
        return None if beat.serving else f"{url}: it is there, but does not serve the account"
