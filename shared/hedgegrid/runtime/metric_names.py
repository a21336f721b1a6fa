"""The one registry of Prometheus metrics: every name of the system stands here once.

One process = one registry (there is no multiprocess mode). Attributes are typed, so a misspelt name
is a type error. Take the labelled child (`metrics.steps.labels("main", "BTCUSDT")`) once, outside
hot loops; remove it (`metrics.lease_held.remove(...)`) when what it describes is no longer ours.

Labels: `account` id from the config; `symbol` e.g. BTCUSDT; `leg` long|short; `service`, `instance`
of the process; `feed` public|private; `stream` a stream's name; `lease` a symbol or "executor".
Units stand last in names.
"""

from prometheus_client import CollectorRegistry

from hedgegrid.runtime.metric_spec import MetricSet, counter, gauge, histogram

# 0.1 ms .. 1 s, dense around the 5 ms target so that p99 can be told on either side of it.
LOOP_BUCKETS_S = (
    0.0001, 0.0002, 0.0003, 0.0005, 0.00075, 0.001, 0.0015, 0.002, 0.003, 0.004, 0.0045, 0.005,
    0.0055, 0.006, 0.0075, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0,
)  # fmt: skip
REST_BUCKETS_S = (0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class _Trading(MetricSet):
    """What the bots did and hold; `*_usdt` in USDT, `*_qty` in base coin."""

    last_price = gauge("last_price_usdt", "Last trade price", "symbol")
    mark_price = gauge("mark_price_usdt", "Mark price", "symbol")
    orders = counter(
        "orders",
        "Orders, each once per outcome submitted|acked|accepted|filled (at least in part)|completed|canceled|"
        "rejected|denied",
        "account", "symbol", "leg", "outcome",
    )  # fmt: skip
    orders_denied = counter(
        "orders_denied",
        "Commands refused by us before sending, by reason",
        "account",
        "symbol",
        "reason",
    )
    working_orders = gauge("working_orders", "Orders open at the venue", "account", "symbol", "leg")
    commands = counter("commands", "Commands the strategy has written", "account", "symbol", "kind")
    control_requests = counter(
        "control_requests",
        'Trading states asked for by the operator; symbol "" for the whole account',
        "account", "symbol", "state",
    )  # fmt: skip
    fills = counter(
        "fills", "Executions applied once each; liquidity maker|taker", "account", "symbol", "leg", "liquidity"
    )
    fill_notional = counter("fill_notional_usdt", "Value traded", "account", "symbol", "leg")
    cycles = counter("cycles", "Cycles closed: first entry to take-profit", "account", "symbol", "leg")
    grid_level = gauge("grid_level", "Levels filled in the open cycle, 0 = none", "account", "symbol", "leg")
    realised_pnl = gauge(
        "realised_pnl_usdt",
        "Realised PnL; component gross|fees|funding, costs negative, so that the sum is the net",
        "account", "symbol", "leg", "component",
    )  # fmt: skip
    unrealised_pnl = gauge("unrealised_pnl_usdt", "PnL of the open position at mark", "account", "symbol", "leg")
    ledger_mismatch = gauge(
        "ledger_mismatch_usdt",
        "Ledger minus venue at the last audit; must be 0",
        "account",
        "symbol",
        "leg",
    )
    position_qty = gauge("position_qty", "Open quantity in base coin, never negative", "account", "symbol", "leg")
    entry_price = gauge("entry_price_usdt", "Average entry price, 0 = flat", "account", "symbol", "leg")
    liquidation_price = gauge(
        "liquidation_price_usdt",
        "The venue's liquidation price of the open position; absent = none",
        "account", "symbol", "leg",
    )  # fmt: skip
    break_even_price = gauge(
        "break_even_price_usdt",
        "Where closing at market leaves the open cycle at zero, fees and funding included; absent = flat",
        "account", "symbol", "leg",
    )  # fmt: skip
    take_profit_price = gauge(
        "take_profit_price_usdt", "Nearest working take-profit; absent = none works", "account", "symbol", "leg"
    )
    ladder_price = gauge(
        "ladder_price_usdt",
        "Where the leg grows next, by rung 1…10, nearest first: working orders, else the prices it waits for",
        "account", "symbol", "leg", "rung",
    )  # fmt: skip
    trading_state = gauge("trading_state", "1 for the state the bot is in, else 0", "account", "symbol", "state")
    bot_reconciled = gauge(
        "bot_reconciled",
        "1 if the bot's books were compared with the venue since the last gap, else 0: it plans nothing",
        "account", "symbol",
    )  # fmt: skip
    bot_state_readable = gauge(
        "bot_state_readable", "1 if this version can read the bot's stored state, else 0", "account", "symbol"
    )


class _Account(MetricSet):
    """Wallet and margin; rates are ratios 0..1 of equity."""

    wallet_balance = gauge("wallet_balance_usdt", "Wallet balance", "account")
    wallet_equity = gauge("wallet_equity_usdt", "Balance plus unrealised PnL", "account")
    wallet_available = gauge("wallet_available_usdt", "Balance free for new orders", "account")
    initial_margin_rate = gauge("initial_margin_rate_ratio", "Initial margin / equity", "account")
    maintenance_margin_rate = gauge(
        "maintenance_margin_rate_ratio", "Maintenance margin / equity; 1 = liquidation", "account"
    )
    margin_rate_age = gauge("margin_rate_age_seconds", "Age of the margin rates", "account")
    guard_stage = gauge("guard_stage", "1 for the account guard's stage, else 0", "account", "stage")
    guard_rounds = gauge("guard_reduce_rounds", "Rounds of REDUCE the guard has asked for", "account")
    guard_equity = gauge("guard_equity_usdt", "Equity by the guard's own reckoning at mark", "account")
    guard_mm_rate = gauge(
        "guard_mm_rate_ratio",
        "Maintenance margin / equity by the guard's own reckoning at mark; 1 = liquidation",
        "account",
    )
    guard_im_rate = gauge(
        "guard_im_rate_ratio", "Initial margin with every order filled / equity, own reckoning", "account"
    )
    guard_difference = gauge(
        "guard_mm_rate_difference_ratio", "Own maintenance margin rate minus the venue's fresh one", "account"
    )
    guard_liquidation_distance = gauge(
        "guard_liquidation_distance_ratio", "Move of all marks together that ends in liquidation; 1 = none", "account"
    )
    guard_worst_notional = gauge(
        "guard_worst_notional_usdt", "Positions at mark with every opening order filled", "account"
    )
    guard_daily_loss = gauge("guard_daily_loss_usdt", "Loss since 00:00 UTC, open positions included", "account")
    guard_drawdown = gauge("guard_drawdown_usdt", "Loss since the best result, open positions included", "account")
    guard_blind = gauge("guard_blind_seconds", "Since when the oldest thing that matters was not seen", "account")
    interlock = gauge(
        "interlock",
        "What has to wait: 0 nothing, 1 all that adds exposure, 2 all but cancels and closings at market;"
        ' symbol "" for the whole account',
        "account", "symbol", "interlock",
    )  # fmt: skip
    guard_wallet_age = gauge("guard_wallet_age_seconds", "Age of the newest word on the wallet", "account")


class _Venue(MetricSet):
    """Contact with Bybit; account is "" for public calls and feeds."""

    rest_calls = counter(
        "rest_calls",
        "REST calls; phase startup|steady|reconcile|audit,"
        " outcome ok|rejected|rate_limited|ambiguous|error",
        "account", "endpoint", "method", "phase", "outcome",
    )  # fmt: skip
    rest_calls_by_phase = counter(
        "rest_calls_by_phase",
        "REST calls as counted in Redis, over all lives of the executor",
        "account", "phase", "method", "endpoint",
    )  # fmt: skip
    rest_latency = histogram(
        "rest_latency_seconds",
        "Time from sending to the answer",
        "endpoint",
        "method",
        buckets=REST_BUCKETS_S,
    )
    rate_limit_remaining = gauge("rate_limit_remaining", "Requests left in the venue's window", "account", "endpoint")
    clock_offset = gauge("venue_clock_offset_seconds", "Venue time minus ours", "service")
    redis_went_back = counter("redis_went_back", "Starts at which Redis had forgotten commands sent", "account")
    clock_uncertainty = gauge("venue_clock_uncertainty_seconds", "How well the venue's time is known", "service")
    unknown_orders = gauge("unknown_orders", "Orders sent whose outcome is not known yet", "account")
    kill_switch_level = gauge(
        "kill_switch_level", "Level of the account's kill switch: 0 not thrown, 1 PAUSE, 2 CANCEL, 3 FLATTEN", "account"
    )
    kill_switch_pending = gauge(
        "kill_switch_pending", "1 until the venue is proven to hold nothing that the kill switch forbids", "account"
    )
    deadman_state = gauge(
        "deadman_state", "1 for the state of the dead man's switch: waiting|armed|fired, else 0", "account", "state"
    )
    feed_up = gauge("feed_up", "1 if connected and authenticated", "feed", "account")
    feed_reconnects = counter("feed_reconnects", "Sockets replaced, by reason", "feed", "account", "reason")
    socket_age = gauge("socket_age_seconds", "Age of the present socket", "feed", "account")
    last_message_age = gauge("last_message_age_seconds", "Since the last message", "feed", "account")
    held_events = gauge("held_events", "Private events held while Redis is away", "account")
    reconciles = counter("reconciles", "Reconciliations over REST", "account", "reason", "result")
    snapshots = counter("snapshots", "Account snapshots taken", "account", "reason", "result")


class _Internal(MetricSet):
    """Streams, leases, loops, processes."""

    stream_lag = gauge("stream_lag_entries", "Entries a reader has yet to read", "stream", "reader")
    stream_length = gauge("stream_length_entries", "Entries in a stream", "stream")
    ledger_refused = counter(
        "ledger_refused",
        "Entries the trade ledger could not take: unreadable, or contradicting a stored fact",
        "account",
    )
    dead_letters = counter("dead_letters", "Entries set aside as unreadable", "stream")
    control_refused = counter(
        "control_refused",
        "Control messages nobody may act on; reason unsigned|forged|stale|replayed|unreadable",
        "account", "reason",
    )  # fmt: skip
    redis_errors = counter("redis_errors", "Failed Redis calls; server money|market", "service", "server")
    redis_memory_used = gauge("redis_memory_used_bytes", "Memory in use; server money|market", "server")
    redis_memory_max = gauge("redis_memory_max_bytes", "Memory at which writes are refused, 0 = no limit", "server")
    lease_held = gauge("lease_held", "1 if this process holds the lease", "account", "lease")
    lease_epoch = gauge("lease_epoch", "Epoch of the lease", "account", "lease")
    lease_owner = gauge("lease_owner", "1 for the owner of a live lease", "account", "lease", "owner")
    ticks = counter("ticks", "Ticks received", "service", "symbol")
    ticks_conflated = counter("ticks_conflated", "Ticks dropped for a newer one", "service", "symbol")
    steps = counter("steps", "Steps committed", "account", "symbol")
    duplicate_events = counter("duplicate_events", "Events ignored as already applied", "account", "symbol")
    tick_to_decision = histogram(
        "tick_to_decision_seconds", "From our receipt of a tick to the step's decision",
        "account", "symbol", buckets=LOOP_BUCKETS_S,
    )  # fmt: skip
    tick_to_order_sent = histogram(
        "tick_to_order_sent_seconds", "From our receipt of a tick to the order's sending",
        "account", "symbol", buckets=LOOP_BUCKETS_S,
    )  # fmt: skip
    order_ack = histogram(
        "order_ack_seconds",
        "From the sending of a command to the venue's acknowledgement",
        "account", "symbol", buckets=REST_BUCKETS_S,
    )  # fmt: skip
    commit = histogram("commit_seconds", "Time of one commit in Redis", "account", "symbol", buckets=LOOP_BUCKETS_S)
    heartbeat_age = gauge("heartbeat_age_seconds", "Since a service's last heartbeat", "service", "instance")
    service_ready = gauge("service_ready", "1 if the process says it is ready", "service", "instance")
    build_info = gauge("build_info", "Always 1; what is running", "service", "instance", "version", "mode")


class Metrics(_Trading, _Account, _Venue, _Internal):
    """All metrics, built in `registry` (default: a new one). A registry takes one Metrics only."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        super().__init__(registry if registry is not None else CollectorRegistry())
