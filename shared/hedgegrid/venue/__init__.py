"""A deterministic simulated Bybit linear-perpetual venue: pure, no clock, no I/O. See `engine.Venue`."""
