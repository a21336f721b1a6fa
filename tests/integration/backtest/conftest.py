from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hedgegrid.strategy.backtest.__main__ import main

ROOT = Path(__file__).resolve().parents[3]
Run = Callable[..., dict[str, Any]]


@pytest.fixture
def tapes(shared_file: Callable[[str], Path]) -> Callable[[str], list[Path]]:
    """`1m`: bars of four symbols over 20 days; `5m`: half a year with the crash of 2025-10-10, and funding."""

    def find(kind: str) -> list[Path]:
        parts: tuple[str, ...]
        if kind == "1m":
            coins, parts = ("BTC", "ETH", "SOL", "DOGE"), ("1m_2025-05-29_2025-06-17",)
        else:
            coins, parts = ("BTC", "ETH", "SOL", "BNB"), ("5m_2025-09_2026-03", "funding_2025-09_2026-03")
        names = [f"{coin}USDT_{part}" for coin in coins for part in parts]
        return [shared_file(f"klines/bybit_linear_{name}.csv.gz") for name in names]

    return find


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs the command and returns exit code and report."""

    def run(config: str, tapes: list[Path], *more: str) -> dict[str, Any]:
        import json

        arguments = ["--config", str(ROOT / "config" / config), "--report", str(tmp_path), *more]
        for tape in tapes:
            arguments += ["--tape", str(tape)]
        code = main(arguments)
        report: dict[str, Any] = json.loads((tmp_path / "report.json").read_text())
        assert (tmp_path / "account.png").read_bytes().startswith(b"\x89PNG")
        assert "| ledger agrees with the venue" in (tmp_path / "report.md").read_text()
        return {"code": code, **report}

    return run


@pytest.fixture
def cut(tmp_path: Path) -> Callable[[list[Path], int, int], list[Path]]:
    """Parts of tapes between two moments."""

    def cut(tapes: list[Path], from_ms: int, to_ms: int) -> list[Path]:
        import gzip

        found = []
        for tape in tapes:
            header, *rows = gzip.decompress(tape.read_bytes()).decode().splitlines()
            kept = [row for row in rows if from_ms <= int(row.split(",")[0]) < to_ms]
            found.append(tmp_path / tape.name.removesuffix(".gz"))
            found[-1].write_text("\n".join([header, *kept]) + "\n")
        return found

    return cut
