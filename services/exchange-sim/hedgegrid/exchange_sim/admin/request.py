"""What an admin handler gets, and how it refuses."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Body = dict[str, Any]


class AdminError(Exception):
    """HTTP status and one line."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


@dataclass(frozen=True, slots=True)
class AdminRequest:
    """`rest` is what follows the path, an id to delete."""

    query: Mapping[str, str]
    body: Body
    rest: str = ""
