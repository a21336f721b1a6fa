"""Exact values of metrics as projections see them: Decimal, not yet Prometheus, ready to be saved."""

from decimal import Decimal

from prometheus_client import Counter, Gauge, Histogram

from hedgegrid.runtime.metric_spec import Declared

Series = tuple[str, tuple[str, ...]]
"""Exposed name and label values."""
Row = tuple[str, tuple[str, ...], Decimal]

ZERO = Decimal(0)


class Table:
    """Values by series; remembers what changed since it was last exported. One writer thread."""

    def __init__(self) -> None:
        self._values: dict[Series, Decimal] = {}
        self._changed: set[Series] = set()
        self._observed: list[tuple[Series, float]] = []

    def add(self, metric: Declared[Counter] | Declared[Gauge], *labels: str, by: Decimal | int = 1) -> None:
        """Add to a sum; an unknown series starts at 0."""
        series = (metric.name, labels)
        self._values[series] = self._values.get(series, ZERO) + by
        self._changed.add(series)

    def set(self, metric: Declared[Gauge], *labels: str, value: Decimal | int | None) -> None:
        """Set a present value; None = there is no such figure (any more)."""
        series = (metric.name, labels)
        if value is None:
            self._values.pop(series, None)
        else:
            self._values[series] = Decimal(value)
        self._changed.add(series)

    def choose(self, metric: Declared[Gauge], *labels: str, among: list[str], chosen: str) -> None:
        """Set one of the last label's values to 1 and all others to 0."""
        for name in among:
            self.set(metric, *labels, name, value=int(name == chosen))

    def observe(self, metric: Declared[Histogram], *labels: str, seconds: float) -> None:
        """Note one observation; it is exported once and never saved."""
        self._observed.append(((metric.name, labels), seconds))

    def get(self, metric: Declared[Counter] | Declared[Gauge], *labels: str) -> Decimal | None:
        """Return the value, None if there is none. Any thread may ask."""
        return self._values.get((metric.name, labels))

    def rows(self) -> list[Row]:
        """Return a copy of all values. Any thread may ask."""
        return [(name, labels, value) for (name, labels), value in self._values.copy().items()]

    def load(self, rows: list[Row]) -> None:
        """Replace all values by saved ones."""
        self._values = {(name, labels): value for name, labels, value in rows}
        self._changed = set(self._values)
        self._observed = []

    def take_changed(self) -> list[tuple[Series, Decimal | None]]:
        """Return the series that changed since the last call, None for a removed one."""
        changed, self._changed = self._changed, set()
        return [(series, self._values.get(series)) for series in changed]

    def take_observed(self) -> list[tuple[Series, float]]:
        """Return the observations since the last call."""
        observed, self._observed = self._observed, []
        return observed
