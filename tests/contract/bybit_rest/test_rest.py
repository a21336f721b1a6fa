"""What goes over the wire and what comes back of it: signed once, sent once, judged by what came."""

import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest

from hedgegrid.bybit.errors import Kind, NotSent, VenueError
from hedgegrid.bybit.requests import request_of
from hedgegrid.bybit.rest import WEEK_MS, Call, Phase, RestClient, RestSettings
from hedgegrid.domain.order import Leg
from hedgegrid.messages.commands import CancelOrder
from tests.contract.bybit_rest.venue_end import Came, Reply, VenueEnd, ok, refusal, venue_end

KEY, SECRET = "the-api-key-001", "the-api-secret-001"
CANCEL = request_of(CancelOrder(symbol="BTCUSDT", leg=Leg.LONG, client_order_id="h1-BTCUSDT-LE00-1"))


def nothing() -> None:
    pass


@pytest.fixture
def end() -> Iterator[VenueEnd]:
    with venue_end() as end:
        yield end


@pytest.fixture
def calls() -> list[Call]:
    return []


@pytest.fixture
def rest(end: VenueEnd, calls: list[Call]) -> RestClient:
    settings = RestSettings(base_url=end.url + "/", recv_window_ms=2500, connect_timeout_s=1, read_timeout_s=0.3)
    return RestClient(settings, KEY, SECRET, calls.append)


def check_signature(came: Came) -> None:
    signed = came.headers["x-bapi-timestamp"] + KEY + came.headers["x-bapi-recv-window"] + came.payload
    wanted = hmac.new(SECRET.encode(), signed.encode(), hashlib.sha256).hexdigest()
    assert came.headers["x-bapi-sign"] == wanted
    assert came.headers["x-bapi-api-key"] == KEY
    assert came.headers["x-bapi-recv-window"] == "2500"


def test_an_order_is_signed_over_what_is_sent(rest: RestClient, end: VenueEnd) -> None:
    rest.send(CANCEL, nothing)
    (came,) = end.came
    check_signature(came)
    assert (came.method, came.target) == ("POST", "/v5/order/cancel")
    assert json.loads(came.body) == CANCEL.params


def test_orders_in_a_row_have_nothing_of_each_other(rest: RestClient, end: VenueEnd) -> None:
    long = request_of(
        CancelOrder(symbol="10000000AIDOGEUSDT", leg=Leg.LONG, client_order_id="h12-10000000AIDOGEUSDT-LE00-abc")
    )
    sent = (long, CANCEL, long, CANCEL)
    for request in sent:
        rest.send(request, nothing)
    for request, came in zip(sent, end.came, strict=True):
        check_signature(came)
        assert json.loads(came.body) == request.params
        assert int(came.headers["content-length"]) == len(came.body)
    assert len({frozenset(came.headers) for came in end.came}) == 1


def test_a_query_is_signed_over_its_query_string_and_a_cursor_goes_back_untouched(
    rest: RestClient, end: VenueEnd
) -> None:
    cursor = "page_args%3Dabc%26symbol%3D6%26"
    pages = [ok({"list": [{"n": 1}], "nextPageCursor": cursor}), ok({"list": [{"n": 2}], "nextPageCursor": ""})]
    end.reply = lambda came: pages[len(end.came) - 1]
    assert rest.open_orders("BTCUSDT") == [{"n": 1}, {"n": 2}]
    for came in end.came:
        check_signature(came)
    assert f"cursor={cursor}" in end.came[1].target


