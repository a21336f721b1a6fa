"""What the metrics service answers on its port beside /metrics and health: the live page and what feeds it."""

import threading

from hedgegrid.metrics import live, page_files, state_page
from hedgegrid.metrics.live import Live
from hedgegrid.metrics.state_page import StatePage
from hedgegrid.runtime.http_routes import Route


def routes_of(page: StatePage, stopping: threading.Event) -> dict[tuple[str, str], Route]:
    """Return the routes by method and path."""
    return {
        **page_files.routes(),
        ("GET", state_page.PATH): page.answer,
        ("GET", "/api/history"): page.history,
        ("GET", live.PATH): Live(page.state, stopping).answer,
    }
