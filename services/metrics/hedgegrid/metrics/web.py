"""What the metrics service answers on its port beside /metrics and health: the live page and what feeds it."""

import threading

from hedgegrid.metrics import live, page_files, state_page, web_control
from hedgegrid.metrics.live import Live
from hedgegrid.metrics.state_page import StatePage
from hedgegrid.metrics.web_control import WebControl
from hedgegrid.runtime.http_routes import Route


def routes_of(page: StatePage, stopping: threading.Event, control: WebControl | None) -> dict[tuple[str, str], Route]:
    """Return the routes by method and path; without `control` nothing can be changed."""
    control_routes: dict[tuple[str, str], Route] = {("POST", web_control.PATH): control.answer} if control else {}
    return {
        **control_routes,
        **page_files.routes(),
        ("GET", state_page.PATH): page.answer,
        ("GET", "/api/history"): page.history,
        ("GET", live.PATH): Live(page.state, stopping).answer,
    }
