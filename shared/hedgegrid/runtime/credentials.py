"""API keys, from the environment or files (docker secrets). For gateway and executor only."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from hedgegrid.runtime.errors import ConfigError
from hedgegrid.runtime.redaction import MIN_SECRET_CHARS, register_secrets


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """Key and secret of one account; both print as asterisks."""

    api_key: SecretStr
    api_secret: SecretStr


def credential_names(account_id: str) -> tuple[str, str]:
    """Return the variables of an account: HEDGEGRID_<ID>_API_KEY and HEDGEGRID_<ID>_API_SECRET."""
    stem = f"HEDGEGRID_{account_id.upper().replace('-', '_')}"
    return f"{stem}_API_KEY", f"{stem}_API_SECRET"


def credentials(account_id: str, environ: Mapping[str, str] = os.environ) -> Credentials:
    """Read an account's key and secret, and have both masked in all logs.

    Each is taken from its variable or from the file named by the variable + `_FILE`. Raises
    ConfigError naming the variables if one is absent, given twice, unreadable or malformed.
    """
    key_name, secret_name = credential_names(account_id)
    key, secret = _read(key_name, environ), _read(secret_name, environ)
    missing = [name for name, value in ((key_name, key), (secret_name, secret)) if not value]
    if key is None or secret is None or missing:
        raise ConfigError(
            f"no API credentials for account {account_id!r}: set {' and '.join(missing)}, "
            "or the same names with _FILE and the path of a file"
        )
    _refuse_malformed(key_name, key)
    _refuse_malformed(secret_name, secret)
    register_secrets((key, secret))
    return Credentials(api_key=SecretStr(key), api_secret=SecretStr(secret))


def _read(name: str, environ: Mapping[str, str]) -> str | None:
    value, path = environ.get(name, "").strip(), environ.get(f"{name}_FILE", "").strip()
    if value and path:
        raise ConfigError(f"both {name} and {name}_FILE are set: keep one")
    if not path:
        return value or None
    try:
        text = Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ConfigError(f"{name}_FILE={path!r} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError:
        raise ConfigError(f"{name}_FILE={path!r} is not a text file") from None
    if not text:
        raise ConfigError(f"{name}_FILE={path!r} is empty")
    return text


def _refuse_malformed(name: str, value: str) -> None:
    """A stray blank or quote would only show as the venue's "invalid signature"."""
    if value.startswith("-----BEGIN"):  # an RSA key is several lines
        return
    if len(value) < MIN_SECRET_CHARS:
        raise ConfigError(f"{name} is shorter than {MIN_SECRET_CHARS} characters: copy it whole")
    if not value.isascii() or not value.isprintable() or any(c in value for c in " \"'"):
        raise ConfigError(f"{name} holds a blank, a quote or a non-ASCII character: copy it again")
