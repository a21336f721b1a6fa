"""Symbols as Bybit lists them: the trading rules in a row of instruments-info, and a table of a few symbols.

For what must know the rules without asking the venue's account: the simulated exchange, `hedgegrid check`, backtests.
"""
