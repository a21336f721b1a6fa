"""`python -m hedgegrid.strategy`: one worker; start as many as you like."""

import sys

from hedgegrid.runtime.config import bot_path, config_hash, convert_params
from hedgegrid.runtime.service import ServiceContext, run_service
from hedgegrid.strategy.bot import Bot
from hedgegrid.strategy.registry import strategy_named
from hedgegrid.strategy.worker import Worker


def build(context: ServiceContext) -> Worker:
    bots = []
    for account in context.config.accounts:
        for bot in account.bots:
            strategy = strategy_named(bot.strategy, f"{bot_path(account.id, bot.symbol)}.strategy")
            params = convert_params(bot, account.id, strategy.config_type)
            bots.append(Bot(account.id, bot.symbol, strategy, params, config_hash(bot)))
    return Worker(context, bots)


if __name__ == "__main__":
    sys.exit(run_service("strategy", build))
