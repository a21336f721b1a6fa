"""Base of every message.

On the wire a message is JSON with its class name under `type` and its schema version under `v`. Readers ignore unknown
fields; a change that an old reader would misread raises the version, and `hedgegrid.bus.codec` refuses versions it does
not know instead of guessing. All times are integer ms UTC (`ts_event` the venue's, `ts_init` ours when received);
`*_ns` stamps are wall-clock nanoseconds for latency only.
"""

import msgspec

SCHEMA_VERSION = 1


class Message(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag=True):
    v: int = SCHEMA_VERSION
