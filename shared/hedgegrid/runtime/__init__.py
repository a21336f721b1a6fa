"""What every service needs to run: settings, config, clock, health, logging, metric names.

It must not hold business rules, nor import a service or hedgegrid.bybit.
"""
