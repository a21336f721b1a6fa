"""Who may trade: accounts with their keys and opening balances, from a file or generated."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path

import msgspec

from hedgegrid.exchange_sim.errors import StartError

DEFAULT_BALANCE = Decimal(10000)
FIRST_UID = 100000001
"""UIDs count up from here, the masked id of the documentation's examples."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """`balance` is the opening wallet balance in USDT; `uid` the number inside message ids."""

    id: str
    api_key: str
    api_secret: str
    balance: Decimal
    uid: int


class _Row(msgspec.Struct, forbid_unknown_fields=True):
    id: str
    api_key: str
    api_secret: str
    balance: Decimal = DEFAULT_BALANCE


class _File(msgspec.Struct, forbid_unknown_fields=True):
    accounts: list[_Row]


def read_accounts(path: Path) -> list[Account]:
    """Accounts of a JSON file `{"accounts":[{"id","api_key","api_secret","balance"}]}`.

    Raises:
        StartError: unreadable, not of that shape, or an id or key appears twice.
    """
    try:
        rows = msgspec.json.decode(path.read_bytes(), type=_File, strict=False).accounts
        for row in rows:
            require_balance(f"--accounts {path}: account {row.id}", row.balance)
    except OSError as error:
        raise StartError(f"--accounts {path}: {error.strerror}") from error
    except msgspec.MsgspecError as error:
        raise StartError(f"--accounts {path}: {error}") from error
    accounts = [
        Account(id=row.id, api_key=row.api_key, api_secret=row.api_secret, balance=row.balance, uid=FIRST_UID + i)
        for i, row in enumerate(rows)
    ]
    _require_distinct(f"--accounts {path}", accounts)
    return accounts


def generate_accounts(specs: Iterable[str], seed: int) -> list[Account]:
    """Accounts of `ID[:BALANCE]` arguments; keys are a function of seed and id, so that they survive a restart.

    Raises:
        StartError: a balance is no positive number, or an id appears twice.
    """
    accounts = []
    for i, spec in enumerate(specs):
        name, _, amount = spec.partition(":")
        if not name:
            raise StartError(f"--account {spec}: the id is empty")
        accounts.append(
            Account(
                id=name,
                api_key=_derive(seed, name, "key")[:18],
                api_secret=_derive(seed, name, "secret")[:36],
                balance=_balance(spec, amount) if amount else DEFAULT_BALANCE,
                uid=FIRST_UID + i,
            )
        )
    _require_distinct("--account", accounts)
    return accounts


def _balance(spec: str, text: str) -> Decimal:
    try:
        amount = Decimal(text)
    except InvalidOperation as error:
        raise StartError(f"--account {spec}: {text!r} is not a number") from error
    require_balance(f"--account {spec}", amount)
    return amount


def require_balance(where: str, amount: Decimal) -> None:
    """Raises StartError unless the amount is above zero."""
    if not amount.is_finite() or amount <= 0:
        raise StartError(f"{where}: the balance must be above 0")


def _derive(seed: int, name: str, what: str) -> str:
    return hashlib.sha256(f"hedgegrid-exchange-sim:{seed}:{name}:{what}".encode()).hexdigest()


def _require_distinct(source: str, accounts: list[Account]) -> None:
    if not accounts:
        raise StartError(f"{source}: no account given")
    for field in ("id", "api_key"):
        seen = [getattr(account, field) for account in accounts]
        doubled = {value for value in seen if seen.count(value) > 1}
        if doubled:
            raise StartError(f"{source}: {field} {sorted(doubled)[0]!r} appears twice")
