"""`python -m hedgegrid.deadman`, or `hedgegrid deadman`."""

import sys

from hedgegrid.deadman.service import main

if __name__ == "__main__":
    sys.exit(main())
