"""The nouns of the trade, pure and stdlib only: no clock, no I/O, no float money."""
