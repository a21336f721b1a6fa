"""Requests sent over a socket that wait for their answer: auth, subscribe. Safe from any thread."""

import threading
import time

import msgspec


class RequestFailed(Exception):
    """The venue refused a request, did not answer in time, or the socket ended first; the text says which."""


class OpFrame(msgspec.Struct, frozen=True):
    """Every frame that is not data. `type` is what an old dialect has instead of `op`."""

    op: str = ""
    success: bool | None = None
    ret_msg: str = ""
    req_id: str | int | None = None
    type: str = ""

    @property
    def kind(self) -> str:
        """`auth`, `subscribe`, `pong`, or whatever else the venue calls it."""
        if self.op == "pong" or self.ret_msg == "pong":
            return "pong"
        return self.op or {"AUTH_RESP": "auth", "COMMAND_RESP": "subscribe"}.get(self.type, "")


class PendingRequest:
    """One request and, later, its answer."""

    def __init__(self, kind: str, request_id: str) -> None:
        self.kind = kind
        self.id = request_id
        self._done = threading.Event()
        self._problem: str | None = None

    def settle(self, problem: str | None) -> None:
        """Set the answer: None for success, else why not. The first word counts."""
        if not self._done.is_set():
            self._problem = problem
            self._done.set()

    def wait_until(self, deadline_s: float) -> None:
        """Block until answered; `deadline_s` is a reading of `time.monotonic`.

        Raises:
            RequestFailed: refused, no answer by the deadline, or the socket ended.
        """
        if not self._done.wait(max(0.0, deadline_s - time.monotonic())):
            raise RequestFailed(f"no answer to {self.kind} in time")
        if self._problem is not None:
            raise RequestFailed(f"{self.kind}: {self._problem}")


class PendingRequests:
    """Requests in the order they were sent. A request is registered before it is sent: the answer may be instant."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: list[PendingRequest] = []
        self._ended: str | None = None

    def register(self, kind: str, request_id: str = "") -> PendingRequest:
        request = PendingRequest(kind, request_id)
        with self._lock:
            if self._ended is None:
                self._open.append(request)
            else:
                request.settle(self._ended)
        return request

    def answer(self, frame: OpFrame) -> bool:
        """Settle the request this frame answers; False if nobody waits for it.

        A frame without `req_id` answers the oldest open request of its kind.
        """
        request_id = "" if frame.req_id is None else str(frame.req_id)
        with self._lock:
            match = self._match(frame.kind, request_id)
            if match is None:
                return False
            self._open.remove(match)
        match.settle(None if frame.success else frame.ret_msg or "refused without a reason")
        return True

    def fail_all(self, reason: str) -> None:
        """The socket ended: wake everybody who waits, and whoever would come later."""
        with self._lock:
            self._ended = reason
            waiting, self._open = self._open, []
        for request in waiting:
            request.settle(reason)

    def _match(self, kind: str, request_id: str) -> PendingRequest | None:
        # Old dialects refuse without saying what.
        same_kind = [request for request in self._open if request.kind == kind or not kind]
        if request_id:
            for request in same_kind:
                if request.id == request_id:
                    return request
            # An id nobody sent: only a request sent without an id can be meant.
            same_kind = [request for request in same_kind if not request.id]
        return same_kind[0] if same_kind else None
