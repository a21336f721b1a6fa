"""`python -m hedgegrid.strategy`: one worker; start as many as you like."""

import sys

from hedgegrid.runtime.config import config_hash
from hedgegrid.runtime.service import ServiceContext, run_service
from hedgegrid.strategy.bot import Bot
from hedgegrid.strategy.plans import plans_of
from hedgegrid.strategy.worker import Worker


def build(context: ServiceContext) -> Worker:
    bots = []
    for account in context.config.accounts:
        for bot, plan in zip(account.bots, plans_of(account), strict=True):
            bots.append(Bot(account.id, bot.symbol, plan.strategy, plan.config, config_hash(bot)))
    return Worker(context, bots)


if __name__ == "__main__":
    sys.exit(run_service("strategy", build, prompt=True))
