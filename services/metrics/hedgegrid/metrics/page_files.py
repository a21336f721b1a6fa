"""The live page's own files, served from the package: no request leaves the machine."""

from collections.abc import Callable
from pathlib import Path

from hedgegrid.runtime.http_routes import Request, Response, Route

_FOLDER = Path(__file__).parent / "page"
_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",
}


def routes() -> dict[tuple[str, str], Route]:
    """One route per file, and `/` for the page itself."""
    files = {f"/{file.name}": file for file in sorted(_FOLDER.iterdir()) if file.suffix in _TYPES}
    files["/"] = files.pop("/index.html")
    return {("GET", path): _serve(file) for path, file in files.items()}


def _serve(file: Path) -> Callable[[Request], Response]:
    response = Response(content_type=f"{_TYPES[file.suffix]}; charset=utf-8", body=file.read_bytes(), headers=HEADERS)
    return lambda request: response
