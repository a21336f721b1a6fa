"""Recorded markets: readers that stream market events in time order. See `source.open_tapes`."""
