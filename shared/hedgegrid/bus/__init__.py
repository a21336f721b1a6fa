"""Redis Streams: the only owner of stream and key names, wire format, commit, leases, dead letters.

Must not decide anything about trading.
"""
