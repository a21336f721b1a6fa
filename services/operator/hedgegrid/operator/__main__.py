"""`python -m hedgegrid.operator`: the `hedgegrid` command."""

import sys

from hedgegrid.operator.cli import main

if __name__ == "__main__":
    sys.exit(main())
