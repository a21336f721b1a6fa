"""A simulator as a process of its own, real clients pointed at it by URL alone, and what they receive."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import requests
from pybit.exceptions import InvalidRequestError
from pybit.unified_trading import HTTP, WebSocket

Message = dict[str, Any]
DEADLINE_S = 30.0
"""Generous: a loaded machine is no failure."""


def code_of(act: Callable[..., Any], **arguments: Any) -> int:
    """What pybit is refused with; 0 when it is not."""
    try:
        act(**arguments)
    except InvalidRequestError as error:
        return int(error.status_code)
    return 0


def eventually(condition: Callable[[], Any], deadline_s: float = DEADLINE_S) -> Any:
    """The first true value of a condition; fails when there is none in time."""
    end = time.monotonic() + deadline_s
    pause = threading.Event()
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, "the condition did not come true in time"
        pause.wait(0.005)


@dataclass
class Simulator:
    """A running process and what its first line told."""

    process: "subprocess.Popen[str]"
    info: Message

    @property
    def key(self) -> str:
        return str(self.info["accounts"][0]["api_key"])

    @property
    def secret(self) -> str:
        return str(self.info["accounts"][0]["api_secret"])

    def http(self, account: int = 0, **options: Any) -> HTTP:
        given = self.info["accounts"][account]
        session = HTTP(api_key=given["api_key"], api_secret=given["api_secret"], **options)
        session.endpoint = self.info["rest"]
        return session

    def admin(self, path: str, **query: str) -> Message:
        """Body of an admin endpoint."""
        reply = requests.get(f"{self.info['admin']}/admin/{path}", params=query, timeout=DEADLINE_S)
        assert reply.status_code == 200, reply.text
        body: Message = reply.json()
        return body

    def tell(self, path: str, **body: Any) -> Message:
        """POST to an admin endpoint."""
        reply = requests.post(f"{self.info['admin']}/admin/{path}", json=body, timeout=DEADLINE_S)
        assert reply.status_code == 200, reply.text
        answer: Message = reply.json()
        return answer

    def behave(self) -> None:
        """No fault and no event from here on."""
        requests.delete(f"{self.info['admin']}/admin/faults", timeout=DEADLINE_S).raise_for_status()

    def stop(self) -> int:
        """Terminate and return the exit code."""
        self.process.terminate()
        self.process.communicate(timeout=DEADLINE_S)
        return self.process.returncode

    def close(self) -> None:
        """Stop if it runs, and let go of its pipes."""
        if self.process.poll() is None:
            self.stop()
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()


def launch(*arguments: str) -> Simulator:
    command = [sys.executable, "-m", "hedgegrid.exchange_sim", "--ip-rate", "1000000", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stderr is not None
    line = process.stdout.readline()
    if not line:
        _, errors = process.communicate(timeout=DEADLINE_S)
        raise AssertionError(f"exit code {process.returncode}: {errors}")
    return Simulator(process, json.loads(line))


class Inbox:
    """Messages of a pybit socket by topic."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    def put(self, message: Message) -> None:
        self.messages.append(json.loads(json.dumps(message)))

    def rows(self, topic: str) -> list[Message]:
        return [row for message in list(self.messages) if message["topic"] == topic for row in message["data"]]

    def first(self, topic: str, **wanted: Any) -> Message:
        """Waits for a row of a topic with these values."""
        row: Message = eventually(
            lambda: next((r for r in self.rows(topic) if all(r[k] == v for k, v in wanted.items())), None)
        )
        return row


def listen(simulator: Simulator, socket: WebSocket, inbox: Inbox) -> None:
    """Subscribe a private pybit socket to everything a bot needs, and wait until the exchange has taken it."""
    for subscribe in (socket.order_stream, socket.execution_stream, socket.position_stream, socket.wallet_stream):
        subscribe(inbox.put)
    account = simulator.info["accounts"][0]["id"]
    eventually(lambda: len(simulator.admin("status")["private_topics"][account]) == 4)