@pytest.mark.parametrize(
    ("reply", "kind", "label"),
    [
        (None, Kind.AMBIGUOUS, "ambiguous"),
        ((200, b"", {}), Kind.AMBIGUOUS, "ambiguous"),
        ((200, b"<html>", {}), Kind.AMBIGUOUS, "ambiguous"),
        ((200, b"[1]", {}), Kind.AMBIGUOUS, "ambiguous"),
        ((200, b"null", {}), Kind.AMBIGUOUS, "ambiguous"),
        ((200, b"{}", {}), Kind.AMBIGUOUS, "ambiguous"),
        ((200, b'{"retCode":10001}', {}), Kind.AMBIGUOUS, "ambiguous"),
        ((200, b'{"retCode":"10001","retMsg":"x"}', {}), Kind.AMBIGUOUS, "ambiguous"),
        ((200, b'{"retCode":0,"retMsg":"OK","result":"gone"}', {}), Kind.AMBIGUOUS, "ambiguous"),
        ((200, b'{"retCode":0,"retMsg":"OK","resu', {}), Kind.AMBIGUOUS, "ambiguous"),
        ((200, b"\xff\xfe\xfd", {}), Kind.AMBIGUOUS, "ambiguous"),
        ((200, b"{}", {"Content_Encoding": "gzip"}), Kind.AMBIGUOUS, "ambiguous"),
        ((200, b"zz\r\nnot chunks", {"Transfer_Encoding": "chunked"}), Kind.AMBIGUOUS, "ambiguous"),
        ((302, b"", {"Location": "/v5/order/create"}), Kind.AMBIGUOUS, "ambiguous"),
        ((307, b"", {"Location": "/v5/order/create"}), Kind.AMBIGUOUS, "ambiguous"),
        ((500, b"x", {}), Kind.AMBIGUOUS, "ambiguous"),
        ((502, b"<html>", {}), Kind.AMBIGUOUS, "ambiguous"),
        ((403, b"x", {}), Kind.BANNED, "rate_limited"),
        ((429, b"x", {}), Kind.RETRY_SAME_ID, "rate_limited"),
        ((401, b"x", {}), Kind.FATAL, "error"),
        (refusal(10006), Kind.RETRY_SAME_ID, "rate_limited"),
        (refusal(10006, X_Bapi_Limit_Reset_Timestamp="1"), Kind.RETRY_SAME_ID, "rate_limited"),
        (refusal(10006, X_Bapi_Limit_Reset_Timestamp="soon"), Kind.RETRY_SAME_ID, "rate_limited"),
        (refusal(10002), Kind.RETRY_SAME_ID, "error"),
        (refusal(10016), Kind.AMBIGUOUS, "ambiguous"),
        (refusal(10003), Kind.FATAL, "error"),
        (refusal(110001), Kind.REJECTED, "rejected"),
        (refusal(-999), Kind.AMBIGUOUS, "ambiguous"),
    ],
)  # fmt: skip
def test_every_bad_answer_is_judged_and_nothing_is_sent_twice(
    rest: RestClient, end: VenueEnd, calls: list[Call], reply: Reply, kind: Kind, label: str
) -> None:
    end.reply = lambda came: reply
    with pytest.raises(VenueError) as caught:
        rest.send(CANCEL, nothing)
    assert caught.value.outcome.kind is kind
    assert len(end.came) == 1
    assert [(call.method, call.path, call.outcome) for call in calls] == [("POST", "/v5/order/cancel", label)]


def test_a_time_out_is_ambiguous_and_not_repeated(rest: RestClient, end: VenueEnd) -> None:
    late = threading.Event()
    end.reply = lambda came: ok({}) if late.wait(5) else None
    with pytest.raises(VenueError) as caught:
        rest.send(CANCEL, nothing)
    late.set()
    assert caught.value.outcome.kind is Kind.AMBIGUOUS
    assert len(end.came) == 1


def test_no_connection_means_not_sent(rest: RestClient, end: VenueEnd) -> None:
    end.server.shutdown()
    end.server.server_close()
    with pytest.raises(VenueError) as caught:
        rest.send(CANCEL, nothing)
    assert caught.value.outcome.kind is Kind.RETRY_SAME_ID
    assert caught.value.outcome.wait_ms > 0


def test_a_name_that_does_not_resolve_means_not_sent(calls: list[Call]) -> None:
    rest = RestClient(RestSettings(base_url="http://no-such-host.invalid"), KEY, SECRET, calls.append)
    with pytest.raises(VenueError) as caught:
        rest.send(CANCEL, nothing)
    assert caught.value.outcome.kind is Kind.RETRY_SAME_ID


