"""`python -m hedgegrid.metrics`: settings from HEDGEGRID_*, accounts and bots from the TOML file."""

import sys

from hedgegrid.metrics.service import NAME, MetricsService
from hedgegrid.runtime.service import run_service

if __name__ == "__main__":
    sys.exit(run_service(NAME, MetricsService))
