"""Metrics: projects the streams to Prometheus metrics, the trade ledger and a small live page.

It only reads: it must not write commands, call the venue, or import another service.
"""
