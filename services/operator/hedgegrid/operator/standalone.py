"""A service started alone in the place of this process."""

import os
import sys
from collections.abc import Sequence

from hedgegrid.operator.services import base_environment


def become_exchange(arguments: Sequence[str]) -> None:
    """Replace this process by the simulated exchange: signals, output and exit code are its own.

    It is not told the API keys and addresses that the environment may hold for other services.
    """
    command = [sys.executable, "-m", "hedgegrid.exchange_sim", *arguments]
    os.execve(sys.executable, command, base_environment(os.environ))  # noqa: S606 no shell is wanted
