"""The command line, checked as far as it can be without opening files."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from hedgegrid.exchange_sim.clock import Speed
from hedgegrid.exchange_sim.errors import StartError
from hedgegrid.exchange_sim.exchange import Conduct
from hedgegrid.exchange_sim.live import REST_URL, SOCKET_URL
from hedgegrid.exchange_sim.pushes import AS_HAPPENED, SHUFFLED, TOPICS
from hedgegrid.exchange_sim.synthetic import Regime

DEFAULT_SYMBOLS = ("BTCUSDT", "ETHUSDT")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What to simulate and where to listen; ports 0 take any free one. `symbols` None: all of the tapes."""

    host: str = "127.0.0.1"
    port: int = 0
    admin_port: int = 0
    tapes: tuple[Path, ...] = ()
    regime: Regime = Regime.CHOP
    seed: int = 0
    symbols: tuple[str, ...] | None = None
    accounts_file: Path | None = None
    accounts: tuple[str, ...] = ("main",)
    instruments: Path | None = None
    speed: Speed = field(default_factory=Speed)
    autostart: bool = True
    conduct: Conduct = field(default_factory=Conduct)
    live: bool = False
    live_url: str = SOCKET_URL
    live_rest_url: str = REST_URL
    scenario: Path | None = None
    epoch_ms: int | None = None
    state: Path | None = None
    pace_redis: str | None = None
    pace_market_redis: str | None = None
    pace_bots: tuple[tuple[str, str], ...] = ()


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> None:  # type: ignore[override]
        raise StartError(message)


def parse_options(arguments: Sequence[str]) -> Options:
    """Options of a command line.

    Raises:
        StartError: an argument is unknown, malformed or contradicts another.
    """
    given = _parser().parse_args(arguments)
    if given.tape and given.synthetic:
        raise StartError("--tape and --synthetic exclude each other")
    if given.live and (given.tape or given.synthetic or given.ticks_per_s or given.speed != "1" or given.epoch_ms):
        raise StartError("--live excludes --tape, --synthetic, --speed, --ticks-per-s and --epoch-ms")
    if given.accounts and given.account:
        raise StartError("--accounts and --account exclude each other")
    if bool(given.pace_redis) != bool(given.pace_bots):
        raise StartError("--pace-redis and --pace-bots go together")
    return Options(
        host=given.host,
        port=given.port,
        admin_port=given.admin_port,
        tapes=tuple(given.tape),
        regime=_regime(given.synthetic or Regime.CHOP.value),
        seed=given.seed,
        symbols=_symbols(given.symbols),
        accounts_file=given.accounts,
        accounts=tuple(given.account) or ("main",),
        instruments=given.instruments,
        speed=_speed(given.speed, given.ticks_per_s),
        autostart=not given.no_autostart,
        conduct=Conduct(
            order_rate=_at_least(given.order_rate, 1, "--order-rate"),
            ip_rate=_at_least(given.ip_rate, 1, "--ip-rate"),
            ack_delay_s=_seconds(given.ack_delay_ms, "--ack-delay-ms"),
            auth_delay_s=_seconds(given.auth_delay_ms, "--auth-delay-ms"),
            push_delay_s=_seconds(given.push_delay_ms, "--push-delay-ms"),
            topic_order=_topic_order(given.topic_order),
            connect_limit=_at_least(given.connect_limit, 1, "--connect-limit"),
            send_limit_bytes=_at_least(given.send_limit_kb, 1, "--send-limit-kb") * 1024,
        ),
        live=given.live,
        live_url=given.live_url,
        live_rest_url=given.live_rest_url,
        scenario=given.scenario,
        epoch_ms=given.epoch_ms,
        state=given.state,
        pace_redis=given.pace_redis,
        pace_market_redis=given.pace_market_redis,
        pace_bots=_bots(given.pace_bots),
    )


def option_names() -> set[str]:
    """Every option, as it is spelled on the command line."""
    return {name for action in _parser()._actions for name in action.option_strings} - {"-h", "--help"}


