"""The registry of names keeps Prometheus' rules."""

from itertools import pairwise

import pytest
from prometheus_client import CollectorRegistry

from hedgegrid.runtime.metric_names import LOOP_BUCKETS_S, REST_BUCKETS_S, Metrics

DECLARED = Metrics.declared()


def test_names_are_unique_and_exposed_as_declared() -> None:
    names = [item.name for item in DECLARED.values()]
    assert len(names) == len(set(names))
    registry = CollectorRegistry()
    metrics = Metrics(registry)
    for attribute, item in DECLARED.items():
        metric = getattr(metrics, attribute)
        child = metric.labels(*("x" for _ in item.labels))
        assert child is metric.labels(*("x" for _ in item.labels))
    exposed = {sample.name for family in registry.collect() for sample in family.samples}
    for item in DECLARED.values():
        assert (f"{item.name}_count" if item.kind == "histogram" else item.name) in exposed


@pytest.mark.parametrize("attribute", DECLARED)
def test_a_declaration(attribute: str) -> None:
    item = DECLARED[attribute]
    assert item.name.startswith("hedgegrid_")
    assert item.name.endswith("_total") == (item.kind == "counter")
    assert item.help
    assert "\n" not in item.help
    assert item.labels, "an unlabelled metric would show a false 0 in every service"
    for bad in ("_ms", "_percent", "_pct"):
        assert not item.name.endswith(bad)
    if item.kind == "histogram":
        assert item.name.endswith("_seconds")


def test_loop_buckets_tell_p99_at_5_ms() -> None:
    assert (LOOP_BUCKETS_S[0], LOOP_BUCKETS_S[-1]) == (0.0001, 1.0)
    assert 0.005 in LOOP_BUCKETS_S
    for buckets in (LOOP_BUCKETS_S, REST_BUCKETS_S):
        assert all(low < high for low, high in pairwise(buckets))


def test_reading_a_metric_is_a_plain_attribute() -> None:
    metrics = Metrics()
    assert vars(metrics)["steps"] is metrics.steps
    with pytest.raises(AttributeError):
        metrics.no_such_metric  # type: ignore[attr-defined]  # noqa: B018
