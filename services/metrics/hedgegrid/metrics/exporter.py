"""From exact values to Prometheus: gauges are set, counters grow by what they are behind."""

from contextlib import suppress
from decimal import Decimal

from prometheus_client import Counter, Gauge, Histogram

from hedgegrid.metrics.table import ZERO, Series, Table
from hedgegrid.runtime.metric_names import Metrics


class Exporter:
    """Writer of one registry for any number of tables, each series coming from one table only."""

    def __init__(self, metrics: Metrics) -> None:
        self._built: dict[str, Counter | Gauge | Histogram] = {
            declared.name: getattr(metrics, attribute) for attribute, declared in Metrics.declared().items()
        }
        self._counted: dict[Series, Decimal] = {}

    def export(self, table: Table) -> None:
        """Bring the registry up to date with everything that changed in the table."""
        for series, value in table.take_changed():
            name, labels = series
            built = self._built[name]
            if isinstance(built, Counter):
                before = self._counted.get(series, ZERO)
                now = value if value is not None else before
                built.labels(*labels).inc(float(now - before))
                self._counted[series] = now
            elif isinstance(built, Gauge):
                if value is None:
                    with suppress(KeyError):
                        built.remove(*labels)
                else:
                    built.labels(*labels).set(float(value))
        for (name, labels), seconds in table.take_observed():
            histogram = self._built[name]
            if isinstance(histogram, Histogram):
                histogram.labels(*labels).observe(seconds)