def _parser() -> _Parser:
    parser = _Parser(prog="python -m hedgegrid.exchange_sim", description="A simulated Bybit V5 exchange.")
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="address of the REST and socket port")
    add("--port", type=int, default=0, help="REST and sockets; 0 takes a free port")
    add("--admin-port", type=int, default=0, help="admin API on 127.0.0.1; 0 takes a free port")
    add("--tape", type=Path, action="append", default=[], metavar="FILE", help="recorded market; may be repeated")
    add("--synthetic", metavar="REGIME", help=f"seeded market: {', '.join(Regime)} (default without --tape: chop)")
    add("--live", action="store_true", help="Bybit's public feed: paper trading on the real market")
    add("--live-url", default=SOCKET_URL, metavar="URL", help="of that feed")
    add("--live-rest-url", default=REST_URL, metavar="URL", help="of the instruments that go with it")
    add("--seed", type=int, default=0, help="of the market, ids and generated keys")
    add("--symbols", metavar="A,B", help="default: all of the tapes, or BTCUSDT,ETHUSDT")
    add("--accounts", type=Path, metavar="FILE", help='JSON {"accounts":[{"id","api_key","api_secret","balance"}]}')
    add("--account", action="append", default=[], metavar="ID[:BALANCE]", help="account with derived keys; repeatable")
    add("--instruments", type=Path, metavar="FILE", help="body of GET /v5/market/instruments-info (json or json.gz)")
    add("--speed", default="1", metavar="X|max", help="times real time, or max")
    add("--ticks-per-s", type=float, metavar="N", help="ticker changes a second over all symbols, whatever the tape")
    add("--no-autostart", action="store_true", help="wait for POST /admin/start")
    add("--order-rate", type=int, default=10, metavar="N", help="order requests a second, per account and kind")
    add("--ip-rate", type=int, default=600, metavar="N", help="requests in 5 s per address")
    add("--connect-limit", type=int, default=500, metavar="N", help="new sockets in 5 min per address")
    add("--scenario", type=Path, metavar="FILE", help="faults and events, TOML or JSON")
    add("--epoch-ms", type=int, metavar="MS", help="venue time at which the market begins; default: when it starts")
    add("--state", type=Path, metavar="FILE", help="keep the books there; they outlive the process")
    add("--ack-delay-ms", type=float, default=5, help="before each socket answer")
    add("--auth-delay-ms", type=float, default=0, help="until auth is through; what comes before it is refused")
    add("--push-delay-ms", type=float, default=0, help="between a command and its pushes")
    add("--send-limit-kb", type=int, default=8192, help="unsent data after which a slow reader is cut off")
    add("--topic-order", default=AS_HAPPENED, help=f"{AS_HAPPENED}, {SHUFFLED} or e.g. position,wallet,execution,order")
    add("--pace-redis", metavar="URL", help="with --speed max: wait for the bots' progress there")
    add("--pace-market-redis", metavar="URL", help="where the ticks are, if not there too")
    add("--pace-bots", metavar="ACCOUNT:SYMBOL,…", help="the bots to wait for")
    return parser


def _regime(text: str) -> Regime:
    try:
        return Regime(text)
    except ValueError:
        raise StartError(f"--synthetic {text}: one of {', '.join(Regime)}") from None


def _symbols(text: str | None) -> tuple[str, ...] | None:
    if text is None:
        return None
    symbols = tuple(part.strip() for part in text.split(",") if part.strip())
    if not symbols:
        raise StartError("--symbols: none given")
    return symbols


def _speed(text: str, ticks_per_s: float | None) -> Speed:
    if ticks_per_s is not None and ticks_per_s <= 0:
        raise StartError("--ticks-per-s must be above 0")
    if text == "max":
        return Speed(None, ticks_per_s)
    try:
        factor = Decimal(text)
    except ArithmeticError:
        raise StartError(f"--speed {text}: a number or max") from None
    if not factor.is_finite() or factor <= 0:
        raise StartError("--speed must be above 0")
    return Speed(float(factor), ticks_per_s)


def _at_least(value: int, least: int, name: str) -> int:
    if value < least:
        raise StartError(f"{name} must be at least {least}")
    return value


def _seconds(value_ms: float, name: str) -> float:
    if not 0 <= value_ms <= 60_000:
        raise StartError(f"{name} must be 0..60000")
    return value_ms / 1000


def _topic_order(text: str) -> str:
    if text in (AS_HAPPENED, SHUFFLED) or sorted(text.split(",")) == sorted(TOPICS):
        return text
    raise StartError(f"--topic-order {text}: {AS_HAPPENED}, {SHUFFLED} or all of {', '.join(TOPICS)}")


def _bots(text: str | None) -> tuple[tuple[str, str], ...]:
    bots = []
    for part in (text or "").split(","):
        if part:
            account, _, symbol = part.partition(":")
            if not account or not symbol:
                raise StartError(f"--pace-bots {part}: expected ACCOUNT:SYMBOL")
            bots.append((account, symbol))
    return tuple(bots)
