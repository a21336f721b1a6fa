"""Bybit's REST API as typed calls: orders, account set-up, queries with all their pages and windows."""

import time
from collections.abc import Iterator

from hedgegrid.bybit import errors
from hedgegrid.bybit.errors import Kind, Outcome, VenueError
from hedgegrid.bybit.requests import CATEGORY, SETTLE_COIN, Operation, Request
from hedgegrid.bybit.rest_transport import Answer as Answer
from hedgegrid.bybit.rest_transport import BeforeSend as BeforeSend
from hedgegrid.bybit.rest_transport import Call as Call
from hedgegrid.bybit.rest_transport import Phase as Phase
from hedgegrid.bybit.rest_transport import RestSettings as RestSettings
from hedgegrid.bybit.rest_transport import Row as Row
from hedgegrid.bybit.rest_transport import Transport
from hedgegrid.bybit.venue_clock import NS_PER_MS

HEDGE_MODE = 3
WEEK_MS = 7 * 24 * 3600 * 1000
MAX_PAGES = 400
"""20,000 orders: more than an account may place in half an hour (10 a second). A longer list has no end."""
QUERY_TRIES = 3
LONGEST_PAUSE_MS = 2000
CLOCK_TRIES = 3
CLOCK_TRIP_MS = 500
"""A round trip from which the venue's time is believed at once."""


