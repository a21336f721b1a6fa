"""Keep secrets out of every text that leaves the process.

Two nets: the exact values registered when read, and whatever looks like a key or a signature.
"""

import re
from collections.abc import Iterable, Mapping
from urllib.parse import quote, unquote, urlsplit

MASK = "***"
MIN_SECRET_CHARS = 4  # a shorter one would blank ordinary words, and is refused as a credential

_NAME = r"(?:x-bapi-api-key|x-bapi-sign|api[_-]?key|api[_-]?secret|secret|signature|sign|password)"
_QUOTE = r"\\*[\"']?"
_PATTERNS = (
    # name=value, name: value, "name": "value", 'name': b'value', also inside escaped JSON
    (
        re.compile(
            rf"((?<![a-z0-9]){_NAME}{_QUOTE}\s*[:=]\s*b?{_QUOTE})([^\s\"'\\,;&)}}\]]+)",
            re.IGNORECASE,
        ),
        rf"\1{MASK}",
    ),
    # the log-in frame of a private socket carries key and signature without names
    (
        re.compile(
            rf"(\bop{_QUOTE}\s*:\s*{_QUOTE}auth{_QUOTE}.*?\bargs{_QUOTE}\s*:\s*\[)[^\]]*",
            re.IGNORECASE,
        ),
        rf"\1{MASK}",
    ),
    (re.compile(r"\b[0-9a-f]{64}\b", re.IGNORECASE), MASK),  # an HMAC-SHA256 in hex
    (re.compile(r"(\b[a-z][a-z0-9+.-]*://[^\s:/@]*:)[^\s/@]+@", re.IGNORECASE), rf"\1{MASK}@"),
)
_SECRET_KEY = re.compile(rf"(?:^|[^a-z0-9]){_NAME}$", re.IGNORECASE)

# Replaced whole, never changed in place: log calls read it from any thread.
_registered: tuple[str, ...] = ()


def register_secrets(values: Iterable[str]) -> None:
    """Mask these values (and their URL-quoted form, and each line of a PEM key) from now on."""
    global _registered
    found = set(_registered)
    for value in values:
        for part in (value.strip(), *value.split("\n")):
            part = part.strip()
            if len(part) >= MIN_SECRET_CHARS and not part.startswith("-----"):
                found.update((part, quote(part, safe="")))
    # Longest first: one secret may be part of another.
    _registered = tuple(sorted(found, key=len, reverse=True))


def register_url(url: str | None) -> None:
    """Mask the password of a URL such as redis://user:password@host, if it has one."""
    try:
        password = urlsplit(url or "").password
    except ValueError:
        return
    if password:
        register_secrets((password, unquote(password)))


def redact(text: str) -> str:
    """Return `text` with every secret replaced by ***."""
    for secret in _registered:
        text = text.replace(secret, MASK)
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


def redact_value(value: object) -> object:
    """Return a JSON-ready copy of `value` without secrets; what JSON does not know becomes text."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping):
        return {redact(str(name)): redact_field(str(name), item) for name, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [redact_value(item) for item in value]
    return redact(str(value))


def redact_field(name: str, value: object) -> object:
    """Return what may be shown of a named value: nothing if the name is that of a secret."""
    return MASK if _SECRET_KEY.search(name) else redact_value(value)