def test_the_last_check_comes_after_the_timestamp_and_can_stop_the_send(
    rest: RestClient, end: VenueEnd, calls: list[Call]
) -> None:
    checked_ms = 0

    def check() -> None:
        nonlocal checked_ms
        checked_ms = rest.venue_now_ms()

    rest.send(CANCEL, check)
    assert int(end.came[0].headers["x-bapi-timestamp"]) <= checked_ms

    def refuse() -> None:
        raise NotSent("lost")

    with pytest.raises(NotSent):
        rest.send(CANCEL, refuse)
    assert len(end.came) == 1
    assert len(calls) == 1


def test_the_guard_stops_calls_of_every_kind(rest: RestClient, end: VenueEnd) -> None:
    def banned() -> None:
        raise NotSent("banned")

    rest.guard = banned
    with pytest.raises(NotSent):
        rest.positions("BTCUSDT")
    assert end.came == []


def test_no_secret_gets_into_an_error(rest: RestClient, end: VenueEnd) -> None:
    """Bybit's 10004 repeats the signed text, key included; pybit's errors repeat the request."""
    end.reply = lambda came: refusal(10004, f"error sign! origin_string[1700000000000{KEY}2500category=linear]")
    with pytest.raises(VenueError) as caught:
        rest.send(CANCEL, nothing)
    text = f"{caught.value} {caught.value.outcome}"
    assert KEY not in text
    assert SECRET not in text


def test_the_clock_is_brought_in_line_with_the_venue(rest: RestClient, end: VenueEnd) -> None:
    ahead_ms = 3_600_000
    end.reply = lambda came: ok({"timeNano": str((rest.venue_now_ms() - rest.offset_ms + ahead_ms) * 1_000_000)})
    rest.sync_clock()
    assert abs(rest.offset_ms - ahead_ms) < 100
    rest.send(CANCEL, nothing)
    assert abs(int(end.came[1].headers["x-bapi-timestamp"]) - rest.venue_now_ms()) < 1000


def test_calls_are_counted_by_phase(rest: RestClient, end: VenueEnd, calls: list[Call]) -> None:
    end.reply = lambda came: ok({"list": [{}]}, X_Bapi_Limit_Status="7")
    with rest.phase(Phase.STARTUP):
        rest.wallet()
        with rest.phase(Phase.AUDIT):
            rest.positions("BTCUSDT")
        rest.wallet()
    rest.send(CANCEL, nothing)
    assert [call.phase for call in calls] == [Phase.STARTUP, Phase.AUDIT, Phase.STARTUP, Phase.STEADY]
    assert calls[0].headers["X-Bapi-Limit-Status"] == "7"


def test_a_cursor_on_the_last_page_ends_with_an_empty_one(rest: RestClient, end: VenueEnd) -> None:
    pages = [ok({"list": [{"n": 1}], "nextPageCursor": "a"}), ok({"list": [], "nextPageCursor": "b"})]
    end.reply = lambda came: pages[len(end.came) - 1]
    assert rest.open_orders("BTCUSDT") == [{"n": 1}]


def test_a_cursor_that_comes_twice_is_an_error_and_no_complete_list(rest: RestClient, end: VenueEnd) -> None:
    end.reply = lambda came: ok({"list": [{"n": 1}], "nextPageCursor": "a"})
    with pytest.raises(VenueError, match="cursor came twice"):
        rest.open_orders("BTCUSDT")


def test_a_failed_page_is_no_shorter_list(rest: RestClient, end: VenueEnd) -> None:
    pages = [ok({"list": [{"n": 1}], "nextPageCursor": "a"}), (502, b"", {})]
    end.reply = lambda came: pages[len(end.came) - 1]
    with pytest.raises(VenueError):
        rest.open_orders("BTCUSDT")


def test_a_history_is_asked_for_page_by_page_as_it_is_used_up(rest: RestClient, end: VenueEnd) -> None:
    end.reply = lambda came: ok({"list": [{"n": len(end.came)}], "nextPageCursor": str(len(end.came))})
    history = rest.order_history("BTCUSDT")
    assert end.came == []
    assert [next(history), next(history)] == [{"n": 1}, {"n": 2}]
    assert len(end.came) == 2


