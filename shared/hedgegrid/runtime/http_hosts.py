"""Which names a service may be asked by: a web page elsewhere must not read it through the operator's own browser.

Such a page lets its name resolve to 127.0.0.1 (DNS rebinding); the browser then sends that name as `Host`. An address,
`localhost` and a name without a dot (a container's) cannot be such a page's.
"""

import ipaddress
from collections.abc import Collection
from urllib.parse import urlsplit


def may_ask(host: str | None, named: Collection[str]) -> bool:
    """True for a `Host` header that no foreign page can cause; `named` are further names that are the operator's."""
    if host is None:  # no browser leaves it out
        return True
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    return ("." not in name.rstrip(".") and ":" not in name) or _is_address(name) or name in named


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
