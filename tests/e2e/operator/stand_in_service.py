"""A process that looks to the supervisor like a service: beats while it lives; the first worker books one fill."""

import json
import os
import signal
import sys
import time
from types import FrameType

from hedgegrid.bus import keys
from hedgegrid.bus.connection import connect
from hedgegrid.bus.publisher import publish
from hedgegrid.operator.services import heartbeat_service, instance_of
from tests.unit.operator.books import ENTRY, ack, fill


def stop(number: int, frame: FrameType | None) -> None:
    sys.exit(0)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, stop)
    name, url = sys.argv[1], os.environ["HEDGEGRID_REDIS_URL"]
    client = connect(url, name)
    if name == "strategy-1" and not client.exists(keys.ledger("main")):
        publish(client, [(keys.events("main"), ack(ENTRY)), (keys.ledger("main"), fill("t1", ENTRY, "0", "0.25"))])
    beat = json.dumps({"pid": os.getpid(), "ready": True, "http_port": 1, "conditions": {}})
    while True:
        client.set(keys.heartbeat(heartbeat_service(name), instance_of(name)), beat, px=5000)
        time.sleep(0.2)
