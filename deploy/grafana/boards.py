"""What the four boards show: rows of panels, 24 columns wide. Metrics: shared/hedgegrid/runtime/metric_names.py."""

from typing import Literal, NamedTuple

COLUMNS = 24
USDT = "currencyUSD"
"""Grafana has no USDT; a dollar sign is what it comes to."""


class Query(NamedTuple):
    """One expression; `legend` names its series by labels."""

    expr: str
    legend: str


class Panel(NamedTuple):
    """`unit` is Grafana's id of it; `about` explains the figure."""

    title: str
    queries: tuple[Query, ...]
    unit: str = "short"
    width: int = 8
    height: int = 8
    kind: Literal["timeseries", "stat", "table"] = "timeseries"
    decimals: int | None = None
    about: str = ""
    may_be_empty: bool = False
    """True where no data is the good case."""


class Board(NamedTuple):
    """`uid` names file and link; of each label in `variables` one value is shown; `span` is the time shown at first."""

    uid: str
    title: str
    rows: tuple[tuple[Panel, ...], ...]
    variables: tuple[str, ...] = ()
    span: str = "1h"


def figure(title: str, expr: str, unit: str, width: int = 4, legend: str = "{{account}}", about: str = "") -> Panel:
    """One big number per account."""
    return Panel(title, (Query(expr, legend),), unit, width, 4, "stat", 2, about)


def quantiles(title: str, metric: str, width: int, by: str = "symbol") -> Panel:
    """Median and 99th percentile of a histogram."""
    return Panel(
        title,
        tuple(
            Query(
                f"histogram_quantile({share}, sum by ({by}, le) (rate({metric}_bucket[$__rate_interval])))",
                f"p{name} {{{{{by}}}}}",
            )
            for share, name in ((0.5, "50"), (0.99, "99"))
        ),
        "s",
        width,
        may_be_empty=True,
    )


NET = "sum by (account) (hedgegrid_realised_pnl_usdt)"
STATE_WORDS = "max by (account, symbol, state) (hedgegrid_trading_state) == 1"
INTERLOCKS = "max by (account, symbol, interlock) (hedgegrid_interlock)"
BOT = 'account=~"$account",symbol=~"$symbol"'

OVERVIEW = Board(
    "overview",
    "Overview",
    (
        (
            figure("Equity", "max by (account) (hedgegrid_wallet_equity_usdt)", USDT),
            figure(
                "Net, last 24 h",
                f"{NET} - ({NET.replace('usdt', 'usdt offset 1d')} or {NET} * 0)",
                USDT,
                about="Realised, fees and funding off. Younger than a day: since the start.",
            ),
            figure(
                "Net, last 7 days",
                f"{NET} - ({NET.replace('usdt', 'usdt offset 7d')} or {NET} * 0)",
                USDT,
                about="As before, over 7 days.",
            ),
            figure("Net, all", NET, USDT),
            figure("Exposure", "sum by (account) (bot:exposure_usdt:sum)", USDT, about="Both legs, at entry price."),
            figure("Unrealised", "sum by (account) (hedgegrid_unrealised_pnl_usdt)", USDT, about="At mark."),
        ),
        (
            figure("Margin used", "max by (account) (hedgegrid_maintenance_margin_rate_ratio)", "percentunit", 5),
            figure("Its age", "min by (account) (hedgegrid_margin_rate_age_seconds)", "s", 4),
            Panel(
                "Guard stage",
                (Query("max by (account, stage) (hedgegrid_guard_stage) == 1", "{{account}} {{stage}}"),),
                width=6, height=4, kind="table",
            ),
            Panel(
                "Alerts",
                (Query('sum(ALERTS{alertstate="firing"}) or vector(0)', "firing"),),
                width=3, height=4, kind="stat", decimals=0,
            ),
            Panel(
                "Not ready",
                (Query("sum(hedgegrid_service_ready == bool 0)", "processes"),),
                width=3, height=4, kind="stat", decimals=0,
            ),
            Panel(
                "Unreconciled",
                (Query("sum(hedgegrid_bot_reconciled == bool 0)", "bots"),),
                width=3, height=4, kind="stat", decimals=0,
                about="They plan nothing until they are compared with the venue.",
            ),
        ),
        (
            Panel("Equity line", (Query("max by (account) (hedgegrid_wallet_equity_usdt)", "{{account}}"),), USDT, 12),
            Panel("Net by bot", (Query("bot:realised_net_usdt:sum", "{{account}} {{symbol}}"),), USDT, 12),
        ),
        (
            Panel("States", (Query(STATE_WORDS, "{{account}} {{symbol}} {{state}}"),), width=6, kind="table"),
            Panel(
                "Interlocks",
                (Query(f"{INTERLOCKS} > 0", "{{account}} {{symbol}} {{interlock}}"),),
                width=6, kind="table", may_be_empty=True,
                about="Why orders wait. 1: what adds exposure; 2: all but cancels and closings at market.",
            ),
            Panel("Exposure by bot", (Query("bot:exposure_usdt:sum", "{{account}} {{symbol}}"),), USDT, 6),
            Panel(
                "Firing alerts",
                (Query('ALERTS{alertstate="firing"}', "{{alertname}} {{account}} {{symbol}}"),),
                width=6, kind="table", may_be_empty=True,
            ),
        ),
    ),
    span="24h",
)  # fmt: skip

