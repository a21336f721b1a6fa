"""What `demo` was asked to do, checked before anything is started."""

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path

from hedgegrid.operator.tapes import check_readable
from hedgegrid.runtime.errors import ConfigError

MAX_SPEED = "max"
VENUE_ORDER_RATE = 10
"""Order requests a second that Bybit grants an account of the lowest tier."""
FAST_ORDER_RATE = 1000
_SYMBOL = re.compile(r"[A-Z0-9]{1,20}USDT")


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoOptions:
    tapes: tuple[Path, ...] = ()
    symbols: tuple[str, ...] = ()
    workers: int = 2
    speed: str = "1"
    """A factor, or `max`: as fast as the services follow."""
    ticks_per_s: Decimal | None = None
    """Of all symbols together."""
    for_s: float | None = None
    until_tape_ends: bool = False
    seed: int = 1
    config: Path | None = None
    report: Path | None = None
    port: int = 0
    balance: Decimal = Decimal(100_000)
    order_rate: int | None = None

    def __post_init__(self) -> None:
        for path in self.tapes:
            check_readable(path)
        for symbol in self.symbols:
            if not _SYMBOL.fullmatch(symbol):
                raise ConfigError(f"--symbols {symbol}: not a USDT perpetual; write them like BTCUSDT,ETHUSDT")
        if len(set(self.symbols)) < len(self.symbols):
            raise ConfigError("--symbols: each symbol once")
        _require("--workers", self.workers, 1, 32)
        _require("--port", self.port, 0, 65535)
        if self.for_s is not None:
            _require("--for", self.for_s, 0.1, 10_000_000)
        if self.ticks_per_s is not None:
            _require("--ticks-per-s", self.ticks_per_s, Decimal("0.01"), Decimal(100_000))
        if self.order_rate is not None:
            _require("--order-rate", self.order_rate, 1, FAST_ORDER_RATE)
        _require("--balance", self.balance, Decimal(1), Decimal(10) ** 12)
        if self.config is not None and not self.config.is_file():
            raise ConfigError(f"--config {self.config}: no such file")
        if self.until_tape_ends and not self.tapes:
            raise ConfigError("--until-tape-ends: the synthetic market has no end; name a --tape, or use --for SECONDS")
        if self.report is not None:
            _check_report_path(self.report)

    @property
    def paced(self) -> bool:
        """True: the exchange waits for the services before each step, instead of outrunning them."""
        return self.speed == MAX_SPEED

    @property
    def orders_per_s(self) -> int:
        """A market faster than life needs more orders a second than Bybit grants."""
        if self.order_rate is not None:
            return self.order_rate
        return VENUE_ORDER_RATE if self.speed == "1" else FAST_ORDER_RATE


def parse_speed(text: str) -> str:
    """`max`, or a positive factor in its shortest form; raise ConfigError for anything else."""
    if text == MAX_SPEED:
        return text
    factor = parse_number("--speed", text, f"a factor above 0, or {MAX_SPEED}")
    if not 0 < factor <= 1_000_000:
        raise ConfigError(f"--speed {text}: must be a factor above 0, or {MAX_SPEED}")
    return f"{factor.normalize():f}"


def parse_number(option: str, text: str, wanted: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        raise ConfigError(f"{option} {text}: must be {wanted}")
    return number


def parse_symbols(text: str) -> tuple[str, ...]:
    """`A,B` as symbols, in capitals."""
    return tuple(part.strip().upper() for part in text.split(",") if part.strip())


def _require(option: str, value: float | Decimal, low: float | Decimal, high: float | Decimal) -> None:
    # Written so that NaN, which compares false, is refused too.
    if not low <= value <= high:
        raise ConfigError(f"{option} {value}: must be {low}..{high}")


def _check_report_path(path: Path) -> None:
    if path.is_dir():
        raise ConfigError(f"--report {path}: is a folder; name a file")
    if not path.absolute().parent.is_dir():
        raise ConfigError(f"--report {path}: the folder {path.parent} does not exist")
