"""Rules speak of metrics that exist, every alert fires when it should and only then, and has its page."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import promql_parser
import pytest
import yaml

from hedgegrid.runtime.metric_names import Metrics
from tests.real_components import missing

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "deploy" / "prometheus"
RULES: list[dict[str, Any]] = [
    rule
    for file in sorted((FOLDER / "rules").glob("*.yml"))
    for group in yaml.safe_load(file.read_text())["groups"]
    for rule in group["rules"]
]
ALERTS = {rule["alert"]: rule for rule in RULES if "alert" in rule}
OWN = {"up"}


class Case(NamedTuple):
    """Series as promtool writes them (one value every 5 s), the time of looking, and whether the alert is there."""

    series: dict[str, str]
    at: str
    fires: bool


def gauge(name: str, sick: str, healthy: str, at: str = "2m") -> list[Case]:
    """It fires on the one constant value and not on the other."""
    return [Case({name: f"{sick}x60"}, at, True), Case({name: f"{healthy}x60"}, at, False)]


MM = 'hedgegrid_maintenance_margin_rate_ratio{account="main"}'
EQUITY = 'hedgegrid_wallet_equity_usdt{account="main"}'
EPOCH, OWNER = 'hedgegrid_lease_epoch{account="a",lease="B"}', 'hedgegrid_lease_owner{account="a",lease="B",owner="w"}'
USED, MAX = 'hedgegrid_redis_memory_used_bytes{server="money"}', 'hedgegrid_redis_memory_max_bytes{server="money"}'
REJECTED = 'hedgegrid_orders_total{account="a",symbol="B",leg="long",outcome="rejected"}'
SUBMITTED = REJECTED.replace("rejected", "submitted")
DENIED = 'hedgegrid_orders_denied_total{account="a",symbol="B",reason="?"}'
STATE = 'hedgegrid_trading_state{account="a",symbol="B",state="HALTED"}'

RECONCILED = 'hedgegrid_bot_reconciled{account="a",symbol="B"}'

CASES: dict[str, list[Case]] = {
    "BotUnreconciled": [*gauge(RECONCILED, "0", "1", "3m"), Case({RECONCILED: "0x20 1 0x20"}, "3m", False)],
    "BotStateUnreadable": gauge('hedgegrid_bot_state_readable{account="a",symbol="B"}', "0", "1"),
    "FeedLost": [
        *gauge('hedgegrid_feed_up{feed="private",account="main"}', "0", "1"),
        Case({'hedgegrid_feed_up{feed="private",account="main"}': "1x10 0 1x20"}, "1m", False),
    ],
    "FeedStale": [
        *gauge('hedgegrid_last_message_age_seconds{feed="public",account=""}', "30", "3"),
        Case({'hedgegrid_last_message_age_seconds{feed="private",account="a"}': "300x60"}, "2m", False),
    ],
    "ReconciliationFailed": [
        Case({'hedgegrid_snapshots_total{account="a",reason="gap",result="failed"}': "_x10 1x50"}, "2m", True),
        Case({'hedgegrid_snapshots_total{account="a",reason="gap",result="failed"}': "1x99"}, "7m", False),
        Case({'hedgegrid_snapshots_total{account="a",reason="gap",result="ok"}': "0+1x60"}, "2m", False),
    ],
    "ServiceNotReady": gauge('hedgegrid_service_ready{service="strategy",instance="s"}', "0", "1"),
    "BotWithoutWorker": [
        Case({EPOCH: "3x60"}, "1m", True),
        Case({EPOCH: "3x60", OWNER: "1x60"}, "1m", False),
    ],
    "UnknownOrder": [
        Case({'hedgegrid_unknown_orders{account="a"}': "0x10 1x20"}, "70s", True),
        Case({'hedgegrid_unknown_orders{account="a"}': "0x10 1 0x20"}, "55s", False),
    ],
    "RedisWentBack": [
        Case({'hedgegrid_redis_went_back_total{account="a"}': "_x10 1 _x30"}, "30m", True),
        Case({'hedgegrid_redis_went_back_total{account="a"}': "1 _x200"}, "90m", False),
    ],
    "MarginRateElevated": gauge(MM, "0.5", "0.4"),
    "MarginRateCritical": gauge(MM, "0.71", "0.7"),
    "MarginRateOld": gauge('hedgegrid_margin_rate_age_seconds{account="a"}', "700", "300"),
    "EquityDrawdown": [
        Case({EQUITY: "100x20 89x40"}, "3m", True),
        Case({EQUITY: "100x20 91x40"}, "3m", False),
    ],
    "BotHalted": gauge(STATE, "1", "0"),
    "OrdersRejected": [
        Case({REJECTED: "0+1x60", SUBMITTED: "0+10x60"}, "3m", True),
        Case({REJECTED: "0+1x60", SUBMITTED: "0+100x60"}, "3m", False),
        Case({REJECTED: "0x20 1x40", SUBMITTED: "0x20 2x40"}, "3m", False),
    ],
    "StreamLag": gauge('hedgegrid_stream_lag_entries{stream="s",reader="metrics"}', "1000", "999"),
    "DeadLetters": [
        *gauge('hedgegrid_stream_length_entries{stream="{a}:events:dead"}', "1", "0"),
        Case({'hedgegrid_stream_length_entries{stream="{a}:events"}': "9x60"}, "2m", False),
    ],
    "EventsHeld": gauge('hedgegrid_held_events{account="a"}', "1", "0"),
    "RedisMemory": [
        Case({USED: "81x60", MAX: "100x60"}, "2m", True),
        Case({USED: "79x60", MAX: "100x60"}, "2m", False),
        Case({USED: "79x60", MAX: "0x60"}, "2m", False),
    ],
    "LedgerDifference": gauge('hedgegrid_ledger_mismatch_usdt{account="a",symbol="B",leg="long"}', "-0.00000001", "0"),
    "LedgerRefused": gauge('hedgegrid_ledger_refused_total{account="a"}', "1", "0"),
    "LeaseFlapping": [
        Case({EPOCH: "1+1x60"}, "2m", True),
        Case({EPOCH: "1x20 2x40"}, "3m", False),
    ],
    "ClockOffset": gauge('hedgegrid_venue_clock_offset_seconds{service="executor"}', "-0.6", "0.1"),
    "NoHeartbeat": [
        *gauge('hedgegrid_heartbeat_age_seconds{service="executor",instance="e"}', "11", "2"),
        Case({f'hedgegrid_heartbeat_age_seconds{{service="s",instance="{i}"}}': f"{i}0x60" for i in "04"}, "2m", False),
    ],
    "ServiceDown": gauge('up{job="strategy",instance="10.0.0.2:9100"}', "0", "1"),
    "NoExecutor": [
        Case({'up{job="executor",instance="e"}': "0x60"}, "2m", True),
        Case({'up{job="metrics",instance="e"}': "1x60"}, "2m", True),
        Case({'up{job="executor",instance="e"}': "1x60", 'up{job="executor",instance="f"}': "0x60"}, "2m", False),
    ],
    "GuardActs": [
        *gauge('hedgegrid_guard_stage{account="a",stage="REDUCE"}', "1", "0"),
        Case({'hedgegrid_guard_stage{account="a",stage="NORMAL"}': "1x60"}, "2m", False),
    ],
    "InterlockHolds": [
        *gauge('hedgegrid_interlock{account="a",symbol="",interlock="redis-memory"}', "2", "0"),
        Case(
            {'hedgegrid_interlock{account="a",symbol="B",interlock="redis-restarted"}': "0x10 1x2 0x30"}, "65s", False
        ),
    ],
    "KillSwitchThrown": gauge('hedgegrid_kill_switch_level{account="a"}', "2", "0"),
    "KillSwitchPending": [
        *gauge('hedgegrid_kill_switch_pending{account="a"}', "1", "0"),
        Case({'hedgegrid_kill_switch_pending{account="a"}': "0x10 1 0x20"}, "55s", False),
    ],
    "DeadmanFired": gauge('hedgegrid_deadman_state{account="a",state="fired"}', "1", "0"),
    "DeadmanWaiting": gauge('hedgegrid_deadman_state{account="a",state="waiting"}', "1", "0", "3m"),
    "ControlRefused": [
        Case({'hedgegrid_control_refused_total{account="a",reason="forged"}': "_x10 1x200"}, "2m", True),
        Case({'hedgegrid_control_refused_total{account="a",reason="forged"}': "1x200"}, "11m", False),
    ],
    "OrderLimitHit": [
        Case({DENIED.replace("?", "PACE"): "_x10 1x50"}, "2m", True),
        Case({DENIED.replace("?", "COLLAR"): "3x10 4x50"}, "2m", True),
        Case({DENIED.replace("?", "COLLAR"): "3x120"}, "7m", False),
        Case({DENIED.replace("?", "STALE"): "0+1x60"}, "2m", False),
    ],
    "NoMetrics": [
        Case({'up{job="executor",instance="e"}': "1x60"}, "2m", True),
        Case({'up{job="metrics",instance="e"}': "1x60"}, "2m", False),
    ],
}


def exposed() -> set[str]:
    """Every name a scrape or a recording rule gives."""
    names = {rule["record"] for rule in RULES if "record" in rule} | OWN
    for declared in Metrics.declared().values():
        suffixes = ("_bucket", "_sum", "_count") if declared.kind == "histogram" else ("",)
        names |= {declared.name + suffix for suffix in suffixes}
    return names


def selected(expression: str) -> Iterator[str]:
    """Names of the metrics an expression reads; a faulty one raises ValueError."""
    text = promql_parser.parse(expression).prettify()
    without_labels = re.sub(r'"[^"]*"', "", re.sub(r"\b(?:by|on|ignoring|without)\s*\([^)]*\)", "", text))
    yield from re.findall(r"(?<![\w:])((?:hedgegrid_\w+|\w+:\w+:\w+|up))(?![\w(:])", without_labels)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.get("alert") or rule["record"])
def test_a_rule_reads_metrics_that_exist(rule: dict[str, Any]) -> None:
    names = list(selected(rule["expr"]))
    assert names
    assert set(names) <= exposed()


def test_a_misspelt_metric_and_a_faulty_expression_are_found() -> None:
    assert set(selected('sum by (account) (hedgegrid_fed_up{stream="x:y:z"})')) - exposed() == {"hedgegrid_fed_up"}
    with pytest.raises(ValueError, match="parenthesis"):
        list(selected("sum(hedgegrid_feed_up"))


def test_every_alert_is_tried_and_has_its_page() -> None:
    headings = re.findall(r"^## (\w+)$", (ROOT / "docs" / "runbook.md").read_text(), re.MULTILINE)
    assert sorted(headings) == sorted(ALERTS)
    assert set(CASES) == set(ALERTS)
    for name, rule in ALERTS.items():
        assert rule["annotations"]["runbook"] == f"docs/runbook.md#{name.lower()}"
        assert rule["labels"]["severity"] in ("page", "warn")
        assert {case.fires for case in CASES[name]} == {True, False}, "a rule is shown to fire, and not to"


@pytest.fixture(scope="module")
def promtool() -> str:
    found = shutil.which("promtool")
    if found is None:
        missing("promtool: apt-get install prometheus")
    return found


def run(promtool: str, *arguments: str | Path) -> None:
    done = subprocess.run([promtool, *arguments], capture_output=True, text=True, check=False, timeout=110)
    assert done.returncode == 0, done.stdout + done.stderr


def test_promtool_accepts_config_and_rules(promtool: str) -> None:
    run(promtool, "check", "config", "--syntax-only", FOLDER / "prometheus.yml")
    run(promtool, "check", "rules", *sorted((FOLDER / "rules").glob("*.yml")))


def test_the_alerts_fire_when_they_should(promtool: str, tmp_path: Path) -> None:
    tests = [
        {
            "name": f"{alert} {number}",
            "interval": "5s",
            "input_series": [{"series": name, "values": values} for name, values in case.series.items()],
            "promql_expr_test": [
                {
                    "expr": f'count(ALERTS{{alertname="{alert}",alertstate="firing"}}) or vector(0)',
                    "eval_time": case.at,
                    "exp_samples": [{"labels": "{}", "value": int(case.fires)}],
                }
            ],
        }
        for alert, cases in CASES.items()
        for number, case in enumerate(cases)
    ]
    file = tmp_path / "tests.yml"
    rules = [str(path) for path in sorted((FOLDER / "rules").glob("*.yml"))]
    file.write_text(yaml.safe_dump({"rule_files": rules, "evaluation_interval": "5s", "tests": tests}))
    run(promtool, "test", "rules", file)