def test_a_throttled_query_is_asked_again_and_not_for_ever(rest: RestClient, end: VenueEnd) -> None:
    limit = {"X_Bapi_Limit_Reset_Timestamp": str(rest.venue_now_ms() + 60)}
    replies = [refusal(10006, **limit), ok({"list": [{"n": 1}]})]
    end.reply = lambda came: replies[len(end.came) - 1]
    assert rest.open_orders("BTCUSDT") == [{"n": 1}]
    end.came.clear()
    end.reply = lambda came: refusal(10006, X_Bapi_Limit_Reset_Timestamp=str(rest.venue_now_ms() + 10))
    with pytest.raises(VenueError):
        rest.open_orders("BTCUSDT")
    assert len(end.came) == 3


def test_a_query_refused_for_its_timestamp_is_asked_again_by_the_venues_clock(rest: RestClient, end: VenueEnd) -> None:
    replies = [refusal(10002), ok({"timeNano": "5000000"}), ok({"list": []})]
    end.reply = lambda came: replies[len(end.came) - 1]
    assert rest.open_orders("BTCUSDT") == []
    assert [came.target.partition("?")[0] for came in end.came] == [
        "/v5/order/realtime",
        "/v5/market/time",
        "/v5/order/realtime",
    ]
    assert int(end.came[2].headers["x-bapi-timestamp"]) < 10_000


def test_long_spans_are_asked_in_weeks_without_holes(rest: RestClient, end: VenueEnd) -> None:
    since = rest.venue_now_ms() - 17 * 24 * 3600 * 1000
    list(rest.executions("BTCUSDT", since))
    asked = [parse_qs(urlsplit(came.target).query) for came in end.came]
    starts = [int(query["startTime"][0]) for query in asked]
    ends = [int(query["endTime"][0]) for query in asked if "endTime" in query]
    assert starts == [since, since + WEEK_MS, since + 2 * WEEK_MS]
    assert [end + 1 for end in ends] == starts[1:]


def test_settings_that_are_so_already_are_success(rest: RestClient, end: VenueEnd) -> None:
    codes = iter((110025, 110043))
    end.reply = lambda came: refusal(next(codes))
    rest.switch_to_hedge("BTCUSDT")
    rest.set_leverage("BTCUSDT", "12.5")
    bodies = [json.loads(came.body) for came in end.came]
    assert bodies[0]["mode"] == 3
    assert (bodies[1]["buyLeverage"], bodies[1]["sellLeverage"]) == ("12.5", "12.5")


def test_an_order_is_only_found_under_its_very_id(rest: RestClient, end: VenueEnd) -> None:
    """A venue that ignored the filter must not have us adopt somebody else's order."""
    end.reply = lambda came: ok({"list": [{"orderLinkId": "another"}, {"orderLinkId": "mine", "n": 2}]})
    assert rest.order_by_link_id("BTCUSDT", "mine") == {"orderLinkId": "mine", "n": 2}
    assert rest.past_order_by_link_id("BTCUSDT", "third") is None
    assert rest.executions_by_link_id("BTCUSDT", "third") == []


@pytest.mark.parametrize(
    ("settings", "host"),
    [
        (RestSettings(), "https://api.bybit.com"),
        (RestSettings(demo=True), "https://api-demo.bybit.com"),
        (RestSettings(testnet=True), "https://api-testnet.bybit.com"),
    ],
)
def test_each_mode_has_its_host(settings: RestSettings, host: str) -> None:
    rest = RestClient(settings, KEY, SECRET, lambda call: None)
    http = rest._http()
    assert http.endpoint == host
    assert (http.retry_codes, http.max_retries, http.force_retry) == ({-999}, 1, False)
    assert http.timeout == (2.0, 5.0)


def test_every_thread_has_its_own_session(rest: RestClient) -> None:
    sessions = []
    threads = [threading.Thread(target=lambda: sessions.append(rest._http().client)) for _ in range(2)]
    for thread in threads:
        thread.start()
        thread.join()
    assert sessions[0] is not sessions[1]
    assert rest._http() is rest._http()
