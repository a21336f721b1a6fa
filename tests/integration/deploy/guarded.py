"""A Redis server with the ACL file of the deployment, passwords made by its own script."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis

from hedgegrid.bus.connection import connect
from hedgegrid.operator.redis_server import RedisBinary, RedisServer, in_checkout

TEMPLATE = in_checkout(Path("deploy/redis/users.acl"))
ADMIN = "admin"
"""Of the tests only: no deployment has one."""


class Guarded:
    """A server with the ACL file, and clients by user."""

    def __init__(self, server: RedisServer, folder: Path) -> None:
        self._server = server
        self._folder = folder

    def url(self, user: str) -> str:
        password = (self._folder / user / "password").read_text()
        return self._server.url.replace("redis://", f"redis://{user}:{password}@")

    def kill_and_restart(self) -> None:
        """As after a power cut; the port stays."""
        self._server.kill()
        self._server.start()

    def client(self, user: str) -> redis.Redis:
        return connect(self.url(user), "test")


class AclServer(RedisServer):
    """A server that lets nobody in without a user: whether it is up is asked as `health`."""

    def _wait_until_ready(self, port: int) -> None:
        deadline = time.monotonic() + 15
        while self._process is not None and self._process.poll() is None:
            with redis.Redis(port=port, username="health", password="any") as client:
                try:
                    client.ping()
                    return
                except redis.ConnectionError:
                    assert time.monotonic() < deadline
        raise AssertionError(self.log_path.read_text())


@contextmanager
def guarded_server(folder: Path, binary: RedisBinary) -> Iterator[Guarded]:
    """Run one; its files are in the folder."""
    script = in_checkout(Path("deploy/redis/credentials.py"))
    subprocess.run([sys.executable, str(script), str(TEMPLATE), str(folder)], check=True)
    users = folder / "acl" / "users.acl"
    users.write_text(users.read_text() + f"user {ADMIN} on >{ADMIN} ~* &* +@all\n")
    (folder / ADMIN).mkdir()
    (folder / ADMIN / "password").write_text(ADMIN)
    with AclServer(folder / "data", binary=binary, settings={"aclfile": str(users)}) as server:
        yield Guarded(server, folder)
