"""Asks a running Prometheus every question of the boards:  python deploy/grafana/ask.py http://127.0.0.1:9090

An unknown metric is an empty answer, not an error; so emptiness is what is looked for. Exit code 1 names what got none.
"""

import json
import re
import sys
import urllib.parse
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from boards import BOARDS


def answers(url: str, expression: str) -> int:
    """How many series an expression gives."""
    filled = re.sub(r"\$\w+", ".*", expression.replace("$__rate_interval", "1m"))
    query = urllib.parse.urlencode({"query": filled})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"{url}/api/v1/query?{query}", timeout=10) as answer:
        return len(json.load(answer)["data"]["result"])


def main(url: str) -> int:
    """Ask, and print what is empty."""
    asked = empty = 0
    for board in BOARDS:
        for panel in (panel for row in board.rows for panel in row):
            for query in panel.queries:
                asked += 1
                if answers(url, query.expr) == 0 and not panel.may_be_empty:
                    empty += 1
                    print(f"{board.title} / {panel.title}: nothing for {query.expr}")
    print(f"{asked} questions, {empty} without an answer")
    return 1 if empty else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
