"""Every stream and key name of the system. Braces are the Redis Cluster hash tag: an account's keys share one slot."""


def market(symbol: str) -> str:
    """Stream of ticks of a symbol, shared by all accounts."""
    return f"market:{{{symbol}}}"


def events(account: str) -> str:
    return f"{{{account}}}:events"


def commands(account: str) -> str:
    return f"{{{account}}}:commands"


def ledger(account: str) -> str:
    return f"{{{account}}}:ledger"


def control(account: str) -> str:
    return f"{{{account}}}:control"


def bot(account: str, symbol: str) -> str:
    """Hash: state, version, epoch, ckpt:<stream> …, schema, config hash."""
    return f"{{{account}}}:bot:{symbol}"


def lease(account: str, name: str) -> str:
    """Hash: owner, epoch, expires_ms; `name` is a symbol or `executor`."""
    return f"{{{account}}}:lease:{name}"


def instrument(account: str, symbol: str) -> str:
    """String: the instrument as JSON."""
    return f"{{{account}}}:instrument:{symbol}"


def executor(account: str) -> str:
    """Hash: checkpoint of the executor in the command stream."""
    return f"{{{account}}}:executor"


def in_flight(account: str) -> str:
    """Hash: client order id (with command kind) → command that was sent and has no outcome yet."""
    return f"{{{account}}}:in-flight"


def rest_calls(account: str) -> str:
    """Hash: `<phase> <METHOD path>` → calls made."""
    return f"{{{account}}}:rest-calls"


def heartbeat(service: str, instance: str) -> str:
    return f"heartbeat:{service}:{instance}"


def progress(symbol: str) -> str:
    """Hash on the market server: how far each reader of a symbol's ticks has come (see `bus.progress`)."""
    return f"progress:{{{symbol}}}"


def dead(stream: str) -> str:
    return f"{stream}:dead"
