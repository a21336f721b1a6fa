"""The simulated venue: matching, margin and accounts, as a pure engine.

Used by the exchange simulator, the backtest and tests alone; nothing that trades may import it.
It must not do I/O, read a clock or draw random numbers of its own.
"""