class RestClient(Transport):
    """One account's REST API, by what is asked for."""

    # orders

    def send(self, request: Request, before_send: BeforeSend) -> Answer:
        """Post an order request once.

        `before_send` runs after the timestamp was taken and signed and just before the socket write; it raises
        NotSent when this process may not act any more. A process paused in between wakes up with a signature whose
        receive window is over: that is the fence the venue checks for us.

        Raises:
            VenueError: the classified outcome.
            NotSent: see above.
        """
        return self.call(request.operation, request.method, "POST", request.path, dict(request.params), before_send)

    # account set-up

    def switch_to_hedge(self, symbol: str) -> None:
        params = {"category": CATEGORY, "symbol": symbol, "mode": HEDGE_MODE}
        self._setup("switch_position_mode", "/v5/position/switch-mode", params)

    def set_leverage(self, symbol: str, leverage: str) -> None:
        """`leverage` is a plain number in words; hedge mode under cross margin wants both sides alike."""
        params = {"category": CATEGORY, "symbol": symbol, "buyLeverage": leverage, "sellLeverage": leverage}
        self._setup("set_leverage", "/v5/position/set-leverage", params)

    def _setup(self, method: str, path: str, params: Row) -> None:
        """Post a setting; being so already is success. A refused timestamp lets the clock be measured anew."""
        try:
            self.call(Operation.SETUP, method, "POST", path, params)
        except VenueError as error:
            if error.outcome.code in errors.CLOCK:
                self.sync_clock()
            if error.outcome.kind is not Kind.ALREADY:
                raise

    # queries

    def api_key(self) -> Row:
        """What the key of this account may do, from where, and until when."""
        return self._get("get_api_key_information", "/v5/user/query-api", {}).result

    def server_time(self) -> int:
        """Venue time in ms."""
        answer = self._get("get_server_time", "/v5/market/time", {})
        nanoseconds = str(answer.result.get("timeNano", ""))
        return int(nanoseconds) // 1_000_000 if nanoseconds.isdecimal() else answer.time_ms

    def sync_clock(self) -> None:
        """Ask for the venue's time, which every other answer tells as well.

        A slow answer is off by up to half of what it took, and an offset of seconds has every request refused: then
        the fastest of a few counts.
        """
        for _ in range(CLOCK_TRIES):
            asked_ns = self.clock.monotonic_ns()
            venue_ms = self.server_time()
            answered_ns = self.clock.monotonic_ns()
            if venue_ms:
                self.clock.told(venue_ms, asked_ns, answered_ns)
            if answered_ns - asked_ns <= CLOCK_TRIP_MS * NS_PER_MS:
                return

    def instrument(self, symbol: str) -> Row:
        path = "/v5/market/instruments-info"
        rows = _rows(self._get("get_instruments_info", path, {"category": CATEGORY, "symbol": symbol}))
        if not rows:
            raise VenueError(Outcome(Kind.REJECTED, 0, f"the venue lists no {CATEGORY} {symbol}"), f"GET {path}")
        return rows[0]

    def risk_limit(self, symbol: str) -> list[Row]:
        """Rows of the symbol's risk-limit table, lowest tier first as the venue lists them."""
        params = {"category": CATEGORY, "symbol": symbol}
        return list(self._pages("get_risk_limit", "/v5/market/risk-limit", params))

    def wallet(self) -> tuple[Row, int]:
        """The account's row and the venue's time of it."""
        path = "/v5/account/wallet-balance"
        answer = self._get("get_wallet_balance", path, {"accountType": "UNIFIED"})
        rows = _rows(answer)
        if not rows:
            raise VenueError(errors.no_answer("no wallet row"), f"GET {path}")
        return rows[0], answer.time_ms

    def positions(self, symbol: str) -> tuple[list[Row], int]:
        """Rows of both legs, flat ones too, and the venue's time of them."""
        params = {"category": CATEGORY, "symbol": symbol, "limit": 200}
        answer = self._get("get_positions", "/v5/position/list", params)
        return _rows(answer), answer.time_ms

    def open_orders(self, symbol: str) -> list[Row]:
        params = {"category": CATEGORY, "symbol": symbol, "openOnly": 0, "limit": 50}
        return list(self._pages("get_open_orders", "/v5/order/realtime", params))

    def all_open_orders(self) -> list[Row]:
        """Of every symbol of the account."""
        params = {"category": CATEGORY, "settleCoin": SETTLE_COIN, "openOnly": 0, "limit": 50}
        return list(self._pages("get_open_orders", "/v5/order/realtime", params))

    def all_positions(self) -> list[Row]:
        """Of every symbol of the account that has one."""
        params = {"category": CATEGORY, "settleCoin": SETTLE_COIN, "limit": 200}
        return list(self._pages("get_positions", "/v5/position/list", params))

    # Histories are long, so each page is asked for when the one before it has been used up. A failure comes then, too.

    def closed_orders(self, symbol: str) -> Iterator[Row]:
        """The newest finished orders as the venue still has them in memory: at most 500, gone when it restarts."""
        params = {"category": CATEGORY, "symbol": symbol, "openOnly": 1, "limit": 50}
        return self._pages("get_open_orders", "/v5/order/realtime", params, at_most=10)

    def order_history(self, symbol: str, since_ms: int = 0, at_most: int = MAX_PAGES) -> Iterator[Row]:
        """Finished orders, newest first, possibly late; since 0 = the venue's default window."""
        params = {"category": CATEGORY, "symbol": symbol, "limit": 50}
        return self._windows("get_order_history", "/v5/order/history", params, since_ms, at_most)

    def executions(self, symbol: str, since_ms: int = 0, at_most: int = MAX_PAGES) -> Iterator[Row]:
        """Fills and funding; since 0 = the venue's default window."""
        params = {"category": CATEGORY, "symbol": symbol, "limit": 100}
        return self._windows("get_executions", "/v5/execution/list", params, since_ms, at_most)

    def closed_pnl(self, symbol: str, since_ms: int = 0) -> Iterator[Row]:
        params = {"category": CATEGORY, "symbol": symbol, "limit": 100}
        return self._windows("get_closed_pnl", "/v5/position/closed-pnl", params, since_ms, MAX_PAGES)

    def order_by_link_id(self, symbol: str, link_id: str) -> Row | None:
        """An open or just finished order."""
        params = {"category": CATEGORY, "symbol": symbol, "orderLinkId": link_id}
        rows = _rows(self._get("get_open_orders", "/v5/order/realtime", params))
        return next((row for row in rows if row.get("orderLinkId") == link_id), None)

    def past_order_by_link_id(self, symbol: str, link_id: str) -> Row | None:
        """A finished order; the venue writes its history late."""
        params = {"category": CATEGORY, "symbol": symbol, "orderLinkId": link_id}
        rows = _rows(self._get("get_order_history", "/v5/order/history", params))
        return next((row for row in rows if row.get("orderLinkId") == link_id), None)

    def executions_by_link_id(self, symbol: str, link_id: str) -> list[Row]:
        params = {"category": CATEGORY, "symbol": symbol, "orderLinkId": link_id, "limit": 100}
        rows = self._pages("get_executions", "/v5/execution/list", params)
        return [row for row in rows if row.get("orderLinkId") == link_id]

    # how a call is made

    def _windows(self, method: str, path: str, params: Row, since_ms: int, at_most: int) -> Iterator[Row]:
        """All rows from `since_ms` on, in windows of seven days, the longest the venue answers for."""
        if not since_ms:
            yield from self._pages(method, path, params, at_most)
            return
        start, now = since_ms, self.venue_now_ms()
        while now - start > WEEK_MS:
            window = {**params, "startTime": start, "endTime": start + WEEK_MS - 1}
            yield from self._pages(method, path, window, at_most)
            start += WEEK_MS
        yield from self._pages(method, path, {**params, "startTime": start}, at_most)

    def _pages(self, method: str, path: str, params: Row, at_most: int = MAX_PAGES) -> Iterator[Row]:
        """Rows of all pages; a cursor on the last page is possible, so an empty page ends it too.

        Raises:
            VenueError: also when `MAX_PAGES` are not enough or a cursor comes twice. A smaller `at_most` just stops.
        """
        seen = {""}
        cursor = ""
        for _ in range(at_most):
            answer = self._get(method, path, {**params, "cursor": cursor} if cursor else params)
            page = _rows(answer)
            yield from page
            cursor = str(answer.result.get("nextPageCursor") or "")
            if not page or not cursor:
                return
            if cursor in seen:
                raise VenueError(errors.no_answer("the same page cursor came twice"), f"GET {path}")
            seen.add(cursor)
        if at_most == MAX_PAGES:
            raise VenueError(errors.no_answer(f"more than {MAX_PAGES} pages"), f"GET {path}")

    def _get(self, method: str, path: str, params: Row) -> Answer:
        """Ask, in turn; a query refused for its rate or its timestamp is asked again, since asking changes nothing."""
        for _ in range(QUERY_TRIES - 1):
            self._pace.wait()
            try:
                return self.call(Operation.QUERY, method, "GET", path, dict(params))
            except VenueError as error:
                if error.outcome.code in errors.THROTTLED:
                    time.sleep(min(error.outcome.wait_ms, LONGEST_PAUSE_MS) / 1000)
                elif error.outcome.code in errors.CLOCK:
                    self.sync_clock()
                else:
                    raise
        self._pace.wait()
        return self.call(Operation.QUERY, method, "GET", path, dict(params))


def _rows(answer: Answer) -> list[Row]:
    rows = answer.result.get("list")
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
