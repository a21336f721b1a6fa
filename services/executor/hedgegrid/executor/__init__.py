"""The executor: takes commands, checks them again, sends them to the venue, reports outcomes.

It must not originate orders, count an ambiguous outcome as failed, or import another service.
"""
