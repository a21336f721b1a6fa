"""How many bots each worker should hold: shares differ by at most one."""

from collections.abc import Sequence


def fair_share(bots: int, workers: Sequence[str], me: str) -> int:
    """Bots for worker `me` among the live `workers` (sorted); 0 when it is not among them."""
    if me not in workers:
        return 0
    each, left_over = divmod(bots, len(workers))
    return each + (1 if workers.index(me) < left_over else 0)
