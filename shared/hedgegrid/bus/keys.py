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
    """Hash: version, commit id, state (JSON), schema, config_hash, events_at, control_at (stream ids)."""
    return f"{{{account}}}:bot:{symbol}"


def lease(account: str, name: str) -> str:
    """Hash: owner, epoch, expires_ms; `name` is a symbol or `executor`."""
    return f"{{{account}}}:lease:{name}"


def instrument(account: str, symbol: str) -> str:
    """String: the instrument as JSON."""
    return f"{{{account}}}:instrument:{symbol}"


def executor(account: str) -> str:
    """Hash: checkpoint in the command stream; `sent:<kind>:<client order id>` → what was sent and has no outcome."""
    return f"{{{account}}}:executor"


def kill(account: str) -> str:
    """String: the kill switch's latch as JSON; absent while it is not thrown."""
    return f"{{{account}}}:kill"


def rest_calls(account: str) -> str:
    """Hash: `<phase> <METHOD path>` → calls made."""
    return f"{{{account}}}:rest-calls"


def members(service: str) -> str:
    """Sorted set: live instances of a scaled service by expiry (wall clock ms)."""
    return f"members:{service}"


def heartbeat(service: str, instance: str) -> str:
    return f"heartbeat:{service}:{instance}"


def progress(account: str) -> str:
    """Hash: how far gateway and workers of an account have come (`bus.progress`)."""
    return f"{{{account}}}:progress"


def dead(stream: str) -> str:
    return f"{stream}:dead"
