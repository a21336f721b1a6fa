"""matplotlib, for pictures in files: imported where one is drawn, and left out of the container images."""

from importlib import import_module
from typing import Any

from hedgegrid.runtime.errors import ConfigError


def load_pyplot() -> Any:
    """The module `matplotlib.pyplot`, which needs no screen here.

    Raises:
        ConfigError: it is not installed.
    """
    try:
        import_module("matplotlib").use("Agg")
        return import_module("matplotlib.pyplot")
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"pictures need {error.name}, which the images leave out: draw in a checkout, where ./test or make venv"
            " installs it"
        ) from error
