"""What needs a person now, from the state document alone; the same for the live page and `hedgegrid status`."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

BAD, WARN = "bad", "warn"
STALE_WALLET_MS = 60_000
STALE_PRICE_MS = 10_000
"""Both as their alerts have them."""


def needs(document: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return `{weight, account, symbol, text}` each, the bad ones first; "" for what concerns everything."""
    found = [
        {"weight": weight, "account": account, "symbol": symbol, "text": text}
        for weight, account, symbol, text in _all(document)
    ]
    return sorted(found, key=lambda one: one["weight"] != BAD)


Need = tuple[str, str, str, str]


def _all(document: Mapping[str, Any]) -> Iterator[Need]:
    if document["feeds"]["public"] is False:
        yield BAD, "", "", "the public feed is down: no prices arrive"
    for service in document["services"]:
        if not service["ready"] and not service["replaced"]:
            yield WARN, "", "", f"{service['service']} ({service['instance']}) is not ready"
    for name in document["services_missing"]:
        yield BAD, "", "", f"no {name} is running"
    for stream, letters in document["streams"]["length"].items():
        if letters and stream.endswith(":dead"):
            yield BAD, "", "", f"{letters} unreadable {'entry' if letters == 1 else 'entries'} set aside in {stream}"
    for account in document["accounts"]:
        yield from _account(document, account)
    for bot in document["bots"]:
        for weight, text in _bot(document, bot):
            yield weight, bot["account"], bot["symbol"], text


def _account(document: Mapping[str, Any], account: Mapping[str, Any]) -> Iterator[Need]:
    name, wallet = account["account"], account["wallet"]
    if account["kill"] is not None:
        yield (
            BAD,
            name,
            "",
            f"kill switch at {account['kill']}: {account['kill_reason']}; clear it by hedgegrid halt --clear",
        )
    if account["feeds"].get("private") is False:
        yield BAD, name, "", "the private feed is down: bots wait until it is back and reconciled"
    received = wallet["received_ms"]
    if received is not None and document["ts_ms"] - received > STALE_WALLET_MS and account["holds"]:
        yield WARN, name, "", "the wallet figures are old: nothing was heard of the account's margin"
    if account["stage"] is not None and account["stage"] != "NORMAL":
        weight = WARN if account["stage"] == "WARN" else BAD
        yield weight, name, "", f"account guard at {account['stage']}: {account['stage_cause']}"


def _bot(document: Mapping[str, Any], bot: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if not bot["readable"]:
        yield BAD, "its stored state cannot be read by this version of metrics"
    if bot["state"] in ("HALTED", "FLATTEN"):
        yield BAD, f"{bot['state']}: {bot['why'] or 'no reason was given'}"
    elif bot["state"] not in (None, "ACTIVE"):
        yield WARN, f"{bot['state']}: {bot['why'] or 'no reason was given'}"
    if bot["reconciled"] is False:
        yield WARN, "not reconciled: it waits for the venue's snapshot and plans nothing"
    if bot["reconciled"] is None and bot["readable"]:
        yield WARN, "not started: no worker has taken it yet"
    if bot["mismatches"]:
        yield BAD, f"{bot['mismatches']} snapshots in a row disagree with its books"
    if bot["received_ms"] is not None and document["ts_ms"] - bot["received_ms"] > STALE_PRICE_MS:
        yield WARN, "its price is old: the bot decides nothing that needs one"
    for word, leg in bot["legs"].items():
        if leg["mismatch"] is not None and Decimal(leg["mismatch"]) != 0:
            yield BAD, f"{word}: ledger and venue differ by {leg['mismatch']} USDT"
        if leg["denied"]:
            yield WARN, f"{word}: {leg['denied']}"
