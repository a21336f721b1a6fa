"""API keys, from the environment or files (docker secrets). For gateway and executor only."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from hedgegrid.runtime.errors import ConfigError
from hedgegrid.runtime.redaction import MIN_SECRET_CHARS, register_secrets

KEYS_FOLDER = "HEDGEGRID_VENUE_KEYS"
"""Names a folder with the files <id>_api_key and <id>_api_secret of every account."""


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

    Each is taken from its variable, from the file named by the variable + `_FILE`, or from the folder that
    HEDGEGRID_VENUE_KEYS names. Raises ConfigError naming the variables if one is absent, given twice, unreadable or
    malformed.
    """
    key_name, secret_name = credential_names(account_id)
    key = _read(key_name, f"{account_id}_api_key", environ)
    secret = _read(secret_name, f"{account_id}_api_secret", environ)
    missing = [name for name, value in ((key_name, key), (secret_name, secret)) if not value]
    if key is None or secret is None or missing:
        raise ConfigError(
            f"no API credentials for account {account_id!r}: set {' and '.join(missing)}, "
            f"or the same names with _FILE and the path of a file, or {KEYS_FOLDER} and a folder with the files "
            f"{account_id}_api_key and {account_id}_api_secret"
        )
    _refuse_malformed(key_name, key)
    _refuse_malformed(secret_name, secret)
    register_secrets((key, secret))
    return Credentials(api_key=SecretStr(key), api_secret=SecretStr(secret))


def _read(name: str, file_name: str, environ: Mapping[str, str]) -> str | None:
    value, path = environ.get(name, "").strip(), environ.get(f"{name}_FILE", "").strip()
    folder = environ.get(KEYS_FOLDER, "").strip()
    if value and path:
        raise ConfigError(f"both {name} and {name}_FILE are set: keep one")
    if path:
        return _content(Path(path), f"{name}_FILE={path!r}")
    if folder and not value:
        return _content(Path(folder, file_name), f"{KEYS_FOLDER}: {str(Path(folder, file_name))!r}")
    return value or None


def _content(path: Path, named: str) -> str:
    try:
        text = path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ConfigError(f"{named} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError:
        raise ConfigError(f"{named} is not a text file") from None
    if not text:
        raise ConfigError(f"{named} is empty")
    return text


def _refuse_malformed(name: str, value: str) -> None:
    """A stray blank or quote would only show as the venue's "invalid signature"."""
    if value.startswith("-----BEGIN"):  # an RSA key is several lines
        return
    if len(value) < MIN_SECRET_CHARS:
        raise ConfigError(f"{name} is shorter than {MIN_SECRET_CHARS} characters: copy it whole")
    if not value.isascii() or not value.isprintable() or any(c in value for c in " \"'"):
        raise ConfigError(f"{name} holds a blank, a quote or a non-ASCII character: copy it again")
