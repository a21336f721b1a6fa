"""`python -m hedgegrid.exchange_sim`: bad arguments, symbols or tapes end with one line on stderr and exit code 2."""

import sys

import uvloop

from hedgegrid.exchange_sim.app import serve
from hedgegrid.exchange_sim.errors import StartError
from hedgegrid.exchange_sim.options import parse_options
from hedgegrid.tapes.lines import TapeError


def main() -> int:
    try:
        uvloop.run(serve(parse_options(sys.argv[1:])))
    except (StartError, TapeError) as error:
        sys.stderr.write(f"exchange-sim: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
