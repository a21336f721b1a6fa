<<<<<<< HEAD
"""The strategy itself, pure: `step(config, state, event) -> Decision`. No clock, no I/O, no randomness, no float money."""
=======
"""The strategy itself, a pure function: step(config, state, event) -> Decision.

It must not do I/O, read a clock, draw random numbers, or compute money in floats.
"""
>>>>>>> skeleton
