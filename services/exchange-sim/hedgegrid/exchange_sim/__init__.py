"""The exchange simulator: Bybit V5's REST and sockets over the simulated venue.

It must not import hedgegrid.bybit or another service: it stands for the other side of the wire.
"""
