"""The gateway: Bybit's sockets in, normalised market data and account events out to Redis.

It must not decide anything, place orders, or import another service.
"""
