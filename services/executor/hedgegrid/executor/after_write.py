"""The kill point between an order written to the socket and its answer read: no code of ours passes there."""

from urllib3.connection import HTTPConnection
from urllib3.response import HTTPResponse

from hedgegrid.runtime import failpoints

ORDERS = "/v5/order/"


def place() -> None:
    """Put the point into the HTTP library; does nothing in a normal run."""
    if not failpoints.ARMED:
        return
    read = HTTPConnection.getresponse

    def getresponse(self: HTTPConnection) -> HTTPResponse:
        asked = self._response_options
        if asked is not None and asked.request_method == "POST" and ORDERS in asked.request_url:
            failpoints.failpoint("executor.after_write")
        return read(self)

    HTTPConnection.getresponse = getresponse  # type: ignore[method-assign]
