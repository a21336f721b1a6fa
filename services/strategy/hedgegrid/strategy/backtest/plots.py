"""Equity, exposure and margin rate over time, with the guard's stages underneath; one picture."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from hedgegrid.domain.risk import RiskStage
from hedgegrid.runtime.drawing import load_pyplot
from hedgegrid.strategy.backtest.replay import Sample

MOST_POINTS = 4000
_SHADES = {
    RiskStage.WARN: "#fff3b0",
    RiskStage.NO_NEW_CYCLES: "#ffd580",
    RiskStage.NO_AVERAGING: "#ffad5c",
    RiskStage.REDUCE: "#ff7a5c",
    RiskStage.FLATTEN: "#d9534f",
}


def draw(samples: Sequence[Sample], title: str, path: Path) -> None:
    """Write the picture as PNG.

    Raises:
        ConfigError: matplotlib is not here.
    """
    pyplot = load_pyplot()
    shown = _thinned(samples)
    times = [datetime.fromtimestamp(s.at_ms / 1000, UTC) for s in shown]
    figure, (top, middle, bottom) = pyplot.subplots(3, 1, sharex=True, figsize=(12, 9), layout="constrained")
    top.plot(times, [s.equity for s in shown], color="#1f4e79", linewidth=0.9)
    top.set_ylabel("equity, USDT")
    top.set_title(title)
    middle.plot(times, [s.worst for s in shown], color="#bbbbbb", linewidth=0.8, label="all orders filled")
    middle.plot(times, [s.held for s in shown], color="#2e8b57", linewidth=0.9, label="held")
    middle.set_ylabel("notional, USDT")
    middle.legend(loc="upper left")
    bottom.plot(times, [100 * s.im_rate for s in shown], color="#bbbbbb", linewidth=0.8, label="initial")
    bottom.plot(times, [100 * s.mm_rate for s in shown], color="#a03030", linewidth=0.9, label="maintenance")
    bottom.set_ylabel("margin rate, % of equity")
    bottom.legend(loc="upper left")
    for begin, end, stage in _spans(samples):
        for axis in (top, middle, bottom):
            left, right = (datetime.fromtimestamp(ms / 1000, UTC) for ms in (begin, end))
            axis.axvspan(left, right, color=_SHADES[stage], alpha=0.6, linewidth=0)
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def _thinned(samples: Sequence[Sample]) -> list[Sample]:
    """Of each stretch the sample with the highest maintenance rate, so that no peak is lost."""
    width = max(1, len(samples) // MOST_POINTS)
    return [max(samples[i : i + width], key=lambda s: s.mm_rate) for i in range(0, len(samples), width)]


def _spans(samples: Sequence[Sample]) -> list[tuple[int, int, RiskStage]]:
    spans: list[tuple[int, int, RiskStage]] = []
    begin = samples[0]
    for sample in (*samples, None):
        if sample is None or sample.stage != begin.stage:
            if begin.stage:
                spans.append((begin.at_ms, (sample or samples[-1]).at_ms, RiskStage(begin.stage)))
            if sample is not None:
                begin = sample
    return spans
