"""How `metric_names` declares a metric: once, typed, with help and labels.

A declaration is a non-data descriptor: the built metric is stored on the instance under the same
name and found there first, so reading `metrics.orders` costs one ordinary attribute access.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar, overload

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics

NAMESPACE = "hedgegrid"

M = TypeVar("M", Counter, Gauge, Histogram)


@dataclass(frozen=True, slots=True)
class Declared(Generic[M]):
    """One metric of the system; `name` is the exposed name (counters end in _total)."""

    kind: str
    name: str
    help: str
    labels: tuple[str, ...]
    build: Callable[[CollectorRegistry], M]

    @overload
    def __get__(self, instance: None, owner: type) -> "Declared[M]": ...
    @overload
    def __get__(self, instance: object, owner: type) -> M: ...
    def __get__(self, instance: object | None, owner: type) -> "Declared[M] | M":
        if instance is None:
            return self
        raise AttributeError(f"{self.name} is not built: call MetricSet.__init__")  # pragma: no cover


class MetricSet:
    """Base of a registry of metrics: builds every declaration of the class at once."""

    def __init__(self, registry: CollectorRegistry) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # a third of the exposition, unused
        self.registry = registry
        for attribute, declared in self.declared().items():
            setattr(self, attribute, declared.build(registry))

    @classmethod
    def declared(cls) -> dict[str, "Declared[Counter] | Declared[Gauge] | Declared[Histogram]"]:
        """Return every declaration by attribute name (for docs, dashboards' checks and tests)."""
        return {
            name: item
            for base in reversed(cls.__mro__)
            for name, item in vars(base).items()
            if isinstance(item, Declared)
        }


def counter(name: str, text: str, *labels: str) -> Declared[Counter]:
    """Declare a counter; `name` without namespace and `_total`."""
    full = f"{NAMESPACE}_{name}"
    return Declared("counter", f"{full}_total", text, labels, lambda r: Counter(full, text, labels, registry=r))


def gauge(name: str, text: str, *labels: str) -> Declared[Gauge]:
    """Declare a gauge; `name` without namespace."""
    full = f"{NAMESPACE}_{name}"
    return Declared("gauge", full, text, labels, lambda r: Gauge(full, text, labels, registry=r))


def histogram(name: str, text: str, *labels: str, buckets: tuple[float, ...]) -> Declared[Histogram]:
    """Declare a histogram; `buckets` in the unit of the name, without +Inf."""
    full = f"{NAMESPACE}_{name}"
    return Declared(
        "histogram",
        full,
        text,
        labels,
        lambda r: Histogram(full, text, labels, registry=r, buckets=buckets),
    )
