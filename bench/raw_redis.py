"""The cheapest Redis client there is in Python: a socket and hiredis's parser, nothing checked, nothing retried."""

import socket
from urllib.parse import urlsplit

import hiredis


class RawRedis:
    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._socket = socket.create_connection((parts.hostname or "127.0.0.1", parts.port or 6379))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._reader = hiredis.Reader()

    def send(self, *commands: bytes) -> None:
        self._socket.sendall(b"".join(commands))

    def receive(self) -> object:
        """The next answer; raise hiredis.ReplyError if it is an error."""
        while (answer := self._reader.gets()) is False:
            self._reader.feed(self._socket.recv(65536))
        if isinstance(answer, hiredis.ReplyError):
            raise answer
        return answer

    def pipeline(self, commands: list[bytes]) -> None:
        """Send all at once and wait for every answer."""
        self.send(*commands)
        for _ in commands:
            self.receive()

    def close(self) -> None:
        self._socket.close()


def packed(*words: bytes) -> bytes:
    """A command on the wire."""
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)
