"""The dead man's switch: on a second host, cancels an account's orders when its executor gives no sign of life.

Alone with its own API key: it knows neither Redis nor the bots.
"""
