"""Ladder against average entry, take-profit and liquidation, one panel a leg."""

from collections.abc import Sequence
from pathlib import Path

from hedgegrid.runtime.drawing import load_pyplot
from hedgegrid.strategy.check.ladders import BotRisk


def draw(bots: Sequence[BotRisk], path: Path) -> None:
    """Write the picture as PNG; a leg without a liquidation price shows none.

    Raises:
        ConfigError: matplotlib is not here.
    """
    pyplot = load_pyplot()
    panels = [(bot, leg) for bot in bots for leg in bot.legs]
    figure, axes = pyplot.subplots(
        max(1, (len(panels) + 1) // 2), 2, figsize=(12, 3.6 * max(1, (len(panels) + 1) // 2)), squeeze=False,
        layout="constrained",
    )  # fmt: skip
    for axis, (bot, leg) in zip(axes.flat, panels, strict=False):
        levels = [level.row.level for level in leg.levels]
        axis.step(levels, [float(level.row.price) for level in leg.levels], where="mid", label="level", color="#1f4e79")
        axis.plot(levels, [float(level.row.average_px) for level in leg.levels], label="average", color="#2e8b57")
        exits = [float(level.row.take_profit_px) for level in leg.levels]
        axis.plot(levels, exits, label="take-profit", color="#999999", linestyle="--")
        ends = [(level.row.level, float(level.liquidation_px)) for level in leg.levels if level.liquidation_px]
        if ends:
            axis.plot([end[0] for end in ends], [end[1] for end in ends], label="liquidation", color="#a03030")
        axis.set_title(f"{bot.plan.symbol} {leg.leg.word}")
        axis.set_xlabel("levels filled")
        axis.set_ylabel("price, USDT")
        axis.legend(fontsize="small")
    for axis in axes.flat[len(panels) :]:
        axis.set_visible(False)
    figure.savefig(path, dpi=110)
    pyplot.close(figure)
