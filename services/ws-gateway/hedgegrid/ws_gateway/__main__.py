"""`python -m hedgegrid.ws_gateway`."""

import sys

from hedgegrid.runtime.service import run_service
from hedgegrid.ws_gateway.app import Gateway

if __name__ == "__main__":
    sys.exit(run_service("ws-gateway", Gateway, prompt=True))
