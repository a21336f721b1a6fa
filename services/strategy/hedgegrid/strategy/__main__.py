"""`python -m hedgegrid.strategy`: one worker; start as many as you like."""

import sys

from hedgegrid.runtime.config import config_hash, convert_params
from hedgegrid.runtime.errors import ConfigError
from hedgegrid.runtime.service import ServiceContext, run_service
from hedgegrid.strategy.bot import Bot
from hedgegrid.strategy.core.config import DualGridConfig
from hedgegrid.strategy.worker import Worker


def build(context: ServiceContext) -> Worker:
    bots = []
    for account in context.config.accounts:
        for bot in account.bots:
            if bot.strategy != "dual_grid":
                raise ConfigError(
                    f"accounts[{account.id}].bots[{bot.symbol}].strategy: {bot.strategy!r} is unknown; use 'dual_grid'"
                )
            params = convert_params(bot, account.id, DualGridConfig)
            bots.append(Bot(account.id, bot.symbol, params, config_hash(bot)))
    return Worker(context, bots)


if __name__ == "__main__":
    sys.exit(run_service("strategy", build))
