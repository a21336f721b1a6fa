"""Feeds the trade ledger. Facts have natural keys, so an entry may come any number of times."""

import logging

from hedgegrid.bus.reader import Entry
from hedgegrid.metrics.ledger_store import LedgerStore
from hedgegrid.metrics.streams import AccountStream
from hedgegrid.runtime.metric_names import Metrics

_log = logging.getLogger(__name__)


class LedgerConsumer:
    """One stream of one account on its way into the ledger."""

    def __init__(
        self, account: str, stream: AccountStream, store: LedgerStore, metrics: Metrics, position: str
    ) -> None:
        self.position = position
        """Up to this entry everything is stored."""
        self._account = account
        self._stream = stream
        self._store = store
        self._refused = metrics.ledger_refused.labels(account)

    def keep(self, entries: list[Entry]) -> None:
        """Store a batch durably.

        Raises:
            sqlite3.Error: nothing of it was stored.
        """
        if refused := self._store.store(self._account, self._stream, entries):
            self._refused.inc(refused)
            _log.error(
                "the trade ledger refused entries, see its table `refused`",
                extra={"stream": self._stream.name, "entries": refused},
            )
        self.position = entries[-1].id
