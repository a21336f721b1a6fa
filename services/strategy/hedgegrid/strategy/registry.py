"""The strategies that a config may name: ours, and what other installed packages offer.

A package offers one in its metadata, as an entry point of the group `hedgegrid.strategies` that names a subclass of
`LegStrategy`. It is loaded only when a config asks for it.
"""

from importlib.metadata import entry_points
from typing import Any

from hedgegrid.runtime.errors import ConfigError
from hedgegrid.strategy.core.dual_grid import DualGrid
from hedgegrid.strategy.core.leg_strategy import LegStrategy
from hedgegrid.strategy.core.range_grid import RangeGrid

GROUP = "hedgegrid.strategies"
BUILT_IN: dict[str, type[LegStrategy[Any, Any]]] = {"dual_grid": DualGrid, "range_grid": RangeGrid}

AnyStrategy = LegStrategy[Any, Any]


def strategy_named(name: str, where: str) -> AnyStrategy:
    """The strategy of that name; `where` is the path of the setting for error messages.

    Raises:
        ConfigError: nobody offers it, two packages do, or what is offered is no strategy.
    """
    if name in BUILT_IN:
        return BUILT_IN[name]()
    offered = [point for point in entry_points(group=GROUP) if point.name == name]
    if not offered:
        known = ", ".join(sorted({*BUILT_IN, *(point.name for point in entry_points(group=GROUP))}))
        raise ConfigError(f"{where}: no strategy {name!r}; there are: {known}")
    if len(offered) > 1:
        values = ", ".join(sorted(point.value for point in offered))
        raise ConfigError(f"{where}: several packages offer {name!r} ({values}); uninstall all but one")
    [point] = offered
    try:
        found = point.load()
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"{where}: {name!r} ({point.value}) cannot be loaded: {error}") from error
    if not (isinstance(found, type) and issubclass(found, LegStrategy)):
        raise ConfigError(f"{where}: {name!r} ({point.value}) is not a subclass of LegStrategy")
    return found()
