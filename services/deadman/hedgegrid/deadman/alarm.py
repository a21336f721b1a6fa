"""Being loud: the log, and a webhook where one is set."""

import http.client
import json
import logging
import threading
import urllib.request

_log = logging.getLogger(__name__)
TIMEOUT_S = 5.0


class Alarm:
    """Never keeps the caller waiting, and never fails."""

    def __init__(self, account: str, webhook_url: str | None) -> None:
        self._account = account
        self._url = webhook_url

    def sound(self, text: str) -> None:
        _log.critical("account %s: %s", self._account, text)
        if self._url is not None:
            threading.Thread(target=self._post, args=(self._url, text), name="webhook", daemon=True).start()

    def _post(self, url: str, text: str) -> None:
        body = json.dumps({"text": f"hedgegrid dead man's switch, account {self._account}: {text}"}).encode()
        request = urllib.request.Request(url, body, {"Content-Type": "application/json"})  # noqa: S310 an http(s) URL
        try:
            urllib.request.urlopen(request, timeout=TIMEOUT_S).close()  # noqa: S310 the same
        except (OSError, http.client.HTTPException, ValueError) as error:
            _log.error("the alarm could not be posted: %s", type(error).__name__)
