"""The second port: the venue's own truth for checkers, the market's start and pause, and faults."""
