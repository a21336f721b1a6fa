"""The strategy itself, a pure function: step(config, state, event) -> Decision.

It must not do I/O, read a clock, draw random numbers, or compute money in floats.
"""
