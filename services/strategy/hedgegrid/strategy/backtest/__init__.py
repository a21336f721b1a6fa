"""The backtest: the same core, run against the simulated venue over recorded prices.

It must not reach Redis, a broker or the network, not even indirectly.
"""
