"""Commands that need the strategy's code run as its own programs: the operator imports no service."""

import subprocess
import sys
from collections.abc import Sequence


def run_tool(name: str, arguments: Sequence[str]) -> int:
    """Run `python -m hedgegrid.strategy.NAME` in the foreground; its exit code."""
    return subprocess.call([sys.executable, "-m", f"hedgegrid.strategy.{name}", *arguments])