BOT_BOARD = Board(
    "bot",
    "Bot",
    (
        (
            Panel(
                "Price, ladder and exits",
                (
                    Query('hedgegrid_last_price_usdt{symbol=~"$symbol"}', "last"),
                    Query('hedgegrid_mark_price_usdt{symbol=~"$symbol"}', "mark"),
                    Query(f"hedgegrid_entry_price_usdt{{{BOT}}} > 0", "{{leg}} average"),
                    Query(f"hedgegrid_break_even_price_usdt{{{BOT}}}", "{{leg}} break-even"),
                    Query(f"hedgegrid_take_profit_price_usdt{{{BOT}}}", "{{leg}} take-profit"),
                    Query(f"hedgegrid_ladder_price_usdt{{{BOT}}}", "{{leg}} ladder {{rung}}"),
                ),
                USDT, 16, 12,
                about="Ladder: where a leg grows next, nearest first. Break-even: fees and funding in.",
            ),
            Panel("Levels filled", (Query(f"hedgegrid_grid_level{{{BOT}}}", "{{leg}}"),), width=8, height=12,
                  decimals=0),
        ),
        (
            Panel("Quantity held", (Query(f"hedgegrid_position_qty{{{BOT}}}", "{{leg}}"),), width=8),
            Panel("Unrealised", (Query(f"hedgegrid_unrealised_pnl_usdt{{{BOT}}}", "{{leg}}"),), USDT, 8),
            Panel("Working orders", (Query(f"hedgegrid_working_orders{{{BOT}}}", "{{leg}}"),), width=8,
                  decimals=0),
        ),
        (
            Panel(
                "Price and liquidation",
                (
                    Query('hedgegrid_mark_price_usdt{symbol=~"$symbol"}', "mark"),
                    Query(f"hedgegrid_liquidation_price_usdt{{{BOT}}}", "{{leg}} liquidation"),
                ),
                USDT, 12,
                about="The venue's word. A hedged or small position has none.", may_be_empty=True,
            ),
            Panel("State", (Query(f"max by (state) (hedgegrid_trading_state{{{BOT}}}) == 1", "{{state}}"),), width=4,
                  kind="table"),
            Panel("Reconciled", (Query(f"min by (account, symbol) (hedgegrid_bot_reconciled{{{BOT}}})",
                                       "{{account}} {{symbol}}"),), width=4, kind="stat", decimals=0,
                  about="1: compared with the venue. 0: it plans nothing until it is."),
            Panel("Left of the rate limit",
                  (Query('min by (endpoint) (hedgegrid_rate_limit_remaining{account=~"$account"})', "{{endpoint}}"),),
                  width=4, kind="stat", decimals=0, about="Requests the venue would still take in this second."),
        ),
        (
            Panel("Cycles closed", (Query(f"hedgegrid_cycles_total{{{BOT}}}", "{{leg}}"),), width=8,
                  decimals=0),
            Panel(
                "Gross, fees, funding",
                (Query(f"sum by (component) (hedgegrid_realised_pnl_usdt{{{BOT}}})", "{{component}}"),),
                USDT, 8, about="Costs are negative; the three add up to the net.",
            ),
            Panel("Net by leg", (Query(f"sum by (leg) (hedgegrid_realised_pnl_usdt{{{BOT}}})", "{{leg}}"),), USDT, 8),
        ),
        (
            Panel("Orders by outcome", (Query(f"sum by (outcome) (hedgegrid_orders_total{{{BOT}}})", "{{outcome}}"),),
                  width=12, decimals=0),
            Panel("Denied by us", (Query(f"sum by (reason) (hedgegrid_orders_denied_total{{{BOT}}})", "{{reason}}"),),
                  width=6, decimals=0, may_be_empty=True),
            Panel("Fills", (Query(f"sum by (liquidity) (hedgegrid_fills_total{{{BOT}}})", "{{liquidity}}"),), width=6,
                  decimals=0),
        ),
    ),
    variables=("account", "symbol"),
)  # fmt: skip

