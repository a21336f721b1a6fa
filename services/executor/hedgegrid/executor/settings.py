"""Waiting times and sizes of the executor, from the environment like every setting."""

from typing import Literal

from pydantic import Field

from hedgegrid.runtime.settings import ServiceSettings


class ExecutorSettings(ServiceSettings):
    """Defaults are what real trading wants; tests shorten the waits."""

    command_ttl_ms: int = Field(
        default=10_000, ge=100, le=600_000, description="100..600000 ms: an older command that adds exposure is denied"
    )
    executor_lanes: int = Field(default=8, ge=1, le=64, description="1..64 threads posting orders, per account")
    executor_queries: int = Field(default=2, ge=1, le=16, description="1..16 threads asking the venue, per account")
    fence_margin_ms: int = Field(
        default=1000, ge=0, le=60_000, description="0..60000 ms on top of the receive window before an order is dead"
    )
    absent_rounds: int = Field(default=3, ge=1, le=20, description="1..20 full rounds without a trace of an order")
    absent_span_ms: int = Field(
        default=10_000, ge=0, le=600_000, description="0..600000 ms which those rounds must span"
    )
    retry_first_ms: int = Field(default=500, ge=1, le=60_000, description="1..60000 ms, doubled up to 16-fold")
    give_up_ms: int = Field(
        default=60_000, ge=100, le=3_600_000, description="100..3600000 ms: longest retrying of a cancel or close"
    )
    max_orders_per_min: int | None = Field(
        default=None, ge=1, description="1 or more orders a minute of an account that add exposure"
    )
    max_orders_per_min_bot: int | None = Field(
        default=None, ge=1, description="1 or more orders a minute of one bot that add exposure"
    )
    max_open_orders: int = Field(
        default=200, ge=1, le=480, description="1..480 open orders of a symbol that add exposure; the venue takes 500"
    )
    quarantine_after_ms: int = Field(
        default=60_000,
        ge=100,
        le=3_600_000,
        description="100..3600000 ms without an outcome: no exposure on its symbol",
    )
    ban_pause_s: int = Field(default=600, ge=1, le=86_400, description="1..86400 s without any call after HTTP 403")
    probe_first_s: float = Field(
        default=30, ge=0.1, le=86_400, description="0.1..86400 s until a venue that refuses the account is asked again"
    )
    probe_longest_s: float = Field(
        default=600, ge=0.1, le=86_400, description="0.1..86400 s: the pauses double up to this"
    )
    stop_grace_ms: int = Field(default=8000, ge=0, le=60_000, description="0..60000 ms to finish what is being sent")
    snapshot_drain_ms: int = Field(
        default=30_000, ge=100, le=600_000, description="100..600000 ms a snapshot waits for commands in flight"
    )
    snapshot_quiet_ms: int = Field(
        default=500, ge=0, le=60_000, description="0..60000 ms between a symbol's last order request and a snapshot"
    )
    kill_signal_level: Literal["PAUSE", "CANCEL", "FLATTEN"] = Field(
        default="CANCEL", description="PAUSE, CANCEL or FLATTEN: what SIGUSR1 or an empty kill file asks for"
    )
    kill_bots_close_ms: int = Field(
        default=2000, ge=0, le=600_000, description="0..600000 ms that a flattening is left to the bots"
    )
    stream_keep_h: int = Field(
        default=72,
        ge=1,
        le=8760,
        description="1..8760 h that account streams are kept for people, unless half of Redis' memory is used",
    )
    redis_stop_pct: float = Field(
        default=80, ge=1, le=100, description="1..100 % of maxmemory: from there on nothing that adds exposure is sent"
    )
    redis_cancel_pct: float = Field(
        default=90, ge=1, le=100, description="1..100 % of maxmemory: from there on only cancels and closings at market"
    )
    clock_limit_ms: int = Field(
        default=500,
        ge=10,
        le=60_000,
        description="10..60000 ms: known worse than that, the venue's time stops exposure",
    )
    clock_drift_limit_ms: int = Field(
        default=5000, ge=100, le=86_400_000, description="100..86400000 ms that our clock may be off the venue's"
    )
    rest_connect_timeout_ms: int = Field(default=2000, ge=1, le=60_000, description="1..60000 ms")
    rest_read_timeout_ms: int = Field(default=5000, ge=1, le=60_000, description="1..60000 ms")

    @property
    def orders_per_min(self) -> int:
        """Of an account; half of what its order rate would let through, unless set."""
        return self.max_orders_per_min or 30 * self.order_rate_per_s

    @property
    def orders_per_min_bot(self) -> int:
        """Of one bot; a fifth of what its account's order rate would let through, unless set."""
        return self.max_orders_per_min_bot or 12 * self.order_rate_per_s

    @property
    def fence_ms(self) -> int:
        """From signing on, the time after which the venue cannot accept a request any more."""
        return self.recv_window_ms + self.fence_margin_ms

    def backoff_ns(self, tries: int) -> int:
        """0.5, 1, 2, 4, 8, 8, … seconds by default, for `tries` = 1, 2, 3, …"""
        return int(self.retry_first_ms * 1_000_000 * 2 ** min(max(tries - 1, 0), 4))

    def look_again_ns(self, looks: int, absences: int) -> int:
        """Until an order of unknown outcome is looked for again, after `looks` looks of which `absences` count.

        As after failures at first, but soon enough for a line that is back; then in the even steps in which the rounds
        span their time, since a bot waits for the proof.
        """
        steps = max(self.absent_rounds - 1, 1)
        step_ns = max(-(-self.absent_span_ms // steps), self.retry_first_ms) * 1_000_000
        return step_ns if absences else min(self.backoff_ns(looks + 1), step_ns)
