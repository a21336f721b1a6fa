"""`python -m hedgegrid.executor`"""

import sys

from hedgegrid.executor.service import build
from hedgegrid.runtime.service import run_service

if __name__ == "__main__":
    sys.exit(run_service("executor", build, prompt=True))
