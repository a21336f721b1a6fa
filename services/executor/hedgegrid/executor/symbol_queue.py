"""Which of a symbol's commands may run now. Pure.

- One leg's commands run in order and never overlap; the two legs are independent.
- A command whose outcome is unknown does not hold up its leg, only commands about the same order.
- Cancel-all waits for every earlier command to have been sent and holds every later one back.
- A snapshot waits until nothing of the symbol is in flight, unknown outcomes included, and holds everything back
  while it is taken. While it only waits, what reduces exposure may overtake it.
"""

from collections.abc import Iterator, Sequence

from hedgegrid.executor.in_flight import InFlight, Stage

_AT_THE_VENUE = (Stage.RUNNING, Stage.UNKNOWN, Stage.ASKING)
_UNDECIDED = (Stage.UNKNOWN, Stage.ASKING)


def runnable(queue: Sequence[InFlight]) -> Iterator[InFlight]:
    """Entries of one symbol, oldest first, that may start; `not_before_ns` is for the caller to judge."""
    for position, entry in enumerate(queue):
        if entry.stage is not Stage.QUEUED:
            continue
        if entry.is_snapshot:
            if position == 0 and not any(other.stage in _AT_THE_VENUE for other in queue):
                yield entry
        elif not any(_holds_back(earlier, entry) for earlier in queue[:position]):
            yield entry


def _holds_back(earlier: InFlight, entry: InFlight) -> bool:
    if earlier.is_snapshot:
        return earlier.stage is not Stage.QUEUED or not entry.urgent
    if earlier.target.order_id == entry.target.order_id:
        return True
    if earlier.stage in _UNDECIDED:
        return False
    return earlier.target.leg is None or entry.target.leg is None or earlier.target.leg is entry.target.leg
