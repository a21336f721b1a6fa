"""Messages as entries of an account's streams, for tests of the ledger."""

from hedgegrid.bus import codec
from hedgegrid.bus.reader import Entry
from hedgegrid.messages.base import Message
from hedgegrid.metrics.streams import AccountStream, open_account

STREAMS: dict[str, AccountStream] = {stream.kind: stream for stream in open_account("acct").streams}


def entry(kind: str, number: int, message: Message) -> Entry:
    """An entry whose id says when it was written."""
    return Entry(STREAMS[kind].name, f"{number}-0", codec.fields(message))
