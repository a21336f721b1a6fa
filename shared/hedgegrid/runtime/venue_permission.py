"""Guard the way to real money: which venue a mode may reach, and with whose consent."""

from urllib.parse import urlsplit

from hedgegrid.runtime.config_types import SystemConfig
from hedgegrid.runtime.errors import ConfigError
from hedgegrid.runtime.settings import ServiceSettings

# What the name of a host of Bybit must hold for a mode without real money.
_PLAY_MARK = {"demo": "demo", "testnet": "testnet"}


def require_live_permission(config: SystemConfig, settings: ServiceSettings) -> None:
    """Raise ConfigError if real orders could be sent without HEDGEGRID_ALLOW_LIVE=yes.

    That is so in mode live, and in any other mode whose trading URLs point at Bybit's own hosts.
    """
    if config.mode == "live":
        if settings.allow_live != "yes":
            raise ConfigError(
                'mode = "live" trades real money: set HEDGEGRID_ALLOW_LIVE=yes to permit it, '
                'or mode = "paper" in the config'
            )
        return
    for name in ("bybit_rest_url", "bybit_ws_private_url"):
        host = urlsplit(getattr(settings, name) or "").hostname or ""
        if _is_foreign_host(host, config.mode):
            raise ConfigError(
                f"HEDGEGRID_{name.upper()}: {host} is Bybit itself and no place for mode = "
                f'"{config.mode}"; unset it, or set mode = "live" and HEDGEGRID_ALLOW_LIVE=yes'
            )


def require_venue_urls(config: SystemConfig, settings: ServiceSettings) -> None:
    """Raise ConfigError if mode paper is given no simulated exchange (gateway, executor)."""
    if config.mode != "paper":
        return
    names = ("bybit_rest_url", "bybit_ws_public_url", "bybit_ws_private_url")
    missing = [f"HEDGEGRID_{name.upper()}" for name in names if not getattr(settings, name)]
    if missing:
        raise ConfigError(f'mode = "paper" needs the exchange-sim: set {", ".join(missing)}')


def _is_foreign_host(host: str, mode: str) -> bool:
    """By domain, for Bybit has many: bybit.com, bybit.nl, bytick.com, bybit-tr.com …"""
    domain = host.split(".")[-3:]
    if len(domain) < 2 or not any("bybit" in part or "bytick" in part for part in domain):
        return False
    mark = _PLAY_MARK.get(mode)
    return mark is None or mark not in host
