<<<<<<< HEAD
"""Redis Streams: the only owner of stream and key names, wire format, commit, leases, dead letters."""
=======
"""Redis Streams: keys, codec, readers, outbox, leases, dead letters.

The only owner of stream and key names. It must not decide anything about trading.
"""
>>>>>>> skeleton
