"""What the services say of themselves by their heartbeats, and the executor of the venue. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hedgegrid.operator.finding import Finding, fail, ok, unknown, warn
from hedgegrid.runtime.config import SystemConfig, fingerprint

NEEDED = ("ws-gateway", "executor", "strategy", "metrics")
CLOCK_WARN_MS, CLOCK_FAIL_MS = 500, 1500
"""Orders carry our time, corrected by this offset; a clock that far off will also drift."""
DAY_MS = 24 * 3600 * 1000
EXPIRY_WARN_DAYS, EXPIRY_FAIL_DAYS = 21, 3
TRADING = frozenset({"Order", "Position"})
DANGEROUS = {
    "Withdraw": "may withdraw",
    "AccountTransfer": "may move money between accounts",
    "SubMemberTransfer": "may move money between sub-accounts",
}
Beats = Sequence[tuple[str, str, Mapping[str, Any]]]
"""Service, instance, what the heartbeat says."""


def services(beats: Beats, config: SystemConfig) -> Iterator[Finding]:
    """Is everything there, ready, of one version, and of this config?"""
    for name in NEEDED:
        if not any(service == name for service, _, _ in beats):
            yield fail(name, "no process of it is running", f"start it: docker compose up -d {name}")
    for service, instance, said in beats:
        yield from _one(f"{service} {instance}", said, config)
    versions = sorted({str(said["version"]) for _, _, said in beats if "version" in said})
    if len(versions) > 1:
        yield warn("versions", f"services of several releases run: {', '.join(versions)}", "restart the older ones")


def _one(name: str, said: Mapping[str, Any], config: SystemConfig) -> Iterator[Finding]:
    unmet = {key: it.get("reason") or "no" for key, it in said.get("conditions", {}).items() if not it.get("ok")}
    if said.get("ready"):
        yield ok(name, f"ready, release {said.get('version', 'unknown')}")
    else:
        text = "; ".join(f"{key}: {reason}" for key, reason in unmet.items()) or "not ready"
        yield fail(name, text, _advice(text, config))
    if "mode" in said and said["mode"] != config.mode:
        fix = "restart it with this config, or look at the config it runs by (HEDGEGRID_CONFIG)"
        yield fail(name, f"runs in mode {said['mode']}, this config says {config.mode}", fix)
    elif "config" in said and said["config"] != fingerprint(config):
        fix = "restart it to take up the change (hedgegrid config diff shows what changes), or name its own --config"
        yield warn(name, "runs by another config than this file", fix)


def _advice(text: str, config: SystemConfig) -> str:
    if "code 10003" in text or "code 10004" in text:
        return (
            f"the venue does not know the key or its signature: live, demo and testnet have keys of their own, and "
            f"mode is {config.mode}; check both halves of the key"
        )
    if "code 10010" in text:
        return "the key is bound to other IP addresses: add this machine's"
    if "hedge mode" in text:
        return "close the symbol's positions and orders by hand, then restart the executor"
    if "leverage" in text:
        return "choose a leverage within the symbol's bounds (hedgegrid check shows them)"
    if "NOAUTH" in text or "WRONGPASS" in text or "NOPERM" in text:
        return "check the Redis user and HEDGEGRID_REDIS_PASSWORD_FILE"
    return "see its log and docs/runbook.md"


def venue(beats: Beats, config: SystemConfig, now_ms: int) -> Iterator[Finding]:
    """Clock and key of each account, as its executor found them at its start."""
    notes: dict[str, Mapping[str, Any]] = {}
    for service, _, said in beats:
        if service == "executor":
            notes |= said.get("notes", {})
    for account in config.accounts:
        name = f"account {account.id}"
        found = notes.get(f"venue:{account.id}")
        if found is None:
            text = "its executor has told nothing of the venue: not started, standing by, or an older release"
            yield unknown(name, text, "start the executor and ask again")
            continue
        yield _clock(name, int(found.get("clock_offset_ms", 0)))
        if "key" in found:
            yield from key_findings(name, found["key"], now_ms)
        else:
            text = f"the venue did not tell about the key: {found.get('key_problem', 'no answer')}"
            yield unknown(name, text, _advice(text, config))


def _clock(name: str, offset_ms: int) -> Finding:
    text = f"venue's clock minus ours: {offset_ms} ms"
    if abs(offset_ms) < CLOCK_WARN_MS:
        return ok(name, text)
    fix = "keep time by NTP (chrony or systemd-timesyncd)"
    return fail(name, text, fix) if abs(offset_ms) >= CLOCK_FAIL_MS else warn(name, text, fix)


def key_findings(name: str, key: Mapping[str, Any], now_ms: int) -> Iterator[Finding]:
    """Rights and end of a key, as the executor's `venue_notes` has them."""
    rights = {right for group in key["permissions"].values() for right in group}
    traded = set(key["permissions"].get("ContractTrade", ()))
    if key["read_only"]:
        yield fail(name, "the executor's key is read-only: no order will be taken", "make a key with read-write rights")
    elif not traded >= TRADING:
        missing = ", ".join(sorted(TRADING - traded))
        yield fail(name, f"the key lacks Contract rights: {missing}", "give it Contract: Orders and Positions")
    else:
        yield ok(name, "the key may trade contracts")
    for right, words in DANGEROUS.items():
        if right in rights:
            verdict = fail if right == "Withdraw" else warn
            yield verdict(name, f"the key {words}", f"take the right {right} from it: trading never needs it")
    if not key["unified"]:
        yield fail(name, "the account is no unified trading account", "upgrade it at the venue")
    if key["ip_bound"]:
        yield ok(name, "the key works from named IP addresses only, and does not expire")
        return
    fix = "bind the key to this machine's IP address: it is then useless elsewhere, and does not expire"
    yield warn(name, "the key works from any IP address", fix)
    if key["expires_ms"] is not None:
        yield _expiry(name, (int(key["expires_ms"]) - now_ms) / DAY_MS)


def _expiry(name: str, days: float) -> Finding:
    text = f"the key ends in {days:.0f} days" if days > 0 else "the key has ended"
    fix = "make a new key before it ends (two may overlap), or bind it to an IP address"
    if days <= EXPIRY_FAIL_DAYS:
        return fail(name, text, fix)
    return warn(name, text, fix) if days <= EXPIRY_WARN_DAYS else ok(name, text)