LATENCY = Board(
    "latency",
    "Latency and feeds",
    (
        (
            quantiles("Tick → decision", "hedgegrid_tick_to_decision_seconds", 8),
            quantiles("Tick → order sent", "hedgegrid_tick_to_order_sent_seconds", 8),
            quantiles("Sent → acknowledged", "hedgegrid_order_ack_seconds", 8),
        ),
        (
            quantiles("Commit in Redis", "hedgegrid_commit_seconds", 8),
            quantiles("REST answer", "hedgegrid_rest_latency_seconds", 8, "endpoint"),
            Panel("Ticks a second", (Query("sum by (service, symbol) (rate(hedgegrid_ticks_total[$__rate_interval]))",
                                           "{{service}} {{symbol}}"),), "cps", 8),
        ),
        (
            Panel("Age of the socket", (Query("hedgegrid_socket_age_seconds", "{{feed}} {{account}}"),), "s", 6),
            Panel("Since the last message", (Query("hedgegrid_last_message_age_seconds", "{{feed}} {{account}}"),), "s",
                  6),
            Panel("Sockets replaced", (Query("sum by (feed, reason) (hedgegrid_feed_reconnects_total)",
                                             "{{feed}} {{reason}}"),), width=6, decimals=0, may_be_empty=True),
            Panel("Ticks dropped for newer ones",
                  (Query("sum by (service) (rate(hedgegrid_ticks_conflated_total[$__rate_interval]))", "{{service}}"),),
                  "cps", 6, may_be_empty=True),
        ),
        (
            Panel("REST calls by endpoint",
                  (Query("sum by (phase, endpoint) (hedgegrid_rest_calls_by_phase_total)", "{{phase}} {{endpoint}}"),),
                  width=12, decimals=0, about="Steady state makes none but orders and one slow audit."),
            Panel("Left of the rate limit", (Query("min by (account, endpoint) (hedgegrid_rate_limit_remaining)",
                                                   "{{account}} {{endpoint}}"),), width=12, decimals=0),
        ),
    ),
)  # fmt: skip

RELIABILITY = Board(
    "reliability",
    "Reliability",
    (
        (
            Panel("Who holds a lease", (Query("hedgegrid_lease_owner", "{{account}} {{lease}} {{owner}}"),), width=8,
                  kind="table"),
            Panel("Epochs of leases", (Query("hedgegrid_lease_epoch", "{{account}} {{lease}}"),), width=8, decimals=0,
                  about="Each step is a change of hands."),
            Panel("Heartbeats", (Query("hedgegrid_heartbeat_age_seconds", "{{service}} {{instance}}"),), "s", 8),
        ),
        (
            Panel("Comparisons with the venue", (Query("sum by (reason, result) (hedgegrid_snapshots_total)",
                                                       "{{reason}} {{result}}"),), width=8, decimals=0),
            Panel("Unknown outcomes", (Query("hedgegrid_unknown_orders", "{{account}}"),), width=8, decimals=0),
            Panel("Our result minus the venue's", (Query("hedgegrid_ledger_mismatch_usdt",
                                                         "{{account}} {{symbol}} {{leg}}"),), USDT, 8,
                  about="Must be 0."),
        ),
        (
            Panel("Entries to read", (Query("hedgegrid_stream_lag_entries", "{{stream}} {{reader}}"),), width=8,
                  decimals=0),
            Panel("Length of streams", (Query('hedgegrid_stream_length_entries{stream!~".*:dead"}', "{{stream}}"),),
                  width=8, decimals=0),
            Panel("Unreadable entries", (Query('hedgegrid_stream_length_entries{stream=~".*:dead"}', "{{stream}}"),),
                  width=8, decimals=0),
        ),
        (
            Panel("Memory of Redis", (Query("hedgegrid_redis_memory_used_bytes", "{{server}}"),
                                      Query("hedgegrid_redis_memory_max_bytes > 0", "{{server}} limit")), "bytes", 8),
            Panel("Failed calls to Redis", (Query("sum by (service, server) (hedgegrid_redis_errors_total)",
                                                  "{{service}} {{server}}"),), width=8, decimals=0, may_be_empty=True),
            Panel("Distance of the clock", (Query("hedgegrid_venue_clock_offset_seconds", "{{service}}"),), "s", 8),
        ),
    ),
)  # fmt: skip

BOARDS = (OVERVIEW, BOT_BOARD, LATENCY, RELIABILITY)
