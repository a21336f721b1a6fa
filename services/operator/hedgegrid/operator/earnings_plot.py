"""A picture of the realised result over time."""

from collections.abc import Sequence
from datetime import datetime, tzinfo
from pathlib import Path

from hedgegrid.operator.earnings import Point
from hedgegrid.runtime.drawing import load_pyplot
from hedgegrid.runtime.errors import ConfigError


def draw(points: Sequence[Point], zone: tzinfo, target: Path) -> None:
    """Write a PNG, SVG or PDF, by the name's ending.

    Raises:
        ConfigError: the file cannot be written, its ending names no picture, or matplotlib is not here.
    """
    plt = load_pyplot()
    figure, axes = plt.subplots(figsize=(10, 5), layout="constrained")
    times = [datetime.fromtimestamp(point.ts_ms / 1000, zone) for point in points]
    axes.step(times, [float(point.net) for point in points], where="post", linewidth=1.4)
    axes.axhline(0, color="grey", linewidth=0.8)
    axes.set_ylabel("realised net result, USDT")
    axes.set_xlabel(f"time ({zone})")
    axes.grid(alpha=0.3)
    figure.autofmt_xdate()
    try:
        figure.savefig(target, dpi=120)
    except (OSError, ValueError) as error:
        raise ConfigError(f"--plot {target}: {error}") from error
    finally:
        plt.close(figure)
