"""The bots of a config, each with its strategy and its checked settings."""

from typing import Any, NamedTuple

from hedgegrid.runtime.config import AccountConfig, bot_path, convert_params
from hedgegrid.strategy.core.common_config import CommonConfig
from hedgegrid.strategy.core.leg_strategy import LegStrategy
from hedgegrid.strategy.registry import strategy_named


class BotPlan(NamedTuple):
    """A bot to run or to judge."""

    symbol: str
    strategy: LegStrategy[Any, Any]
    config: CommonConfig


def plans_of(account: AccountConfig) -> list[BotPlan]:
    """The account's bots, ready to step.

    Raises:
        ConfigError: a strategy or one of its settings is not known or not valid.
    """
    plans = []
    for bot in account.bots:
        strategy = strategy_named(bot.strategy, f"{bot_path(account.id, bot.symbol)}.strategy")
        plans.append(BotPlan(bot.symbol, strategy, convert_params(bot, account.id, strategy.config_type)))
    return plans
