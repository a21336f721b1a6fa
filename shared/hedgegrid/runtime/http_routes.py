"""What a service answers on its HTTP port beside metrics and health."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

MOST_BODY_BYTES = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """`headers` by name in lower case; `query` is what follows the `?`; `body` is at most `MOST_BODY_BYTES` long."""

    headers: Mapping[str, str]
    query: str = ""
    body: bytes = b""


class Stream(Protocol):
    """Pieces of a body that never ends by itself; closed when the client is gone."""

    def __iter__(self) -> Iterator[bytes]: ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """`stream` is sent instead of `body`, piece by piece."""

    content_type: str
    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    stream: Stream | None = None


Route = Callable[[Request], Response]
"""Answers one method and path; called in a server thread."""
