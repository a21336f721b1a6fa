"""What a tape's file name tells."""

import re
from pathlib import Path

from hedgegrid.tapes.lines import TapeError

_NAME = re.compile(r"(?<![A-Z0-9])[A-Z0-9]{2,}(?:USDT|USDC|USD|PERP)(?![A-Z0-9])")


def symbol_in_name(path: Path) -> str:
    """The symbol a file name spells in capitals (`bybit_linear_BTCUSDT_5m.csv.gz` → BTCUSDT).

    Raises:
        TapeError: none, or more than one.
    """
    found = set(_NAME.findall(path.name))
    if len(found) != 1:
        raise TapeError(str(path), None, f"the file name must hold one symbol, found {sorted(found) or 'none'}")
    return str(found.pop())
