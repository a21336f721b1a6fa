"""Reading of request parameters: a missing or mistyped one is refused with 10001."""

import re
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypeVar

from hedgegrid.exchange_sim.errors import ApiError, params_error

Params = dict[str, Any]
E = TypeVar("E", bound=StrEnum)
CATEGORIES = frozenset({"linear", "inverse", "spot", "option"})
_INTEGER = re.compile(r"-?[0-9]{1,15}\Z")
_AMOUNT = re.compile(r"[+-]?[0-9]{1,18}(\.[0-9]{1,18})?\Z")


def text(params: Params, name: str) -> str:
    """A string parameter; "" when absent or null (docs examples send null for "not given").

    Raises:
        ApiError: it is there but no string.
    """
    value = params.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise params_error(f"{name} must be a string")
    return value


def required(params: Params, name: str) -> str:
    value = text(params, name)
    if not value:
        raise params_error(f"{name} is required")
    return value


def amount(params: Params, name: str) -> Decimal | None:
    """A plain decimal number in a string, without exponent; None when absent or empty."""
    value = text(params, name)
    if not value:
        return None
    if not _AMOUNT.match(value):
        raise params_error(f"{name} invalid")
    return Decimal(value)


def price(params: Params, name: str) -> Decimal | None:
    """An amount of which "0" means none, as clients send it."""
    return amount(params, name) or None


def integer(params: Params, name: str, default: int) -> int:
    """An integer, also as digits in a string (query strings have nothing else)."""
    value = params.get(name)
    if value is None or value == "":
        return default
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise params_error(f"{name} must be an integer")
    if not _INTEGER.match(str(value)):
        raise params_error(f"{name} must be an integer")
    return int(value)


def flag(params: Params, name: str) -> bool:
    value = params.get(name, False)
    if value is None:
        return False
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    if not isinstance(value, bool):
        raise params_error(f"{name} must be a boolean")
    return value


def choice(params: Params, name: str, kind: type[E], default: E | None = None) -> E:
    """One of an enumeration's values, spelled exactly."""
    value = text(params, name)
    if not value and default is not None:
        return default
    try:
        return kind(value)
    except ValueError:
        raise params_error(f"{name} invalid") from None


def optional(params: Params, name: str, kind: type[E]) -> E | None:
    """As `choice`; None when absent."""
    return choice(params, name, kind) if text(params, name) else None


def page_limit(params: Params, default: int, most: int) -> int:
    limit = integer(params, "limit", default)
    if not 1 <= limit <= most:
        raise params_error(f"limit must be 1..{most}")
    return limit


def category(params: Params) -> str:
    """The required category, spelled as Bybit has it; only `linear` holds anything here."""
    value = required(params, "category")
    if value not in CATEGORIES:
        raise ApiError(10001, "Illegal category")
    return value


def linear(params: Params) -> None:
    """This venue trades category `linear` only."""
    if required(params, "category") != "linear":
        raise ApiError(10001, "Illegal category")
