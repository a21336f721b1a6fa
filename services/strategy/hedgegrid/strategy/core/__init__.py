"""The strategy itself, pure: `step(config, state, event) -> Decision`.

No clock, no I/O, no randomness, no float money.
"""
