"""A process that looks to the supervisor like the exchange-sim: its line, its admin endpoints, books from a file."""

import json
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

BOOKS = json.loads(Path(sys.argv[1]).read_text())
STATUS = {"started": False, "tape_ended": False, "venue_ms": 1, "steps": 1}


class Admin(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        what = urlsplit(self.path).path.removeprefix("/admin/")
        self.answer(STATUS if what == "status" else {"list": BOOKS[what]})

    def do_POST(self) -> None:
        if BOOKS.get("dies"):
            os._exit(3)
        started = self.path == "/admin/start"
        STATUS["started"] = started
        STATUS["tape_ended"] = started and bool(BOOKS.get("tape_ends"))
        self.answer({})

    def answer(self, body: object) -> None:
        data = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        pass


if __name__ == "__main__":
    if "refuses" in BOOKS:
        sys.stderr.write(BOOKS["refuses"] + "\n")
        sys.exit(2)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Admin)
    url = f"http://127.0.0.1:{server.server_address[1]}"
    account = {"id": "main", "api_key": "a-key", "api_secret": "a-secret"}
    ws = url.replace("http", "ws", 1)
    line = json.dumps({"rest": url, "ws_public": ws, "ws_private": ws, "admin": url, "accounts": [account]})
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
    server.serve_forever()
