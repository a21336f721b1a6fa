"""Deterministic ids: the same seed and the same input give the same ids."""

from hashlib import blake2b


class IdSource:
    """UUID-shaped ids of one kind, derived from a seed and a counter."""

    def __init__(self, seed: int, kind: str) -> None:
        self._prefix = f"{seed}:{kind}:"
        self._count = 0

    def next_id(self) -> str:
        self._count += 1
        digest = blake2b(f"{self._prefix}{self._count}".encode(), digest_size=16).hexdigest()
        return f"{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:20]}-{digest[20:]}"
