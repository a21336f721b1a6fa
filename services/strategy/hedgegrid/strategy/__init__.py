"""The strategy service: leases bots, loads their state, steps the core, commits.

It must not hold API keys, talk to the venue, or import another service.
"""
