"""The operator's command line and the demo's supervisor.

It starts the other services as processes and must never import them, nor hold API keys.
"""
